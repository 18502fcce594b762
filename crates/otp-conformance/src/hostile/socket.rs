//! The streams that a server reads from: on a port, or on a Unix socket.

use std::io;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static {
    /// Makes closing it a reset.
    fn reset(&self) -> io::Result<()>;

    /// The first byte that comes, which stays unread.
    fn first(&self) -> impl Future<Output = io::Result<u8>> + Send;
}

impl Socket for TcpStream {
    fn reset(&self) -> io::Result<()> {
        self.set_zero_linger()
    }

    async fn first(&self) -> io::Result<u8> {
        let mut first = [0];
        match self.peek(&mut first).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(first[0]),
        }
    }
}

#[cfg(unix)]
pub(super) mod unix {
    use std::os::unix::net::UnixListener;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::net::UnixStream;

    use super::{JoinHandle, PathBuf, Socket, io};

    /// There is no reset: it is a close.
    impl Socket for UnixStream {
        fn reset(&self) -> io::Result<()> {
            Ok(())
        }

        /// Not used: nothing is on a socket as on a port with TLS and without.
        async fn first(&self) -> io::Result<u8> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    pub(in crate::hostile) fn listen(
        refused: bool,
        serve: impl Fn(UnixStream) + Send + 'static,
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
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream);
            }
        });
        Ok((path, Some(task)))
    }
}

#[cfg(not(unix))]
pub(super) mod unix {
    use super::{JoinHandle, PathBuf, TcpStream, io};

    pub(in crate::hostile) fn listen(
        _: bool,
        _: impl Fn(TcpStream) + Send + 'static,
    ) -> io::Result<(PathBuf, Option<JoinHandle<()>>)> {
        Err(io::Error::other("there are no Unix sockets here"))
    }
}
