use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use otp_core::BaseUrl;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::socket::{Socket, unix};
use super::witness::Witness;
use super::{Certificate, Ending, Fault, Protocol, Received, Wire, http1, http2, tls};

/// Where all servers run, so that they answer whatever the thread of a test does.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime =
        Builder::new_multi_thread().worker_threads(2).thread_name("hostile").enable_all().build();
    runtime.expect("a runtime for the servers of the tests")
});

pub(crate) fn runtime() -> &'static Runtime {
    &RUNTIME
}

/// A hostile server, stopped when it is dropped.
#[derive(Debug)]
pub struct Server {
    wire: Wire,
    address: SocketAddr,
    socket: Option<PathBuf>,
    ca_pem: String,
    log: Arc<Log>,
    task: Option<JoinHandle<()>>,
    /// What keeps the port from others though nobody listens.
    _bound: Option<TcpSocket>,
    /// Those who wait to be accepted.
    _waiting: Vec<TcpStream>,
    /// Ends the connections when it is dropped.
    _open: watch::Sender<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        if let Some(socket) = &self.socket {
            // Its folder is its own.
            let _ = std::fs::remove_file(socket);
            let _ = socket.parent().map(std::fs::remove_dir);
        }
    }
}

impl Server {
    /// Starts one that does this to every request.
    pub fn start(wire: impl Into<Wire>, fault: Fault) -> Self {
        Self::sequence(wire, vec![fault])
    }

    /// The first fault for the first request that the server receives, and so on; the last one for all
    /// others. What concerns a connection before any request is always the last one's.
    pub fn sequence(wire: impl Into<Wire>, faults: Vec<Fault>) -> Self {
        Self::listen(wire.into(), faults).expect("a server on the loopback address")
    }

    fn listen(wire: Wire, faults: Vec<Fault>) -> io::Result<Self> {
        let last = faults.last().expect("a server needs a fault");
        let refused = matches!(last, Fault::Refused);
        let certificate = match last {
            Fault::Certificate(certificate) => *certificate,
            _ => Certificate::Good,
        };
        let (acceptor, ca_pem) = if wire.tls {
            let (acceptor, ca_pem) = tls::acceptor(wire.protocol, certificate, wire.mutual);
            (Some(acceptor), ca_pem)
        } else {
            (None, String::new())
        };
        let log = Arc::new(Log::default());
        let (open, closing) = watch::channel(());
        let hangs = matches!(last, Fault::HangInConnect);
        let deaf = matches!(last, Fault::Deaf);
        let served = Arc::new(Served { wire, faults, log: Arc::clone(&log), closing });
        let mut server = Self {
            wire,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            socket: None,
            ca_pem,
            log,
            task: None,
            _bound: None,
            _waiting: Vec::new(),
            _open: open,
        };
        let _inside = RUNTIME.enter();
        if wire.unix {
            let (socket, task) = unix::listen(acceptor, served, refused)?;
            (server.socket, server.task) = (Some(socket), task);
            return Ok(server);
        }
        let socket = TcpSocket::new_v4()?;
        if deaf {
            // Who does not read should not take much either.
            socket.set_recv_buffer_size(64 * 1024)?;
        }
        socket.bind(server.address)?;
        server.address = socket.local_addr()?;
        if refused {
            server._bound = Some(socket);
        } else if hangs {
            let listener = socket.listen(1)?;
            server._waiting = fill(server.address)?;
            // It is kept, and accepts nobody.
            server.task = Some(RUNTIME.spawn(async move {
                let _listener = listener;
                std::future::pending::<()>().await;
            }));
        } else {
            let listener = socket.listen(1024)?;
            server.task = Some(RUNTIME.spawn(async move {
                while let Ok((tcp, _)) = listener.accept().await {
                    let _ = tcp.set_nodelay(true);
                    served.spawn(acceptor.clone(), tcp);
                }
            }));
        }
        Ok(server)
    }

    /// How it is reached.
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// The base URL of the API on it; of a Unix socket, one with the host `localhost`.
    pub fn base_url(&self) -> BaseUrl {
        let scheme = if self.wire.tls { "https" } else { "http" };
        let host = match self.socket {
            Some(_) => "localhost".to_owned(),
            None => self.address.to_string(),
        };
        BaseUrl::new(format!("{scheme}://{host}/metal/v1")).expect("a URL of ours")
    }

