use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use otp_core::bytes::Bytes;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tower::ServiceBuilder;

use crate::BoxError;

/// Connecting takes no longer. Within it, a time-out is known to have sent nothing.
const CONNECT: Duration = Duration::from_secs(5);

/// hyper's client with its pool, over TLS or in the clear. It trusts the certificate authorities of this
/// PEM text and no others.
///
/// It speaks HTTP/1.1: this client reports an HTTP/2 server that goes away as one that took nothing, which
/// need not be so.
///
/// # Errors
///
/// If the text holds no certificate, or one that cannot be read.
pub fn client(
    ca_pem: &str,
) -> Result<legacy::Client<impl Connect + Clone + Send + Sync + use<>, Full<Bytes>>, BoxError> {
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls(ca_pem)?)
        .https_or_http()
        .enable_http1()
        .build();
    // Connecting is a service too.
    let connect = ServiceBuilder::new().map_future(Box::pin).timeout(CONNECT).service(https);
    Ok(legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connect))
}

fn tls(ca_pem: &str) -> Result<ClientConfig, BoxError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() {
        return Err("there is no certificate ('-----BEGIN CERTIFICATE-----') to trust".into());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
