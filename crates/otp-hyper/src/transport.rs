use std::fmt;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::Full;
use otp_core::bytes::Bytes;
use otp_core::http::header::{CONTENT_LENGTH, HOST, HeaderValue};
use otp_core::http::response::Parts;
use otp_core::http::uri::PathAndQuery;
use otp_core::http::{self, Method, Uri, Version};
use otp_core::{Error, Request, Response, Transport, TransportError, async_trait};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::body::Incoming;
use crate::deadline::Deadline;
use crate::http2::{Handed, NoHead};
use crate::pool::{Checkout, Http1, Http2, Origin, Place, Pool, Sender};
use crate::tls::{Identity, Roots, Tls};
use crate::{body, error, keep_alive};

/// How long a kept connection may take to be ready for the next request.
const FINISHING: Duration = Duration::from_millis(100);

/// Nothing is answered in less.
const SHORTEST: Duration = Duration::from_millis(1);

/// No attempt takes longer, whatever its limit: an hour.
const LONGEST: Duration = Duration::from_secs(3600);

/// Sends requests by hyper, over rustls, on tokio.
///
/// Cloning is cheap; clones share the pool of connections. A future of [`send`](Transport::send) must
/// run on a tokio runtime with time and I/O enabled.
///
/// Its clock is tokio's, so `tokio::time::pause` turns the waits and deadlines of a client too.
///
/// # Runtimes
///
/// One transport works in every runtime of a program, for example in a `static` that all `#[tokio::test]`s
/// share. A connection belongs to the runtime that drives it. A call uses connections of its own runtime only,
/// and makes one if there is none. When a runtime ends, its connections are closed.
///
/// A call that cannot run where it is made is `NotApplied`, and its error says what to do:
///
/// | where | the error says | does tokio panic? |
/// |---|---|---|
/// | outside of a tokio runtime | "it was called outside of a tokio runtime" | no |
/// | in a runtime that has ended | "the tokio runtime was shut down" | no |
/// | in a runtime without `enable_time` | "the tokio runtime has no timer" | yes |
/// | in a runtime without `enable_io` | "the connector panicked", and to use `enable_all` if the runtime has no I/O | yes |
///
/// tokio has no way to ask whether a runtime has a timer or I/O, and panics where one is missing. The transport catches
/// that panic, so with `panic = "unwind"` the call returns the error. The panic hook still prints tokio's message. With
/// `panic = "abort"` nothing can catch it, and **the program aborts**. So build runtimes with `enable_all`, as
/// `#[tokio::main]` and `#[tokio::test]` do.
///
/// # When something happens
///
/// | what happens | what a call sees |
/// |---|---|
/// | The server restarts, or closes idle connections. | Nothing, in most cases: a closed connection is noticed before a request is written to it, and the request goes out on a fresh one. If the request was already written, the error is `ConnectionLost`, `Unknown`. |
/// | The server sends `Keep-Alive: timeout=5`. | The connection is kept for a second less than that, and never longer than [`pool_idle_timeout`]. |
/// | The machine slept. | Time asleep counts as idle, so the next call makes a fresh connection. The time of day shows how long it slept, on every system; if somebody sets the clock forward, it only costs a connection. |
/// | The network drops packets silently (HTTP/2). | The call ends with `Timeout`, `Unknown`. Its connection must answer a PING before it carries another call: calls wait 250 ms for the answer, then go over a fresh connection, and after 2 s the old one is closed. |
/// | A call is dropped or times out (HTTP/2). | The same PING, which a healthy connection answers at once. It is kept. |
/// | The server takes few streams at a time (HTTP/2). | Calls wait in a queue, first come, first served, and up to [`http2_max_connections`] connections are opened. |
/// | The queue is too slow. | A call whose time is up leaves the queue with `Timeout`, `NotApplied`: it was not sent and never will be. So does one with less time left than answers usually take. |
/// | The server sends GOAWAY (HTTP/2). | Calls that it did not take go out on a fresh connection. Others end as the server ends them. |
/// | A host has several addresses, and some are silent. | The next one is tried after 250 ms, or at once after a failure. |
/// | The first call to a host fails to connect. | So do all calls that wait for the same connection. Nobody connects twice. |
/// | A proxy asks for a password. | `Connect`, `NotApplied`, with the proxy's status in the sentence. |
/// | A server floods. | What comes without a pause is read in small pieces, so that other tasks and the deadlines have their turn; more than a few hundred KiB without an answer, or 64 KiB while nothing is asked (HTTP/2), closes the connection. |
///
/// [`pool_idle_timeout`]: crate::HyperTransportBuilder::pool_idle_timeout
/// [`http2_max_connections`]: crate::HyperTransportBuilder::http2_max_connections
///
/// # Cancellation
///
/// Dropping the future of `send` closes an HTTP/1.1 connection on which the request was under way, and
/// resets the stream on an HTTP/2 one. A call that still waits for a connection or a stream is never sent. The
/// next request is not affected.
#[derive(Clone)]
pub struct HyperTransport {
    pool: Pool,
    tls: Arc<Tls>,
    /// How much a server may send before it answers.
    prelude: usize,
}

