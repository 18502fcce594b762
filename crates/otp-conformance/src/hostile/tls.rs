//! A CA and a certificate for `127.0.0.1`, made on the fly: good, or with one thing wrong.

use std::sync::{Arc, LazyLock};

use otp_test_certificates::{Authority, Issued, Leaf, Provider, Usage};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

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
    /// In order, for these hosts.
    Names(&'static [&'static str]),
}

static TRUSTED: LazyLock<Authority> =
    LazyLock::new(|| Authority::new("otp-conformance test CA").expect("a CA of ours"));
static UNKNOWN: LazyLock<Authority> =
    LazyLock::new(|| Authority::new("otp-conformance unknown CA").expect("a CA of ours"));

/// The CA of [`Certificate::Untrusted`]: PEM.
pub(crate) fn untrusted_ca_pem() -> &'static str {
    UNKNOWN.pem()
}

/// An acceptor that offers this protocol by ALPN and no other, or knows no ALPN, and the CA to trust: PEM. If
/// mutual, clients show a certificate of the same CA.
#[doc(hidden)]
pub fn acceptor(
    protocol: Option<Protocol>,
    certificate: Certificate,
    mutual: bool,
) -> (TlsAcceptor, String) {
    let alpn: Option<&[u8]> = protocol.map(|protocol| match protocol {
        Protocol::Http1 => &b"http/1.1"[..],
        Protocol::Http2 => b"h2",
    });
    if !mutual {
        return accept(alpn, certificate, WebPkiClientVerifier::no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(TRUSTED.pem().as_bytes()).expect("PEM of ours");
    roots.add(ca).expect("a CA of ours");
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider().crypto());
    accept(alpn, certificate, verifier.build().expect("a verifier of ours"))
}

fn accept(
    alpn: Option<&[u8]>,
    certificate: Certificate,
    clients: Arc<dyn ClientCertVerifier>,
) -> (TlsAcceptor, String) {
    let provider = provider();
    let issued = issue(certificate);
    let chain = vec![CertificateDer::from(issued.der().to_vec())];
    // Read by reference, so that no copy of the key is left behind.
    let key = PrivateKeyDer::Pkcs8(issued.key_der().into());
    let key = provider.load(&key).expect("a key of ours");
    let mut config = ServerConfig::builder_with_provider(provider.crypto())
        .with_safe_default_protocol_versions()
        .expect("rustls's providers have both versions")
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))));
    config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
    (TlsAcceptor::from(Arc::new(config)), TRUSTED.pem().to_owned())
}

fn provider() -> Provider {
    match Provider::of_this_program() {
        Ok(provider) => provider,
        Err(error) => panic!("otp-conformance cannot serve TLS: {error}"),
    }
}

fn issue(certificate: Certificate) -> Issued {
    let leaf = Leaf::new("127.0.0.1");
    let leaf = match certificate {
        Certificate::WrongHost => leaf.names(["elsewhere.test", "127.0.0.2"]),
        Certificate::CommonNameOnly => leaf,
        Certificate::Names(hosts) => leaf.names(hosts.iter().copied()),
        Certificate::Expired => leaf.names(["127.0.0.1"]).valid(2001, 2002),
        Certificate::NotYetValid => leaf.names(["127.0.0.1"]).valid(3001, 4096),
        _ => leaf.names(["127.0.0.1"]),
    };
    let issued = match certificate {
        Certificate::SelfSigned => leaf.self_signed(),
        Certificate::Untrusted => UNKNOWN.issue(&leaf),
        _ => TRUSTED.issue(&leaf),
    };
    issued.expect("a certificate of ours")
}

/// A client certificate of the servers' CA, and its key: PEM.
pub fn client_identity() -> (String, String) {
    let leaf = Leaf::new("otp-conformance test client").usage(Usage::Client);
    let issued = TRUSTED.issue(&leaf).expect("a certificate of ours");
    let key = issued.key_pem().expect("a key of ours").to_string();
    (issued.pem().expect("a certificate of ours"), key)
}
