use otp_core::Error;
use serde::Deserialize;

/// Why a call of this SDK failed. What `otp-core` says of it is kept: its [`effect`](Error::effect) first of all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetalError {
    /// The user has as many API keys as a user may have.
    #[error("a user may have {limit} API keys: delete one first")]
    TooManyKeys {
        /// How many a user may have.
        limit: u32,
        /// The refusal.
        #[source]
        error: Error,
    },
    /// Anything else.
    #[error(transparent)]
    Other(Error),
}

impl MetalError {
    /// What `otp-core` says of it.
    pub fn error(&self) -> &Error {
        let (Self::TooManyKeys { error, .. } | Self::Other(error)) = self;
        error
    }
}

/// What a refusal says besides its message. The OpenAPI document has no such field: it stands for those of your API.
#[derive(Deserialize)]
struct Details {
    max_api_keys: u32,
}

impl From<Error> for MetalError {
    fn from(error: Error) -> Self {
        match error.details() {
            Some(Details { max_api_keys: limit }) => Self::TooManyKeys { limit, error },
            None => Self::Other(error),
        }
    }
}
