use std::fmt;

/// Why a certificate was not made: a value that no certificate can hold, or a system without random numbers. Or why
/// there is no [`Provider`](crate::Provider).
#[derive(Debug)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(format!("the certificate could not be made: {reason}"))
    }

    pub(crate) fn no_provider() -> Self {
        Self(
            "TLS needs a crypto provider, and this program's rustls was built without one; turn on the feature \
             'aws-lc-rs' or 'ring' of rustls, otp-hyper, otp-emulator or otp-conformance"
                .to_owned(),
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
