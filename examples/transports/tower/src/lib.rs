//! The OTP client over any [`tower::Service`], so that layers can be put around the requests.
//!
//! # What it is
//!
//! Three things to copy. [`TowerTransport`] makes a [`Transport`] of a service that takes an HTTP request and
//! gives an HTTP response; [`client`] makes such a service of hyper and rustls; [`layered`] puts layers
//! between the two.
//!
//! # What it is not
//!
//! A judge of layers. Whoever adds one sees to it that it keeps what a transport promises: no retries, no
//! redirects, no decompression; and none that logs URLs, of which an OTP is part, as
//! [`TraceLayer`](https://docs.rs/tower-http/0.6/tower_http/trace/struct.TraceLayer.html) does by itself.
//!
//! # Errors of another service
//!
//! How far a request got is read from hyper's errors. A service with others adds them to `failed`, in this
//! file; until then, what it fails with is unknown, which is always true.

mod client;
mod layers;

pub use client::client;
pub use layers::layered;

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy;
use otp_core::bytes::Bytes;
use otp_core::http::{self, Method, header};
use otp_core::{
    Progress, Request, Response, Transport, TransportError, TransportErrorKind as Kind, async_trait,
};
use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt};

/// Any error, as tower's layers have them.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// No attempt takes longer, whatever its limit.
const LONGEST: Duration = Duration::from_secs(3600);

/// Sends requests by a service. It needs a tokio runtime with time enabled, and what the service needs.
///
/// A request is handed to a clone of the service when that is ready, so clones must share what they limit,
/// as tower's do.
#[derive(Clone, Debug)]
pub struct TowerTransport<S> {
    service: S,
    /// What `now` counts from, by the clock that `sleep` follows.
    started: Instant,
}

impl<S> TowerTransport<S> {
    /// A transport over this service.
    pub fn new(service: S) -> Self {
        Self { service, started: Instant::now() }
    }
}

#[async_trait]
impl<S, B> Transport for TowerTransport<S>
where
    S: Service<http::Request<Full<Bytes>>, Response = http::Response<B>> + Clone + Send + Sync,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // One deadline for all phases, so that no phase starts the clock anew.
        let deadline = Instant::now() + request.time_limit().min(LONGEST);
        let limit = request.response_limit();

        // Until the service is ready it has nothing to send, whatever it waits for or fails of.
        let mut service = self.service.clone();
        match timeout_at(deadline, service.ready()).await {
            Ok(ready) => drop(ready.map_err(|error| failed(error.into(), Progress::NotSent))?),
            Err(_) => {
                return Err(TransportError::not_sent(Kind::Timeout)
                    .with_reason("the service was not ready for a request"));
            }
        }
        let response = match timeout_at(deadline, service.call(framed(request.into_http()))).await {
            Ok(response) => response.map_err(|error| failed(error.into(), Progress::Unknown))?,
            Err(_) => return Err(timeout("no response head arrived")),
        };
        let (head, body) = response.into_parts();
        match timeout_at(deadline, Limited::new(Box::pin(body), limit).collect()).await {
            Ok(Ok(body)) => Ok(Response::from_parts(head, body.to_bytes())),
            Ok(Err(error)) => Err(failed(error, Progress::Unknown).with_head(head)),
            Err(_) => Err(timeout("the body did not arrive in full").with_head(head)),
        }
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

fn framed(mut request: http::Request<Bytes>) -> http::Request<Full<Bytes>> {
    // hyper leaves it out, and some servers insist on it (RFC 9110 §8.6).
    if request.method() == Method::POST && request.body().is_empty() {
        request.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from_static("0"));
    }
    request.map(Full::new)
}

fn timeout(reason: &'static str) -> TransportError {
    TransportError::unknown(Kind::Timeout).with_reason(reason)
}

/// What failed, and whether the request can have left. `progress` is what is known without the error.
fn failed(error: BoxError, progress: Progress) -> TransportError {
    let connecting = find::<legacy::Error>(&*error).is_some_and(legacy::Error::is_connect);
    let (kind, reason) = match (
        find::<rustls::Error>(&*error),
        find::<hyper::Error>(&*error),
        find::<io::Error>(&*error),
    ) {
        _ if error.is::<LengthLimitError>() => (Kind::ResponseTooLarge, Some("the body".into())),
        (Some(error), ..) if connecting => (Kind::Tls, Some(error.to_string())),
        (.., error) if connecting => (Kind::Connect, error.map(describe)),
        (_, Some(error), _) if error.is_parse_too_large() => (Kind::ResponseTooLarge, None),
        (_, Some(error), _) if error.is_parse() => (Kind::Protocol, None),
        // What a chunked body is broken by.
        (.., Some(error))
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) =>
        {
            (Kind::Protocol, None)
        }
        (_, Some(_), _) | (.., Some(_)) => (Kind::ConnectionLost, None),
        _ => (Kind::Other, None),
    };
    let failed = match progress {
        Progress::NotSent => TransportError::not_sent(kind),
        Progress::Unknown if connecting => TransportError::not_sent(kind),
        Progress::Unknown => TransportError::unknown(kind),
    };
    match reason {
        Some(reason) => failed.with_reason(reason).with_source(error),
        None => failed.with_source(error),
    }
}

/// In words that hold no host. std has no kind for a name that was not resolved, and its text may quote it.
fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.to_string(),
        None if error.to_string().starts_with("failed to lookup address") => {
            "the host name could not be resolved".to_owned()
        }
        None => error.kind().to_string(),
    }
}

/// The first cause of this type.
fn find<'a, E: StdError + 'static>(mut error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    loop {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An `io::Error` shows what is inside of it only to who asks for it.
        error = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => inner,
            None => error.source()?,
        };
    }
}
