//! A stream with a limit on what a server may send before it answers, and on what is read of it at a stretch.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use otp_core::secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connector::Stream;
use crate::error::{End, Flood, SpeaksTls};

/// How many bytes the server may still send on a connection; unlimited while nobody waits for a head.
///
/// hyper bounds one head, but not the number of informational responses (RFC 9110 §15.2) before it.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: AtomicUsize,
    /// What ended the connection, if it ended.
    pub(crate) ending: OnceLock<End>,
}

impl Allowance {
    fn unlimited() -> Self {
        Self { left: AtomicUsize::new(usize::MAX), ending: OnceLock::new() }
    }

    /// Limits what comes from now on.
    pub(crate) fn limit(&self, bytes: usize) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    /// The head is here: what follows has limits of its own.
    pub(crate) fn lift(&self) {
        self.left.store(usize::MAX, Ordering::Relaxed);
    }

    /// Whether so many bytes are still allowed; only the connection's own task takes.
    fn take(&self, bytes: usize) -> bool {
        match self.left.load(Ordering::Relaxed) {
            usize::MAX => true,
            left => {
                let rest = left.checked_sub(bytes);
                // If the limit was changed meanwhile, the change wins.
                let _ = self.left.compare_exchange(
                    left,
                    rest.unwrap_or(0),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                rest.is_some()
            }
        }
    }
}

/// How a server refuses what is not TLS: the start of an alert (RFC 8446 §5.1), which no HTTP starts with.
const TLS_ALERT: [u8; 2] = [21, 3];

/// So much is read without a pause. Answers of this API are smaller.
const AT_ONCE: usize = 8 * 1024;

/// What comes after that without a pause is read in pieces of at least and at most so many bytes, with a turn for
/// others after each. HTTP/2's smallest frames are nine bytes, and reading one may write a dozen lines of a log:
/// the work is in frames and not in bytes, so a piece is smaller if the last one took long.
const PIECES: std::ops::RangeInclusive<usize> = 256..=4096;

/// A piece should take no longer.
const TURN: Duration = Duration::from_millis(5);

/// The stream of a connector, as hyper wants it.
pub(crate) struct Transported {
    io: TokioIo<Counted>,
    allowance: Arc<Allowance>,
}

struct Counted {
    stream: Box<dyn Stream>,
    allowance: Arc<Allowance>,
    /// Nothing was read yet, and what comes should not be TLS.
    may_be_tls: bool,
    /// How much came since there was nothing to read.
    at_a_stretch: usize,
    pieces: Pieces,
}

/// How a flood is read.
struct Pieces {
    size: usize,
    /// When the last one was read.
    read: Option<Instant>,
    had_their_turn: bool,
}

impl Pieces {
    fn new() -> Self {
        Self { size: *PIECES.end(), read: None, had_their_turn: false }
    }

    /// How much to read now, by how long the last piece took.
    fn next_size(&mut self, now: Instant) -> usize {
        if let Some(read) = self.read.replace(now) {
            let is_slow = now.saturating_duration_since(read) > TURN;
            let size = if is_slow { self.size / 2 } else { self.size * 2 };
            self.size = size.clamp(*PIECES.start(), *PIECES.end());
        }
        self.size
    }
}

impl Transported {
    /// A stream that TLS, or another stream, runs over.
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self::with(stream, false)
    }

    /// A stream that HTTP runs over in the clear.
    pub(crate) fn in_the_clear(stream: Box<dyn Stream>) -> Self {
        Self::with(stream, true)
    }

    fn with(stream: Box<dyn Stream>, may_be_tls: bool) -> Self {
        let allowance = Arc::new(Allowance::unlimited());
        let counted = Counted {
            stream,
            allowance: Arc::clone(&allowance),
            may_be_tls,
            at_a_stretch: 0,
            pieces: Pieces::new(),
        };
        Self { io: TokioIo::new(counted), allowance }
    }
}

impl Connection for Transported {
    fn connected(&self) -> Connected {
        Connected::new().extra(Arc::clone(&self.allowance))
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = if self.at_a_stretch < AT_ONCE {
            Pin::new(&mut self.stream).poll_read(cx, buf)
        } else if !std::mem::replace(&mut self.pieces.had_their_turn, true) {
            // It wakes the task when all others, and the timers, had their turn.
            return pin!(tokio::task::yield_now()).poll(cx).map(Ok);
        } else {
            self.pieces.had_their_turn = false;
            let size = self.pieces.next_size(Instant::now()).min(buf.remaining());
            let mut piece = Zeroizing::new([0; *PIECES.end()]);
            let mut piece = ReadBuf::new(&mut piece[..size]);
            let polled = Pin::new(&mut self.stream).poll_read(cx, &mut piece);
            buf.put_slice(piece.filled());
            polled
        };
        let read = buf.filled().len() - before;
        if polled.is_pending() {
            (self.at_a_stretch, self.pieces) = (0, Pieces::new());
        } else {
            self.at_a_stretch += read;
        }
        ready!(polled)?;
        if std::mem::take(&mut self.may_be_tls) && buf.filled()[before..].starts_with(&TLS_ALERT) {
            return Poll::Ready(Err(io::Error::other(SpeaksTls)));
        }
        Poll::Ready(if self.allowance.take(read) { Ok(()) } else { Err(io::Error::other(Flood)) })
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Read for Transported {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Transported {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
