//! Where the bytes go: TCP by default, or whatever else can carry them.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use otp_core::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::error;

/// A connection's bytes, in both directions. Everything that tokio can read and write is one.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Opens the streams that TLS and HTTP run over.
///
/// The default is TCP with both IP versions raced (RFC 8305). Others replace it by
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

    fn to_uri(&self) -> io::Result<Uri> {
        let uri = format!("http://{}", self.authority());
        uri.parse().map_err(|_| io::ErrorKind::InvalidInput.into())
    }
}

/// TCP.
#[derive(Clone)]
pub(crate) struct Tcp(HttpConnector<Resolver>);

impl Tcp {
    pub(crate) fn new() -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        tcp.set_nodelay(true);
        Self(tcp)
    }
}

#[async_trait]
impl Connector for Tcp {
    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
        // hyper-util's connector is always ready.
        let connected = self.0.clone().call(target.to_uri()?).await;
        match connected {
            Ok(stream) => Ok(Box::new(stream.into_inner())),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// The system's name resolution. Its failures are told from those of connecting.
#[derive(Clone)]
struct Resolver(GaiResolver);

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = NotResolved;
    type Future = Pin<Box<dyn Future<Output = Result<GaiAddrs, NotResolved>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotResolved>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.0.call(name);
        Box::pin(async move { resolving.await.map_err(|error| NotResolved::from(&error)) })
    }
}

/// A host name has no address that is known here, by the system's words.
#[derive(Debug)]
pub(crate) struct NotResolved(pub(crate) String);

impl From<&io::Error> for NotResolved {
    fn from(error: &io::Error) -> Self {
        // std adds this to getaddrinfo's text, of which there is one for each code.
        const STD: &str = "failed to lookup address information: ";
        Self(match error.to_string().strip_prefix(STD) {
            Some(words) => words.to_owned(),
            None => error::describe(error),
        })
    }
}

impl fmt::Display for NotResolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host name could not be resolved: {}", self.0)
    }
}

impl std::error::Error for NotResolved {}

/// A Unix domain socket: every connection goes there, whatever the base URL's host.
///
/// ```
/// use otp_hyper::{HyperTransport, UnixSocket};
///
/// # fn example() -> Result<(), otp_core::Error> {
/// let transport = HyperTransport::builder().connector(UnixSocket::new("/run/metal.sock")).build()?;
/// # let _ = transport; Ok(()) }
/// ```
#[cfg(unix)]
#[derive(Clone, Debug)]
pub struct UnixSocket(std::path::PathBuf);

#[cfg(unix)]
impl UnixSocket {
    /// The socket at this path.
    pub fn new(path: impl Into<std::path::PathBuf>) -> Self {
        Self(path.into())
    }
}

#[cfg(unix)]
#[async_trait]
impl Connector for UnixSocket {
    async fn connect(&self, _: &Target) -> io::Result<Box<dyn Stream>> {
        match tokio::net::UnixStream::connect(&self.0).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(io::Error::new(error.kind(), NoSocket(error))),
        }
    }
}

/// A Unix socket cannot be connected to.
#[cfg_attr(not(unix), allow(dead_code, reason = "there are no Unix sockets"))]
#[derive(Debug)]
pub(crate) struct NoSocket(io::Error);

impl fmt::Display for NoSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Unix socket cannot be connected to")
    }
}

impl std::error::Error for NoSocket {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
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
