use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::operation::Secrets;
use crate::{CallOptions, Endpoint};

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

    /// What the operation says is secret of what it wrote, wherever it stands: in the path, in a header or
    /// in the body. The token is not among it, nor a sensitive header of the call's or the client's own.
    ///
    /// A transport does without. It is for what stands around one and writes down what passes: the server
    /// may repeat a secret, and a [`Scrubber`](crate::Scrubber) finds it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter()
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
