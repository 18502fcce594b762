//! TCP to a name: all of its addresses are tried.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use otp_core::async_trait;
use tokio::net::TcpStream;

use super::race::{self, Failed};
use super::{Connector, Resolver, Stream, SystemResolver, Target};
use crate::error::{NoneConnected, NotResolved};

/// TCP, with all addresses of the host tried: the default [`Connector`].
///
/// In the spirit of RFC 8305:
///
/// - The first address is tried at once, the next one 250 ms later, or as soon as an attempt fails. IPv6 and IPv4
///   take turns; the resolver's first address says which one begins.
/// - Earlier attempts go on. The first to connect is used, and all others are closed.
/// - An address that the resolver names twice is tried once. Of more than 16 addresses, 16 are tried: so no more
///   than 16 attempts run at a time.
/// - If all fail, the error is that of the attempt that got furthest: "refused" rather than "unreachable".
///
/// There is no time limit here: the transport's
/// [`connect_timeout`](crate::HyperTransportBuilder::connect_timeout) holds for all addresses together. The default
/// of 5 s is enough for 16 silent ones.
///
/// A connector of your own can use the same by [`connect_any`](Self::connect_any). This one adds a
/// line in front of the stream, as a load balancer may ask for (the PROXY protocol):
///
/// ```
/// use std::io;
/// use otp_core::async_trait;
/// use otp_hyper::{Connector, Resolver, Stream, SystemResolver, Target, TcpConnector};
/// use tokio::io::AsyncWriteExt;
///
/// struct Announced;
///
/// #[async_trait]
/// impl Connector for Announced {
///     async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
///         let addresses = SystemResolver.resolve(target).await?;
///         let mut stream = TcpConnector::connect_any(addresses).await?;
///         stream.write_all(b"PROXY UNKNOWN\r\n").await?;
///         Ok(Box::new(stream))
///     }
/// }
/// ```
#[derive(Clone)]
pub struct TcpConnector(Arc<dyn Resolver>);

impl TcpConnector {
    /// Asks the system for the addresses.
    pub fn new() -> Self {
        Self::with_resolver(SystemResolver)
    }

    /// Asks this resolver for the addresses.
    pub fn with_resolver(resolver: impl Resolver + 'static) -> Self {
        Self(Arc::new(resolver))
    }

    /// Connects to one of these addresses, the way that is described [above](Self). `TCP_NODELAY` is set.
    ///
    /// # Errors
    ///
    /// If there is one address, the error of connecting to it. If there are more, one of their errors:
    /// it has the same kind, and is the source of the error that is returned. If there are none,
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    ///
    /// # Cancellation
    ///
    /// All attempts are closed when the future is dropped.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time enabled.
    pub async fn connect_any(
        addresses: impl IntoIterator<Item = SocketAddr> + Send,
    ) -> io::Result<TcpStream> {
        let addresses = race::in_order(addresses);
        let tried = addresses.len();
        race::first(addresses, connect).await.map_err(|failed| match failed {
            Failed::NoAddress => io::Error::new(io::ErrorKind::InvalidInput, "no address"),
            Failed::All(error) if tried == 1 => error,
            Failed::All(error) => io::Error::new(error.kind(), NoneConnected { tried, error }),
        })
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    if is_its_own_peer(&stream) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    // It only makes small writes faster. Whatever is wrong with the stream shows when it is used.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Where nobody listens on a port of this machine, the system may choose that port for our side and connect
/// the socket to itself (RFC 9293 §3.5, simultaneous open).
fn is_its_own_peer(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(ours), Ok(theirs)) if ours == theirs)
}

#[async_trait]
impl Connector for TcpConnector {
    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
        let addresses = match target.host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, target.port)],
            Err(_) => self.0.resolve(target).await.map_err(NotResolved::of)?,
        };
        if addresses.is_empty() {
            return Err(NotResolved::no_address());
        }
        Ok(Box::new(Self::connect_any(addresses).await?))
    }
}

impl Default for TcpConnector {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TcpConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpConnector").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn a_socket_that_is_connected_to_itself_is_noticed() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let itself = socket.local_addr().unwrap();
        // Linux and macOS allow it; where it is refused, there is nothing to notice.
        if let Ok(stream) = socket.connect(itself).await {
            assert!(is_its_own_peer(&stream));
        }

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(!is_its_own_peer(&stream));
        assert!(stream.nodelay().unwrap());
    }
}
