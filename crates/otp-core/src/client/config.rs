use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT};

use super::ClientBuilder;
use crate::credentials::TokenCache;
use crate::exchange::{self, RetryBudget};
use crate::operation::WriteError;
use crate::{AuthToken, BaseUrl, CallOptions, Endpoint, Error, ErrorKind, Operation, Request};

/// Everything about a client except its transport and its token provider: base URL, token, defaults, and the
/// retry budget that its clones share.
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
    tenant: Arc<Tenant>,
}

/// Whom a client acts for.
struct Tenant {
    token: TokenSource,
    budget: Arc<RetryBudget>,
}

/// Where the token of a call comes from.
#[derive(Debug)]
pub(crate) enum TokenSource {
    Fixed(AuthToken),
    Provided(TokenCache),
}

/// Changes the request of each attempt.
pub(super) type Edit = Box<dyn Fn(&mut Request) -> Result<(), WriteError> + Send + Sync>;

pub(crate) struct Shared {
    pub(super) base_url: BaseUrl,
    pub(super) headers: HeaderMap,
    pub(super) defaults: CallOptions,
    pub(super) response_limit: usize,
    pub(super) shared_budget: bool,
    pub(super) edits: Vec<Edit>,
    pub(super) announced: AtomicBool,
}

impl Default for Shared {
    fn default() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(Endpoint::JSON));
        headers.insert(USER_AGENT, HeaderValue::from_static(ClientConfig::DEFAULT_USER_AGENT));
        Self {
            base_url: BaseUrl::default(),
            headers,
            defaults: CallOptions::default(),
            response_limit: ClientConfig::DEFAULT_RESPONSE_LIMIT,
            shared_budget: false,
            edits: Vec::new(),
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
    ///
    /// Without a token, each [`Exchange`](crate::Exchange) asks its driver for one by
    /// [`Step::Authenticate`](crate::Step::Authenticate), unless it has one from an earlier call.
    pub fn new(token: impl Into<Option<AuthToken>>) -> Self {
        let token = match token.into() {
            Some(token) => TokenSource::Fixed(token),
            None => TokenSource::Provided(TokenCache::default()),
        };
        Self { shared: Arc::default(), tenant: Arc::new(Tenant { token, budget: Arc::default() }) }
    }

    /// Starts a configuration with settings of its own. Without a token, see [`new`](Self::new).
    pub fn builder(token: impl Into<Option<AuthToken>>) -> ClientBuilder<ClientConfig> {
        ClientBuilder::new(Self::new(token))
    }

    /// The same for another user or session, with a retry budget of its own unless
    /// [`share_retry_budget`](ClientBuilder::share_retry_budget) was set.
    #[must_use]
    pub fn with_token(&self, token: AuthToken) -> Self {
        let budget = if self.shared.shared_budget {
            Arc::clone(&self.tenant.budget)
        } else {
            Arc::default()
        };
        let tenant = Tenant { token: TokenSource::Fixed(token), budget };
        Self { shared: Arc::clone(&self.shared), tenant: Arc::new(tenant) }
    }

    /// The request that the first attempt of a call would send, without making the call: for a double
    /// that compares requests, or a test of an [`Operation`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the operation writes a request that cannot be sent.
    pub fn request<O: Operation>(&self, operation: &O) -> Result<Request, Error> {
        let options = self.options_for::<O>();
        let token = match self.token() {
            TokenSource::Fixed(token) => Some(token.clone()),
            TokenSource::Provided(cache) => cache.current().0,
        };
        let request = exchange::write(self, token.as_ref(), O::ENDPOINT, &options, &|draft| {
            operation.write(draft)
        })
        .map_err(|reason| {
            let error = Error::builder(ErrorKind::InvalidInput).endpoint(O::ENDPOINT);
            error.reason(reason).build()
        })?;
        Ok(request.with_time_limit(options.attempt_timeout().min(options.timeout())))
    }

    /// Where the API lives.
    pub fn base_url(&self) -> &BaseUrl {
        &self.shared.base_url
    }

    /// How calls are made unless they say otherwise.
    pub fn defaults(&self) -> &CallOptions {
        &self.shared.defaults
    }

    /// How calls of this operation are made: the defaults, with the time limits of its
    /// [endpoint](crate::Endpoint::timeout).
    pub fn options_for<O: Operation>(&self) -> CallOptions {
        self.defaults().clone().with_timeouts_of(O::ENDPOINT)
    }

    /// How many bytes of body a response may have.
    pub fn response_limit(&self) -> usize {
        self.shared.response_limit
    }

    pub(crate) fn set_shared(&mut self, shared: Shared) {
        self.shared = Arc::new(shared);
    }

    pub(crate) fn token(&self) -> &TokenSource {
        &self.tenant.token
    }

    pub(crate) fn edits(&self) -> &[Edit] {
        &self.shared.edits
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.shared.headers
    }

    /// Whether this client has already warned that the service is going away.
    pub(crate) fn announced(&self) -> &AtomicBool {
        &self.shared.announced
    }

    pub(crate) fn budget(&self) -> &RetryBudget {
        &self.tenant.budget
    }
}

impl ClientBuilder<ClientConfig> {
    /// The configuration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if a timeout, the retry policy, a header or the response limit is out of its
    /// bounds.
    pub fn build(self) -> Result<ClientConfig, Error> {
        let (mut config, shared) = self.finish()?;
        config.set_shared(shared);
        Ok(config)
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("base_url", self.base_url())
            .field("token", self.token())
            .field("defaults", self.defaults())
            .field("response_limit", &self.response_limit())
            .finish_non_exhaustive()
    }
}
