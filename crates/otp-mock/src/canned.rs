//! Values and errors to answer with, so that no test needs a constructor that is not there.
//!
//! ```
//! use std::time::Duration;
//! use otp_core::operation::{ReceiveCodes, RegenerateCodes};
//! use otp_core::{Effect, ErrorKind};
//! use otp_mock::canned;
//!
//! let codes = canned::recovery_codes(["abcde-fghij", "klmno-pqrst"]);
//! assert_eq!(codes.len(), 2);
//!
//! let error = canned::error::<ReceiveCodes>(ErrorKind::RateLimited)
//!     .retry_after(Duration::from_secs(30))
//!     .build();
//! assert_eq!(error.status().unwrap(), 429);
//! assert_eq!(error.effect(), Effect::NotApplied);
//!
//! let lost = canned::lost_reply::<RegenerateCodes>();
//! assert_eq!(lost.effect(), Effect::Applied);
//! ```

use otp_core::http::StatusCode;
use otp_core::{
    AuthToken, Effect, Error, ErrorBuilder, ErrorKind, Operation, RecoveryCode, RecoveryCodeList,
    Verified,
};

/// Verified, without a session token.
pub fn verified() -> Verified {
    Verified::new()
}

/// Verified, with this session token.
pub fn verified_with_session(token: AuthToken) -> Verified {
    Verified::new().with_session_token(token)
}

/// These recovery codes.
pub fn recovery_codes<S: Into<String>>(codes: impl IntoIterator<Item = S>) -> RecoveryCodeList {
    RecoveryCodeList::new(codes.into_iter().map(RecoveryCode::new))
}

/// An error of this operation and kind, as the client reports it after one attempt: with the effect,
/// the status and a message such as the service has them. Change what your test is about, then
/// `build`.
pub fn error<O: Operation>(kind: ErrorKind) -> ErrorBuilder {
    let error = Error::builder(kind).endpoint(O::ENDPOINT).messages(message::<O>(kind));
    match kind {
        ErrorKind::InvalidInput => error.reason("an option of the call is out of its bounds"),
        ErrorKind::Credentials => error.reason("the token provider failed"),
        ErrorKind::Unimplemented => error,
        // An answer came that cannot be read. For some operations its status says enough.
        ErrorKind::Decode if O::ENDPOINT.is_acknowledged_by(StatusCode::OK) => {
            error.status(StatusCode::OK).effect(Effect::Applied).one_attempt()
        }
        ErrorKind::Decode => error.status(StatusCode::OK).one_attempt(),
        ErrorKind::UnexpectedStatus => error.status(StatusCode::FOUND).one_attempt(),
        ErrorKind::Rejected => error.status(StatusCode::CONFLICT).one_attempt(),
        _ => error.one_attempt(),
    }
}

/// The connection was lost before any answer: whether the server acted is [`Effect::Unknown`].
pub fn unknown<O: Operation>() -> Error {
    error::<O>(ErrorKind::ConnectionLost).build()
}

/// The server acted, and its answer was lost on the way: [`Effect::Applied`].
pub fn lost_reply<O: Operation>() -> Error {
    let status = [StatusCode::OK, StatusCode::NO_CONTENT]
        .into_iter()
        .find(|status| O::ENDPOINT.is_acknowledged_by(*status));
    error::<O>(ErrorKind::ConnectionLost).effect(Effect::Applied).status(status).build()
}

fn message<O: Operation>(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::BadRequest if O::ENDPOINT.path_template().contains("{otp}") => {
            Some("OTP is invalid")
        }
        ErrorKind::BadRequest => Some("The request is not valid"),
        ErrorKind::Unauthorized => Some("Invalid authentication token"),
        ErrorKind::Forbidden => Some("You are not authorized to do this"),
        ErrorKind::NotFound => Some("Not found"),
        ErrorKind::Unprocessable => Some("Two-factor authentication is not enabled"),
        ErrorKind::RateLimited => Some("Too many requests"),
        ErrorKind::Rejected => Some("Another change is under way"),
        ErrorKind::Server => Some("Internal server error"),
        _ => None,
    }
}
