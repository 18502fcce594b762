//! From a host name to its addresses.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use otp_core::async_trait;
use tokio::task::JoinSet;

use super::Target;
use crate::error::NotResolved;

/// Finds the addresses of a host name.
///
/// The default is [`SystemResolver`]. Give another one to
/// [`HyperTransportBuilder::resolver`](crate::HyperTransportBuilder::resolver): a cache, DNS over HTTPS, or a
/// fixed table as here.
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
/// use otp_core::async_trait;
/// use otp_hyper::{HyperTransport, Resolver, SystemResolver, Target};
///
/// /// Knows one host, and asks the system about all others.
/// struct Pinned(Vec<SocketAddr>);
///
/// #[async_trait]
/// impl Resolver for Pinned {
///     async fn resolve(&self, target: &Target) -> io::Result<Vec<SocketAddr>> {
///         match target.host.as_str() {
///             "metal.internal" => Ok(self.0.clone()),
///             _ => SystemResolver.resolve(target).await,
///         }
///     }
/// }
///
/// # fn example() -> Result<(), otp_core::Error> {
/// let addresses = vec!["192.0.2.1:443".parse().unwrap(), "192.0.2.2:443".parse().unwrap()];
/// let transport = HyperTransport::builder().resolver(Pinned(addresses)).build()?;
/// # let _ = transport; Ok(()) }
/// ```
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of the target's host, the preferred one first, each with the port to connect to.
    ///
    /// It is not called for a host that is an address itself. No addresses count as an error.
    ///
    /// # Errors
    ///
    /// Any: the request was not sent. Its kind tells why; its text goes no further.
    ///
    /// # Cancellation
    ///
    /// The future is dropped when connecting takes too long.
    async fn resolve(&self, target: &Target) -> io::Result<Vec<SocketAddr>>;
}

#[async_trait]
impl<R: Resolver + ?Sized> Resolver for Arc<R> {
    async fn resolve(&self, target: &Target) -> io::Result<Vec<SocketAddr>> {
        (**self).resolve(target).await
    }
}

impl fmt::Debug for dyn Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

/// The system's name resolution (`getaddrinfo`), on a thread of tokio's blocking pool.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, target: &Target) -> io::Result<Vec<SocketAddr>> {
        let name = (target.host.clone(), target.port);
        // Unlike the future of `tokio::net::lookup_host`, the set takes a lookup that has not begun out of the
        // pool's queue when it is dropped. So calls that gave up do not fill the queue while DNS is silent.
        let mut lookup = JoinSet::new();
        lookup.spawn_blocking(move || name.to_socket_addrs().map(Vec::from_iter));
        let found = match lookup.join_next().await {
            Some(Ok(found)) => found,
            Some(Err(lost)) => Err(lost.into()),
            None => Ok(Vec::new()),
        };
        found.map_err(|error| NotResolved::of_system(&error).into())
    }
}
