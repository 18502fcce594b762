use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::{Error, ErrorKind};
use rustls::crypto::CryptoProvider;

use crate::connect::Connect;
use crate::connector::{Connector, Tcp};
use crate::pool::{Pool, Settings};
use crate::proxy::{Proxy, Route};
use crate::tls::Tls;
use crate::{HyperTransport, Identity, Roots};

/// Which versions of HTTP to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 where the server offers it by ALPN (RFC 7301), HTTP/1.1 otherwise.
    #[default]
    Negotiated,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only: offered alone by ALPN over TLS, by prior knowledge (RFC 9113 §3.3) without.
    Http2,
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
/// | [`pool_max_idle`](Self::pool_max_idle) | 64 | |
/// | [`max_header_bytes`](Self::max_header_bytes) | 64 KiB | 8 KiB to 1 MiB |
/// | [`identity`](Self::identity) | none | |
/// | [`connector`](Self::connector) | TCP | |
/// | [`proxy`](Self::proxy), [`proxy_from_env`](Self::proxy_from_env) | none | |
#[must_use = "`build` makes the transport"]
pub struct HyperTransportBuilder {
    roots: Option<Roots>,
    provider: Option<Arc<CryptoProvider>>,
    versions: HttpVersions,
    connect_timeout: Duration,
    pool_idle_timeout: Duration,
    pool_max_idle: usize,
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
            pool_max_idle: 64,
            max_header_bytes: 64 * 1024,
            identity: None,
            connector: Arc::new(Tcp::new()),
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
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// How long a connection is kept for the next call. The default is shorter than servers and load
    /// balancers usually keep theirs, so that a call seldom meets one that is just being closed.
    pub fn pool_idle_timeout(self, timeout: Duration) -> Self {
        Self { pool_idle_timeout: timeout, ..self }
    }

    /// How many idle HTTP/1.1 connections are kept for each host; 0 keeps none.
    pub fn pool_max_idle(self, connections: usize) -> Self {
        Self { pool_max_idle: connections, ..self }
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

    /// Tunnels through this proxy.
    ///
    /// A base URL of `http` on loopback (`localhost`, `127.0.0.0/8`, `[::1]`) means this machine, and its
    /// requests are not encrypted. They never go through a proxy.
    pub fn proxy(self, proxy: Proxy) -> Self {
        Self { route: Ok(Route::Through(proxy)), ..self }
    }

    /// Tunnels through the proxy that the environment names now: `HTTPS_PROXY` or `ALL_PROXY` (and
    /// `HTTP_PROXY` for a base URL of `http`), unless `NO_PROXY` names the host. Upper or lower case, as
    /// curl reads them. A value that is no URL of an HTTP proxy is an error when the transport is built.
    /// Without this call, none of them is looked at.
    ///
    /// As with [`proxy`](Self::proxy), a base URL of `http` on loopback never goes through it.
    pub fn proxy_from_env(self) -> Self {
        Self { route: Route::from_env(), ..self }
    }

    /// The transport.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if a setting is out of its bounds, or if there are no roots or no
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
        };
        Ok(HyperTransport::from_pool(Pool::new(connect, settings), tls, self.max_header_bytes))
    }

    fn validate(&self) -> Result<(), Error> {
        let hour = Duration::from_secs(3600);
        let invalid =
            |what: String| Err(Error::builder(ErrorKind::InvalidInput).reason(what).build());
        if self.connect_timeout < Duration::from_millis(1) || self.connect_timeout > hour {
            let given = self.connect_timeout;
            return invalid(format!("invalid connect timeout: {given:?}; it is 1 ms to 1 h"));
        }
        if self.pool_idle_timeout > hour {
            let given = self.pool_idle_timeout;
            return invalid(format!("invalid pool idle timeout: {given:?}; it is 1 h at most"));
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
            .field("max_header_bytes", &self.max_header_bytes)
            .finish_non_exhaustive()
    }
}
