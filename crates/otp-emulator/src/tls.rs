//! TLS: by a certificate that was given, or by a CA that is made when the emulator starts and forgotten
//! when it stops.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use otp_test_certificates::{Authority, Leaf, Provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys, ServerConfig};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroize;

pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
}

impl Tls {
    /// For `localhost`, the loopback addresses, this one and these names.
    pub(crate) fn of_own_ca(
        address: IpAddr,
        more: impl IntoIterator<Item = String>,
    ) -> io::Result<Self> {
        let authority = Authority::new("otp-emulator test CA").map_err(io::Error::other)?;
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !address.is_unspecified() {
            names.push(address.to_string());
        }
        names.extend(more);
        names.sort();
        names.dedup();

        let leaf = Leaf::new("otp-emulator").names(names);
        let issued = authority.issue(&leaf).map_err(io::Error::other)?;
        let chain = vec![CertificateDer::from(issued.der().to_vec())];
        let key = PrivateKeyDer::Pkcs8(issued.key_der().into());
        Ok(Self { acceptor: acceptor(chain, &key)?, ca_pem: authority.pem().to_owned() })
    }

    /// By this chain and key.
    pub(crate) fn of_pem(chain: &[u8], key: &[u8]) -> io::Result<Self> {
        // The parser's own words could quote the key.
        let refuse = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| refuse("the certificate is not valid PEM"))?;
        if chain.is_empty() {
            return Err(refuse("there is no certificate in the PEM"));
        }
        let mut key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| refuse("there is no private key in the PEM of the key"))?;
        let acceptor = acceptor(chain, &key);
        key.zeroize();
        Ok(Self { acceptor: acceptor?, ca_pem: String::new() })
    }
}

// The key is read by reference, so that no copy of it is left behind.
fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'_>,
) -> io::Result<TlsAcceptor> {
    let provider = Provider::of_this_program().map_err(io::Error::other)?;
    let key = provider.load(key).map_err(io::Error::other)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(error) => return Err(io::Error::other(error)),
    }
    let mut config = ServerConfig::builder_with_provider(provider.crypto())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
