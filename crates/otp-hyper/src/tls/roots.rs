use std::fmt;

use otp_core::Error;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::pem;
use crate::error::invalid_input;

/// Which certificate authorities a server's certificate may come from.
///
/// There is no way to accept a certificate that does not verify. To talk to a server with a private CA,
/// trust that CA: [`Roots::pem`] for it alone, [`and_pem`](Self::and_pem) to trust it besides others.
///
/// ```
/// # #[cfg(feature = "platform-verifier")]
/// # fn example(company_ca: &[u8]) -> Result<(), otp_core::Error> {
/// use otp_hyper::Roots;
///
/// let roots = Roots::platform().and_pem(company_ca)?;
/// # let _ = roots; Ok(()) }
/// ```
#[derive(Clone)]
pub struct Roots {
    pub(super) base: Base,
    pub(super) own: Vec<CertificateDer<'static>>,
    pub(super) crls: Vec<CertificateRevocationListDer<'static>>,
}

/// What stands besides the caller's own certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Nothing,
    #[cfg(feature = "platform-verifier")]
    Platform,
    #[cfg(feature = "webpki-roots")]
    WebPki,
}

impl Roots {
    /// Those that the operating system trusts. The default.
    ///
    /// On Windows, Apple's systems and Android, the system's own verifier decides. On others, its
    /// certificate files are read, from where distributions keep them; `SSL_CERT_FILE` and `SSL_CERT_DIR`
    /// are not looked at. They are read when the transport is built, and by each
    /// [`set_roots`](crate::HyperTransport::set_roots).
    ///
    /// Requires the feature `platform-verifier`, which is on by default.
    #[cfg(feature = "platform-verifier")]
    pub fn platform() -> Self {
        Self::of(Base::Platform)
    }

    /// Mozilla's, compiled in: for images without a CA store.
    ///
    /// Requires the feature `webpki-roots`.
    #[cfg(feature = "webpki-roots")]
    pub fn webpki() -> Self {
        Self::of(Base::WebPki)
    }

    /// Those of this PEM text and no others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) if the text holds no certificate, or one that
    /// cannot be read. The error names that one by its number in the text, counted from 1.
    pub fn pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::of(Base::Nothing).and_pem(pem)
    }

    /// Those of this PEM text too.
    ///
    /// On Windows, Apple's systems and Android, a certificate from one of these roots is verified by rustls. All
    /// others are left to the system's verifier.
    ///
    /// # Errors
    ///
    /// As [`pem`](Self::pem).
    pub fn and_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let invalid = |what: &str| {
            invalid_input(format!(
                "invalid root certificates: {what}; give the PEM text of at least one X.509 \
                 certificate ('-----BEGIN CERTIFICATE-----')"
            ))
        };
        let own = pem::sections("certificate", pem.as_ref(), |root: &CertificateDer<'static>| {
            let read = RootCertStore::empty().add(root.clone());
            read.map_err(|_| "it is not an X.509 certificate")
        })
        .map_err(|what| invalid(&what))?;
        if own.is_empty() {
            return Err(invalid("there is none"));
        }
        self.own.extend(own);
        Ok(self)
    }

    /// Refuses certificates that these certificate revocation lists name (RFC 5280, section 5): PEM.
    ///
    /// Without this call, rustls does not check revocation. With it, revocation is checked for the server's
    /// certificate and for every intermediate one, and **each of their CAs needs a current list**. A certificate whose
    /// CA has no list here is refused, and so is one whose CA's list has expired. No list is fetched: replace them in
    /// time, by [`set_roots`](crate::HyperTransport::set_roots).
    ///
    /// On Windows, Apple's systems and Android, the system's verifier checks revocation by its own rules. There, the
    /// lists are for certificates from the roots of [`pem`](Self::pem), [`and_pem`](Self::and_pem) and
    /// `webpki`. To give lists to [`Roots::platform`] alone is an error when the transport is built.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) if the text holds no list, or one that is not
    /// valid PEM. What else makes a list unreadable is found when the transport is built. Both errors name the list by
    /// its number, counted from 1.
    #[cfg_attr(
        not(feature = "platform-verifier"),
        doc = "",
        doc = "[`Roots::platform`]: https://docs.rs/otp-hyper/latest/otp_hyper/struct.Roots.html#method.platform"
    )]
    pub fn crls_pem(mut self, pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let invalid = |what: &str| {
            invalid_input(format!(
                "invalid certificate revocation lists: {what}; give the PEM text of at least one \
                 ('-----BEGIN X509 CRL-----')"
            ))
        };
        let crls =
            pem::sections("list", pem.as_ref(), |_| Ok(())).map_err(|what| invalid(&what))?;
        if crls.is_empty() {
            return Err(invalid("there is none"));
        }
        self.crls.extend(crls);
        Ok(self)
    }

    fn of(base: Base) -> Self {
        Self { base, own: Vec::new(), crls: Vec::new() }
    }

    pub(super) fn fallback() -> Result<Self, Error> {
        #[cfg(feature = "platform-verifier")]
        return Ok(Self::platform());
        #[cfg(all(feature = "webpki-roots", not(feature = "platform-verifier")))]
        return Ok(Self::webpki());
        #[cfg(not(any(feature = "platform-verifier", feature = "webpki-roots")))]
        Err(invalid_input(
            "no root certificates: otp-hyper was built without 'platform-verifier' and \
             'webpki-roots', so give the builder its 'roots'",
        ))
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots")
            .field("base", &self.base)
            .field("own", &self.own.len())
            .field("crls", &self.crls.len())
            .finish()
    }
}
