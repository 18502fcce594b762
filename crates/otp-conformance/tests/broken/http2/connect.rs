//! From a URL to a connection that speaks HTTP/2.

use std::io;
use std::sync::Arc;

use http::Uri;
use otp_core::TransportError;
use otp_core::TransportErrorKind::{Connect, Timeout, Tls};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use super::{Inner, Late, Limit};
use crate::engine::{self, Origin};

/// One that asks for HTTP/2 by ALPN.
pub fn connector(ca_pem: &str) -> TlsConnector {
    let mut config = ClientConfig::clone(engine::connector(ca_pem, "").config());
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config).into()
}

impl Inner {
    /// The connection to this place that takes new requests, or a fresh one.
    pub async fn connection(
        &self,
        uri: &Uri,
        limit: Limit,
    ) -> Result<Arc<Connection>, TransportError> {
        let late = |_: Late| TransportError::not_sent(Timeout);
        let origin = engine::origin_of(uri)?;
        let kept = self.connections.lock().unwrap().get(&origin).cloned();
        if let Some(kept) = kept.filter(|kept| kept.takes_requests()) {
            return Ok(kept);
        }
        let fresh = Arc::new(limit.run(self.connect(&origin)).await.map_err(late)??);
        self.connections.lock().unwrap().insert(origin, Arc::clone(&fresh));
        Ok(fresh)
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, TransportError> {
        let refused =
            |error: io::Error| TransportError::not_sent(Connect).with_source(error.to_string());
        let tcp = TcpStream::connect((origin.host.as_str(), origin.port)).await.map_err(refused)?;
        tcp.set_nodelay(true).map_err(refused)?;
        if !origin.is_https {
            return Ok(Connection::start(tcp, self.flaw));
        }
        let name = ServerName::try_from(origin.host.clone())
            .map_err(|error| TransportError::not_sent(Tls).with_source(error))?;
        let stream = self.tls.connect(name, tcp).await.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => TransportError::not_sent(Tls).with_source(error),
            _ => TransportError::not_sent(Connect).with_source(error),
        })?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if !is_http2 && !self.is("HTTP/2 is spoken unasked") {
            return Err(TransportError::not_sent(Tls).with_reason("the server has no HTTP/2"));
        }
        Ok(Connection::start(stream, self.flaw))
    }
}