impl HyperTransport {
    /// Replaces whom to trust, in this transport and its clones: for a CA that is being replaced, or for newer
    /// revocation lists. [`Roots::platform`] is read anew.
    ///
    /// Calls that begin after this returns use connections that are made and verified with the new roots. Calls that
    /// are under way go on undisturbed. No later call uses a connection that was made before, and TLS sessions are
    /// not resumed across the change. Such a connection is closed after its calls are done, when it has been idle for
    /// the [idle timeout](crate::HyperTransportBuilder::pool_idle_timeout).
    ///
    /// ```no_run
    /// # use otp_core::Error;
    /// # use otp_hyper::{HyperTransport, Roots};
    /// # fn example(old_ca: &str, new_ca: &str) -> Result<(), Error> {
    /// let transport = HyperTransport::builder().roots(Roots::pem(old_ca)?).build()?;
    /// // Give the client a clone of it, and keep this one.
    /// transport.set_roots(Roots::pem(old_ca)?.and_pem(new_ca)?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) as of
    /// [`HyperTransportBuilder::build`](crate::HyperTransportBuilder::build). Then nothing changes.
    #[cfg_attr(
        not(feature = "platform-verifier"),
        doc = "",
        doc = "[`Roots::platform`]: https://docs.rs/otp-hyper/latest/otp_hyper/struct.Roots.html#method.platform"
    )]
    pub fn set_roots(&self, roots: Roots) -> Result<(), Error> {
        self.tls.set_roots(roots)
    }

    /// Replaces the client certificate, in this transport and its clones: before the old one expires. `None` shows
    /// none any more.
    ///
    /// Calls under way and kept connections are treated as by [`set_roots`](Self::set_roots).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) if the key cannot be used or is not the
    /// certificate's. Then nothing changes.
    pub fn set_identity(&self, identity: impl Into<Option<Identity>>) -> Result<(), Error> {
        self.tls.set_identity(identity.into())
    }

    pub(crate) fn from_pool(pool: Pool, tls: Arc<Tls>, max_header_bytes: usize) -> Self {
        // Room for a few informational responses, TLS records and the start of the body.
        Self { pool, tls, prelude: max_header_bytes.saturating_mul(4) }
    }

    /// Hands the request to a connection and waits for the head of the response.
    async fn head(
        &self,
        origin: &Origin,
        mut request: http::Request<Bytes>,
        deadline: &mut Deadline<'_>,
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
        deadline: &mut Deadline<'_>,
    ) -> Result<Outcome, TransportError> {
        // A kept connection may still be finishing the call before, but not for long: a server that answered
        // before it read the request may never read it.
        let is_used = connection.is_used;
        let ready = match is_used {
            true => deadline.limit_within(FINISHING, pin!(connection.sender.ready())).await,
            false => deadline.limit(pin!(connection.sender.ready())).await,
        };
        match ready {
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
        let sent = deadline.limit(pin!(connection.sender.try_send_request(request))).await;
        match sent {
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
        deadline: &mut Deadline<'_>,
    ) -> Result<Outcome, TransportError> {
        *request.uri_mut() = origin.uri(path);
        *request.version_mut() = Version::HTTP_2;
        if !request.body().is_empty() {
            let length = request.body().len().into();
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let unfinished = Unfinished(Some(&connection));
        let handing = connection.connection.clone().hand_over(request);
        let handed = deadline.limit(pin!(handing)).await;
        let answer = match handed {
            Err(_) => return Err(error::no_time_to_send()),
            Ok(Err(error)) => return Err(error),
            Ok(Ok(Handed::Over(answer))) => answer,
            Ok(Ok(Handed::NotTaken(request))) => {
                // It goes away, though requests on it may go on.
                connection.retire();
                return Ok(Outcome::NotTaken(request));
            }
        };
        let head = deadline.limit(pin!(answer.head())).await;
        let response = match head {
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

#[allow(clippy::large_enum_variant, reason = "the large one is the usual one, and is moved once")]
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
        let mut timer = pin!(None);
        let mut deadline = Deadline::new(Instant::now() + time_limit, timer.as_mut());
        let limit = request.response_limit();
        let request = framed(request.into_http());
        let origin =
            Origin::of(request.uri(), self.tls.generation()).ok_or_else(error::no_origin)?;

        let Head { parts, body, sender, place } =
            self.head(&origin, request, &mut deadline).await?;
        let unfinished = Unfinished(match &sender {
            Sender::Http1(_) => None,
            Sender::Http2(connection) => Some(connection),
        });
        let body = deadline.limit(pin!(body::collect(body, &parts.headers, limit))).await;
        match body.unwrap_or_else(|_| Err(error::no_body())) {
            Ok(body) => {
                unfinished.finish();
                if let Sender::Http1(connection) = sender {
                    place.give_back(connection, keep_alive::limit(&parts.headers));
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

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runtimes, origins) = self.pool.size();
        f.debug_struct("HyperTransport")
            .field("runtimes", &runtimes)
            .field("origins", &origins)
            .finish_non_exhaustive()
    }
}
