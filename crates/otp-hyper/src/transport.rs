use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::Full;
use otp_core::bytes::Bytes;
use otp_core::http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use otp_core::http::response::Parts;
use otp_core::http::uri::PathAndQuery;
use otp_core::http::{self, Method, Uri, Version};
use otp_core::{Error, Request, Response, Transport, TransportError, async_trait};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::body::Incoming;
use crate::http2::{Handed, NoHead};
use crate::pool::{Checkout, Http1, Http2, Origin, Place, Pool, Sender};
use crate::{HyperTransportBuilder, body, error};

/// How long a kept connection may take to be ready for the next request.
const FINISHING: Duration = Duration::from_millis(100);

/// Nothing is answered in less.
const SHORTEST: Duration = Duration::from_millis(1);

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// No attempt takes longer, whatever its limit: an hour.
const LONGEST: Duration = Duration::from_secs(3600);

/// Sends requests by hyper, over rustls, on tokio.
///
/// Cloning is cheap; clones share the pool of connections. A future of [`send`](Transport::send) must
/// run on a tokio runtime with time and I/O enabled; outside of one it is an error.
///
/// Its clock is tokio's, so `tokio::time::pause` turns the waits and deadlines of a client too.
///
/// # Cancellation
///
/// Dropping the future of `send` closes an HTTP/1.1 connection on which the request was under way, and
/// resets the stream on an HTTP/2 one. The next request is not affected.
#[derive(Clone)]
pub struct HyperTransport {
    pool: Pool,
    /// How much a server may send before it answers.
    prelude: usize,
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

    pub(crate) fn from_pool(pool: Pool, max_header_bytes: usize) -> Self {
        // Room for a few informational responses, TLS records and the start of the body.
        Self { pool, prelude: max_header_bytes.saturating_mul(4) }
    }

    /// Hands the request to a connection and waits for the head of the response.
    async fn head(
        &self,
        origin: &Origin,
        mut request: http::Request<Bytes>,
        deadline: Instant,
    ) -> Result<Head, TransportError> {
        loop {
            let Checkout { sender, place } = self.pool.checkout(origin, deadline).await?;
            let (is_used, allowance) = (sender.is_used(), Arc::clone(sender.allowance()));
            let path = std::mem::take(request.uri_mut()).into_parts().path_and_query;
            let started = Instant::now();
            let outcome = match sender {
                Sender::Http1(connection) => {
                    self.over_http1(connection, origin, path, request, deadline).await?
                }
                Sender::Http2(connection) => {
                    self.over_http2(connection, origin, path, request, deadline).await?
                }
            };
            match outcome {
                Outcome::Head(parts, body, sender) => {
                    place.answered_after(started.elapsed());
                    return Ok(Head { parts, body, sender, place });
                }
                // The connection was closed while it was kept, and took nothing: the next one, or a
                // fresh one. Each round uses one kept connection up, so this ends.
                Outcome::NotTaken(returned) if is_used => request = *returned,
                Outcome::NotTaken(_) => return Err(error::not_taken(allowance.ending.get())),
            }
        }
    }

    async fn over_http1(
        &self,
        mut connection: Http1,
        origin: &Origin,
        path: Option<PathAndQuery>,
        mut request: http::Request<Bytes>,
        deadline: Instant,
    ) -> Result<Outcome, TransportError> {
        // A kept connection may still be finishing the call before, but not for long: a server that answered
        // before it read the request may never read it.
        let is_used = connection.is_used;
        let limit = if is_used { deadline.min(Instant::now() + FINISHING) } else { deadline };
        match timeout_at(limit, connection.sender.ready()).await {
            Err(_) if !is_used => return Err(error::no_time_to_send()),
            Err(_) | Ok(Err(_)) => {
                *request.uri_mut() = origin.uri(path);
                return Ok(Outcome::NotTaken(Box::new(request)));
            }
            Ok(Ok(())) => {}
        }
        connection.allowance.limit(self.prelude);
        *request.version_mut() = Version::HTTP_11;
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        if let Some(host) = origin.host() {
            request.headers_mut().insert(HOST, host);
        }
        // hyper gives its own body back, which does not give up what it holds.
        let body = request.body().clone();
        let request = request.map(Full::new);
        match timeout_at(deadline, connection.sender.try_send_request(request)).await {
            Err(_) => Err(error::no_head()),
            Ok(Ok(response)) => {
                connection.allowance.lift();
                let (head, incoming) = response.into_parts();
                Ok(Outcome::Head(head, Incoming::Http1(incoming), Sender::Http1(connection)))
            }
            Ok(Err(mut failed)) => match failed.take_message() {
                Some(request) => {
                    let (mut head, _) = request.into_parts();
                    head.headers.remove(HOST);
                    head.uri = origin.uri(head.uri.into_parts().path_and_query);
                    Ok(Outcome::NotTaken(Box::new(http::Request::from_parts(head, body))))
                }
                None => Err(error::of_exchange(failed.error())),
            },
        }
    }

