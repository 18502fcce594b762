use std::fmt;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue, USER_AGENT};

use super::config::Shared;
use crate::operation::WriteError;
use crate::{BaseUrl, CallOptions, Error, Request, RetryPolicy};

/// 16 MiB.
const MAX_RESPONSE_LIMIT: usize = 16 * 1024 * 1024;

/// Builds a client, or the [`ClientConfig`](crate::ClientConfig) alone.
///
/// ```
/// use std::time::Duration;
/// use otp_core::http::HeaderValue;
/// use otp_core::{AuthToken, BaseUrl, Error, OtpsClient, RetryPolicy, Transport};
///
/// fn client(transport: impl Transport + 'static) -> Result<OtpsClient, Error> {
///     OtpsClient::builder(transport, AuthToken::new("your-api-key")?)
///         .base_url(BaseUrl::new("https://metal.example.com/metal/v1")?)
///         .user_agent(HeaderValue::from_static("my-sdk/1.2"))
///         .timeout(Duration::from_secs(5))
///         .retry(RetryPolicy::never())
///         .build()
/// }
/// ```
#[must_use = "`build` makes the client"]
pub struct ClientBuilder<C> {
    /// With default settings.
    client: C,
    shared: Shared,
}

impl<C> ClientBuilder<C> {
    pub(crate) fn new(client: C) -> Self {
        Self { client, shared: Shared::default() }
    }

    fn options(mut self, change: impl FnOnce(CallOptions) -> CallOptions) -> Self {
        self.shared.defaults = change(self.shared.defaults);
        self
    }

    /// Where the API lives. The default is the [public](BaseUrl::public) service.
    pub fn base_url(mut self, base_url: BaseUrl) -> Self {
        self.shared.base_url = base_url;
        self
    }

    /// Who is asking: your SDK's name and version. The default is
    /// [`otp-core`'s](crate::ClientConfig::DEFAULT_USER_AGENT).
    pub fn user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.shared.headers.insert(USER_AGENT, user_agent);
        self
    }

    /// Limits each call, all attempts and all waits included: 1 ms to 1 h, by default 30 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.options(|options| options.with_timeout(timeout))
    }

    /// Limits each attempt: 1 ms to 1 h, by default 10 s.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.options(|options| options.with_attempt_timeout(timeout))
    }

    /// How often and how patiently to try. By default three attempts.
    pub fn retry(self, retry: RetryPolicy) -> Self {
        self.options(|options| options.with_retry(retry))
    }

    /// Sets a header of every call.
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.options(|options| options.with_header(name, value))
    }

    /// Keeps the headers of this name of every response, for [`Metadata::header`](crate::Metadata::header) and
    /// [`Error::header`].
    pub fn keep_header(self, name: HeaderName) -> Self {
        self.options(|options| options.with_kept_header(name))
    }

    /// Changes the request of each attempt before it is sent: headers that are computed, such as a trace context or a
    /// signature. Edits are made in the order in which they were added here, after everything else was written. An
    /// error ends the call as one of [`Operation::write`](crate::Operation::write) does: nothing is sent.
    ///
    /// A header value that is [marked sensitive](HeaderValue::set_sensitive) becomes a secret of the request: its echoes
    /// are removed from errors, and recorders replace it.
    ///
    /// ```
    /// use otp_core::http::HeaderValue;
    /// use otp_core::{AuthToken, Error, OtpsClient, Transport};
    ///
    /// fn client(transport: impl Transport + 'static) -> Result<OtpsClient, Error> {
    ///     OtpsClient::builder(transport, AuthToken::new("your-api-key")?)
    ///         .edit_requests(|request| {
    ///             request.headers_mut().insert("traceparent", trace());
    ///             Ok(())
    ///         })
    ///         .build()
    /// }
    /// # fn trace() -> HeaderValue { HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") }
    /// ```
    pub fn edit_requests<F>(mut self, edit: F) -> Self
    where
        F: Fn(&mut Request) -> Result<(), WriteError> + Send + Sync + 'static,
    {
        self.shared.edits.push(Box::new(edit));
        self
    }

    /// Limits the body of a response, in bytes: 1 to 16 MiB, by default 64 KiB.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.shared.response_limit = bytes;
        self
    }

    /// Whether the clients that [`with_token`](crate::OtpsClient::with_token) makes share this one's
    /// [retry budget](RetryPolicy#the-retry-budget). By default each has its own, so that one failing tenant does
    /// not use up the retries of another.
    pub fn share_retry_budget(mut self, share: bool) -> Self {
        self.shared.shared_budget = share;
        self
    }

    /// The client with default settings, and the settings, checked.
    pub(crate) fn finish(self) -> Result<(C, Shared), Error> {
        self.shared.defaults.validate()?;
        if !(1..=MAX_RESPONSE_LIMIT).contains(&self.shared.response_limit) {
            return Err(Error::invalid_input(format!(
                "invalid response limit: {} bytes; it is 1 byte to 16 MiB",
                self.shared.response_limit
            )));
        }
        Ok((self.client, self.shared))
    }
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.shared.base_url)
            .field("defaults", &self.shared.defaults)
            .field("response_limit", &self.shared.response_limit)
            .finish_non_exhaustive()
    }
}
