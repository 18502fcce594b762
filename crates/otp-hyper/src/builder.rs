use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::Error;
use rustls::crypto::CryptoProvider;

use crate::connect::Connect;
use crate::connector::{Connector, Resolver, TcpConnector};
use crate::error::invalid_input;
use crate::pool::{Clocks, Pool, Settings};
use crate::proxy::{Proxy, Route};
use crate::tls::{Identity, Roots, Tls};
use crate::transport::HyperTransport;
use crate::versions::HttpVersions;

impl HyperTransport {
    /// A transport with default settings.
    ///
    /// # Errors
    ///
    /// As [`HyperTransportBuilder::build`].
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Starts a transport with settings of its own.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::default()
    }
}

/// Builds a [`HyperTransport`].
///
/// | setting | default | bounds |
/// |---|---|---|
/// | [`roots`](Self::roots) | the operating system's | |
/// | [`crypto_provider`](Self::crypto_provider) | the one that rustls was [built with](crate#cryptography) | |
/// | [`http_versions`](Self::http_versions) | negotiated | |
/// | [`connect_timeout`](Self::connect_timeout) | 5 s | 1 ms to 1 h |
/// | [`pool_idle_timeout`](Self::pool_idle_timeout) | 20 s | 1 h at most |
/// | [`pool_max_idle`](Self::pool_max_idle) | 16384 | |
/// | [`http2_max_connections`](Self::http2_max_connections) | 8 | 1 to 1024 |
/// | [`max_header_bytes`](Self::max_header_bytes) | 64 KiB | 8 KiB to 1 MiB |
/// | [`identity`](Self::identity) | none | |
/// | [`connector`](Self::connector), [`resolver`](Self::resolver) | TCP, the system's | |
/// | [`proxy`](Self::proxy), [`proxy_from_env`](Self::proxy_from_env) | none | |
#[must_use = "`build` makes the transport"]
pub struct HyperTransportBuilder {
    roots: Option<Roots>,
    provider: Option<Arc<CryptoProvider>>,
    versions: HttpVersions,
    connect_timeout: Duration,
    pool_idle_timeout: Duration,
    pool_max_idle: usize,
    http2_max_connections: usize,
    clocks: Clocks,
    max_header_bytes: usize,
    identity: Option<Identity>,
    connector: Arc<dyn Connector>,
    route: Result<Route, Error>,
}

impl Default for HyperTransportBuilder {
    fn default() -> Self {
        Self {
            roots: None,
            provider: None,
            versions: HttpVersions::default(),
            connect_timeout: Duration::from_secs(5),
            pool_idle_timeout: Duration::from_secs(20),
            pool_max_idle: 16 * 1024,
            http2_max_connections: 8,
            clocks: Clocks::default(),
            max_header_bytes: 64 * 1024,
            identity: None,
            connector: Arc::new(TcpConnector::new()),
            route: Ok(Route::default()),
        }
    }
}

impl HyperTransportBuilder {
    /// Whom to trust. It can be [replaced](HyperTransport::set_roots) later.
    pub fn roots(self, roots: Roots) -> Self {
        Self { roots: Some(roots), ..self }
    }

    /// Which cryptography to use. The process's default provider is never looked at. By default it is the one that
    /// the program's rustls was built with: see [Cryptography](crate#cryptography).
    pub fn crypto_provider(self, provider: Arc<CryptoProvider>) -> Self {
        Self { provider: Some(provider), ..self }
    }

    /// Which versions of HTTP to speak.
    pub fn http_versions(self, versions: HttpVersions) -> Self {
        Self { versions, ..self }
    }

    /// How long connecting may take: name resolution, TCP and the TLS handshake together. What is left
    /// of an attempt's time limits it too.
    ///
    /// Within it, all addresses of the host are tried: see [`TcpConnector`].
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// How long a connection is kept for the next call. The default is shorter than servers and load
    /// balancers usually keep theirs, so that a call seldom meets one that is just being closed.
    pub fn pool_idle_timeout(self, timeout: Duration) -> Self {
        Self { pool_idle_timeout: timeout, ..self }
    }

    /// How many idle HTTP/1.1 connections are kept for each host in each runtime; 0 keeps none.
    ///
    /// The default is more than a program usually has calls in flight: each of a burst's connections is a TLS
    /// handshake that the next burst need not make, and what is not needed is closed after
    /// [`pool_idle_timeout`](Self::pool_idle_timeout). The one used last is used first.
    pub fn pool_max_idle(self, connections: usize) -> Self {
        Self { pool_max_idle: connections, ..self }
    }

    /// How many HTTP/2 connections are opened to each host in each runtime when the server takes no more
    /// streams on those that there are.
    ///
    /// A server says how many streams it takes at a time on a connection (`SETTINGS_MAX_CONCURRENT_STREAMS`,
    /// RFC 9113 §5.1.2). Calls beyond it wait in a queue, and their failure there is
    /// [`NotSent`](otp_core::Progress::NotSent). With one connection a server that takes ten streams answers
    /// ten calls at a time, whatever its size; eight, a little more than the six HTTP/1.1 connections of a
    /// browser, suffice for a burst, and a server that takes the usual hundred streams has room for 800.
    pub fn http2_max_connections(self, connections: usize) -> Self {
        Self { http2_max_connections: connections, ..self }
    }

    /// Tells the time of day by this clock.
    #[cfg(test)]
    pub(crate) fn clocks(self, clocks: Clocks) -> Self {
        Self { clocks, ..self }
    }

    /// How large a response's head may be, in bytes.
    pub fn max_header_bytes(self, bytes: usize) -> Self {
        Self { max_header_bytes: bytes, ..self }
    }

