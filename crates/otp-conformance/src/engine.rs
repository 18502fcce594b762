//! What is known of engines that cannot keep every promise, with the reasons.
//!
//! The engines were tried by honest transports over each of their wires. What they fail by a fault of the engine is
//! here; what the transport can mend is said with each.
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

const HTTP1: Option<Protocol> = Some(Protocol::Http1);
const HTTP2: Option<Protocol> = Some(Protocol::Http2);
const BOTH: Option<Protocol> = None;

const COMMON_NAME: &str = "OpenSSL takes the common name of a certificate that has no other name, and libcurl has \
                           no option against it";

/// hyper-util's legacy client. A transport over it tells a refused stream by `h2::Error` among the sources.
pub const HYPER_UTIL: Engine = Engine {
    name: "hyper-util 0.1, the legacy client",
    exceptions: &[(
        Case::WhatHttp2RefusesIsNotSent,
        HTTP2,
        "of a GOAWAY it does not tell the last id, so that nothing is proven",
    )],
    alike: &[],
};

/// libcurl over OpenSSL, as the crate `curl` has it. A transport over it sets `fresh_connect` and `forbid_reuse`,
/// since libcurl repeats what it lost on a kept connection, and compares the lengths of an answer.
pub const CURL: Engine = Engine {
    name: "libcurl 7.88",
    exceptions: &[
        (Case::ACommonNameIsNotEnough, BOTH, COMMON_NAME),
        (
            Case::WhatHttp2RefusesIsNotSent,
            HTTP2,
            "it repeats a refused stream itself, and reports the last one as any other failure",
        ),
    ],
    alike: &[],
};

/// isahc, over libcurl. A transport over it sets `connection_cache_size(0)`, as for [`CURL`].
pub const ISAHC: Engine = Engine {
    name: "isahc 2.0 over libcurl 7.88",
    exceptions: &[
        (Case::ACommonNameIsNotEnough, BOTH, COMMON_NAME),
        (Case::AnEmptyBodyStaysEmpty, BOTH, "libcurl adds the content type of a form to a POST"),
        (
            Case::AHeadCutOffIsNoAnswer,
            HTTP1,
            "a head that ends with the connection is complete to it",
        ),
        (Case::LogsHoldNoSecret, BOTH, "its span of a request, at the level `debug`, has the URL"),
        (
            Case::GivesUpWhenDropped,
            BOTH,
            "it gives a dropped transfer up when the next bytes arrive, and not before",
        ),
        (
            Case::WhatHttp2RefusesIsNotSent,
            HTTP2,
            "libcurl repeats a refused stream itself, and reports the last one as any other failure",
        ),
    ],
    alike: &[(
        &[
            TransportErrorKind::ConnectionLost,
            TransportErrorKind::Protocol,
            TransportErrorKind::ResponseTooLarge,
        ],
        "its `ErrorKind::Io` stands for many errors of libcurl",
    )],
};

/// attohttpc. A transport over it does not read the body of a `204` or `304`, and compares the length of a body with
/// what was announced.
pub const ATTOHTTPC: Engine = Engine {
    name: "attohttpc 0.31",
    exceptions: &[
        (Case::InformationalResponsesAreSkipped, BOTH, "it takes a `1xx` for the answer"),
        (
            Case::AFailedHandshakeIsNotSent,
            BOTH,
            "the TLS handshake is a part of its first write, and an end of the connection there is the same \
             error as later",
        ),
        (Case::LogsHoldNoSecret, BOTH, "at the level `debug` it logs whole paths"),
    ],
    alike: &[],
};

/// minreq, which counts in whole seconds. A transport over it keeps the exact limit itself, does not read the body
/// of a `204` or `304`, compares the length of a body with what was announced, and takes the `503` with the reason
/// "Server did not provide a status line" for an error.
pub const MINREQ: Engine = Engine {
    name: "minreq 3.0",
    exceptions: &[
        (Case::InformationalResponsesAreSkipped, BOTH, "it takes a `1xx` for the answer"),
        (
            Case::AHeadCutOffIsNoAnswer,
            BOTH,
            "a head that ends with the connection is complete to it",
        ),
        (
            Case::AChunkedBodyCutOffIsNoAnswer,
            BOTH,
            "a chunked body that ends with the connection is complete to it",
        ),
    ],
    alike: &[],
};

/// awc. A transport over it says `unknown` of `ConnectError::Disconnected`, which also stands for a connection that
/// was closed after the request, does not read the body of a `204` or `304`, and compares the length of a body with
/// what was announced.
pub const AWC: Engine = Engine {
    name: "awc 3.11",
    exceptions: &[
        (Case::AddsNothing, HTTP1, "it adds a `date` to every request"),
        (
            Case::TheResponseBodyArrives,
            HTTP1,
            "a body that ends with the connection is empty to it",
        ),
        (Case::InformationalResponsesAreSkipped, HTTP1, "it takes a `1xx` for the answer"),
        (
            Case::AChunkedBodyCutOffIsNoAnswer,
            HTTP1,
            "a chunked body that ends with the connection is complete to it",
        ),
        (
            Case::AClosedConnectionIsReplaced,
            HTTP2,
            "it does not notice that a kept connection was closed",
        ),
        (
            Case::WhatHttp2RefusesIsNotSent,
            HTTP2,
            "its errors do not tell a refused stream, nor the last id of a GOAWAY",
        ),
        (Case::LogsHoldNoSecret, HTTP2, "at the level `trace` it logs whole requests"),
    ],
    alike: &[],
};

/// All profiles.
pub const ALL: &[&Engine] = &[&HYPER_UTIL, &CURL, &ISAHC, &ATTOHTTPC, &MINREQ, &AWC];
