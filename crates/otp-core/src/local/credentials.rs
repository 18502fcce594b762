use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;

use super::FromSend;
use crate::AuthToken;
use crate::credentials::{FromFn, ProviderError, Source, TokenRequest, forward_provider};

/// Gives a client its tokens: [`TokenProvider`](crate::credentials::TokenProvider) without `Send` and `Sync`.
///
/// See there for when it is asked, and for what its errors mean. A provider that is `Send` becomes one in
/// [`FromSend`](super::FromSend).
#[async_trait(?Send)]
pub trait TokenProvider {
    /// A token that is not the [rejected](TokenRequest::rejected) one.
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError>;
}

forward_provider!(
    [async LocalBoxFuture]:
    [*] ['a, T: TokenProvider + ?Sized] &'a T,
    [*] [T: TokenProvider + ?Sized] Box<T>,
    [*] [T: TokenProvider + ?Sized] Rc<T>,
    [*] [T: TokenProvider + ?Sized] Arc<T>,
    [.0] [T: crate::credentials::TokenProvider] FromSend<T>,
);

/// What a client authenticates with: a fixed token, or a provider.
///
/// An [`AuthToken`] becomes one by itself.
pub struct Credentials(pub(crate) Source<Rc<dyn TokenProvider>>);

impl Credentials {
    /// Tokens from this provider.
    pub fn provider(provider: impl TokenProvider + 'static) -> Self {
        Self(Source::Provider(Rc::new(provider)))
    }

    /// Tokens from this function: see [`Credentials::from_fn`](crate::Credentials::from_fn).
    pub fn from_fn<F>(token: F) -> Self
    where
        F: Fn(&TokenRequest) -> Result<AuthToken, ProviderError> + 'static,
    {
        Self::provider(FromFn(token))
    }
}
