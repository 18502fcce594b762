use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use http_body_util::Full;
use hyper_util::client::legacy::Client;
use otp_core::bytes::Bytes;
use otp_core::http::header::{CONTENT_LENGTH, HeaderValue};
use otp_core::http::{self, Method};
use otp_core::{
    Error, Request, Response, Transport, TransportError, TransportErrorKind, async_trait,
};
use tokio::time::{Instant, timeout_at};

use crate::connect::Connector;
use crate::{HyperTransportBuilder, body, error};

/// Sends requests by hyper, over rustls, on tokio.
///
/// Cloning is cheap; clones share the pool of connections. A future of [`send`](Transport::send) must
/// run on a tokio runtime with time and I/O enabled.
///
/// Its clock is tokio's, so `tokio::time::pause` turns the waits and deadlines of a client too.
///
/// # Cancellation
///
/// Dropping the future of `send` closes an HTTP/1.1 connection on which the request was under way, and
/// resets the stream on an HTTP/2 one. The next request is not affected.
#[derive(Clone)]
pub struct HyperTransport {
    client: Client<Connector, Full<Bytes>>,
}

impl HyperTransport {
    /// A transport with default settings.
    ///
    /// # Errors
    ///
    /// As [`HyperTransportBuilder::build`].
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Starts a transport with settings of its own.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::default()
    }

    pub(crate) fn from_client(client: Client<Connector, Full<Bytes>>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // One deadline for all phases, so that no phase starts the clock anew.
        let deadline = Instant::now() + request.time_limit();
        let limit = request.response_limit();
        let timed_out = || TransportError::unknown(TransportErrorKind::Timeout);

        let sending = self.client.request(framed(request.into_http()).map(Full::new));
        let response = timeout_at(deadline, sending)
            .await
            .map_err(|_| timed_out().with_reason("no response head arrived"))?
            .map_err(error::of_request)?;

        let (head, incoming) = response.into_parts();
        match timeout_at(deadline, body::collect(incoming, limit)).await {
            Ok(Ok(body)) => Ok(Response::from_parts(head, body)),
            Ok(Err(error)) => Err(error.with_head(head)),
            Err(_) => {
                Err(timed_out().with_reason("the body did not arrive in full").with_head(head))
            }
        }
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Duration {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        Instant::now().saturating_duration_since(*ORIGIN.get_or_init(Instant::now))
    }
}

/// Says that an empty `POST` is empty, which hyper leaves out over HTTP/1.1 and some servers insist on
/// (RFC 9110 §8.6, §15.5.12).
fn framed(mut request: http::Request<Bytes>) -> http::Request<Bytes> {
    let may_have_body = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    if may_have_body && request.body().is_empty() {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    request
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}