    async fn over_http2(
        &self,
        connection: Http2,
        origin: &Origin,
        path: Option<PathAndQuery>,
        mut request: http::Request<Bytes>,
        deadline: Instant,
    ) -> Result<Outcome, TransportError> {
        *request.uri_mut() = origin.uri(path);
        *request.version_mut() = Version::HTTP_2;
        if !request.body().is_empty() {
            let length = request.body().len().into();
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let unfinished = Unfinished(Some(&connection));
        let handing = connection.connection.clone().hand_over(request);
        let answer = match timeout_at(deadline, handing).await {
            Err(_) => return Err(error::no_time_to_send()),
            Ok(Err(error)) => return Err(error),
            Ok(Ok(Handed::Over(answer))) => answer,
            Ok(Ok(Handed::NotTaken(request))) => {
                // It goes away, though requests on it may go on.
                connection.retire();
                return Ok(Outcome::NotTaken(request));
            }
        };
        let response = match timeout_at(deadline, answer.head()).await {
            Err(_) => return Err(error::no_head()),
            Ok(Ok(response)) => response,
            Ok(Err(NoHead::Reset(error))) => {
                // The server answers, if only so.
                unfinished.finish();
                return Err(error);
            }
            Ok(Err(NoHead::Broken(error))) => {
                connection.retire();
                return Err(error);
            }
        };
        unfinished.finish();
        let (head, stream) = response.into_parts();
        let body = Incoming::Http2(stream, connection.connection.clone());
        Ok(Outcome::Head(head, body, Sender::Http2(connection)))
    }
}

/// Has a connection checked unless the call on it ends well, also if the call is given up: a call that is wrapped
/// in a timeout of the caller's own must not meet the same dead connection again.
struct Unfinished<'a>(Option<&'a Http2>);

impl Unfinished<'_> {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.0 {
            connection.doubt();
        }
    }
}

/// The head of a response, and the connection that its body is still on.
struct Head {
    parts: Parts,
    body: Incoming,
    sender: Sender,
    place: Arc<Place>,
}

#[expect(clippy::large_enum_variant, reason = "nearly each is a head, and lives for a moment")]
enum Outcome {
    Head(Parts, Incoming, Sender),
    /// The connection was closed before it took the request: provably nothing of it was sent.
    NotTaken(Box<http::Request<Bytes>>),
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // Without one, tokio panics.
        if Handle::try_current().is_err() {
            return Err(error::no_runtime());
        }
        // One deadline for all phases, so that no phase starts the clock anew.
        let time_limit = request.time_limit().min(LONGEST);
        if time_limit < SHORTEST {
            return Err(error::no_time_to_send());
        }
        let deadline = Instant::now() + time_limit;
        let limit = request.response_limit();
        let request = framed(request.into_http());
        let origin = Origin::of(request.uri()).ok_or_else(error::no_origin)?;

        let Head { parts, body, sender, place } = self.head(&origin, request, deadline).await?;
        let unfinished = Unfinished(match &sender {
            Sender::Http1(_) => None,
            Sender::Http2(connection) => Some(connection),
        });
        let body = timeout_at(deadline, body::collect(body, &parts.headers, limit)).await;
        match body.unwrap_or_else(|_| Err(error::no_body())) {
            Ok(body) => {
                unfinished.finish();
                if let Sender::Http1(connection) = sender {
                    place.give_back(connection, keep_alive(&parts.headers));
                }
                Ok(Response::from_parts(parts, body))
            }
            Err(error) => {
                drop(unfinished);
                Err(error.with_head(parts))
            }
        }
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Duration {
        // A paused runtime's clock may be ahead of a real one's in the same process, so the origin may
        // lie in the future.
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        const BASE: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        let (now, origin) = (Instant::now(), *ORIGIN.get_or_init(Instant::now));
        match now.checked_duration_since(origin) {
            Some(after) => BASE + after,
            None => BASE.saturating_sub(origin.duration_since(now)),
        }
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

/// For how long the server keeps the connection: `Keep-Alive: timeout=5` (RFC 2068 §19.7.1), less a second, in
/// which a request is on its way to a server that has just closed it.
fn keep_alive(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(KEEP_ALIVE)?.to_str().ok()?;
    let seconds = value.split(',').find_map(|parameter| {
        let (name, seconds) = parameter.split_once('=')?;
        let seconds = name.trim().eq_ignore_ascii_case("timeout").then_some(seconds)?;
        seconds.trim().trim_matches('"').parse().ok()
    })?;
    Some(Duration::from_secs(seconds).saturating_sub(Duration::from_secs(1)))
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runtimes, origins) = self.pool.size();
        f.debug_struct("HyperTransport")
            .field("runtimes", &runtimes)
            .field("origins", &origins)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_a_server_shortens_how_long_a_connection_is_kept() {
        let read = |value: &str| {
            let headers =
                HeaderMap::from_iter([(KEEP_ALIVE, HeaderValue::from_str(value).unwrap())]);
            keep_alive(&headers).map(|keep| keep.as_secs())
        };
        for (value, seconds) in [
            ("timeout=5", Some(4)),
            ("timeout=5, max=100", Some(4)),
            ("max=100, Timeout = 60", Some(59)),
            ("timeout=\"5\"", Some(4)),
            ("timeout=1", Some(0)),
            ("timeout=0", Some(0)),
            ("max=100", None),
            ("timeout=", None),
            ("timeout=-1", None),
            ("5", None),
            ("timeout=99999999999999999999", None),
        ] {
            assert_eq!(read(value), seconds, "{value}");
        }
        assert_eq!(keep_alive(&HeaderMap::new()), None);
    }
}
