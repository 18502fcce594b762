use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use otp_core::{Error, ErrorKind};
use rustls::crypto::CryptoProvider;

use crate::connect::Connector;
use crate::{HyperTransport, Roots, tls};

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
/// | [`crypto_provider`](Self::crypto_provider) | *ring* | |
/// | [`http_versions`](Self::http_versions) | negotiated | |
/// | [`connect_timeout`](Self::connect_timeout) | 5 s | 1 ms to 1 h |
/// | [`pool_idle_timeout`](Self::pool_idle_timeout) | 20 s | 1 h at most |
/// | [`pool_max_idle`](Self::pool_max_idle) | 64 | |
/// | [`max_header_bytes`](Self::max_header_bytes) | 64 KiB | 8 KiB to 1 MiB |
#[must_use = "`build` makes the transport"]
pub struct HyperTransportBuilder {
    roots: Option<Roots>,
    provider: Option<Arc<CryptoProvider>>,
    versions: HttpVersions,
    connect_timeout: Duration,
    pool_idle_timeout: Duration,
    pool_max_idle: usize,
    max_header_bytes: usize,
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
        }
    }
}

impl HyperTransportBuilder {
    /// Whom to trust.
    pub fn roots(self, roots: Roots) -> Self {
        Self { roots: Some(roots), ..self }
    }

    /// Which cryptography to use. The process's default provider is never looked at.
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

    /// The transport.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if a setting is out of its bounds, or if there are no roots or no
    /// crypto provider; the sentence says what to do.
    pub fn build(self) -> Result<HyperTransport, Error> {
        self.validate()?;
        let tls = tls::config(self.roots, self.provider)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let https = match self.versions {
            HttpVersions::Negotiated => https.enable_all_versions().wrap_connector(tcp),
            HttpVersions::Http1 => https.enable_http1().wrap_connector(tcp),
            HttpVersions::Http2 => https.enable_http2().wrap_connector(tcp),
        };
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.pool_idle_timeout)
            .pool_max_idle_per_host(self.pool_max_idle)
            .http1_max_buf_size(self.max_header_bytes)
            .http2_max_header_list_size(u32::try_from(self.max_header_bytes).unwrap_or(u32::MAX))
            .http2_only(self.versions == HttpVersions::Http2)
            // What may be repeated is for the exchange to decide, and for `attempts()` to show.
            .retry_canceled_requests(false)
            .build(Connector::new(https, self.connect_timeout));
        Ok(HyperTransport::from_client(client))
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
