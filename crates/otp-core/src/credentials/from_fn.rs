use async_trait::async_trait;

use super::{ProviderError, TokenProvider, TokenRequest};
use crate::{AuthToken, blocking, local};

/// A function as a provider, in every flavour.
pub(crate) struct FromFn<F>(pub(crate) F);

#[async_trait]
impl<F> TokenProvider for FromFn<F>
where
    F: Fn(&TokenRequest) -> Result<AuthToken, ProviderError> + Send + Sync,
{
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        (self.0)(request)
    }
}

#[async_trait(?Send)]
impl<F> local::TokenProvider for FromFn<F>
where
    F: Fn(&TokenRequest) -> Result<AuthToken, ProviderError>,
{
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        (self.0)(request)
    }
}

impl<F> blocking::TokenProvider for FromFn<F>
where
    F: Fn(&TokenRequest) -> Result<AuthToken, ProviderError> + Send + Sync,
{
    fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        (self.0)(request)
    }
}
