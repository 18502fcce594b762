//! What rustls says of the certificates.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use otp_test_certificates::{Authority, Issued, Leaf, Usage};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, RootCertStore};

/// 14 November 2023.
const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));

fn roots(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    Arc::new(roots)
}

fn as_server(authority: &Authority, issued: &Issued, host: &str) -> Result<(), Error> {
    let provider = Arc::new(default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(authority), provider);
    let (certificate, host) = (issued.der().into(), ServerName::try_from(host).unwrap());
    verifier.build().unwrap().verify_server_cert(&certificate, &[], &host, &[], NOW).map(drop)
}

fn as_client(authority: &Authority, issued: &Issued) -> Result<(), Error> {
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(authority), provider);
    verifier.build().unwrap().verify_client_cert(&issued.der().into(), &[], NOW).map(drop)
}

#[test]
fn a_server_is_trusted_for_its_names_and_for_nothing_else() {
    let authority = Authority::new("a CA").unwrap();
    let leaf = Leaf::new("somebody.test").names(["localhost", "127.0.0.1", "::1"]);
    let issued = authority.issue(&leaf).unwrap();
    for host in ["localhost", "127.0.0.1", "::1"] {
        as_server(&authority, &issued, host).unwrap();
    }
    for host in ["somebody.test", "127.0.0.2", "elsewhere.test"] {
        let error = as_server(&authority, &issued, host).unwrap_err();
        let Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }) = error
        else {
            unreachable!("{host}: {error:?}");
        };
    }
    as_client(&authority, &issued).unwrap_err();
}

#[test]
fn a_client_is_trusted_as_a_client_only() {
    let authority = Authority::new("a CA").unwrap();
    let issued = authority.issue(&Leaf::new("me").names(["me.test"]).usage(Usage::Client)).unwrap();
    as_client(&authority, &issued).unwrap();
    as_server(&authority, &issued, "me.test").unwrap_err();
}

#[test]
fn each_wrong_certificate_is_refused_for_its_own_reason() {
    let authority = Authority::new("a CA").unwrap();
    let leaf = Leaf::new("localhost").names(["localhost"]);
    let expired = authority.issue(&leaf.clone().valid(2001, 2002)).unwrap();
    // On both sides of 2050, where RFC 5280 changes how a time is written.
    let early =
        [2049, 2050, 3001].map(|year| authority.issue(&leaf.clone().valid(year, 4096)).unwrap());
    let unknown = Authority::new("another CA").unwrap().issue(&leaf).unwrap();
    let same_name = Authority::new("a CA").unwrap().issue(&leaf).unwrap();
    let alone = leaf.self_signed().unwrap();
    let common_name_only = authority.issue(&Leaf::new("localhost")).unwrap();

    let refused = |issued: &Issued| {
        let Error::InvalidCertificate(reason) =
            as_server(&authority, issued, "localhost").unwrap_err()
        else {
            unreachable!("a certificate is refused as such");
        };
        reason
    };
    assert!(matches!(refused(&expired), CertificateError::ExpiredContext { .. }));
    for early in &early {
        assert!(matches!(refused(early), CertificateError::NotValidYetContext { .. }));
    }
    assert_eq!(refused(&unknown), CertificateError::UnknownIssuer);
    assert_eq!(refused(&same_name), CertificateError::BadSignature);
    assert_eq!(refused(&alone), CertificateError::UnknownIssuer);
    let reason = refused(&common_name_only);
    assert!(matches!(reason, CertificateError::NotValidForNameContext { .. }), "{reason:?}");
}

#[test]
fn the_key_is_the_certificate_s_in_both_forms_and_no_two_are_alike() {
    let issued = Leaf::new("localhost").names(["localhost"]).self_signed().unwrap();
    let other = Leaf::new("localhost").names(["localhost"]).self_signed().unwrap();
    let matches = |key: &PrivateKeyDer<'_>| {
        let chain = vec![CertificateDer::from(issued.der().to_vec())];
        CertifiedKey::new(chain, any_supported_type(key).unwrap()).keys_match()
    };
    matches(&PrivateKeyDer::Pkcs8(issued.key_der().into())).unwrap();
    matches(&PrivateKeyDer::from_pem_slice(issued.key_pem().unwrap().as_bytes()).unwrap()).unwrap();
    matches(&PrivateKeyDer::Pkcs8(other.key_der().into())).unwrap_err();
    let pem = issued.pem().unwrap();
    assert_eq!(&*CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(), issued.der());
    assert_ne!(issued.der(), other.der());
}

#[test]
fn a_name_that_no_certificate_can_hold_is_an_error() {
    let error = Leaf::new("localhost").names(["é.test"]).self_signed().unwrap_err();
    assert!(error.to_string().starts_with("the certificate could not be made: "), "{error}");
}

#[test]
fn debug_shows_no_key() {
    let (authority, leaf) = (Authority::new("a CA").unwrap(), Leaf::new("localhost"));
    let issued = authority.issue(&leaf).unwrap();
    assert_eq!(format!("{issued:?}"), "Issued { .. }");
    assert_eq!(format!("{authority:?}"), format!("Authority {{ pem: {:?}, .. }}", authority.pem()));
}
