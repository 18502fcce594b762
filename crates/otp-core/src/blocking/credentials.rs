use std::sync::Arc;

use crate::AuthToken;
use crate::credentials::{FromFn, ProviderError, Source, TokenRequest, forward_provider};

/// Gives a client its tokens: [`TokenProvider`](crate::credentials::TokenProvider) without async.
///
/// See there for when it is asked, and for what its errors mean. Nothing can interrupt it, so it must return within
/// the request's [time limit](TokenRequest::time_limit). A call that waits for another thread's request to it gives
/// up at its own limit.
pub trait TokenProvider: Send + Sync {
    /// A token that is not the [rejected](TokenRequest::rejected) one.
    fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError>;
}

forward_provider!(
    [blocking]:
    [*] ['a, T: TokenProvider + ?Sized] &'a T,
    [*] [T: TokenProvider + ?Sized] Box<T>,
    [*] [T: TokenProvider + ?Sized] Arc<T>,
);

/// What a client authenticates with: a fixed token, or a provider.
///
/// An [`AuthToken`] becomes one by itself.
pub struct Credentials(pub(crate) Source<Arc<dyn TokenProvider>>);

impl Credentials {
    /// Tokens from this provider.
    pub fn provider(provider: impl TokenProvider + 'static) -> Self {
        Self(Source::Provider(Arc::new(provider)))
    }

    /// Tokens from this function: see [`Credentials::from_fn`](crate::Credentials::from_fn).
    pub fn from_fn<F>(token: F) -> Self
    where
        F: Fn(&TokenRequest) -> Result<AuthToken, ProviderError> + Send + Sync + 'static,
    {
        Self::provider(FromFn(token))
    }
}
