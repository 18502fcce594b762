//! The OTP client over HTTP/1.1 by hand: one thread, no runtime, any stream of bytes.
//!
//! # What it is
//!
//! A [`local::Transport`](Transport) to copy where there is no HTTP stack: a device with a serial line or a
//! socket of its own, a process behind a Unix socket, a test in memory. It asks of the stream that reading
//! and writing never wait, and waits by being polled again. Four short files:
//!
//! | file | holds |
//! |---|---|
//! | `lib.rs` | the transport: one request, one connection, one response |
//! | `wire.rs` | a stream with a deadline; how far a request got |
//! | `http1.rs` | the bytes of a request and of a response (RFC 9112) |
//! | `executor.rs` | [`block_on`], the smallest executor there is |
//!
//! # What it is not
//!
//! - TLS: it refuses `https`. It is for loopback and for sockets that never leave the machine.
//! - Fast: each request has a connection of its own, which is what keeps this short and has no kept
//!   connection that could be stale.
//! - Idle while it waits: it asks every millisecond. Who has an event loop registers the stream there in the
//!   place of `executor::give_way`.

mod executor;
mod http1;
mod wire;

pub use executor::block_on;

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use otp_core::http::uri::Scheme;
use otp_core::local::Transport;
use otp_core::{Request, Response, TransportError, TransportErrorKind, async_trait, clock};

use self::wire::Wire;

/// No attempt takes longer, whatever its limit.
const LONGEST: Duration = Duration::from_secs(3600);

/// A connection: whatever can be read from and written to, and answers
/// [`WouldBlock`](io::ErrorKind::WouldBlock) where it would have to wait.
pub trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

type Dial = dyn Fn(Duration) -> io::Result<Box<dyn Stream>>;

/// Sends each request over a connection of its own.
///
/// It does not leave its thread, and its futures run on any executor, such as [`block_on`].
///
/// # Cancellation
///
/// Dropping the future of `send` closes its connection; the next request is not affected.
#[derive(Clone)]
pub struct ByHand {
    dial: Rc<Dial>,
}

impl ByHand {
    /// Connects by this function, which is told how long it may take. Its streams must not block.
    pub fn over<S: Stream + 'static>(dial: impl Fn(Duration) -> io::Result<S> + 'static) -> Self {
        Self { dial: Rc::new(move |time| Ok(Box::new(dial(time)?))) }
    }

    /// Connects to this address by TCP, whatever the URL says.
    ///
    /// Connecting blocks the thread, for no longer than the attempt may take: the standard library has no
    /// other way.
    pub fn to_address(address: SocketAddr) -> Self {
        Self::over(move |time| {
            let stream = TcpStream::connect_timeout(&address, time)?;
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }

    /// Connects to this Unix socket, whatever the URL says.
    #[cfg(unix)]
    pub fn to_unix_socket(path: impl Into<std::path::PathBuf>) -> Self {
        let path = path.into();
        Self::over(move |_| {
            let stream = std::os::unix::net::UnixStream::connect(&path)?;
            stream.set_nonblocking(true)?;
            Ok(stream)
        })
    }
}

#[async_trait(?Send)]
impl Transport for ByHand {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (time, limit) = (request.time_limit().min(LONGEST), request.response_limit());
        let deadline = Instant::now() + time;
        let request = request.into_http();
        if request.uri().scheme() != Some(&Scheme::HTTP) {
            return Err(TransportError::not_sent(TransportErrorKind::Other)
                .with_reason("it has no TLS, and the URL asks for it"));
        }
        let request_head = http1::request_head(&request)?;
        let stream = (self.dial)(time).map_err(|error| {
            TransportError::not_sent(TransportErrorKind::Connect)
                .with_reason(error.kind().to_string())
                .with_source(error)
        })?;

        let mut wire = Wire::new(stream, deadline);
        wire.send(&request_head).await?;
        wire.send(request.body()).await?;
        let head = http1::head(&mut wire).await?;
        match http1::body(&mut wire, request.method(), &head, limit).await {
            Ok(body) => Ok(Response::from_parts(head, body.into())),
            Err(error) => Err(error.with_head(head)),
        }
    }

    async fn sleep(&self, duration: Duration) {
        let start = Instant::now();
        while start.elapsed() < duration {
            executor::give_way().await;
        }
    }

    fn now(&self) -> Duration {
        clock::monotonic()
    }
}

impl fmt::Debug for ByHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByHand").finish_non_exhaustive()
    }
}
