use std::time::Duration;

use http::StatusCode;

use super::{Effect, ErrorKind};

/// One failed attempt of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Why it failed.
    pub cause: ErrorKind,
    /// Whether the server acted on this attempt.
    pub effect: Effect,
    /// The status, if a response head arrived.
    pub status: Option<StatusCode>,
    /// When it started, counted from the start of the call.
    pub started: Duration,
    /// How long it took.
    pub duration: Duration,
}

impl Attempt {
    /// An attempt that started with the call and took no time, for a double.
    pub fn new(cause: ErrorKind) -> Self {
        Self {
            cause,
            effect: cause.usual_effect(),
            status: None,
            started: Duration::ZERO,
            duration: Duration::ZERO,
        }
    }
}
