//! Every flaw of the HTTP/2 transport.

use otp_conformance::Case;

use crate::proof::{Broken, Flavour, Over};

const fn http2(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: HTTP2 }
}

/// Each wire and each flavour once: what a flavour and a wire have to do with each other is nothing.
const HTTP2: &[(Over, Flavour)] = &[
    (Over::Http2, Flavour::Async),
    (Over::Http2Clear, Flavour::Local),
    (Over::Http2, Flavour::Blocking),
];

/// A reset with each code but `REFUSED_STREAM` can be taken for a proof.
macro_rules! unsent_by {
    ($($code:literal $what:literal,)*) => {
        /// The flaws that take a code for a proof.
        const UNSENT: &[Broken] = &[$(http2($what, Case::AResetStreamIsUnknown)),*];

        /// Whether a transport with this flaw takes this code for a proof.
        pub fn is_unsent_by(flaw: &str, code: u32) -> bool {
            match flaw {
                $($what => code == $code,)*
                _ => false,
            }
        }
    };
}

unsent_by! {
    0 "NO_ERROR has sent nothing",
    1 "PROTOCOL_ERROR has sent nothing",
    2 "INTERNAL_ERROR has sent nothing",
    3 "FLOW_CONTROL_ERROR has sent nothing",
    4 "SETTINGS_TIMEOUT has sent nothing",
    5 "STREAM_CLOSED has sent nothing",
    6 "FRAME_SIZE_ERROR has sent nothing",
    8 "CANCEL has sent nothing",
    9 "COMPRESSION_ERROR has sent nothing",
    10 "CONNECT_ERROR has sent nothing",
    11 "ENHANCE_YOUR_CALM has sent nothing",
    12 "INADEQUATE_SECURITY has sent nothing",
    13 "HTTP_1_1_REQUIRED has sent nothing",
    0xfa "an unknown code has sent nothing",
}

