//! Unix domain sockets.

use std::io;

use otp_core::async_trait;

use super::{Connector, Stream, Target};
use crate::error::NoSocket;

/// A Unix domain socket: every connection goes there, whatever the base URL's host.
///
/// ```
/// use otp_hyper::{HyperTransport, UnixSocket};
///
/// # fn example() -> Result<(), otp_core::Error> {
/// let transport = HyperTransport::builder().connector(UnixSocket::new("/run/metal.sock")).build()?;
/// # let _ = transport; Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct UnixSocket(std::path::PathBuf);

impl UnixSocket {
    /// The socket at this path.
    pub fn new(path: impl Into<std::path::PathBuf>) -> Self {
        Self(path.into())
    }
}

#[async_trait]
impl Connector for UnixSocket {
    async fn connect(&self, _: &Target) -> io::Result<Box<dyn Stream>> {
        match tokio::net::UnixStream::connect(&self.0).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(io::Error::new(error.kind(), NoSocket(error))),
        }
    }
}
