use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{Certificate, Fault, Server, Wire};

/// A server before it is started: what it does to requests, and how it behaves before any.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(super) wire: Wire,
    pub(super) faults: Vec<Fault>,
    pub(super) address: SocketAddr,
    pub(super) certificate: Certificate,
    pub(super) in_the_clear: Option<Fault>,
    pub(super) delays: Vec<Duration>,
    pub(super) accepts_after: Option<Duration>,
    pub(super) alpn: bool,
}

impl Setup {
    /// As [`Server::sequence`].
    pub(crate) fn new(wire: impl Into<Wire>, faults: Vec<Fault>) -> Self {
        let certificate = match faults.last() {
            Some(Fault::Certificate(certificate)) => *certificate,
            _ => Certificate::Good,
        };
        Self {
            wire: wire.into(),
            faults,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            certificate,
            in_the_clear: None,
            delays: Vec::new(),
            accepts_after: None,
            alpn: true,
        }
    }

    /// Listens here.
    pub(crate) fn at(self, address: impl Into<SocketAddr>) -> Self {
        Self { address: address.into(), ..self }
    }

    /// With a certificate for these hosts.
    pub(crate) fn named(self, hosts: &'static [&'static str]) -> Self {
        Self { certificate: Certificate::Names(hosts), ..self }
    }

    /// What comes in the clear to its port with TLS meets this.
    pub(crate) fn in_the_clear_too(self, fault: Fault) -> Self {
        Self { in_the_clear: Some(fault), ..self }
    }

    /// Each connection in turn waits so long before its handshake; those after them do not.
    pub(crate) fn delayed(self, delays: Vec<Duration>) -> Self {
        Self { delays, ..self }
    }

    /// With TLS that chooses no protocol (RFC 7301 §3.2).
    pub(crate) fn without_alpn(self) -> Self {
        Self { alpn: false, ..self }
    }

    /// A server that [hangs](Fault::HangInConnect) accepts connections after this. Any other refuses connections
    /// until then.
    pub(crate) fn accepting_after(self, patience: Duration) -> Self {
        Self { accepts_after: Some(patience), ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// An address that this machine does not have, or that is taken.
    pub(crate) fn start(self) -> io::Result<Server> {
        Server::listen(self)
    }
}
