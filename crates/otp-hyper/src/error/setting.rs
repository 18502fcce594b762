//! A setting that cannot be used.

use otp_core::{Error, ErrorKind};

pub(crate) fn invalid_input(reason: impl Into<String>) -> Error {
    Error::builder(ErrorKind::InvalidInput).reason(reason.into()).build()
}
