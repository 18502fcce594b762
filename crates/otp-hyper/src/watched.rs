//! A stream that remembers what ended it.
//!
//! h2 keeps no more of an error than its kind and its text, and a connection may end between two requests,
//! with nobody there to be told: a server that wants a client certificate says so after the handshake
//! (RFC 8446 §4.4.2.4).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use otp_core::secrecy::zeroize::Zeroizing;
use tokio::time::Sleep;

use crate::error;
use crate::stream::Allowance;

/// How often a stream is read for the peer's last words. Session tickets may come before them.
const MOST_READS: usize = 4;

/// How long the peer's last words are awaited. The system has them, or they do not come.
const PATIENCE: Duration = Duration::from_millis(50);

pub(crate) struct Watched<S> {
    stream: S,
    connection: Arc<Allowance>,
    failed: Option<Failed>,
}

impl<S> Watched<S> {
    /// What ends this stream is noted there.
    pub(crate) fn new(stream: S, connection: Arc<Allowance>) -> Self {
        Self { stream, connection, failed: None }
    }

    fn watch<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &outcome {
            if let Some(end) = error::end_of(error) {
                // The first is the cause of all others.
                let _ = self.connection.ending.set(end);
            }
        }
        outcome
    }
}

/// A write failed, and the peer may have said why.
struct Failed {
    error: io::Error,
    /// What it said may still be on its way through the system and the runtime.
    patience: Pin<Box<Sleep>>,
}

impl<S: Read + Unpin> Watched<S> {
    /// Writes, and explains a failure. A peer that refuses the connection says why and closes it, and then a write
    /// fails before the reason is read: "broken pipe" hides "a client certificate is required".
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.failed.is_none() {
            match write(Pin::new(&mut self.stream), cx) {
                Poll::Ready(Err(error)) if error::end_of(&error).is_none() => {
                    let patience = Box::pin(tokio::time::sleep(PATIENCE));
                    self.failed = Some(Failed { error, patience });
                }
                outcome => return self.watch(outcome),
            }
        }
        let error = ready!(self.last_words(cx));
        self.watch(Poll::Ready(Err(error)))
    }

    /// Why the peer ended the connection if it said so, else the error of the write. What else it sent is dropped:
    /// neither hyper nor h2 reads after a failed write.
    fn last_words(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let mut bytes = Zeroizing::new([0; 1024]);
        for _ in 0..MOST_READS {
            let mut bytes = ReadBuf::new(&mut bytes[..]);
            match Pin::new(&mut self.stream).poll_read(cx, bytes.unfilled()) {
                Poll::Ready(Ok(())) if !bytes.filled().is_empty() => {}
                Poll::Ready(Err(error)) if error::end_of(&error).is_some() => {
                    return Poll::Ready(error);
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    if let Some(failed) = &mut self.failed {
                        ready!(failed.patience.as_mut().poll(cx));
                    }
                    break;
                }
            }
        }
        let error = self.failed.take().map(|failed| failed.error);
        Poll::Ready(error.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()))
    }
}

impl<S: Read + Unpin> Read for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.watch(read)
    }
}

impl<S: Read + Write + Unpin> Write for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.watch_write(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.watch_write(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch_write(cx, Write::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::future::poll_fn;

    use hyper_util::client::legacy::connect::Connection;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::error::End;
    use crate::stream::Transported;

    /// A stream in the clear whose peer has sent this and closed.
    async fn closed_after(sent: &[u8]) -> Watched<Transported> {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        theirs.write_all(sent).await.unwrap();
        drop(theirs);
        watched(Transported::in_the_clear(Box::new(ours)))
    }

    fn watched(stream: Transported) -> Watched<Transported> {
        let mut extras = hyper::http::Extensions::new();
        stream.connected().get_extras(&mut extras);
        Watched::new(stream, extras.remove().unwrap())
    }

    async fn write(stream: &mut Watched<Transported>) -> io::Error {
        poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, b"GET / HTTP/1.1\r\n"))
            .await
            .unwrap_err()
    }

    #[tokio::test]
    async fn a_failed_write_is_explained_by_what_the_peer_said_before_it_closed() {
        let mut stream = closed_after(&[21, 3, 3, 0, 2, 2, 22]).await;
        let error = write(&mut stream).await;
        assert!(matches!(error::end_of(&error), Some(End::SpeaksTls)), "{error:?}");
        assert!(matches!(stream.connection.ending.get(), Some(End::SpeaksTls)));
    }

    #[tokio::test]
    async fn what_the_peer_said_may_arrive_a_little_after_the_write_failed() {
        let (ours, mut theirs) = tokio::io::simplex(1024);
        let stream = Transported::in_the_clear(Box::new(tokio::io::join(ours, Broken)));
        let mut stream = watched(stream);
        let (error, written) = tokio::join!(write(&mut stream), async {
            tokio::task::yield_now().await;
            theirs.write_all(&[21, 3, 3, 0, 2, 2, 22]).await
        });
        written.unwrap();
        assert!(matches!(error::end_of(&error), Some(End::SpeaksTls)), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_is_not_awaited_for_long() {
        let (ours, _theirs) = tokio::io::simplex(1024);
        let stream = Transported::in_the_clear(Box::new(tokio::io::join(ours, Broken)));
        assert_eq!(write(&mut watched(stream)).await.kind(), io::ErrorKind::BrokenPipe);
    }

    /// Nothing can be written to it.
    struct Broken;

    impl tokio::io::AsyncWrite for Broken {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_failed_write_stays_what_it_is_if_the_peer_said_nothing_of_it() {
        for sent in [&b""[..], b"HTTP/1.1 413 Too Large\r\n\r\n"] {
            let mut stream = closed_after(sent).await;
            assert_eq!(write(&mut stream).await.kind(), io::ErrorKind::BrokenPipe);
            assert!(stream.connection.ending.get().is_none());
        }
    }
}
