use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;

/// What the first byte of a TLS handshake is (RFC 8446 §5.1).
pub(super) const HANDSHAKE: u8 = 0x16;

/// A stream that tells, once, if the first byte read from it does not begin a TLS handshake.
pub(super) struct Witness<S, F> {
    stream: S,
    /// None once something was read.
    tell: Option<F>,
}

impl<S, F: FnOnce()> Witness<S, F> {
    pub(super) fn new(stream: S, tell: F) -> Self {
        Self { stream, tell: Some(tell) }
    }
}

impl<S: AsyncRead + Unpin, F: FnOnce() + Unpin> AsyncRead for Witness<S, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if let Some(first) = buffer.filled().get(before) {
            if let Some(tell) = self.tell.take().filter(|_| *first != HANDSHAKE) {
                tell();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, F: Unpin> AsyncWrite for Witness<S, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: Socket, F: FnOnce() + Unpin + Send + Sync + 'static> Socket for Witness<S, F> {
    fn reset(&self) -> io::Result<()> {
        self.stream.reset()
    }

    async fn first(&self) -> io::Result<u8> {
        self.stream.first().await
    }
}
