//! What is known of engines that cannot keep every promise, with the reasons.
//!
//! A profile saves the author of a transport from finding out anew what no code around the engine can mend.
//! Everything else is still the transport's own to keep.
//!
//! ```no_run
//! use otp_conformance::hostile::Server;
//! use otp_conformance::{Kit, engine};
//! use otp_core::blocking::Transport;
//!
//! fn conforms<T: Transport + 'static>(make: fn(&Server) -> T) {
//!     Kit::new().known(&engine::CURL).run_blocking(make).assert();
//! }
//! ```

use otp_core::TransportErrorKind;

use crate::Case;
use crate::hostile::Protocol;
use crate::kinds::Alike;

/// What is known of an engine. Passed to [`Kit::known`](crate::Kit::known).
#[derive(Debug)]
pub struct Engine {
    name: &'static str,
    /// Each with the version of HTTP that it is for, or both.
    exceptions: &'static [(Case, Option<Protocol>, &'static str)],
    alike: &'static [(&'static [TransportErrorKind], &'static str)],
}

impl Engine {
    /// Its name and the version that was tried.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The cases that it cannot pass over this version of HTTP, each with the reason.
    pub fn exceptions(
        &self,
        protocol: Protocol,
    ) -> impl Iterator<Item = (Case, &'static str)> + use<> {
        let of_this = move |of: Option<Protocol>| of.is_none_or(|of| of == protocol);
        let exceptions = self.exceptions.iter();
        exceptions.filter(move |(_, of, _)| of_this(*of)).map(|(case, _, reason)| (*case, *reason))
    }

    pub(crate) fn reason(&self, case: Case, protocol: Protocol) -> Option<&'static str> {
        self.exceptions(protocol).find(|(own, _)| *own == case).map(|(_, reason)| reason)
    }

    pub(crate) fn alike(&self) -> Vec<Alike> {
        let alike = |(kinds, reason): &(&[TransportErrorKind], &str)| Alike {
            kinds: kinds.to_vec(),
            reason: (*reason).to_owned(),
            must_be_needed: false,
        };
        self.alike.iter().map(alike).collect()
    }
}

/// libcurl, as the crate `curl` has it; isahc stands on it too.
pub const CURL: Engine = Engine { name: "libcurl 7.88", exceptions: &[], alike: &[] };
