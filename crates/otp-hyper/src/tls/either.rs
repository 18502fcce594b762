//! The caller's own roots besides the operating system's verifier.
//!
//! `rustls-platform-verifier` takes extra roots on Windows and Apple's systems, but not on Android. Own revocation
//! lists it takes nowhere.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Certificates from the own roots are verified by these, all others by the other verifier.
#[derive(Debug)]
pub(super) struct Either {
    pub(super) own: Arc<dyn ServerCertVerifier>,
    pub(super) other: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Either {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |verifier: &dyn ServerCertVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        match verify(&*self.own) {
            // No other failure may be asked a second time: the certificate may be revoked.
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => verify(&*self.other),
            decided => decided,
        }
    }

    // The signatures of a handshake have nothing to do with roots: both verifiers have the provider's algorithms.

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.own.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.own.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.own.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::Mutex;

    use otp_test_certificates::{Authority, Issued, Leaf};
    use rustls::client::WebPkiServerVerifier;
    use rustls::pki_types::CertificateRevocationListDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    /// Accepts every certificate and counts them.
    #[derive(Debug, Default)]
    struct Asked(Mutex<usize>);

    impl ServerCertVerifier for Asked {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            *self.0.lock().unwrap() += 1;
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("not asked for".to_owned()))
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("not asked for".to_owned()))
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    #[test]
    fn the_system_is_asked_only_about_certificates_of_unknown_issuers() {
        let (own, unknown) = (Authority::new("own").unwrap(), Authority::new("unknown").unwrap());
        let leaf = Leaf::new("a server").names(["a.test"]);
        let good = own.issue(&leaf).unwrap();
        let revoked = own.issue(&leaf).unwrap();
        let expired = own.issue(&leaf.clone().valid(2001, 2002)).unwrap();
        let elsewhere = own.issue(&Leaf::new("b").names(["b.test"])).unwrap();
        let foreign = unknown.issue(&leaf).unwrap();

        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(own.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let list = own.revocation_list([&revoked], 4096).unwrap();
        let crls = [CertificateRevocationListDer::from_pem_slice(list.as_bytes()).unwrap()];
        let own = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(crls)
            .build()
            .unwrap();
        let system = Arc::new(Asked::default());
        let either = Either { own, other: Arc::clone(&system) as _ };
        let verify = |issued: &Issued| {
            let certificate = CertificateDer::from(issued.der().to_vec());
            let name = ServerName::try_from("a.test").unwrap();
            let verified =
                either.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now());
            (verified.is_ok(), std::mem::take(&mut *system.0.lock().unwrap()))
        };
        assert_eq!(verify(&good), (true, 0));
        assert_eq!(verify(&revoked), (false, 0));
        assert_eq!(verify(&expired), (false, 0));
        assert_eq!(verify(&elsewhere), (false, 0));
        assert_eq!(verify(&foreign), (true, 1));
    }
}
