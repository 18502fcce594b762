//! HTTP/2 by h2 itself.
//!
//! hyper's HTTP/2 client reports a GOAWAY as the failure of requests that were already under way, whatever
//! the last id in it. That would make a request look unsent that the server is working on. h2 gives a
//! GOAWAY to the streams above its last id and to no others (RFC 9113 §6.8, §8.7).

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, ready};

use h2::client::{ResponseFuture, SendRequest};
use h2::{Ping, PingPong, RecvStream};
use hyper_util::rt::TokioIo;
use otp_core::TransportError;
use otp_core::bytes::Bytes;
use otp_core::http::{Request, Response};
use tokio::sync::Mutex;

use crate::error;
use crate::stream::Allowance;

/// What a server may have on its way to us before we take it: for each response, and for all together.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// h2's limit of streams until the server has said its own; no server says this one.
const UNSETTLED: usize = 0x7654_3210;

/// What a server may send on a connection on which nothing is asked: a PING now and then, new settings, and the
/// rest of an answer to a call that gave up. More ends the connection.
const IDLE_BYTES: usize = 64 * 1024;

/// How many informational responses (RFC 9110 §15.2) may come before an answer.
const MAX_INFORMATIONAL: usize = 64;

/// A connection that requests share.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Bytes>,
    driven: Arc<Driven>,
    max_header_bytes: usize,
}

/// What the connection's task knows of it.
struct Driven {
    is_closed: AtomicBool,
    /// How many streams the server takes at a time.
    max_streams: AtomicUsize,
    allowance: Arc<Allowance>,
    ping: Option<Mutex<PingPong>>,
}

/// Runs when the connection's task ends, also by the end of its runtime.
struct AtTheEnd<F: Fn()> {
    driven: Arc<Driven>,
    changed: F,
}

impl<F: Fn()> Drop for AtTheEnd<F> {
    fn drop(&mut self) {
        self.driven.is_closed.store(true, Ordering::Relaxed);
        (self.changed)();
    }
}

/// What became of handing a request over.
pub(crate) enum Handed {
    /// It is queued: from now on the server may receive it.
    Over(Answer),
    /// The connection takes no more requests, and took nothing of this one.
    NotTaken(Box<Request<Bytes>>),
}

/// A response that is awaited.
pub(crate) struct Answer {
    response: ResponseFuture,
    driven: Arc<Driven>,
    max_header_bytes: usize,
}

/// Why there is no head.
pub(crate) enum NoHead {
    /// The server reset the stream; the connection is as good as before.
    Reset(TransportError),
    /// The connection is no good any more.
    Broken(TransportError),
}

