use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use otp_core::BaseUrl;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use super::served::{Log, Served};
use super::socket::unix;
use super::{Fault, Protocol, Received, Setup, Wire, connection, runtime, tls};

/// A hostile server, stopped when it is dropped.
#[derive(Debug)]
pub struct Server {
    wire: Wire,
    address: SocketAddr,
    socket: Option<PathBuf>,
    ca_pem: String,
    log: Arc<Log>,
    /// What came in the clear to a port with TLS, if that is served.
    clear_log: Arc<Log>,
    may_refuse: bool,
    faults: Arc<[Fault]>,
    task: Option<JoinHandle<()>>,
    /// What keeps the port from others though nobody listens.
    _bound: Option<TcpSocket>,
    /// Ends the connections when it is dropped.
    open: Arc<watch::Sender<()>>,
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
        Setup::new(wire, faults).start().expect("a server on the loopback address")
    }

    pub(super) fn listen(setup: Setup) -> io::Result<Self> {
        let Setup { wire, faults, address, certificate, in_the_clear, delays, accepts_after, alpn } =
            setup;
        let last = faults.last().expect("a server needs a fault");
        let refused = matches!(last, Fault::Refused);
        let (acceptor, ca_pem) = if wire.tls {
            let (acceptor, ca_pem) =
                tls::acceptor(alpn.then_some(wire.protocol), certificate, wire.mutual);
            (Some(acceptor), ca_pem)
        } else {
            (None, String::new())
        };
        let log = Arc::new(Log::default());
        let clear_log = Arc::new(Log::default());
        let (open, closing) = watch::channel(());
        let hangs = matches!(last, Fault::HangInConnect);
        let deaf = |fault: &Fault| matches!(fault, Fault::Deaf | Fault::Early(_));
        let deaf = faults.iter().any(deaf);
        let may_refuse = wire.protocol == Protocol::Http2 && faults.iter().any(Fault::may_refuse);
        let clear = in_the_clear.map(|fault| {
            let (log, closing) = (Arc::clone(&clear_log), closing.clone());
            let wire = Wire { tls: false, ..wire };
            Arc::new(Served {
                wire,
                faults: [fault].into(),
                log,
                delays: vec![],
                clear: None,
                closing,
            })
        });
        let faults: Arc<[Fault]> = faults.into();
        let done = Arc::clone(&faults);
        let served = Served { wire, faults, log: Arc::clone(&log), delays, clear, closing };
        let served = Arc::new(served);
        let mut server = Self {
            wire,
            address,
            socket: None,
            ca_pem,
            log,
            clear_log,
            may_refuse,
            faults: done,
            task: None,
            _bound: None,
            open: Arc::new(open),
        };
        let _inside = runtime().enter();
        if wire.unix {
            let serve = move |stream| connection::spawn(&served, acceptor.clone(), stream);
            let (socket, task) = unix::listen(refused, serve)?;
            (server.socket, server.task) = (Some(socket), task);
            return Ok(server);
        }
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if deaf {
            // Who does not read should not take much either.
            socket.set_recv_buffer_size(64 * 1024)?;
        }
        socket.bind(server.address)?;
        server.address = socket.local_addr()?;
        let accept = move |listener: TcpListener| async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let _ = tcp.set_nodelay(true);
                connection::spawn(&served, acceptor.clone(), tcp);
            }
        };
        if refused {
            server._bound = Some(socket);
        } else if hangs {
            let listener = socket.listen(1)?;
            let waiting = fill(server.address)?;
            // It is kept, and accepts nobody, or nobody yet.
            server.task = Some(runtime().spawn(async move {
                match accepts_after {
                    Some(patience) => {
                        tokio::time::sleep(patience).await;
                        drop(waiting);
                        accept(listener).await;
                    }
                    None => {
                        let _kept = (listener, waiting);
                        std::future::pending::<()>().await;
                    }
                }
            }));
        } else if let Some(patience) = accepts_after {
            // What is bound and does not listen refuses connections.
            server.task = Some(runtime().spawn(async move {
                tokio::time::sleep(patience).await;
                if let Ok(listener) = socket.listen(1024) {
                    accept(listener).await;
                }
            }));
        } else {
            server.task = Some(runtime().spawn(accept(socket.listen(1024)?)));
        }
        Ok(server)
    }

    /// What it does to requests.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What stops it before it is dropped.
    pub(crate) fn stopper(&self) -> Stopper {
        Stopper {
            open: Arc::downgrade(&self.open),
            task: self.task.as_ref().map(JoinHandle::abort_handle),
        }
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

    /// The scheme, a host in the place of its address, and its port.
    pub(crate) fn base_url_of(&self, host: &str) -> String {
        let scheme = if self.wire.tls { "https" } else { "http" };
        format!("{scheme}://{host}:{}/metal/v1", self.address.port())
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

    /// How many connections are open now.
    pub fn open(&self) -> usize {
        self.log.open.load(Ordering::SeqCst)
    }

    /// How many requests may have been read, or a part of them; none if it may have proved to a client of
    /// HTTP/2 that it has not processed what it read.
    pub(crate) fn reached(&self) -> Option<usize> {
        let begun = self.log.begun.load(Ordering::SeqCst);
        match self.may_refuse {
            true => None,
            // The preflights of a browser are no requests.
            false if self.wire.cors => Some(self.requests()),
            false => Some(begun.max(self.requests())),
        }
    }

    /// What came in the clear to a port with TLS, if that is served.
    pub(crate) fn received_in_the_clear(&self) -> Vec<Received> {
        self.clear_log.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// What clients did that HTTP/2 forbids: streams above the limit, data beyond a window, requests that
    /// are malformed. A [polite](Fault::Polite) server resets such streams instead.
    pub fn violations(&self) -> Vec<String> {
        self.log.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every request so far. Over HTTP/2 the body of one that is still arriving may be incomplete.
    pub fn received(&self) -> Vec<Received> {
        self.log.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Stops a server from another thread.
#[derive(Clone, Debug)]
pub(crate) struct Stopper {
    open: Weak<watch::Sender<()>>,
    task: Option<AbortHandle>,
}

impl Stopper {
    /// Ends its connections, and takes no more.
    pub(crate) fn stop(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        if let Some(open) = self.open.upgrade() {
            // A connection that has ended does not listen.
            let _ = open.send(());
        }
    }
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
