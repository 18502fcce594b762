//! How a server's certificate is verified: by rustls from roots, or by the operating system.

use std::sync::Arc;

use otp_core::Error;
use rustls::client::{VerifierBuilderError, WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::roots::{Base, Roots};
use crate::error::invalid_input;

type Verified = ConfigBuilder<ClientConfig, WantsClientCert>;

/// The next step of building a configuration.
pub(super) fn verified(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    roots: &Roots,
    provider: &Arc<CryptoProvider>,
) -> Result<Verified, Error> {
    #[cfg(all(
        feature = "platform-verifier",
        any(windows, target_vendor = "apple", target_os = "android")
    ))]
    if roots.base == Base::Platform {
        return system::verified(builder, roots, provider);
    }
    Ok(builder.with_webpki_verifier(webpki(store(roots)?, &roots.crls, provider)?))
}

/// All roots that are known one by one. Of a system that verifies by itself, these are the caller's own.
fn store(roots: &Roots) -> Result<RootCertStore, Error> {
    let mut store = match roots.base {
        Base::Nothing => RootCertStore::empty(),
        #[cfg(feature = "webpki-roots")]
        Base::WebPki => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
        #[cfg(all(
            feature = "platform-verifier",
            any(windows, target_vendor = "apple", target_os = "android")
        ))]
        Base::Platform => RootCertStore::empty(),
        #[cfg(all(
            feature = "platform-verifier",
            not(any(windows, target_vendor = "apple", target_os = "android"))
        ))]
        Base::Platform => super::files::roots()?,
    };
    for root in &roots.own {
        // They were read before, so that the error could name them.
        let added = store.add(root.clone());
        added.map_err(|_| invalid_input("invalid root certificates"))?;
    }
    Ok(store)
}

fn webpki(
    roots: RootCertStore,
    crls: &[CertificateRevocationListDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let roots = Arc::new(roots);
    let builder =
        || WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider));
    // rustls does not say which one it cannot read.
    for (before, crl) in crls.iter().enumerate() {
        if let Err(VerifierBuilderError::InvalidCrl(_)) = builder().with_crls([crl.clone()]).build()
        {
            return Err(invalid_input(format!(
                "invalid certificate revocation lists: list {} cannot be read; it must be an X.509 \
                 version 2 list with a date of its next update (RFC 5280, section 5)",
                before + 1
            )));
        }
    }
    let builder = builder().with_crls(crls.iter().cloned()).enforce_revocation_expiration();
    builder.build().map_err(|_| invalid_input("no root certificates: give the builder its 'roots'"))
}

/// The operating systems that verify certificates by themselves.
#[cfg(all(
    feature = "platform-verifier",
    any(windows, target_vendor = "apple", target_os = "android")
))]
mod system {
    use std::sync::Arc;

    use otp_core::{Error, ErrorKind};
    use rustls::crypto::CryptoProvider;
    use rustls::{ClientConfig, ConfigBuilder, WantsVerifier};

    use super::super::either::Either;
    use super::super::roots::Roots;
    use super::{Verified, store, webpki};
    use crate::error::invalid_input;

    pub(super) fn verified(
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
        roots: &Roots,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Verified, Error> {
        let system =
            rustls_platform_verifier::Verifier::new(Arc::clone(provider)).map_err(|error| {
                Error::builder(ErrorKind::InvalidInput)
                    .reason("the operating system's certificate verifier cannot be used")
                    .source(error)
                    .build()
            })?;
        // "Dangerous" is any verifier that is not rustls's own.
        let builder = builder.dangerous();
        let own = store(roots)?;
        if !own.is_empty() {
            let own = webpki(own, &roots.crls, provider)?;
            let either = Either { own, other: Arc::new(system) };
            return Ok(builder.with_custom_certificate_verifier(Arc::new(either)));
        }
        if !roots.crls.is_empty() {
            return Err(invalid_input(
                "certificate revocation lists cannot be given to the operating system's verifier, which \
                 checks revocation by its own rules; give them with roots of your own",
            ));
        }
        Ok(builder.with_custom_certificate_verifier(Arc::new(system)))
    }
}

#[cfg(all(test, feature = "platform-verifier"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use otp_test_certificates::Authority;

    use super::*;

    #[test]
    fn own_roots_are_added_to_those_of_the_system() {
        let own = Authority::new("own").unwrap();
        let system = store(&Roots::platform()).unwrap();
        let both = store(&Roots::platform().and_pem(own.pem()).unwrap()).unwrap();
        assert_eq!(both.len(), system.len() + 1);
        assert!(both.roots.starts_with(&system.roots));
    }
}
