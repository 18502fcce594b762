//! From a URL to a connection.

use std::io;
use std::net::{Ipv4Addr, ToSocketAddrs};
use std::sync::Arc;

use http::Uri;
use otp_core::TransportError;
use otp_core::TransportErrorKind::{Connect, Other, Timeout, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Inner;
use super::limit::{Failure, Limit, Phase};
use super::pool::{Connection, Origin};
use crate::{trust_common_names, trust_everybody};

pub fn connector(ca_pem: &str, flaw: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let own = match flaw {
        "CARGO_HTTP_CAINFO takes the place of the roots"
            if in_file("CARGO_HTTP_CAINFO").starts_with(b"-----BEGIN") =>
        {
            in_file("CARGO_HTTP_CAINFO")
        }
        _ => ca_pem.as_bytes().to_vec(),
    };
    let more = match flaw {
        "SSL_CERT_FILE is trusted too" => in_file("SSL_CERT_FILE"),
        "SSL_CERT_DIR is trusted too" => in_folder("SSL_CERT_DIR"),
        _ => Vec::new(),
    };
    for ca in CertificateDer::pem_slice_iter(&[own, more].concat()) {
        roots.add(ca.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let client = |mut config: ClientConfig| {
        if flaw == "the keys of TLS are written to SSLKEYLOGFILE" {
            config.key_log = Arc::new(rustls::KeyLogFile::new());
        }
        TlsConnector::from(Arc::new(config))
    };
    let config = match flaw {
        "every certificate is trusted" => trust_everybody(config, provider),
        "a common name is enough" => trust_common_names(config, roots, provider),
        _ => config.with_root_certificates(roots),
    };
    client(config.with_no_client_auth())
}

/// The certificates in the file that a variable names.
fn in_file(variable: &str) -> Vec<u8> {
    std::env::var_os(variable).and_then(|path| std::fs::read(path).ok()).unwrap_or_default()
}

/// The certificates in the folder that a variable names.
fn in_folder(variable: &str) -> Vec<u8> {
    let folder = std::env::var_os(variable).and_then(|path| std::fs::read_dir(path).ok());
    let files =
        folder.into_iter().flatten().filter_map(|file| std::fs::read(file.ok()?.path()).ok());
    files.flatten().collect()
}

/// Resolves the host of this.
pub async fn resolve(uri: &Uri) {
    if let Some(host) = uri.host() {
        let _ = tokio::net::lookup_host((host, uri.port_u16().unwrap_or(443))).await;
    }
}

pub fn origin_of(uri: &Uri) -> Result<Origin, TransportError> {
    let is_https = uri.scheme_str() == Some("https");
    let host = uri.host().ok_or_else(|| TransportError::not_sent(Other))?;
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    // The brackets of an IPv6 literal belong to the URL (RFC 3986 §3.2.2).
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Origin { is_https, host, port })
}

impl Inner {
    /// The proxy of the environment, for those who look there.
    fn proxy(&self, origin: &Origin) -> Option<(String, u16)> {
        let variable = match self.flaw {
            "HTTPS_PROXY is obeyed" => "HTTPS_PROXY",
            "http_proxy is obeyed" => "http_proxy",
            "ALL_PROXY is obeyed, but not for this machine" if origin.host != "127.0.0.1" => {
                "ALL_PROXY"
            }
            _ => return None,
        };
        let url: Uri = std::env::var(variable).ok()?.parse().ok()?;
        Some((url.host()?.to_owned(), url.port_u16()?))
    }

    pub async fn connect(
        &self,
        origin: &Origin,
        limit: &Limit,
    ) -> Result<Connection, TransportError> {
        let proxy = self.proxy(origin);
        let (host, port) =
            proxy.as_ref().map_or((&*origin.host, origin.port), |(host, port)| (host, *port));
        let bracketed = format!("[{host}]");
        let host = match self.flaw {
            "brackets are a part of an address" if origin.host.contains(':') => &bracketed,
            "a host is an IPv4 address" if host.parse::<Ipv4Addr>().is_err() => {
                let reason = "no IPv4 address";
                return Err(TransportError::not_sent(Connect).with_reason(reason));
            }
            _ => host,
        };
        let one = self.is("one connects at a time")
            || self.is("one connects at a time and waits its limit");
        let waiting = async { io::Result::Ok(self.memory.turn.lock().await) };
        let _turn = match one {
            // The limit begins when it is one's turn.
            true if self.is("one connects at a time") => Some(waiting.await.unwrap()),
            true => Some(limit.run(Phase::Connect, false, waiting).await.map_err(not_connected)?),
            false => None,
        };
        match self.flaw {
            "a name is resolved without a limit" => {
                let _ = tokio::net::lookup_host((host, port)).await;
            }
            "a name is resolved by a call that blocks" => {
                let _ = (host, port).to_socket_addrs();
            }
            _ => {}
        }
        let tcp = TcpStream::connect((host, port));
        let tcp = limit.run(Phase::Connect, false, tcp).await.map_err(not_connected)?;
        tcp.set_nodelay(true).map_err(|error| not_connected(Failure::Io(error)))?;
        if !origin.is_https {
            return Ok(Connection::new(tcp));
        }
        let first = self.memory.first.lock().unwrap().clone();
        let named = match first {
            Some(first) if self.is("the name in the handshake is the first server's") => first.host,
            _ if self.is("the certificate of localhost is that of its address")
                && origin.host == "localhost" =>
            {
                "127.0.0.1".to_owned()
            }
            _ => origin.host.clone(),
        };
        let name = ServerName::try_from(named)
            .map_err(|error| TransportError::not_sent(Tls).with_source(error))?;
        let handshake = self.tls.connect(name, tcp);
        if self.is("a handshake given up stays open") {
            let mut handshake = tokio::spawn(handshake);
            let waiting = async { (&mut handshake).await.unwrap() };
            let stream = limit.run(Phase::Handshake, false, waiting).await;
            return Ok(Connection::new(stream.map_err(not_shaken)?));
        }
        let stream = limit.run(Phase::Handshake, false, handshake).await;
        Ok(Connection::new(stream.map_err(not_shaken)?))
    }
}

fn not_connected(failure: Failure) -> TransportError {
    match failure {
        Failure::Late => TransportError::not_sent(Timeout),
        Failure::Io(error) => TransportError::not_sent(Connect).with_source(error),
    }
}

fn not_shaken(failure: Failure) -> TransportError {
    match failure {
        Failure::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            TransportError::not_sent(Tls).with_source(error)
        }
        failure => not_connected(failure),
    }
}
