use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;

use crate::Error;

type Load = fn(&PrivateKeyDer<'_>) -> Result<Arc<dyn SigningKey>, rustls::Error>;

/// The cryptography that this program's rustls was built with: AWS-LC if rustls has it, otherwise *ring*.
///
/// No crate of this workspace turns on a provider of rustls by default: a program whose rustls has two panics at its
/// own `ServerConfig::builder()`. So the servers of tests use the one that is there.
#[derive(Clone, Debug)]
pub struct Provider {
    crypto: Arc<CryptoProvider>,
    load: Load,
}

impl Provider {
    /// The provider that this program's rustls was built with.
    ///
    /// # Errors
    ///
    /// It has none. Then the feature `ring` or `aws-lc-rs` of `otp-emulator`, `otp-conformance` or any other crate
    /// that uses rustls turns one on.
    pub fn of_this_program() -> Result<Self, Error> {
        // No `cfg` can ask for a feature of another crate. Names can: those of an inner scope come first, so `ring`
        // is rustls's module where there is one, and the one below where there is none.
        #[allow(unused_imports, reason = "unused where rustls has both modules")]
        use absent::{aws_lc_rs, ring};
        let found = {
            #[allow(unused_imports, reason = "unused where rustls has no provider")]
            use rustls::crypto::*;
            aws_lc_rs::default_provider()
                .found(aws_lc_rs::sign::any_supported_type)
                .or_else(|| ring::default_provider().found(ring::sign::any_supported_type))
        };
        found.ok_or_else(Error::no_provider)
    }

    /// What rustls's `builder_with_provider` takes.
    pub fn crypto(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.crypto)
    }

    /// Reads a private key by reference, so that the caller can wipe the only copy.
    ///
    /// # Errors
    ///
    /// The key cannot be read.
    pub fn load(&self, key: &PrivateKeyDer<'_>) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        (self.load)(key)
    }
}

trait Found {
    fn found(self, load: Load) -> Option<Provider>;
}

impl Found for CryptoProvider {
    fn found(self, load: Load) -> Option<Provider> {
        Some(Provider { crypto: Arc::new(self), load })
    }
}

/// What stands for a module of `rustls::crypto` that this program's rustls was built without.
mod absent {
    use super::{Found, Load, Provider};

    pub(super) struct Absent;

    impl Found for Absent {
        fn found(self, _: Load) -> Option<Provider> {
            None
        }
    }

    macro_rules! module {
        ($name:ident) => {
            #[allow(dead_code, reason = "unused where rustls has the module")]
            pub(super) mod $name {
                use super::Absent;

                pub(in super::super) fn default_provider() -> Absent {
                    Absent
                }

                pub(in super::super) mod sign {
                    use std::sync::Arc;

                    use rustls::Error;
                    use rustls::pki_types::PrivateKeyDer;
                    use rustls::sign::SigningKey;

                    pub(in super::super::super) fn any_supported_type(
                        _: &PrivateKeyDer<'_>,
                    ) -> Result<Arc<dyn SigningKey>, Error> {
                        Err(Error::General("no crypto provider".to_owned()))
                    }
                }
            }
        };
    }

    module!(aws_lc_rs);
    module!(ring);
}
