//! The streams that a server reads from: on a port, or on a Unix socket.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes closing it a reset.
    fn reset(&self) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn reset(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

#[cfg(unix)]
pub(super) mod unix {
    use std::os::unix::net::UnixListener;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Arc, JoinHandle, PathBuf, Socket, TlsAcceptor, io};
    use crate::hostile::runtime;
    use crate::hostile::server::Served;

    /// There is no reset: it is a close.
    impl Socket for tokio::net::UnixStream {
        fn reset(&self) -> io::Result<()> {
            Ok(())
        }
    }

    pub(in crate::hostile) fn listen(
        acceptor: Option<TlsAcceptor>,
        served: Arc<Served>,
        refused: bool,
    ) -> io::Result<(PathBuf, Option<JoinHandle<()>>)> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("otp-conformance-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("socket");
        // What a process of the same id has left behind.
        let _ = std::fs::remove_file(&path);
        if refused {
            return Ok((path, None));
        }
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let task = runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                served.spawn(acceptor.clone(), stream);
            }
        });
        Ok((path, Some(task)))
    }
}

#[cfg(not(unix))]
pub(super) mod unix {
    use super::{Arc, JoinHandle, PathBuf, TlsAcceptor, io};
    use crate::hostile::server::Served;

    pub(in crate::hostile) fn listen(
        _: Option<TlsAcceptor>,
        _: Arc<Served>,
        _: bool,
    ) -> io::Result<(PathBuf, Option<JoinHandle<()>>)> {
        Err(io::Error::other("there are no Unix sockets here"))
    }
}
