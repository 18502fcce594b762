use std::time::Duration;

use crate::AuthToken;

/// What a client asks a token provider for.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    rejected: Option<AuthToken>,
    time_limit: Duration,
}

impl TokenRequest {
    pub(crate) fn new(rejected: Option<AuthToken>, time_limit: Duration) -> Self {
        Self { rejected, time_limit }
    }

    /// The last token that the server answered with `401`, unless the provider has given one since.
    ///
    /// A provider with a cache drops this token from it. If it returns the same token again, the call that got the
    /// `401` ends with it.
    pub fn rejected(&self) -> Option<&AuthToken> {
        self.rejected.as_ref()
    }

    /// What is left of the call's time. An async client drops the provider's future then. A blocking one cannot:
    /// there, the provider keeps the limit itself.
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }
}
