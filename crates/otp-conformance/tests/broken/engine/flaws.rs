//! Every flaw of the engine.

use otp_conformance::Case;

use crate::proof::{Broken, EVERYWHERE, Flavour, OVER_TLS, Over};

pub const fn over_tls(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: OVER_TLS }
}

pub const fn everywhere(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: EVERYWHERE }
}

pub const fn in_async(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: &[(Over::Tls, Flavour::Async)] }
}

pub const fn in_blocking(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: &[(Over::Tls, Flavour::Blocking)] }
}

pub const fn in_local(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: &[(Over::Clear, Flavour::Local)] }
}

pub const FLAWS: &[Broken] = &[
    everywhere("a 1xx is the answer", Case::InformationalResponsesAreSkipped),
    over_tls("no limit while connecting", Case::WhileConnecting),
    everywhere("no limit while writing", Case::WhileWriting),
    everywhere("no limit before the head", Case::BeforeTheHead),
    everywhere("no limit within the head", Case::WithinTheHead),
    everywhere("no limit within the body", Case::WithinTheBody),
    everywhere("each byte of a head starts the limit again", Case::UnderATricklingHead),
    everywhere("each byte of a body starts the limit again", Case::UnderATrickle),
    everywhere("each 1xx starts the limit again", Case::UnderInformationalResponses),
    everywhere("the body has a limit of its own", Case::AcrossPhases),
    everywhere("every limit is 800 ms at most", Case::AnAnswerInTimeIsAwaited),
    everywhere("the host is always localhost", Case::TheHostIsTold),
    everywhere("a length stands beside chunks", Case::TheBodyArrives),
    everywhere("what is not HTTP is a 200", Case::WhatIsNotHttpIsNoAnswer),
    everywhere("a body is measured when it has ended", Case::AnEndlessBodyIsRefused),
    everywhere("a head may be endless", Case::AnEndlessHeadIsRefused),
    everywhere("room is made for what is announced", Case::AClaimedLengthIsNotAllocated),
    everywhere("a length wraps at 2^64", Case::AClaimedLengthIsNotAllocated),
    over_tls("every certificate is trusted", Case::ABadCertificateGetsNoRequest),
    over_tls("a common name is enough", Case::ACommonNameIsNotEnough),
    everywhere(
        "a connection lost before the head has sent nothing",
        Case::ALostConnectionIsUnknown,
    ),
    everywhere("a head cut off is complete", Case::AHeadCutOffIsNoAnswer),
    everywhere("a body cut off is complete", Case::ABodyCutOffIsNoAnswer),
    everywhere("a chunked body cut off is complete", Case::AChunkedBodyCutOffIsNoAnswer),
    everywhere("the first of two lengths is the length", Case::ConflictingLengthsAreNoAnswer),
    everywhere("a chunk without a size is the end", Case::AWrongChunkIsNoAnswer),
    everywhere("what nobody asked for is the next answer", Case::AnUnaskedAnswerIsNobodys),
    everywhere("a closed connection is used again", Case::AClosedConnectionIsReplaced),
];
