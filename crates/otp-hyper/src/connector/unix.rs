//! Unix domain sockets.

use std::fmt;
use std::io;

#[cfg(unix)]
use otp_core::async_trait;

#[cfg(unix)]
use super::{Connector, Stream, Target};

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
