//! What the connections of a server share: what to do to each request, and what was seen.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::{Fault, Received, Wire};

/// What a server has seen.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) requests: AtomicUsize,
    /// Requests of HTTP/1.1 of which at least one byte was read.
    pub(super) begun: AtomicUsize,
    /// Connections that are open now.
    pub(super) open: AtomicUsize,
    pub(super) closed: AtomicUsize,
    pub(super) connections: AtomicUsize,
    pub(super) unencrypted: AtomicUsize,
    pub(super) abandoned: AtomicUsize,
    pub(super) written: AtomicU64,
    pub(super) received: Mutex<Vec<Received>>,
    /// What clients did that HTTP/2 forbids.
    pub(super) violations: Mutex<Vec<String>>,
}

/// What a connection needs to know of its server.
pub(super) struct Served {
    pub(super) wire: Wire,
    pub(super) faults: Arc<[Fault]>,
    pub(super) log: Arc<Log>,
    /// How long each connection in turn waits before its handshake; those after them do not.
    pub(super) delays: Vec<Duration>,
    /// What serves those who come in the clear to a port with TLS, if they are served.
    pub(super) clear: Option<Arc<Served>>,
    /// Fails once the server is gone.
    pub(super) closing: watch::Receiver<()>,
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

    /// Counts a request whose body is still to come; gives its number and what to do to it.
    pub(super) fn begin(&self, received: Received) -> (usize, &Fault) {
        let mut all = self.log.received.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(received);
        let before = self.log.requests.fetch_add(1, Ordering::SeqCst);
        (all.len() - 1, self.fault(before))
    }

    /// What to do to the request with this number.
    pub(super) fn fault(&self, number: usize) -> &Fault {
        self.faults.get(number).unwrap_or_else(|| self.last())
    }

    /// The request with this number, as far as it has arrived.
    pub(super) fn received(&self, number: usize) -> Received {
        let all = self.log.received.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(number).cloned().unwrap_or_default()
    }

    /// Adds a piece to the body of the request with this number.
    pub(super) fn body(&self, number: usize, piece: &[u8]) {
        let mut all = self.log.received.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(received) = all.get_mut(number) {
            received.body.extend_from_slice(piece);
        }
    }

    /// Records something that HTTP/2 forbids.
    pub(super) fn violation(&self, what: impl Into<String>) {
        self.log.violations.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    /// What the next request will meet, if no other connection has one before.
    pub(super) fn upcoming(&self) -> &Fault {
        let before = self.log.requests.load(Ordering::SeqCst);
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

    /// Counts what a client has taken of what never ends.
    pub(super) fn wrote(&self, bytes: usize) {
        self.log.written.fetch_add(bytes as u64, Ordering::SeqCst);
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
}
