//! Whom to trust, and with which cryptography.

mod provider;

use std::fmt;
use std::sync::Arc;

use otp_core::{Error, ErrorKind};
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Which certificate authorities a server's certificate may come from.
///
/// There is no way to accept a certificate that does not verify. To talk to a server with a private CA,
/// trust that CA: [`Roots::pem`].
#[derive(Clone, Debug)]
pub struct Roots(Kind);

#[derive(Clone, Debug)]
enum Kind {
    #[cfg(feature = "platform-verifier")]
    Platform,
    Store(Arc<RootCertStore>),
}

/// The operating systems that verify certificates by themselves. The others keep files.
macro_rules! if_the_system_verifies {
    ($($item:item)*) => {$(
        #[cfg(all(
            feature = "platform-verifier",
            any(windows, target_vendor = "apple", target_os = "android")
        ))]
        $item
    )*};
}

macro_rules! if_the_system_keeps_files {
    ($($item:item)*) => {$(
        #[cfg(all(
            feature = "platform-verifier",
            not(any(windows, target_vendor = "apple", target_os = "android"))
        ))]
        $item
    )*};
}

impl Roots {
    /// Those that the operating system trusts. The default.
    ///
    /// On Windows, Apple's systems and Android, the system's own verifier decides. On others, its
    /// certificate files are read, from where distributions keep them; `SSL_CERT_FILE` and `SSL_CERT_DIR`
    /// are not looked at.
    ///
    /// Requires the feature `platform-verifier`, which is on by default.
    #[cfg(feature = "platform-verifier")]
    pub fn platform() -> Self {
        Self(Kind::Platform)
    }

    /// Mozilla's, compiled in: for images without a CA store.
    ///
    /// Requires the feature `webpki-roots`.
    #[cfg(feature = "webpki-roots")]
    pub fn webpki() -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self(Kind::Store(Arc::new(roots)))
    }

    /// Those of this PEM text and no others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the text holds no certificate, or one that cannot be read.
    pub fn pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let invalid = |what: &str| {
            invalid_input(format!(
                "invalid root certificates: {what}; give the PEM text of at least one X.509 \
                 certificate ('-----BEGIN CERTIFICATE-----')"
            ))
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
            let certificate = certificate.map_err(|_| invalid("the text is not valid PEM"))?;
            roots.add(certificate).map_err(|_| invalid("a certificate cannot be read"))?;
        }
        if roots.is_empty() {
            return Err(invalid("there is none"));
        }
        Ok(Self(Kind::Store(Arc::new(roots))))
    }

    fn fallback() -> Result<Self, Error> {
        #[cfg(feature = "platform-verifier")]
        return Ok(Self::platform());
        #[cfg(all(feature = "webpki-roots", not(feature = "platform-verifier")))]
        return Ok(Self::webpki());
        #[cfg(not(any(feature = "platform-verifier", feature = "webpki-roots")))]
        Err(invalid_input(
            "no root certificates: otp-hyper was built without 'platform-verifier' and \
             'webpki-roots', so give the builder its 'roots'"
                .to_owned(),
        ))
    }
}

/// The client's side of TLS 1.2 and 1.3. ALPN is the connector's to set.
pub(crate) fn config(
    roots: Option<Roots>,
    provider: Option<Arc<CryptoProvider>>,
    identity: Option<Identity>,
) -> Result<ClientConfig, Error> {
    let provider = provider.map_or_else(provider::of_this_program, Ok)?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| {
            invalid_input("the crypto provider has no cipher suite of TLS 1.2 or 1.3".to_owned())
        })?;
    let builder = match roots.map_or_else(Roots::fallback, Ok)?.0 {
        #[cfg(feature = "platform-verifier")]
        Kind::Platform => platform(builder, provider)?,
        Kind::Store(roots) => builder.with_root_certificates(roots),
    };
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(Identity { chain, key }) => builder.with_client_auth_cert(chain, key).map_err(|_| {
            invalid_input(
                "invalid identity: its key cannot be used, or is not that of its certificate"
                    .to_owned(),
            )
        }),
    }
}

#[cfg(feature = "platform-verifier")]
type WantsVerifier = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;
#[cfg(feature = "platform-verifier")]
type Verified = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

if_the_system_verifies! {
    fn platform(builder: WantsVerifier, provider: Arc<CryptoProvider>) -> Result<Verified, Error> {
        let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(|error| {
            Error::builder(ErrorKind::InvalidInput)
                .reason("the operating system's certificate verifier cannot be used")
                .source(error)
                .build()
        })?;
        // "Dangerous" is any verifier that is not rustls's own; this one is the system's.
        Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
    }
}

if_the_system_keeps_files! {
    use std::path::Path;

    /// Where distributions keep all their roots in one file.
    const FILES: [&str; 8] = [
        "/etc/ssl/certs/ca-certificates.crt",                // Debian, Arch, Gentoo, NixOS
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
        "/etc/pki/tls/certs/ca-bundle.crt",                  // older ones of these
        "/etc/ssl/ca-bundle.pem",                            // openSUSE
        "/etc/ssl/cert.pem",                                 // Alpine, the BSDs
        "/etc/openssl/certs/ca-certificates.crt",            // NetBSD
        "/usr/local/share/certs/ca-root-nss.crt",            // FreeBSD's package
        "/usr/local/etc/ssl/cert.pem",                       // and its older place
    ];

    /// Where they keep each in a file of its own.
    const FOLDERS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

    fn platform(builder: WantsVerifier, _: Arc<CryptoProvider>) -> Result<Verified, Error> {
        let files = FILES.map(|file| (Some(Path::new(file)), None));
        let folders = FOLDERS.map(|folder| (None, Some(Path::new(folder))));
        for (file, folder) in files.into_iter().chain(folders) {
            if !file.or(folder).is_some_and(Path::exists) {
                continue;
            }
            let mut roots = RootCertStore::empty();
            // What cannot be read of the system's certificates is not trusted, and no more than that.
            roots.add_parsable_certificates(
                rustls_native_certs::load_certs_from_paths(file, folder).certs,
            );
            if !roots.is_empty() {
                return Ok(builder.with_root_certificates(roots));
            }
        }
        Err(invalid_input(
            "no root certificates are on this machine; install them (often the package \
             'ca-certificates'), or give the builder its 'roots'"
                .to_owned(),
        ))
    }
}

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
    /// [`ErrorKind::InvalidInput`] if either holds nothing that can be read. Whether the two belong
    /// together is found when the transport is built.
    pub fn pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let invalid = |what: &str| invalid_input(format!("invalid identity: {what}"));
        let chain = CertificateDer::pem_slice_iter(chain.as_ref())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| invalid("the text of its certificates is not valid PEM"))?;
        if chain.is_empty() {
            return Err(invalid("there is no certificate ('-----BEGIN CERTIFICATE-----')"));
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_ref())
            .map_err(|_| invalid("there is no private key ('-----BEGIN PRIVATE KEY-----')"))?;
        Ok(Self { chain, key })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

fn invalid_input(reason: String) -> Error {
    Error::builder(ErrorKind::InvalidInput).reason(reason).build()
}
