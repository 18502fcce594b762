use std::fmt;
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
use tokio::time::{Instant, timeout_at};

use crate::body::Incoming;
use crate::http2::{Handed, NoHead};
use crate::pool::{Checkout, Http1, Http2, Origin, Pool, Sender};
use crate::tls::Tls;
use crate::{HyperTransportBuilder, Identity, Roots, body, error};

/// How long a kept connection may take to be ready for the next request.
const FINISHING: Duration = Duration::from_millis(100);

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
    tls: Arc<Tls>,
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

    /// Replaces whom to trust, in this transport and its clones: for a CA that is being replaced, or for newer
    /// revocation lists. [`Roots::platform`] is read anew.
    ///
    /// Calls that begin after this returns use connections that are made and verified with the new roots. Calls that
    /// are under way go on undisturbed. No later call uses a connection that was made before, and TLS sessions are
    /// not resumed across the change. Such a connection is closed after its calls are done, when it has been idle for
    /// the [idle timeout](HyperTransportBuilder::pool_idle_timeout).
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
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) as of [`HyperTransportBuilder::build`]. Then
    /// nothing changes.
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
        deadline: Instant,
    ) -> Result<(Parts, Incoming, Sender), TransportError> {
        loop {
            let Checkout { sender, reused } = self.pool.checkout(origin, deadline).await?;
            let path = std::mem::take(request.uri_mut()).into_parts().path_and_query;
            let allowance;
            let outcome = match sender {
                Sender::Http1(connection) => {
                    allowance = Arc::clone(&connection.allowance);
                    self.over_http1(connection, reused, origin, path, request, deadline).await?
                }
                Sender::Http2(connection) => {
                    allowance = connection.connection.allowance();
                    self.over_http2(connection, origin, path, request, deadline).await?
                }
            };
            match outcome {
                Outcome::Head(head, body, sender) => return Ok((head, body, sender)),
                // The connection was closed while it was kept, and took nothing: the next one, or a
                // fresh one. Each round uses one kept connection up, so this ends.
                Outcome::NotTaken(returned) if reused => request = *returned,
                Outcome::NotTaken(_) => return Err(error::not_taken(allowance.ending.get())),
            }
        }
    }

    async fn over_http1(
        &self,
        mut connection: Http1,
        reused: bool,
        origin: &Origin,
        path: Option<PathAndQuery>,
        mut request: http::Request<Bytes>,
        deadline: Instant,
    ) -> Result<Outcome, TransportError> {
        // A kept connection may still be finishing the call before, but not for long: a server that answered
        // before it read the request may never read it.
        let limit = if reused { deadline.min(Instant::now() + FINISHING) } else { deadline };
        match timeout_at(limit, connection.sender.ready()).await {
            Err(_) if !reused => return Err(error::no_time_to_send()),
            Err(_) | Ok(Err(_)) => {
                *request.uri_mut() = origin.uri(path).unwrap_or_default();
                return Ok(Outcome::NotTaken(Box::new(request)));
            }
            Ok(Ok(())) => {}
        }
        connection.allowance.limit(self.prelude);
        *request.version_mut() = Version::HTTP_11;
        *request.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        if let Some(host) = host(origin) {
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
                    head.uri = origin.uri(head.uri.into_parts().path_and_query).unwrap_or_default();
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
        *request.uri_mut() = origin.uri(path).unwrap_or_default();
        *request.version_mut() = Version::HTTP_2;
        if !request.body().is_empty() {
            let length = request.body().len().into();
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let unanswered = Unanswered::on(&self.pool, origin, &connection);
        let handing = connection.connection.clone().hand_over(request);
        let answer = match timeout_at(deadline, handing).await {
            Err(_) => return Err(error::no_time_to_send()),
            Ok(Err(error)) => return Err(error),
            Ok(Ok(Handed::Over(answer))) => answer,
            Ok(Ok(Handed::NotTaken(request))) => return Ok(Outcome::NotTaken(request)),
        };
        let response = match timeout_at(deadline, answer.head()).await {
            Err(_) => return Err(error::no_head()),
            Ok(Ok(response)) => response,
            Ok(Err(NoHead::Reset(error))) => {
                // The server answers, if only so.
                unanswered.answered();
                return Err(error);
            }
            Ok(Err(NoHead::Broken(error))) => return Err(error),
        };
        unanswered.answered();
        let (head, stream) = response.into_parts();
        Ok(Outcome::Head(head, Incoming::Http2(stream), Sender::Http2(connection)))
    }
}

/// Retires a connection unless it answers, also if the call is given up: whoever wraps a call in a timeout
/// of their own must not meet the same dead connection again.
struct Unanswered<'a> {
    pool: &'a Pool,
    origin: &'a Origin,
    connection: Option<Http2>,
}

impl<'a> Unanswered<'a> {
    fn on(pool: &'a Pool, origin: &'a Origin, connection: &Http2) -> Self {
        Self { pool, origin, connection: Some(connection.clone()) }
    }

    fn answered(mut self) {
        self.connection = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            self.pool.retire(self.origin, connection);
        }
    }
}

enum Outcome {
    /// The head, and the connection that its body is still on.
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
        let deadline = Instant::now() + request.time_limit().min(LONGEST);
        let limit = request.response_limit();
        let request = framed(request.into_http());
        let uri = request.uri();
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(error::no_origin());
        };
        let origin = Origin {
            scheme: scheme.clone(),
            authority: authority.clone(),
            generation: self.tls.generation(),
        };

        let (head, incoming, sender) = self.head(&origin, request, deadline).await?;
        let body = timeout_at(deadline, body::collect(incoming, &head.headers, limit)).await;
        match (body.unwrap_or_else(|_| Err(error::no_body())), sender) {
            (Ok(body), sender) => {
                if let Sender::Http1(connection) = sender {
                    self.pool.give_back(&origin, connection);
                }
                Ok(Response::from_parts(head, body))
            }
            (Err(error), sender) => {
                // Whoever is on the other side of it, better start anew.
                if let Sender::Http2(connection) = sender {
                    self.pool.retire(&origin, &connection);
                }
                Err(error.with_head(head))
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

/// The `Host` of HTTP/1.1 (RFC 9110 §7.2): the port only if it is not the usual one.
fn host(origin: &Origin) -> Option<HeaderValue> {
    let usual = if origin.scheme == http::uri::Scheme::HTTP { 80 } else { 443 };
    let authority = &origin.authority;
    let host = match authority.port_u16() {
        // Without user information, which is not for this header.
        Some(port) if port != usual => authority.as_str().rsplit('@').next().unwrap_or_default(),
        _ => authority.host(),
    };
    HeaderValue::from_str(host).ok()
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}
