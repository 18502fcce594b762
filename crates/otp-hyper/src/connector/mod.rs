//! Where the bytes go: TCP by default, or whatever else can carry them.

mod race;
mod resolver;
mod tcp;
#[cfg(unix)]
mod unix;

pub use resolver::{Resolver, SystemResolver};
pub use tcp::TcpConnector;
#[cfg(unix)]
pub use unix::UnixSocket;

use std::fmt;
use std::io;
use std::sync::Arc;

use hyper::Uri;
use otp_core::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection's bytes, in both directions. Everything that tokio can read and write is one.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Opens the streams that TLS and HTTP run over.
///
/// The default is [`TcpConnector`]. Others replace it by
/// [`HyperTransportBuilder::connector`](crate::HyperTransportBuilder::connector): a Unix socket
/// ([`UnixSocket`]), or memory, as here:
///
/// ```
/// use std::io;
/// use otp_core::async_trait;
/// use otp_hyper::{Connector, HyperTransport, Stream, Target};
///
/// struct InMemory(tokio::sync::mpsc::Sender<tokio::io::DuplexStream>);
///
/// #[async_trait]
/// impl Connector for InMemory {
///     async fn connect(&self, _: &Target) -> io::Result<Box<dyn Stream>> {
///         let (ours, theirs) = tokio::io::duplex(64 * 1024);
///         self.0.send(theirs).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
///         Ok(Box::new(ours))
///     }
/// }
///
/// # fn example(server: tokio::sync::mpsc::Sender<tokio::io::DuplexStream>) -> Result<(), otp_core::Error> {
/// let transport = HyperTransport::builder().connector(InMemory(server)).build()?;
/// # let _ = transport; Ok(()) }
/// ```
#[async_trait]
pub trait Connector: Send + Sync {
    /// Opens a stream to this target, or to whatever stands for it. TLS, if the base URL asks for it, is
    /// put on top and checked against the target's host.
    ///
    /// # Errors
    ///
    /// Any: the request was not sent. Its kind tells why; its text goes no further.
    ///
    /// # Cancellation
    ///
    /// The future is dropped when connecting takes too long.
    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>>;
}

/// Whom a connection is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port, also where the URL leaves it out.
    pub port: u16,
}

impl Target {
    pub(crate) fn of(uri: &Uri) -> Self {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(usual) }
    }

    /// As it stands in a URL: IPv6 in brackets, and always with a port.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

#[async_trait]
impl<C: Connector + ?Sized> Connector for Arc<C> {
    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
        (**self).connect(target).await
    }
}

impl fmt::Debug for dyn Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
