//! HTTP/2 by h2 itself.
//!
//! hyper's HTTP/2 client reports a GOAWAY as the failure of requests that were already under way, whatever
//! the last id in it. That would make a request look unsent that the server is working on. h2 gives a
//! GOAWAY to the streams above its last id and to no others (RFC 9113 §6.8, §8.7).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};

use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use hyper_util::rt::TokioIo;
use otp_core::TransportError;
use otp_core::bytes::Bytes;
use otp_core::http::{Request, Response};

use crate::error;
use crate::stream::Allowance;

/// What a server may have on its way to us before we take it: for each response, and for all together.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// How many informational responses (RFC 9110 §15.2) may come before an answer.
const MAX_INFORMATIONAL: usize = 64;

/// A connection that requests share.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Bytes>,
    closed: Arc<Closed>,
    max_header_bytes: usize,
}

struct Closed {
    closed: AtomicBool,
    allowance: Arc<Allowance>,
}

/// Says so when the connection's task ends, also by the end of its runtime.
struct SayClosed(Arc<Closed>);

impl Drop for SayClosed {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Relaxed);
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
    closed: Arc<Closed>,
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
    /// Starts HTTP/2 on a stream, and the connection's task.
    pub(crate) async fn start<S>(
        stream: S,
        allowance: Arc<Allowance>,
        max_header_bytes: usize,
    ) -> Result<Self, h2::Error>
    where
        S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    {
        let (sender, connection) = h2::client::Builder::new()
            .enable_push(false)
            // Until the server has said how many it takes; more would only be refused.
            .initial_max_send_streams(100)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            // h2 does not tell a head over its limit from a broken one. So it takes more, and what is over
            // ours is told by `Answer::head`.
            .max_header_list_size(
                u32::try_from(max_header_bytes).unwrap_or(u32::MAX).saturating_mul(4),
            )
            .handshake(TokioIo::new(stream))
            .await?;
        let closed = Arc::new(Closed { closed: AtomicBool::new(false), allowance });
        let say_closed = SayClosed(Arc::clone(&closed));
        tokio::spawn(async move {
            // Its error is also that of every request on it.
            let _ = connection.await;
            drop(say_closed);
        });
        Ok(Self { sender, closed, max_header_bytes })
    }

    pub(crate) fn allowance(&self) -> Arc<Allowance> {
        Arc::clone(&self.closed.allowance)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.closed.load(Ordering::Relaxed)
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
            .map_err(|error| error::of_handing_over(&error))?;
        if !end {
            // It fails if the stream was reset meanwhile, which the answer tells better.
            let _ = stream.send_data(body, true);
        }
        Ok(Handed::Over(Answer {
            response,
            closed: self.closed,
            max_header_bytes: self.max_header_bytes,
        }))
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
                let error = error::of_http2(&error, self.closed.allowance.ending.get());
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
            Poll::Ready(Ok(response))
        })
        .await
    }
}
