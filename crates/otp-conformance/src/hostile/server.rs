use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use otp_core::BaseUrl;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::served::{Log, Served};
use super::socket::unix;
use super::{Certificate, Fault, Received, Wire, connection, runtime, tls};

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
        let _inside = runtime().enter();
        if wire.unix {
            let serve = move |stream| connection::spawn(&served, acceptor.clone(), stream);
            let (socket, task) = unix::listen(refused, serve)?;
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
            server.task = Some(runtime().spawn(async move {
                let _listener = listener;
                std::future::pending::<()>().await;
            }));
        } else {
            let listener = socket.listen(1024)?;
            server.task = Some(runtime().spawn(async move {
                while let Ok((tcp, _)) = listener.accept().await {
                    let _ = tcp.set_nodelay(true);
                    connection::spawn(&served, acceptor.clone(), tcp);
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
