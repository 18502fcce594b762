use std::fmt;
use std::sync::Arc;

use otp_core::Error;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::pem;
use crate::error::invalid_input;

/// A client certificate and its private key, for servers that ask who is calling (mutual TLS).
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// From PEM: the certificate first, then those that lead from it to a root; and the private key
    /// (PKCS #8, PKCS #1 or SEC 1).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) if there is no certificate or no key, or if one
    /// cannot be read. The error names the unreadable certificate by its number in the text, counted from 1. Whether
    /// certificate and key belong together is found when the transport is built.
    pub fn pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let invalid = |what: &str| invalid_input(format!("invalid identity: {what}"));
        let chain = pem::sections("certificate", chain.as_ref(), |certificate| {
            let parsed = ParsedCertificate::try_from(certificate);
            parsed.map(drop).map_err(|_| "it is not an X.509 certificate")
        })
        .map_err(|what| invalid(&what))?;
        if chain.is_empty() {
            return Err(invalid("there is no certificate ('-----BEGIN CERTIFICATE-----')"));
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_ref())
            .map_err(|_| invalid("there is no private key ('-----BEGIN PRIVATE KEY-----')"))?;
        Ok(Self { chain, key })
    }

    /// What answers a server that asks for it.
    pub(super) fn resolver(self, provider: &CryptoProvider) -> Result<Resolver, Error> {
        match CertifiedKey::from_der(self.chain, self.key, provider) {
            Ok(certified) => Ok(Arc::new(SingleCertAndKey::from(certified))),
            Err(_) => Err(invalid_input(
                "invalid identity: its key cannot be used, or is not that of its certificate",
            )),
        }
    }
}

pub(super) type Resolver = Arc<SingleCertAndKey>;

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}
