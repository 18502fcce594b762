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

    /// The token that the server answered with `401`; none for the first token.
    ///
    /// A provider with a cache of its own drops this one from it. To return it again ends the call with that `401`.
    pub fn rejected(&self) -> Option<&AuthToken> {
        self.rejected.as_ref()
    }

    /// What is left of the call's time. An async client drops the provider's future then. A blocking one cannot:
    /// there, the provider keeps the limit itself.
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }
}
