//! Whom to trust, and with which cryptography.

#[cfg(any(
    test,
    all(
        feature = "platform-verifier",
        any(windows, target_vendor = "apple", target_os = "android")
    )
))]
mod either;
#[cfg(all(
    feature = "platform-verifier",
    not(any(windows, target_vendor = "apple", target_os = "android"))
))]
mod files;
mod identity;
mod pem;
mod provider;
mod roots;
mod verifier;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use otp_core::Error;
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;

use crate::error::invalid_input;
use crate::versions::HttpVersions;

pub use identity::Identity;
pub use roots::Roots;

/// The client's side of TLS 1.2 and 1.3. Its roots and its identity can be replaced.
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    versions: HttpVersions,
    /// Held while a change is made, which may read files. Connecting does not wait for it.
    chosen: Mutex<Chosen>,
    current: RwLock<Configs>,
    /// How many changes were made. Each call reads it, so it is no lock.
    generation: AtomicU64,
}

#[derive(Clone)]
struct Chosen {
    roots: Roots,
    identity: Option<identity::Resolver>,
}

/// What new connections use.
#[derive(Clone)]
pub(crate) struct Configs {
    /// With the allowed versions of HTTP by ALPN.
    pub(crate) to_server: Arc<ClientConfig>,
    pub(crate) to_proxy: Arc<ClientConfig>,
}

impl Tls {
    pub(crate) fn new(
        roots: Option<Roots>,
        provider: Option<Arc<CryptoProvider>>,
        identity: Option<Identity>,
        versions: HttpVersions,
    ) -> Result<Self, Error> {
        let provider = provider.map_or_else(provider::of_this_program, Ok)?;
        let roots = roots.map_or_else(Roots::fallback, Ok)?;
        let identity = identity.map(|identity| identity.resolver(&provider)).transpose()?;
        let chosen = Chosen { roots, identity };
        let configs = chosen.configs(&provider, versions)?;
        let (chosen, current) = (Mutex::new(chosen), RwLock::new(configs));
        Ok(Self { provider, versions, chosen, current, generation: AtomicU64::new(0) })
    }

    pub(crate) fn current(&self) -> Configs {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which roots and identity a call that begins now uses. A connection of an earlier generation takes no new call.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn set_roots(&self, roots: Roots) -> Result<(), Error> {
        self.change(|chosen| chosen.roots = roots)
    }

    pub(crate) fn set_identity(&self, identity: Option<Identity>) -> Result<(), Error> {
        let identity = identity.map(|identity| identity.resolver(&self.provider)).transpose()?;
        self.change(|chosen| chosen.identity = identity)
    }

    /// All of it or, on an error, nothing.
    fn change(&self, change: impl FnOnce(&mut Chosen)) -> Result<(), Error> {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = chosen.clone();
        change(&mut next);
        // Configurations share no session with earlier ones: to resume one would skip the new checks.
        let configs = next.configs(&self.provider, self.versions)?;
        *chosen = next;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = configs;
        // Last, so that no connection of the new generation is made with what was before.
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

impl Chosen {
    fn configs(
        &self,
        provider: &Arc<CryptoProvider>,
        versions: HttpVersions,
    ) -> Result<Configs, Error> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| {
                invalid_input("the crypto provider has no cipher suite of TLS 1.2 or 1.3")
            })?;
        let builder = verifier::verified(builder, &self.roots, provider)?;
        let to_proxy = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder.with_client_cert_resolver(Arc::clone(identity) as _),
        };
        let mut to_server = to_proxy.clone();
        to_server.alpn_protocols = match versions {
            HttpVersions::Negotiated => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            // As hyper-rustls: a server that knows no ALPN speaks HTTP/1.1 all the same.
            HttpVersions::Http1 => vec![],
            HttpVersions::Http2 => vec![b"h2".to_vec()],
        };
        Ok(Configs { to_server: Arc::new(to_server), to_proxy: Arc::new(to_proxy) })
    }
}