    /// Its address and port; not of a Unix socket.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its Unix socket, if it has one.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// The certificate of the CA to trust: PEM. Empty in the clear.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// How many requests were received: heads over HTTP/1.1, streams over HTTP/2.
    pub fn requests(&self) -> usize {
        self.log.requests.load(Ordering::SeqCst)
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// How many connections began with something else than a TLS handshake: on a wire with TLS, what came
    /// there in the clear.
    pub fn unencrypted(&self) -> usize {
        self.log.unencrypted.load(Ordering::SeqCst)
    }

    /// How many connections it has closed by itself.
    pub fn closed(&self) -> usize {
        self.log.closed.load(Ordering::SeqCst)
    }

    /// How many requests that were met with silence clients have given up: by closing the connection or,
    /// over HTTP/2, by resetting the stream.
    pub fn abandoned(&self) -> usize {
        self.log.abandoned.load(Ordering::SeqCst)
    }

    /// How many bytes clients have taken of what never ends.
    pub fn written(&self) -> u64 {
        self.log.written.load(Ordering::SeqCst)
    }

    /// Every request so far. Over HTTP/2 only if all faults are answers, echoes and silence:
    /// otherwise they are [counted](Self::requests) and not read.
    pub fn received(&self) -> Vec<Received> {
        self.log.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a server has seen.
#[derive(Debug, Default)]
struct Log {
    requests: AtomicUsize,
    closed: AtomicUsize,
    connections: AtomicUsize,
    unencrypted: AtomicUsize,
    abandoned: AtomicUsize,
    written: AtomicU64,
    received: Mutex<Vec<Received>>,
}

/// What a connection needs to know of its server.
pub(super) struct Served {
    pub(super) wire: Wire,
    faults: Vec<Fault>,
    log: Arc<Log>,
    /// Fails once the server is gone.
    closing: watch::Receiver<()>,
}

impl Served {
    /// Counts a request; gives what to do to it.
    pub(super) fn next(&self, received: Option<Received>) -> &Fault {
        if let Some(received) = received {
            self.log.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
        }
        let before = self.log.requests.fetch_add(1, Ordering::SeqCst);
        self.faults.get(before).unwrap_or_else(|| self.last())
    }

    /// Writes this for as long as the client stays.
    pub(super) async fn flood<S>(&self, stream: &mut S, bytes: &[u8]) -> io::Result<Infallible>
    where
        S: AsyncWrite + Unpin,
    {
        loop {
            for _ in 0..64 {
                stream.write_all(bytes).await?;
                self.log.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
            }
            // A flood all the same; but the client runs on this machine too, and so do other tests.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) fn abandoned(&self, requests: usize) {
        self.log.abandoned.fetch_add(requests, Ordering::SeqCst);
    }

    /// There is one at least: the server was started with it.
    pub(super) fn last(&self) -> &Fault {
        &self.faults[self.faults.len() - 1]
    }

    pub(super) fn is_polite(&self) -> bool {
        self.faults.iter().all(Fault::is_polite)
    }

    pub(super) fn spawn(self: &Arc<Self>, acceptor: Option<TlsAcceptor>, stream: impl Socket) {
        self.log.connections.fetch_add(1, Ordering::SeqCst);
        let served = Arc::clone(self);
        let mut closing = served.closing.clone();
        let log = Arc::clone(&self.log);
        let stream = Witness::new(stream, move || {
            log.unencrypted.fetch_add(1, Ordering::SeqCst);
        });
        RUNTIME.spawn(async move {
            tokio::select! {
                // A connection that fails is what clients do to servers like this.
                _ = connection(stream, acceptor, &served) => {}
                _ = closing.changed() => {}
            }
        });
    }
}

async fn connection(
    mut socket: impl Socket,
    acceptor: Option<TlsAcceptor>,
    served: &Served,
) -> io::Result<()> {
    match served.last() {
        Fault::HangInHandshake => return until_closed(&mut socket).await,
        Fault::CloseInHandshake => return Ok(()),
        Fault::NotTls(bytes) => {
            socket.write_all(bytes).await?;
            return until_closed(&mut socket).await;
        }
        _ => {}
    }
    match acceptor {
        None => {
            let ending = requests(&mut socket, served).await?;
            end(socket, ending, served, Socket::reset).await
        }
        Some(acceptor) => {
            let mut stream = acceptor.accept(socket).await?;
            let ending = requests(&mut stream, served).await?;
            end(stream, ending, served, |stream| stream.get_ref().0.reset()).await
        }
    }
}

async fn requests<S>(stream: &mut S, served: &Served) -> io::Result<Ending>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match served.wire.protocol {
        Protocol::Http1 => http1::serve(stream, served).await,
        Protocol::Http2 if served.is_polite() => http2::serve_politely(stream, served).await,
        Protocol::Http2 => http2::serve(stream, served).await,
    }
}

async fn end<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    ending: Ending,
    served: &Served,
    reset: impl FnOnce(&S) -> io::Result<()>,
) -> io::Result<()> {
    match ending {
        Ending::Reset => reset(&stream),
        Ending::Close => {
            let _ = stream.shutdown().await;
            drop(stream);
            served.log.closed.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        Ending::Silence | Ending::Trickle => {
            let heard = until_closed(&mut stream).await;
            served.abandoned(1);
            heard
        }
    }
}

/// Says nothing for as long as the client stays.
async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

/// Fills the queue of those who wait to be accepted.
fn fill(address: SocketAddr) -> io::Result<Vec<TcpStream>> {
    let patience = Duration::from_millis(50);
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let Ok(tcp) = std::net::TcpStream::connect_timeout(&address, patience) else { break };
        tcp.set_nonblocking(true)?;
        waiting.push(TcpStream::from_std(tcp)?);
    }
    Ok(waiting)
}
