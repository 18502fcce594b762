//! Where the token of a call comes from: a fixed one, or a provider that can give a fresh one.

mod cache;
mod from_fn;
mod request;

pub(crate) use cache::{Round, TokenCache};
pub(crate) use from_fn::FromFn;
pub use request::TokenRequest;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::AuthToken;

/// What a token provider fails with: any error. Its texts must hold no secret.
pub type ProviderError = Box<dyn std::error::Error + Send + Sync>;

/// Gives a client its tokens: reads a file, asks a vault, runs an OAuth grant.
///
/// The client asks it for the first token, and again after a `401`. It caches what it gets, so a provider need
/// not. Hand it over as [`Credentials::provider`].
///
/// ```
/// use otp_core::credentials::{ProviderError, TokenProvider, TokenRequest};
/// use otp_core::secrecy::{ExposeSecret, SecretString};
/// use otp_core::{AuthToken, Credentials, Error, OtpsClient, Transport, async_trait};
///
/// struct MountedSecret;
///
/// #[async_trait]
/// impl TokenProvider for MountedSecret {
///     async fn token(&self, _: &TokenRequest) -> Result<AuthToken, ProviderError> {
///         // A `String` would stay in memory.
///         let text = SecretString::from(std::fs::read_to_string("/run/secrets/metal-token")?);
///         Ok(AuthToken::new(text.expose_secret().trim())?)
///     }
/// }
///
/// fn client(transport: impl Transport + 'static) -> Result<OtpsClient, Error> {
///     OtpsClient::builder(transport, Credentials::provider(MountedSecret)).build()
/// }
/// ```
///
/// # Refresh
///
/// A `401` says that the request was not processed, so the client may send any operation again, a verification
/// included. It does so at most once a call, with a token that is not the rejected one:
///
/// - Concurrent calls share one request to the provider, and its failure.
/// - Only the rejected token is dropped. A `401` that arrives late does not drop a newer token.
/// - A call with a [token of its own](crate::Call::token), and a client made by
///   [`with_token`](crate::OtpsClient::with_token), never ask the provider.
///
/// # Errors
///
/// The call fails with [`ErrorKind::Credentials`](crate::ErrorKind::Credentials), and the provider's error is its
/// [source](std::error::Error::source). Nothing was sent with that token.
///
/// # Cancellation
///
/// The future is dropped when its call ends or is dropped first. A call that waited for the same token then asks
/// again.
#[async_trait]
pub trait TokenProvider: Send + Sync {
    /// A token that is not the [rejected](TokenRequest::rejected) one.
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError>;
}

/// Implements the flavour's `TokenProvider` for what points to one, or wraps one.
macro_rules! forward_provider {
    ($flavour:tt: $($via:tt [$($generics:tt)*] $Type:ty),* $(,)?) => {$(
        impl<$($generics)*> TokenProvider for $Type {
            $crate::__forward_method! {
                $flavour $via
                [token [, request: &TokenRequest] Result<AuthToken, ProviderError>]
            }
        }
    )*};
}
pub(crate) use forward_provider;

forward_provider!(
    [async BoxFuture]:
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

    /// Tokens from this function, which is a provider that need not wait: it reads a file, or what another task keeps
    /// up to date.
    ///
    /// ```
    /// use otp_core::secrecy::{ExposeSecret, SecretString};
    /// use otp_core::{AuthToken, Credentials, Error, OtpsClient, Transport};
    ///
    /// fn client(transport: impl Transport + 'static) -> Result<OtpsClient, Error> {
    ///     let mounted = Credentials::from_fn(|_| {
    ///         let text = SecretString::from(std::fs::read_to_string("/run/secrets/metal-token")?);
    ///         Ok(AuthToken::new(text.expose_secret().trim())?)
    ///     });
    ///     OtpsClient::builder(transport, mounted).build()
    /// }
    /// ```
    pub fn from_fn<F>(token: F) -> Self
    where
        F: Fn(&TokenRequest) -> Result<AuthToken, ProviderError> + Send + Sync + 'static,
    {
        Self::provider(FromFn(token))
    }
}

/// The same for every flavour, which has its own pointer to a provider.
#[derive(Clone)]
pub(crate) enum Source<P> {
    Fixed(AuthToken),
    Provider(P),
}

impl<P> fmt::Debug for Source<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed(_) => "Fixed([redacted])",
            Self::Provider(_) => "Provider(..)",
        })
    }
}

macro_rules! behave_as_credentials {
    ($($credentials:ty),*) => {$(
        impl From<$crate::AuthToken> for $credentials {
            fn from(token: $crate::AuthToken) -> Self {
                Self($crate::credentials::Source::Fixed(token))
            }
        }

        impl std::fmt::Debug for $credentials {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple("Credentials").field(&self.0).finish()
            }
        }
    )*};
}

behave_as_credentials!(Credentials, crate::local::Credentials, crate::blocking::Credentials);