const OTHERS: &[Broken] = &[
    Broken {
        what: "HTTP/2 is spoken unasked",
        case: Case::Http2IsNegotiated,
        on: &[(Over::Http2, Flavour::Async), (Over::Http2, Flavour::Blocking)],
    },
    // Resets.
    http2("a refused stream may have been sent", Case::WhatHttp2RefusesIsNotSent),
    http2("a refusal after the head has sent nothing", Case::AResetAfterTheHeadIsUnknown),
    http2("a refusal within the body has sent nothing", Case::AResetAfterTheHeadIsUnknown),
    http2("a body that is reset with NO_ERROR is complete", Case::ABodyThatIsResetIsNoAnswer),
    http2("a body that is reset with CANCEL is complete", Case::ABodyThatIsResetIsNoAnswer),
    http2("a body that is reset is complete", Case::ABodyThatIsResetIsNoAnswer),
    http2("a GET is sent again after CANCEL", Case::RepeatsNothingAfterAResetStream),
    http2("what asks for HTTP/1.1 is sent again", Case::RepeatsNothingAfterAResetStream),
    http2("ENHANCE_YOUR_CALM is obeyed after a while", Case::RepeatsNothingAfterAResetStream),
    http2("a GET is sent again after a reset body", Case::RepeatsNothingAfterAResetStream),
    http2("what a GOAWAY has let through is sent again", Case::RepeatsNothingAfterAResetStream),
    http2("every reset stream is sent again", Case::RepeatsNothingAfterAResetStream),
    http2("after a reset nothing more is read", Case::TheNextSendAfterAFailedStream),
    http2("a reset stream ends all others", Case::AResetConcernsOneStream),
    // GOAWAY.
    http2("what is above a GOAWAY may have been sent", Case::WhatHttp2RefusesIsNotSent),
    http2("GOAWAY proves something if it names no stream", Case::GoawayBelowALaterStreamIsNotSent),
    http2("GOAWAY has sent nothing", Case::GoawayAtTheStreamIsUnknown),
    http2("GOAWAY with a reason has sent nothing", Case::GoawayAtTheStreamIsUnknown),
    http2("a warning has sent nothing", Case::GoawayAtTheStreamIsUnknown),
    http2("GOAWAY at the stream is below it", Case::GoawayAtTheStreamIsUnknown),
    http2("GOAWAY above the stream is below it", Case::GoawayAtTheStreamIsUnknown),
    http2("GOAWAY after the head has sent nothing", Case::WhatIsMalformedIsUnknown),
    http2("GOAWAY ends every stream", Case::AnAnswerAfterGoawayIsTheAnswer),
    http2("a warning ends every stream", Case::AnAnswerAfterGoawayIsTheAnswer),
    http2("GOAWAY ends every stream if there are several", Case::GoawayConcernsTheStreamsAboveIt),
    http2("a connection that goes away is used again", Case::AConnectionThatGoesAwayIsReplaced),
    http2("after a warning a connection is used again", Case::AConnectionThatGoesAwayIsReplaced),
    http2("over HTTP/2, a closed connection is used", Case::AClosedConnectionIsReplaced),
    http2("over HTTP/2, a lost connection has sent nothing", Case::ALostConnectionIsUnknown),
    // What is malformed.
    http2("names are made lower case", Case::MalformedFieldsAreNoAnswer),
    http2("a name that is none is skipped", Case::MalformedFieldsAreNoAnswer),
    http2("a value that is none is empty", Case::MalformedFieldsAreNoAnswer),
    http2("the field connection is taken", Case::MalformedFieldsAreNoAnswer),
    http2("the field transfer-encoding is taken", Case::MalformedFieldsAreNoAnswer),
    http2("the field keep-alive is taken", Case::MalformedFieldsAreNoAnswer),
    http2("the field upgrade is taken", Case::MalformedFieldsAreNoAnswer),
    http2("trailers are not looked at", Case::MalformedFieldsAreNoAnswer),
    http2("no status is a 200", Case::MalformedPseudoFieldsAreNoAnswer),
    http2("the last status counts", Case::MalformedPseudoFieldsAreNoAnswer),
    http2("a status may come late", Case::MalformedPseudoFieldsAreNoAnswer),
    http2("a status is its first three digits", Case::MalformedPseudoFieldsAreNoAnswer),
    http2("a status that is no number is a 200", Case::MalformedPseudoFieldsAreNoAnswer),
    http2("unknown pseudo-fields are ignored", Case::MalformedPseudoFieldsAreNoAnswer),
    http2("no length is compared", Case::ALengthThatDisagreesIsNoAnswer),
    http2("a short body is complete", Case::ALengthThatDisagreesIsNoAnswer),
    http2("an empty body is complete", Case::ALengthThatDisagreesIsNoAnswer),
    http2("a head that ends has no length", Case::ALengthThatDisagreesIsNoAnswer),
    http2("a body may be longer than announced", Case::ALengthThatDisagreesIsNoAnswer),
    http2(
        "over HTTP/2, the first of two lengths is the length",
        Case::ALengthThatDisagreesIsNoAnswer,
    ),
    http2("a length that is no number is none", Case::ALengthThatDisagreesIsNoAnswer),
    http2("over HTTP/2, a body cut off is complete", Case::ABodyCutOffIsNoAnswer),
    http2("DATA before a head is the body", Case::FramesOutOfOrderAreNoAnswer),
    http2("a second head is skipped", Case::FramesOutOfOrderAreNoAnswer),
    http2("frames within a head are taken", Case::FramesOutOfOrderAreNoAnswer),
    http2("a CONTINUATION may begin a head", Case::FramesOutOfOrderAreNoAnswer),
    http2("padding may be longer than its frame", Case::FramesOutOfOrderAreNoAnswer),
    http2("a frame may have any size", Case::FramesOutOfOrderAreNoAnswer),
    http2("a stream that nobody opened is skipped", Case::FramesOutOfOrderAreNoAnswer),
    http2("settings may have any size", Case::FramesOutOfOrderAreNoAnswer),
    http2("a malformed answer has sent nothing", Case::WhatIsMalformedIsUnknown),
    http2("a wrong length has sent nothing", Case::WhatIsMalformedIsUnknown),
    http2("what is out of order has sent nothing", Case::WhatIsMalformedIsUnknown),
    http2("a connection that is no HTTP/2 has sent nothing", Case::WhatIsMalformedIsUnknown),
    http2("a pushed answer is the next one's", Case::APushedAnswerIsNobodys),
    http2("a pushed answer is this one's", Case::APushedAnswerIsNobodys),
    // What a server may do.
    http2("over HTTP/2, a 1xx is the answer", Case::InformationalResponsesAreSkipped),
    http2("an unknown frame is an error", Case::WhatIsUnknownIsIgnored),
    http2("an unknown setting is an error", Case::WhatIsUnknownIsIgnored),
    http2("an unknown flag is an error", Case::WhatIsUnknownIsIgnored),
    http2("fields are not kept for later answers", Case::CompressedFieldsArrive),
    http2("a head has 8 KiB at most", Case::HeadsOfManyFieldsArrive),
    http2("a 304 has the length of its body", Case::A304WithALengthEnds),
    http2("what a 103 says is the answer's", Case::AnInformationalHeadLeavesNothing),
    http2("what is too large is read on", Case::AnAnswerThatIsTooLargeIsGivenUp),
    http2("padding is content", Case::PaddingIsNoContent),
    http2("a head is not padded", Case::PaddingIsNoContent),
    http2("a head has no priority", Case::PaddingIsNoContent),
    http2("a head is one frame", Case::AHeadInPiecesArrives),
    http2("an empty CONTINUATION is an error", Case::AHeadInPiecesArrives),
    http2("an empty DATA is the end", Case::ABodyInPiecesArrives),
    http2("the first DATA is the body", Case::ABodyInPiecesArrives),
    http2("a 204 must end with its head", Case::AnEmptyBodyMayEndLater),
    http2("trailers are an error", Case::TrailersEndAnAnswer),
    http2("trailers are a second answer", Case::TrailersEndAnAnswer),
    http2("an answer waits for the upload", Case::AnAnswerBeforeTheUploadIsTheAnswer),
    http2("a reset discards an answer", Case::AnAnswerBeforeTheUploadIsTheAnswer),
    http2("no PING is answered", Case::PingsAreAnswered),
    http2("only the first settings are acknowledged", Case::SettingsAreAcknowledged),
    // Flow control and settings.
    http2("the connection gets no credit", Case::LargeAnswersArrive),
    http2("streams get no credit", Case::LargeAnswersArrive),
    http2("what is discarded keeps its window", Case::ADiscardedAnswerGivesItsWindowBack),
    http2("windows are ignored", Case::KeepsTheServersWindows),
    http2("only the connection's window counts", Case::KeepsTheServersWindows),
    http2("only the stream's window counts", Case::KeepsTheServersWindows),
    http2("a body is sent in one frame", Case::KeepsTheServersWindows),
    http2("the initial window is the protocol's", Case::KeepsTheServersWindows),
    http2("a changed window is for new streams only", Case::ChangedSettingsAreHonoured),
    http2("only the first settings count", Case::ChangedSettingsAreHonoured),
    http2("the table of fields keeps its size", Case::ChangedSettingsAreHonoured),
    http2("credit for the connection is lost", Case::ALargeUploadArrives),
    http2("the end of a large body is dropped", Case::ALargeUploadArrives),
    // Requests.
    http2("the connection is to be kept", Case::RequestsAreWellFormed),
    http2("trailers and more are accepted", Case::RequestsAreWellFormed),
    http2("names begin in upper case", Case::RequestsAreWellFormed),
    http2("the :path comes last", Case::RequestsAreWellFormed),
    http2("there is no :scheme", Case::RequestsAreWellFormed),
    Broken {
        what: "the scheme is always http",
        case: Case::RequestsAreWellFormed,
        on: &[(Over::Http2, Flavour::Async)],
    },
    http2("a host is added that is not the :authority", Case::RequestsAreWellFormed),
    http2("the length is the first frame's", Case::RequestsAreWellFormed),
    http2("a body is announced as chunked", Case::RequestsAreWellFormed),
    // Streams and time.
    http2("the limit of streams is ignored", Case::KeepsTheLimitOfStreams),
    http2("the limit of streams stays what it was", Case::KeepsTheLimitOfStreams),
    http2("DATA is the newest stream's", Case::AnswersInTurnsAreNotMixed),
    http2("no limit while settings are awaited", Case::WhileSettingsAreAwaited),
    http2("a 103 may be the end", Case::MalformedPseudoFieldsAreNoAnswer),
    http2("one stream at a time", Case::OneDoesNotWaitForAnother),
    http2("no limit while waiting for a stream", Case::WhileWaitingForAStream),
    http2("what has waited in vain is sent all the same", Case::WhatWaitedInVainIsNeverSent),
    http2("a stream that is given up goes on", Case::AStreamWhoseTimeIsUpIsGivenUp),
    http2("each frame starts the limit again", Case::UnderFramesWithoutEnd),
    http2("over HTTP/2, no limit before the head", Case::BeforeTheHead),
    http2("over HTTP/2, no limit while writing", Case::WhileWriting),
    http2("over HTTP/2, no limit within the body", Case::WithinTheBody),
    http2("over HTTP/2, the body has a limit of its own", Case::AcrossPhases),
];

const COUNT: usize = UNSENT.len() + OTHERS.len();

const fn both() -> [Broken; COUNT] {
    let mut all = [OTHERS[0]; COUNT];
    let mut at = 0;
    while at < COUNT {
        all[at] = if at < OTHERS.len() { OTHERS[at] } else { UNSENT[at - OTHERS.len()] };
        at += 1;
    }
    all
}

pub static FLAWS: &[Broken] = &both();
