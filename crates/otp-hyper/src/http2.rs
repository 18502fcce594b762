//! HTTP/2 by h2 itself.
//!
//! hyper's HTTP/2 client reports a GOAWAY as the failure of requests that were already under way, whatever
//! the last id in it. That would make a request look unsent that the server is working on. h2 gives a
//! GOAWAY to the streams above its last id and to no others (RFC 9113 §6.8, §8.7).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use hyper_util::rt::TokioIo;
use otp_core::TransportError;
use otp_core::bytes::Bytes;
use otp_core::http::{Request, Response};

use crate::error;

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
}

#[derive(Default)]
struct Closed(AtomicBool);

/// Says so when the connection's task ends, also by the end of its runtime.
struct SayClosed(Arc<Closed>);

impl Drop for SayClosed {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
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
pub(crate) struct Answer(ResponseFuture);

/// Why there is no head.
pub(crate) enum NoHead {
    /// The server reset the stream; the connection is as good as before.
    Reset(TransportError),
    /// The connection is no good any more.
    Broken(TransportError),
}

impl Connection {
    /// Starts HTTP/2 on a stream, and the connection's task.
    pub(crate) async fn start<S>(stream: S, max_header_bytes: usize) -> Result<Self, h2::Error>
    where
        S: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    {
        let (sender, connection) = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(max_header_bytes).unwrap_or(u32::MAX))
            .handshake(TokioIo::new(stream))
            .await?;
        let closed = Arc::new(Closed::default());
        let say_closed = SayClosed(Arc::clone(&closed));
        tokio::spawn(async move {
            // Its error is also that of every request on it.
            let _ = connection.await;
            drop(say_closed);
        });
        Ok(Self { sender, closed })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.0.load(Ordering::Relaxed)
    }

    /// Waits until the connection takes a request, and hands it over.
    pub(crate) async fn hand_over(self, request: Request<Bytes>) -> Result<Handed, TransportError> {
        let Ok(mut sender) = self.sender.ready().await else {
            return Ok(Handed::NotTaken(Box::new(request)));
        };
        let (head, body) = request.into_parts();
        let end = body.is_empty();
        // If it fails, nothing was queued: h2 checks first.
        let (answer, mut stream) = sender
            .send_request(Request::from_parts(head, ()), end)
            .map_err(|_| error::not_taken())?;
        if !end {
            // It fails if the stream was reset meanwhile, which the answer tells better.
            let _ = stream.send_data(body, true);
        }
        Ok(Handed::Over(Answer(answer)))
    }
}

impl Answer {
    /// The head of the response, and the stream of its body.
    pub(crate) async fn head(mut self) -> Result<Response<RecvStream>, NoHead> {
        let mut informational = 0;
        poll_fn(|cx| {
            while let Poll::Ready(Some(Ok(_))) = self.0.poll_informational(cx) {
                informational += 1;
                if informational > MAX_INFORMATIONAL {
                    return Poll::Ready(Err(NoHead::Broken(error::flood())));
                }
            }
            Pin::new(&mut self.0).poll(cx).map_err(|error| {
                let reset = error.is_reset() && error.is_remote();
                let error = error::of_http2(&error);
                if reset { NoHead::Reset(error) } else { NoHead::Broken(error) }
            })
        })
        .await
    }
}
