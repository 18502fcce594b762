use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::headers::X_AUTH_TOKEN;
use crate::scrub::Secrets;
use crate::{CallOptions, Endpoint, Scrubber};

/// One request of one attempt, and the limits that a [`Transport`](crate::Transport) keeps.
///
/// Its `Debug` shows the operation, its path template and the limits, never the URL, a header's value
/// or the body. [`into_http`](Self::into_http) gives the raw request.
pub struct Request {
    http: http::Request<Bytes>,
    endpoint: &'static Endpoint,
    time_limit: Duration,
    response_limit: usize,
    secrets: Secrets,
}

impl Request {
    /// A request of this endpoint with the default limits, for a test of a transport.
    pub fn new(endpoint: &'static Endpoint, http: http::Request<Bytes>) -> Self {
        Self {
            http,
            endpoint,
            time_limit: CallOptions::DEFAULT_ATTEMPT_TIMEOUT,
            response_limit: crate::ClientConfig::DEFAULT_RESPONSE_LIMIT,
            secrets: Secrets::default(),
        }
    }

    /// The same, with another [`time_limit`](Self::time_limit).
    #[must_use]
    pub fn with_time_limit(self, time_limit: Duration) -> Self {
        Self { time_limit, ..self }
    }

    /// The same, with another [`response_limit`](Self::response_limit).
    #[must_use]
    pub fn with_response_limit(self, response_limit: usize) -> Self {
        Self { response_limit, ..self }
    }

    pub(crate) fn with_secrets(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    pub(crate) fn take_secrets(&mut self) -> Secrets {
        std::mem::take(&mut self.secrets)
    }

    /// The secrets besides the token that the client gave it.
    pub(crate) fn added_secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Which operation this is, for telemetry: its name, its path template, its method.
    pub fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// The time left for this attempt, from now until the body is read.
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// How many bytes of body the response may have.
    pub fn response_limit(&self) -> usize {
        self.response_limit
    }

    /// The secrets of this request: what its operation marked as secret, in the path, the query, a header or the body,
    /// and every header that is marked sensitive. A token in `X-Auth-Token` is not among them.
    ///
    /// A recorder around a transport needs them, since the server may repeat one. To remove all of them from a text,
    /// the token included, use [`scrubber`](Self::scrubber).
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let headers = self.http.headers().iter();
        let sensitive =
            headers.filter(|(name, value)| value.is_sensitive() && *name != X_AUTH_TOKEN);
        let values = sensitive.filter_map(|(_, value)| value.to_str().ok());
        let added = values.filter(|value| !self.secrets.iter().any(|known| known == *value));
        self.secrets.iter().chain(added)
    }

    /// Removes this request's secrets, the token included, from a text.
    ///
    /// It knows those of the moment: a layer that adds one takes it after that.
    pub fn scrubber(&self) -> Scrubber<'static> {
        let mut secrets = self.secrets.clone();
        let headers = self.http.headers().iter();
        headers
            .filter(|(_, value)| value.is_sensitive())
            .for_each(|(_, value)| secrets.add_header(value));
        Scrubber::owning(secrets)
    }

    /// The headers, for a layer that adds some. A value that is
    /// [marked sensitive](http::HeaderValue::set_sensitive) is known to [`scrubber`](Self::scrubber) from then on.
    ///
    /// A transport around another one can do so, as below, but the client does not see what it adds. Add secrets by
    /// [`ClientBuilder::edit_requests`](crate::ClientBuilder::edit_requests), so that their echoes are removed from the
    /// client's errors.
    ///
    /// ```
    /// use otp_core::http::HeaderValue;
    /// use otp_core::{Request, Transport};
    /// # use otp_core::{Response, TransportError, async_trait};
    /// # use std::time::Duration;
    ///
    /// struct WithTrace<T>(T);
    ///
    /// #[async_trait]
    /// impl<T: Transport> Transport for WithTrace<T> {
    ///     async fn send(&self, mut request: Request) -> Result<Response, TransportError> {
    ///         request.headers_mut().insert("traceparent", trace());
    ///         self.0.send(request).await
    ///     }
    ///     # async fn sleep(&self, duration: Duration) {
    ///     #     self.0.sleep(duration).await;
    ///     # }
    ///     # fn now(&self) -> Duration {
    ///     #     self.0.now()
    ///     # }
    /// }
    /// # fn trace() -> HeaderValue { HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") }
    /// ```
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.http.headers_mut()
    }

    /// The same request with its raw part changed, for a layer that works on [`http::Request`]. Its endpoint, its
    /// limits and its secrets stay.
    #[must_use]
    pub fn map_http(
        self,
        change: impl FnOnce(http::Request<Bytes>) -> http::Request<Bytes>,
    ) -> Self {
        Self { http: change(self.http), ..self }
    }

    /// The raw request, for reading. It holds the token, and its path may hold an OTP.
    pub fn as_http(&self) -> &http::Request<Bytes> {
        &self.http
    }

    /// The raw request, for sending. It holds the token, and its path may hold an OTP.
    pub fn into_http(self) -> http::Request<Bytes> {
        self.http
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.endpoint.name())
            .field("method", self.http.method())
            .field("path_template", &self.endpoint.path_template())
            .field(
                "headers",
                &self.http.headers().keys().map(http::HeaderName::as_str).collect::<Vec<_>>(),
            )
            .field("body_len", &self.http.body().len())
            .field("time_limit", &self.time_limit)
            .field("response_limit", &self.response_limit)
            .finish()
    }
}
