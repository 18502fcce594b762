use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT};

use super::{Assemble, ClientBuilder, sealed};
use crate::exchange::{self, RetryBudget};
use crate::{AuthToken, BaseUrl, CallOptions, Error, ErrorKind, Operation, Request};

/// Everything about a client except its transport: base URL, token, defaults, and the retry budget that
/// its clones share.
///
/// It is for those who drive an [`Exchange`](crate::Exchange) themselves. Cloning is cheap.
///
/// ```
/// use otp_core::{AuthToken, BaseUrl, ClientConfig};
///
/// let config = ClientConfig::builder(AuthToken::new("k3y")?)
///     .base_url(BaseUrl::new("http://127.0.0.1:8080/metal/v1")?)
///     .build()?;
/// # let _ = config;
/// # Ok::<(), otp_core::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientConfig {
    shared: Arc<Shared>,
    token: AuthToken,
}

pub(super) struct Shared {
    pub(super) base_url: BaseUrl,
    pub(super) headers: HeaderMap,
    pub(super) defaults: CallOptions,
    pub(super) response_limit: usize,
    pub(super) budget: RetryBudget,
    pub(super) announced: AtomicBool,
}

impl Default for Shared {
    fn default() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(ClientConfig::DEFAULT_USER_AGENT));
        Self {
            base_url: BaseUrl::default(),
            headers,
            defaults: CallOptions::default(),
            response_limit: ClientConfig::DEFAULT_RESPONSE_LIMIT,
            budget: RetryBudget::default(),
            announced: AtomicBool::new(false),
        }
    }
}

impl ClientConfig {
    /// The default limit of a response's body: 64 KiB.
    pub const DEFAULT_RESPONSE_LIMIT: usize = 64 * 1024;

    /// The default `User-Agent`.
    pub const DEFAULT_USER_AGENT: &'static str = concat!("otp-core/", env!("CARGO_PKG_VERSION"));

    /// The public service with default settings.
    pub fn new(token: AuthToken) -> Self {
        Self::from_parts(Shared::default(), token)
    }

    /// Starts a configuration with settings of its own.
    pub fn builder(token: AuthToken) -> ClientBuilder<ClientConfig> {
        ClientBuilder::new((), token)
    }

    /// The same for another user or session. They share the retry budget.
    #[must_use]
    pub fn with_token(&self, token: AuthToken) -> Self {
        Self { shared: Arc::clone(&self.shared), token }
    }

    /// The request that the first attempt of a call would send, without making the call: for a double
    /// that compares requests, or a test of an [`Operation`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the operation writes a request that cannot be sent.
    pub fn request<O: Operation>(&self, operation: &O) -> Result<Request, Error> {
        let (request, secrets) =
            exchange::write(self, operation, self.defaults()).map_err(|reason| {
                let error = Error::builder(ErrorKind::InvalidInput).endpoint(O::ENDPOINT);
                error.reason(reason).build()
            })?;
        Ok(Request::new(O::ENDPOINT, request)
            .with_secrets(secrets)
            .with_time_limit(self.defaults().attempt_timeout().min(self.defaults().timeout()))
            .with_response_limit(self.response_limit()))
    }

    /// Where the API lives.
    pub fn base_url(&self) -> &BaseUrl {
        &self.shared.base_url
    }

    /// How calls are made unless they say otherwise.
    pub fn defaults(&self) -> &CallOptions {
        &self.shared.defaults
    }

    /// How many bytes of body a response may have.
    pub fn response_limit(&self) -> usize {
        self.shared.response_limit
    }

    pub(super) fn from_parts(shared: Shared, token: AuthToken) -> Self {
        Self { shared: Arc::new(shared), token }
    }

    pub(crate) fn token(&self) -> &AuthToken {
        &self.token
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.shared.headers
    }

    /// Whether this client has already warned that the service is going away.
    pub(crate) fn announced(&self) -> &AtomicBool {
        &self.shared.announced
    }

    pub(crate) fn budget(&self) -> &RetryBudget {
        &self.shared.budget
    }
}

impl sealed::Sealed for ClientConfig {}

impl Assemble for ClientConfig {
    type Transport = ();
    fn assemble((): (), config: ClientConfig) -> Self {
        config
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("base_url", self.base_url())
            .field("token", &self.token)
            .field("defaults", self.defaults())
            .field("response_limit", &self.response_limit())
            .finish_non_exhaustive()
    }
}
