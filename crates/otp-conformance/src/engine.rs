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

const GOAWAY: &str = "of a GOAWAY it does not tell the last id, so that nothing is proven";

const NO_ERROR: &str = "it takes a reset with NO_ERROR for the end of a body";

const REFUSED: &str =
    "libcurl repeats a refused stream itself, and reports the last one as any other failure";

const CLOSE_NOTIFY: &str =
    "it takes a connection that ends without close_notify for the end of a body";

const TEXT: &str = "its header lines are text, so that a value which is not UTF-8 cannot be sent";

const INFORMATIONAL: &str = "it takes a `1xx` for the answer";

const CUT_HEAD: &str = "a head that ends with the connection is complete to it";

const CUT_CHUNKS: &str = "a chunked body that ends with the connection is complete to it";

const UNTIL_CLOSE: &str = "a body that ends with the connection is empty to it";

const URLS: &str =
    "its URLs are those of browsers, which write some paths and queries in another way";

const BRACKETS: &str = "it takes the brackets for a part of an IPv6 address, when it looks the address up or checks \
                        the certificate";

const LOOKUP: &str = "a name that is not found is the same error as a lost connection";

const POOL: &str = "it does not notice that a kept connection has ended";

const SETTINGS: &str =
    "libcurl acknowledges settings that come later only when it has more to send";

const STALLS: &str = "libcurl stalls now and then when a window is used up";

const KEY_LOG: &str = "libcurl writes the keys of TLS to the file that SSLKEYLOGFILE names";

const RESOLVER: &str = "it resolves names by a call that blocks, and its limits begin after that";

const OVER_HTTP1: &str = "libcurl repeats a stream over HTTP/1.1 if the server asks for it, and tells of the last one only";

/// hyper-util's legacy client. A transport over it tells a refused stream by `h2::Error` among the sources.
pub const HYPER_UTIL: Engine = Engine {
    name: "hyper-util 0.1, the legacy client",
    exceptions: &[
        (Case::WhatHttp2RefusesIsNotSent, HTTP2, GOAWAY),
        (Case::GoawayBelowALaterStreamIsNotSent, HTTP2, GOAWAY),
        (Case::ABodyThatIsResetIsNoAnswer, HTTP2, NO_ERROR),
        (
            Case::OneThatConnectsHoldsNobodyUp,
            HTTP2,
            "calls share a connection while it is made, and hang with it",
        ),
    ],
    alike: &[],
};

/// libcurl over OpenSSL, as the crate `curl` has it. A transport over it sets `fresh_connect` and `forbid_reuse`,
/// since libcurl repeats what it lost on a kept connection, and compares the lengths of an answer.
pub const CURL: Engine = Engine {
    name: "libcurl 7.88",
    exceptions: &[
        (Case::TheEnvironmentChangesNothing, BOTH, KEY_LOG),
        (
            Case::WhileResolving,
            BOTH,
            "a transfer whose time is up waits until the thread that resolves its name has ended",
        ),
        (Case::ChangedSettingsAreHonoured, HTTP2, SETTINGS),
        (Case::ACommonNameIsNotEnough, BOTH, COMMON_NAME),
        (Case::HeaderBytesBeyondAsciiArrive, BOTH, TEXT),
        (Case::ABodyCutOffWithinTlsIsNoAnswer, HTTP1, CLOSE_NOTIFY),
        (Case::WhatHttp2RefusesIsNotSent, HTTP2, REFUSED),
        (Case::GoawayBelowALaterStreamIsNotSent, HTTP2, GOAWAY),
        (Case::ABodyThatIsResetIsNoAnswer, HTTP2, NO_ERROR),
        (
            Case::RepeatsNothingAfterAResetStream,
            HTTP2,
            "it also repeats a stream that is refused after its head, five times",
        ),
        (
            Case::FramesOutOfOrderAreNoAnswer,
            HTTP2,
            "it takes a frame that is too large for the end of a body",
        ),
        (
            Case::AnAnswerBeforeTheUploadIsTheAnswer,
            HTTP2,
            "it loses an answer that comes before the end of an upload, now and then",
        ),
        (Case::LargeAnswersArrive, HTTP2, STALLS),
        (Case::AnyLimitIsKept, HTTP2, STALLS),
    ],
    alike: &[],
};

