//! Where to listen: at an address, or at a name and all addresses that it has.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

/// How often a free port is looked for that is free at all addresses of a name.
const TRIES: usize = 10;

/// A place to listen at.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Address(SocketAddr),
    /// A host and a port.
    Named(String),
}

/// The sockets that listen, all on the same port.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) listeners: Vec<TcpListener>,
    /// Of the first of them.
    pub(crate) address: SocketAddr,
    /// The host that was named, if one was.
    pub(crate) host: Option<String>,
}

impl Place {
    pub(crate) fn listen(&self) -> io::Result<Listening> {
        let (host, addresses) = match self {
            Self::Address(address) => (None, vec![*address]),
            Self::Named(name) => match name.parse() {
                Ok(address) => (None, vec![address]),
                Err(_) => {
                    let (host, port) = split(name)?;
                    // As a URL and a certificate have it.
                    let host = host.trim_end_matches('.').to_ascii_lowercase();
                    let addresses = resolve(&host, port)?;
                    (Some(host), addresses)
                }
            },
        };
        let refuse = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot listen on {self}: {error}"))
        };
        let listeners = bind(&addresses).map_err(refuse)?;
        listeners.iter().try_for_each(|listener| listener.set_nonblocking(true))?;
        let address = match listeners.first() {
            Some(listener) => listener.local_addr()?,
            None => return Err(refuse(io::ErrorKind::AddrNotAvailable.into())),
        };
        Ok(Listening { listeners, address, host })
    }
}

impl Listening {
    /// Host and port in a URL that works on this machine.
    pub(crate) fn authority(&self) -> String {
        match &self.host {
            Some(host) => format!("{host}:{}", self.address.port()),
            None => reachable(self.address).to_string(),
        }
    }
}

/// An address at which clients on this machine reach it: a server can listen on all addresses, and no client can
/// call all of them.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    if address.ip().is_unspecified() { (loopback, address.port()).into() } else { address }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Named(name) => name.fmt(f),
        }
    }
}

/// The host and the port of `host:port`.
fn split(name: &str) -> io::Result<(&str, u16)> {
    let parts = name.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    parts.filter(|(host, _)| !host.is_empty() && !host.contains([':', '[', ']', '/'])).ok_or_else(|| {
        let why = format!("'{name}' is not an address to listen on: it takes a host and a port, such as localhost:8080");
        io::Error::new(io::ErrorKind::InvalidInput, why)
    })
}

/// All addresses of the host, each once.
fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    // It always means this machine (RFC 6761 §6.3), and clients try either family first.
    if host == "localhost" {
        let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(loopback.map(|address| SocketAddr::new(address, port)).into());
    }
    let found = (host, port).to_socket_addrs().map_err(|error| {
        io::Error::new(error.kind(), format!("cannot find the address of '{host}': {error}"))
    })?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Listens at these addresses, on the same port. Those that this machine does not have are left out.
fn bind(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut tries = 0;
    loop {
        tries += 1;
        match bind_once(addresses) {
            // The free port of the first address was taken at the second.
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && tries < TRIES
                    && addresses.len() > 1
                    && addresses.iter().all(|address| address.port() == 0) => {}
            outcome => return outcome,
        }
    }
}

fn bind_once(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut unavailable = None;
    for address in addresses {
        let mut address = *address;
        if let Some(first) = listeners.first() {
            address.set_port(first.local_addr()?.port());
        }
        match TcpListener::bind(address) {
            Ok(listener) => listeners.push(listener),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
                ) =>
            {
                return Err(error);
            }
            Err(error) => unavailable = Some(error),
        }
    }
    match unavailable {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str) -> io::Result<Listening> {
        Place::Named(name.to_owned()).listen()
    }

    #[test]
    fn localhost_is_every_loopback_address_that_the_machine_has_on_one_port() {
        let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        for name in ["localhost:0", "LocalHost.:0"] {
            let listening = at(name).unwrap();
            assert_eq!(listening.listeners.len(), 1 + usize::from(has_ipv6), "{name}");
            for listener in &listening.listeners {
                assert_eq!(listener.local_addr().unwrap().port(), listening.address.port());
            }
            let authority = format!("localhost:{}", listening.address.port());
            assert_eq!(listening.authority(), authority);
        }
    }

    #[test]
    fn an_address_is_one_though_it_is_written_as_a_name() {
        let listening = at("127.0.0.1:0").unwrap();
        assert_eq!(listening.authority(), listening.address.to_string());
    }

    #[test]
    fn what_is_no_place_is_refused_with_an_example() {
        for name in ["", "localhost", ":80", "localhost:", "localhost:70000", "http://localhost:80"]
        {
            let error = at(name).unwrap_err().to_string();
            assert!(error.contains("such as localhost:8080"), "{name}: {error}");
        }
    }

    #[test]
    fn a_port_that_is_taken_at_one_address_is_an_error() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let name = format!("localhost:{}", taken.local_addr().unwrap().port());
        let error = at(&name).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen on {name}: ")), "{error}");
    }
}
