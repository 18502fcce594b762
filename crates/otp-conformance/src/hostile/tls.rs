//! A CA and a certificate for `127.0.0.1`, made on the fly: good, or with one thing wrong.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

use super::Protocol;

/// A server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// In order.
    Good,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// For another host.
    WrongHost,
    /// Of no CA at all.
    SelfSigned,
    /// From a CA that the client does not know.
    Untrusted,
    /// The host stands in the common name and nowhere else.
    CommonNameOnly,
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("made by rcgen");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("made by rcgen").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }
}

static TRUSTED: LazyLock<Authority> = LazyLock::new(Authority::new);
static UNKNOWN: LazyLock<Authority> = LazyLock::new(Authority::new);

/// An acceptor that offers this protocol by ALPN and nothing else, and the CA to trust: PEM. If mutual,
/// clients show a certificate of the same CA.
#[doc(hidden)]
pub fn acceptor(
    protocol: Protocol,
    certificate: Certificate,
    mutual: bool,
) -> (TlsAcceptor, String) {
    let alpn: &[u8] = match protocol {
        Protocol::Http1 => b"http/1.1",
        Protocol::Http2 => b"h2",
    };
    if !mutual {
        return accept(alpn, certificate, WebPkiClientVerifier::no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(TRUSTED.pem.as_bytes()).expect("PEM of ours");
    roots.add(ca).expect("a CA of ours");
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    accept(alpn, certificate, verifier.build().expect("a verifier of ours"))
}

fn accept(
    alpn: &[u8],
    certificate: Certificate,
    clients: Arc<dyn ClientCertVerifier>,
) -> (TlsAcceptor, String) {
    let (chain, key) = issue(certificate);
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("made by rcgen")
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .expect("made by rcgen");
    config.alpn_protocols = vec![alpn.to_vec()];
    (TlsAcceptor::from(Arc::new(config)), TRUSTED.pem.clone())
}

fn issue(certificate: Certificate) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let names: &[&str] = match certificate {
        Certificate::WrongHost => &["elsewhere.test", "127.0.0.2"],
        Certificate::CommonNameOnly => &[],
        _ => &["127.0.0.1"],
    };
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("made by rcgen");
    params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
    match certificate {
        Certificate::Expired => {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        Certificate::NotYetValid => params.not_before = date_time_ymd(3001, 1, 1),
        _ => {}
    }
    let key = KeyPair::generate().expect("made by rcgen");
    let made = match certificate {
        Certificate::SelfSigned => params.self_signed(&key),
        Certificate::Untrusted => params.signed_by(&key, &UNKNOWN.issuer),
        _ => params.signed_by(&key, &TRUSTED.issuer),
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("made by rcgen");
    (vec![made.expect("made by rcgen").der().clone()], key)
}

/// A client certificate of the servers' CA, and its key: PEM.
pub fn client_identity() -> (String, String) {
    let key = KeyPair::generate().expect("made by rcgen");
    let mut params = CertificateParams::new(Vec::new()).expect("made by rcgen");
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &TRUSTED.issuer).expect("made by rcgen");
    (certificate.pem(), key.serialize_pem())
}