/// isahc, over libcurl. A transport over it sets `connection_cache_size(0)`, as for [`CURL`].
pub const ISAHC: Engine = Engine {
    name: "isahc 2.0 over libcurl 7.88",
    exceptions: &[
        (Case::TheEnvironmentChangesNothing, BOTH, KEY_LOG),
        (Case::ChangedSettingsAreHonoured, HTTP2, SETTINGS),
        (Case::ACommonNameIsNotEnough, BOTH, COMMON_NAME),
        (Case::AnEmptyBodyStaysEmpty, BOTH, "libcurl adds the content type of a form to a POST"),
        (Case::AHeadCutOffIsNoAnswer, HTTP1, CUT_HEAD),
        (Case::AnAlertAfterTheRequestIsUnknown, HTTP1, CUT_HEAD),
        (Case::HeaderBytesBeyondAsciiArrive, BOTH, "it panics at a value that is not UTF-8"),
        (
            Case::DotsArrive,
            BOTH,
            "it tidies dots in a path: it does not offer libcurl's option to leave them",
        ),
        (Case::ABodyCutOffWithinTlsIsNoAnswer, HTTP1, CLOSE_NOTIFY),
        (Case::LogsHoldNoSecret, BOTH, "its span of a request, at the level `debug`, has the URL"),
        (
            Case::GivesUpWhenDropped,
            BOTH,
            "it gives a dropped transfer up when the next bytes arrive, and not before",
        ),
        (
            Case::FailuresLeaveNoConnection,
            BOTH,
            "it gives a dropped transfer up when the next bytes arrive, and not before",
        ),
        (Case::WhatHttp2RefusesIsNotSent, HTTP2, REFUSED),
        (Case::GoawayBelowALaterStreamIsNotSent, HTTP2, GOAWAY),
        (Case::ABodyThatIsResetIsNoAnswer, HTTP2, NO_ERROR),
        (Case::AResetStreamIsUnknown, HTTP2, OVER_HTTP1),
        (Case::AResetAfterTheHeadIsUnknown, HTTP2, OVER_HTTP1),
        (
            Case::FramesOutOfOrderAreNoAnswer,
            HTTP2,
            "libcurl takes a frame that is too large for the end of a body",
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

/// attohttpc. A transport over it does not read the body of a `204` or `304` or of an answer to `HEAD`, compares the
/// length of a body with what was announced, and says `unknown` of an alert, which may also come after the request.
pub const ATTOHTTPC: Engine = Engine {
    name: "attohttpc 0.31",
    exceptions: &[
        (Case::InformationalResponsesAreSkipped, BOTH, INFORMATIONAL),
        (Case::InformationalResponsesLeaveNothing, BOTH, INFORMATIONAL),
        (Case::DotsArrive, BOTH, URLS),
        (Case::QuotesArrive, BOTH, URLS),
        (Case::TrailersAreNoHeaders, BOTH, "trailer fields are malformed chunks to it"),
        (Case::HeadsOfEveryFormArrive, BOTH, "it leaves tabs around the value of a field"),
        (
            Case::LargeHeadsArrive,
            BOTH,
            "a field of 60,000 bytes is the end of the connection to it",
        ),
        (Case::ABodyCutOffWithinTlsIsNoAnswer, BOTH, CLOSE_NOTIFY),
        (Case::AnyLimitIsKept, BOTH, "it waits for the whole of a chunk before it gives any of it"),
        (
            Case::AFailedHandshakeIsNotSent,
            BOTH,
            "the TLS handshake is a part of its first write, and an end of the connection there is the same error as later",
        ),
        (Case::LogsHoldNoSecret, BOTH, "at the level `debug` it logs whole paths"),
        (Case::AnIpv6AddressIsReached, BOTH, BRACKETS),
        (Case::AnUnknownHostIsNotSent, BOTH, LOOKUP),
        (Case::WhileResolving, BOTH, RESOLVER),
        (Case::ALostBodyLeavesItsHead, BOTH, INFORMATIONAL),
    ],
    alike: &[],
};

/// minreq, which counts in whole seconds. A transport over it keeps the exact limit itself, does not read the body
/// of a `204` or `304` or of an answer to `HEAD`, compares the length of a body with what was announced, and takes the `503` with the reason
/// "Server did not provide a status line" for an error.
pub const MINREQ: Engine = Engine {
    name: "minreq 3.0",
    exceptions: &[
        (Case::InformationalResponsesAreSkipped, BOTH, INFORMATIONAL),
        (Case::InformationalResponsesLeaveNothing, BOTH, INFORMATIONAL),
        (Case::AHeadCutOffIsNoAnswer, BOTH, CUT_HEAD),
        (Case::AChunkedBodyCutOffIsNoAnswer, BOTH, CUT_CHUNKS),
        (Case::ChunksThatDoNotAddUpAreNoAnswer, BOTH, "the size of a chunk overflows in it"),
        (Case::HeaderBytesBeyondAsciiArrive, BOTH, TEXT),
        (Case::TransferCodingsAreNoContent, BOTH, "it knows no coding but `chunked` alone"),
        (Case::HeadsOfEveryFormArrive, BOTH, "it leaves white space around the value of a field"),
        (Case::AHeadIsRefusedOrReadRight, BOTH, "it drops the second line of a folded field"),
        (Case::OneHostIsNotAnother, BOTH, BRACKETS),
        (Case::AnIpv6AddressIsReached, BOTH, BRACKETS),
        (Case::AnUnknownHostIsNotSent, BOTH, LOOKUP),
        (Case::WhileResolving, BOTH, RESOLVER),
        (Case::ALostBodyLeavesItsHead, BOTH, INFORMATIONAL),
    ],
    alike: &[],
};

/// awc. A transport over it says `unknown` of `ConnectError::Disconnected`, which also stands for a connection that
/// was closed after the request, does not read the body of a `204` or `304` or of an answer to `HEAD`, compares the
/// length of a body with what was announced, and lifts the limit of 100 connections.
pub const AWC: Engine = Engine {
    name: "awc 3.11",
    exceptions: &[
        (Case::AddsNothing, HTTP1, "it adds a `date` to every request"),
        (Case::AddsNothingToAGet, HTTP1, "it adds a `date` to every request"),
        (Case::TheResponseBodyArrives, HTTP1, UNTIL_CLOSE),
        (Case::OlderAndShorterConnectionsServe, HTTP1, UNTIL_CLOSE),
        (Case::ErrorsOfEveryFramingArrive, HTTP1, UNTIL_CLOSE),
        (Case::AnyLimitIsKept, HTTP1, UNTIL_CLOSE),
        (Case::ABodyCutOffWithinTlsIsNoAnswer, HTTP1, UNTIL_CLOSE),
        (Case::ABodyCutOffIsNoAnswer, HTTP1, UNTIL_CLOSE),
        (Case::AnIpv6AddressIsReached, BOTH, BRACKETS),
        (Case::InformationalResponsesAreSkipped, HTTP1, INFORMATIONAL),
        (Case::InformationalResponsesLeaveNothing, HTTP1, INFORMATIONAL),
        (Case::OneLimitForAllPhases, HTTP1, INFORMATIONAL),
        (Case::AChunkedBodyCutOffIsNoAnswer, HTTP1, CUT_CHUNKS),
        (Case::ChunksThatDoNotAddUpAreNoAnswer, HTTP1, "the size of a chunk overflows in it"),
        (Case::LargeHeadsArrive, HTTP1, "it reads no more than 96 fields"),
        (Case::AClosingConnectionIsNotUsedAgain, HTTP1, "it keeps connections of HTTP/1.0"),
        (
            Case::AfterATimeout,
            HTTP1,
            "it keeps the connection of a body that was given up, and the next call gets the rest of it",
        ),
        (Case::AClosedConnectionIsReplaced, HTTP2, POOL),
        (Case::AfterAMalformedAnswer, HTTP2, POOL),
        (Case::AfterALostConnection, HTTP2, POOL),
        (Case::ManyFailuresStopNoSend, HTTP2, POOL),
        (Case::TheNextSendAfterAFailedStream, HTTP2, POOL),
        (Case::AConnectionThatGoesAwayIsReplaced, HTTP2, POOL),
        (Case::APushedAnswerIsNobodys, HTTP2, POOL),
        (
            Case::AnAnswerBeforeTheUploadIsTheAnswer,
            HTTP2,
            "it loses an answer that comes before the end of an upload",
        ),
        (
            Case::WhatHttp2RefusesIsNotSent,
            HTTP2,
            "its errors do not tell a refused stream, nor the last id of a GOAWAY",
        ),
        (Case::GoawayBelowALaterStreamIsNotSent, HTTP2, GOAWAY),
        (
            Case::MalformedPseudoFieldsAreNoAnswer,
            HTTP2,
            "an answer without a status is a `200` to it",
        ),
        (
            Case::LogsHoldNoSecret,
            BOTH,
            "at the level `trace` it logs whole requests, and at `debug` what is malformed in a head",
        ),
    ],
    alike: &[],
};

/// All profiles.
pub const ALL: &[&Engine] = &[&HYPER_UTIL, &CURL, &ISAHC, &ATTOHTTPC, &MINREQ, &AWC];