    /// Shows this certificate to servers that ask for one. It can be [replaced](HyperTransport::set_identity) later.
    pub fn identity(self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Opens connections by this instead of TCP.
    pub fn connector(self, connector: impl Connector + 'static) -> Self {
        Self { connector: Arc::new(connector), ..self }
    }

    /// Asks this resolver for the addresses of a host, instead of the system: of the base URL's host, or of the
    /// proxy's. It is short for a [`connector`](Self::connector) that is [`TcpConnector::with_resolver`], so the
    /// later of these two calls counts.
    pub fn resolver(self, resolver: impl Resolver + 'static) -> Self {
        self.connector(TcpConnector::with_resolver(resolver))
    }

    /// Tunnels through this proxy.
    ///
    /// If the proxy refuses (`407`, `403`, or another status of `4xx`), the call fails with the status in its
    /// sentence and is not retried: wrong credentials that are repeated can lock an account. `500`, `502`, `503` and
    /// `504` are retried like any failure to connect.
    ///
    /// A base URL of `http` on loopback (`localhost`, `127.0.0.0/8`, `[::1]`) means this machine, and its
    /// requests are not encrypted. They never go through a proxy.
    pub fn proxy(self, proxy: Proxy) -> Self {
        Self { route: Ok(Route::Through(proxy)), ..self }
    }

    /// Tunnels through the proxy that the environment names now, unless the environment exempts the host. Without
    /// this call, the environment is not looked at.
    ///
    /// The variables are read as curl reads them. The first one that has a value counts, and an empty one has none:
    ///
    /// | for | variables |
    /// |---|---|
    /// | a base URL of `https` | `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY` |
    /// | a base URL of `http` | `http_proxy`, `all_proxy`, `ALL_PROXY` |
    /// | hosts to connect to directly | `no_proxy`, `NO_PROXY` |
    ///
    /// `HTTP_PROXY` in upper case is not read: in a CGI program it is a header of the request
    /// ([httpoxy](https://httpoxy.org)).
    ///
    /// A proxy is `[http[s]://][user:password@]host[:port]`. The port is 1080 if there is none, or 443 with
    /// `https`. The list of hosts is `*`, or names, addresses and blocks (`10.0.0.0/8`), separated by commas or
    /// spaces. A name stands for its subdomains too, with or without a dot in front of it. An entry with a port matches
    /// nothing.
    ///
    /// A value that cannot be followed is an error, and never means a direct connection. For `https` it is an error
    /// of [`build`](Self::build), also if the list exempts the host. For `http` it is one of each call.
    ///
    /// It differs from curl in this:
    ///
    /// - SOCKS is not spoken: a `socks…://` proxy is an error.
    /// - A base URL of `http` on loopback never goes through a proxy, as with [`proxy`](Self::proxy).
    /// - A base URL of `http` is tunnelled by `CONNECT` too; curl sends such a request to the proxy itself.
    /// - `http:/host`, `http:///host` and `http://host:` are errors; curl mends them. `ftp.host` without a scheme is
    ///   an HTTP proxy; curl guesses another scheme and fails.
    /// - IPv6 addresses and blocks in the list are compared as numbers. Many versions of curl compare
    ///   them as text.
    /// - Spaces separate hosts. New versions of curl stop at the first space.
    pub fn proxy_from_env(self) -> Self {
        Self { route: Route::from_env(), ..self }
    }

    /// The transport.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) if a setting is out of its bounds, or if there are no roots or no
    /// crypto provider; the sentence says what to do.
    pub fn build(self) -> Result<HyperTransport, Error> {
        self.validate()?;
        let tls = Arc::new(Tls::new(self.roots, self.provider, self.identity, self.versions)?);
        let connect = Connect::new(
            Arc::clone(&tls),
            self.connector,
            self.route?,
            self.versions,
            self.max_header_bytes,
        );
        let settings = Settings {
            versions: self.versions,
            connect_timeout: self.connect_timeout,
            idle_timeout: self.pool_idle_timeout,
            max_idle: self.pool_max_idle,
            max_http2: self.http2_max_connections,
            clocks: self.clocks,
        };
        Ok(HyperTransport::from_pool(Pool::new(connect, settings), tls, self.max_header_bytes))
    }

    fn validate(&self) -> Result<(), Error> {
        let hour = Duration::from_secs(3600);
        let invalid = |what: String| Err(invalid_input(what));
        if self.connect_timeout < Duration::from_millis(1) || self.connect_timeout > hour {
            let given = self.connect_timeout;
            return invalid(format!("invalid connect timeout: {given:?}; it is 1 ms to 1 h"));
        }
        if self.pool_idle_timeout > hour {
            let given = self.pool_idle_timeout;
            return invalid(format!("invalid pool idle timeout: {given:?}; it is 1 h at most"));
        }
        if !(1..=1024).contains(&self.http2_max_connections) {
            let given = self.http2_max_connections;
            return invalid(format!(
                "invalid number of HTTP/2 connections: {given}; it is 1 to 1024"
            ));
        }
        if !(8 * 1024..=1024 * 1024).contains(&self.max_header_bytes) {
            let given = self.max_header_bytes;
            return invalid(format!("invalid header limit: {given} bytes; it is 8 KiB to 1 MiB"));
        }
        Ok(())
    }
}

impl fmt::Debug for HyperTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransportBuilder")
            .field("http_versions", &self.versions)
            .field("connect_timeout", &self.connect_timeout)
            .field("pool_idle_timeout", &self.pool_idle_timeout)
            .field("pool_max_idle", &self.pool_max_idle)
            .field("http2_max_connections", &self.http2_max_connections)
            .field("max_header_bytes", &self.max_header_bytes)
            .finish_non_exhaustive()
    }
}
