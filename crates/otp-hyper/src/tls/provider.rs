//! The cryptography that this program's rustls was built with.
//!
//! A library must not turn on a provider of rustls unasked: a program whose rustls has two panics at its own
//! `ClientConfig::builder()`, although this crate never calls that. So a program chooses, by a feature of rustls, of
//! this crate, or of any other in its tree, and this file takes what is there.

use std::sync::Arc;

use otp_core::Error;
use rustls::crypto::CryptoProvider;

use crate::error::invalid_input;

/// What stands for a module of `rustls::crypto` that this program's rustls was built without.
mod absent {
    pub(super) struct Absent;

    pub(super) mod aws_lc_rs {
        #[allow(dead_code, reason = "unused where rustls has the module")]
        pub(in super::super) fn default_provider() -> super::Absent {
            super::Absent
        }
    }

    pub(super) mod ring {
        #[allow(dead_code, reason = "unused where rustls has the module")]
        pub(in super::super) fn default_provider() -> super::Absent {
            super::Absent
        }
    }
}

trait Found {
    fn found(self) -> Option<CryptoProvider>;
}

impl Found for CryptoProvider {
    fn found(self) -> Option<CryptoProvider> {
        Some(self)
    }
}

impl Found for absent::Absent {
    fn found(self) -> Option<CryptoProvider> {
        None
    }
}

/// AWS-LC if rustls has it, which is rustls's own preference; otherwise *ring*.
pub(super) fn of_this_program() -> Result<Arc<CryptoProvider>, Error> {
    // No `cfg` can ask for a feature of another crate. Names can: those of an inner scope come first, so `ring` is
    // rustls's module where there is one, and the one above where there is none.
    #[allow(unused_imports, reason = "unused where rustls has both modules")]
    use absent::{aws_lc_rs, ring};
    let found = {
        #[allow(unused_imports, reason = "unused where rustls has no provider")]
        use rustls::crypto::*;
        aws_lc_rs::default_provider().found().or_else(|| ring::default_provider().found())
    };
    found.map(Arc::new).ok_or_else(|| {
        invalid_input(
            "no crypto provider: this program's rustls was built without one; turn on the feature \
             'aws-lc-rs' or 'ring' of otp-hyper, or give the builder a 'crypto_provider'",
        )
    })
}
