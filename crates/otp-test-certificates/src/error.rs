use std::fmt;

/// Why a certificate was not made: a value that no certificate can hold, or a system without random numbers.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate could not be made: {}", self.0)
    }
}

impl std::error::Error for Error {}

impl From<der::Error> for Error {
    fn from(error: der::Error) -> Self {
        Self::new(error)
    }
}

impl From<ring::error::Unspecified> for Error {
    fn from(_: ring::error::Unspecified) -> Self {
        Self::new("the system gave no random numbers")
    }
}
