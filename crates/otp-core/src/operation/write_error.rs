use std::borrow::Cow;
use std::fmt;

use crate::Error;

/// Why an [operation](crate::Operation) cannot write its request. Nothing is sent, and the call ends with
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for this reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteError(Cow<'static, str>);

impl WriteError {
    /// For this reason, which says what is allowed. It must hold no secret.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn into_reason(self) -> Cow<'static, str> {
        self.0
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WriteError {}

/// The refusal of a value.
impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}