impl Connection {
    /// Starts HTTP/2 on a stream, and the connection's task. `changed` is called when the server takes
    /// another number of streams, and when the connection ends.
    pub(crate) async fn start<S>(
        stream: S,
        allowance: Arc<Allowance>,
        max_header_bytes: usize,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, h2::Error>
    where
        S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    {
        let (sender, mut connection) = h2::client::Builder::new()
            .enable_push(false)
            .initial_max_send_streams(UNSETTLED)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            // h2 does not tell a head over its limit from a broken one. So it takes more, and what is over
            // ours is told by `Answer::head`.
            .max_header_list_size(
                u32::try_from(max_header_bytes).unwrap_or(u32::MAX).saturating_mul(4),
            )
            .handshake(TokioIo::new(stream))
            .await?;
        let driven = Arc::new(Driven {
            is_closed: AtomicBool::new(false),
            max_streams: AtomicUsize::new(UNSETTLED),
            allowance,
            ping: connection.ping_pong().map(Mutex::new),
        });
        let this = Self { sender, driven: Arc::clone(&driven), max_header_bytes };
        this.expect_an_answer();
        let end = AtTheEnd { driven, changed };
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            // Its error is also that of every request on it.
            let _ = poll_fn(|cx| {
                let polled = connection.as_mut().poll(cx);
                let max = connection.max_concurrent_send_streams();
                if end.driven.max_streams.swap(max, Ordering::Relaxed) != max {
                    (end.changed)();
                }
                polled
            })
            .await;
            drop(end);
        });
        Ok(this)
    }

    pub(crate) fn allowance(&self) -> &Arc<Allowance> {
        &self.driven.allowance
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.driven.is_closed.load(Ordering::Relaxed)
    }

    /// Whether the server has said how many streams it takes.
    pub(crate) fn is_settled(&self) -> bool {
        self.driven.max_streams.load(Ordering::Relaxed) != UNSETTLED
    }

    /// How many streams the server takes at a time; one until it has said so. More would wait within h2, where
    /// nobody can tell whether they were sent.
    pub(crate) fn max_streams(&self) -> usize {
        match self.driven.max_streams.load(Ordering::Relaxed) {
            UNSETTLED => 1,
            max => max,
        }
    }

    /// A request is on its way or answered: so much may come before the next progress.
    pub(crate) fn expect_an_answer(&self) {
        self.driven.expect_an_answer(self.max_header_bytes);
    }

    /// No request is on its way.
    pub(crate) fn expect_nothing(&self) {
        self.driven.allowance.limit(IDLE_BYTES);
    }

    /// Whether the server answers a PING.
    pub(crate) async fn ping(&self) -> bool {
        match &self.driven.ping {
            Some(ping) => ping.lock().await.ping(Ping::opaque()).await.is_ok(),
            None => false,
        }
    }

    /// Hands a request over, unless the connection takes no more. It may still wait for its turn there.
    pub(crate) async fn hand_over(self, request: Request<Bytes>) -> Result<Handed, TransportError> {
        let Ok(mut sender) = self.sender.ready().await else {
            return Ok(Handed::NotTaken(Box::new(request)));
        };
        let (head, body) = request.into_parts();
        let end = body.is_empty();
        // If it fails, nothing was queued: h2 checks first.
        let (response, mut stream) = sender
            .send_request(Request::from_parts(head, ()), end)
            .map_err(|error| error::of_handing_over(&error, self.driven.allowance.ending.get()))?;
        if !end {
            // It fails if the stream was reset meanwhile, which the answer tells better.
            let _ = stream.send_data(body, true);
        }
        Ok(Handed::Over(Answer {
            response,
            driven: self.driven,
            max_header_bytes: self.max_header_bytes,
        }))
    }
}

impl Driven {
    /// Heads, and whatever fits the window of flow control while callers do not read it.
    fn expect_an_answer(&self, max_header_bytes: usize) {
        self.allowance.limit(max_header_bytes.saturating_mul(4) + CONNECTION_WINDOW as usize);
    }
}

impl Answer {
    /// The head of the response, and the stream of its body.
    pub(crate) async fn head(mut self) -> Result<Response<RecvStream>, NoHead> {
        let mut informational = 0;
        poll_fn(|cx| {
            while let Poll::Ready(Some(Ok(_))) = self.response.poll_informational(cx) {
                informational += 1;
                if informational > MAX_INFORMATIONAL {
                    return Poll::Ready(Err(NoHead::Broken(error::flood())));
                }
            }
            let response = ready!(Pin::new(&mut self.response).poll(cx)).map_err(|error| {
                let reset = error.is_reset() && error.is_remote();
                let error = error::of_http2(&error, self.driven.allowance.ending.get());
                if reset { NoHead::Reset(error) } else { NoHead::Broken(error) }
            })?;
            // Counted as RFC 9113 §6.5.2 counts them.
            let bytes: usize = response
                .headers()
                .iter()
                .map(|(name, value)| name.as_str().len() + value.len() + 32)
                .sum();
            if bytes > self.max_header_bytes {
                return Poll::Ready(Err(NoHead::Broken(error::large_head())));
            }
            self.driven.expect_an_answer(self.max_header_bytes);
            Poll::Ready(Ok(response))
        })
        .await
    }
}
