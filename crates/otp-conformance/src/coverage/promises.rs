//! The promises of `Transport`, sentence by sentence.

use super::{Promise, promise};
use crate::{Case, Clause};

pub(super) const PROMISES: &[Promise] = &[
    promise(
        Clause::OneRequest,
        "`send` sends its request at most once, whatever comes back: it does not retry, follow redirects, answer challenges or keep cookies.",
        &[
            Case::SendsOnce,
            Case::RepeatsNothingAfterAServerError,
            Case::RepeatsNothingAfterARateLimit,
            Case::RepeatsNothingAfterALostConnection,
            Case::RepeatsNothingOnAKeptConnection,
            Case::RepeatsNothingWhateverGoesWrong,
            Case::FollowsNoRedirect,
            Case::AnswersNoChallenge,
            Case::KeepsNoCookies,
        ],
    ),
    promise(
        Clause::OneRequest,
        "An attempt that provably did not leave may be repeated inside.",
        &[Case::AClosedConnectionIsReplaced, Case::RepeatsNothingOnAKeptConnection],
    ),
    promise(
        Clause::Unchanged,
        "Method, path and query, header values and body arrive byte for byte.",
        &[
            Case::TheMethodArrives,
            Case::ThePathArrives,
            Case::PercentEncodingArrives,
            Case::TheQueryArrives,
            Case::HeaderValuesArrive,
            Case::TheUserAgentArrives,
            Case::DropsNoHeader,
            Case::DoublesNoHeader,
            Case::RepeatedHeadersArrive,
            Case::TheBodyArrives,
            Case::AnEmptyBodyStaysEmpty,
        ],
    ),
    promise(
        Clause::Unchanged,
        "What framing needs is added (`Host`, `Content-Length`) and nothing else; in particular no `Accept-Encoding`, and no second copy of a secret.",
        &[
            Case::TheHostIsTold,
            Case::AddsNothing,
            Case::AsksForNoCompression,
            Case::CopiesNoSecret,
            Case::AnEmptyBodyStaysEmpty,
        ],
    ),
    promise(
        Clause::AnyStatus,
        "`401` and `500` are `Ok`.",
        &[Case::AnyStatusIsAnAnswer, Case::APostIsAnswered, Case::ASecondSendIsAnswered],
    ),
    promise(
        Clause::AnyStatus,
        "Status, headers and body are what the server sent: informational responses (`1xx`) are skipped, and the body is not decompressed.",
        &[
            Case::ResponseHeadersArrive,
            Case::TheResponseBodyArrives,
            Case::AnEmptyResponseEnds,
            Case::AChunkedBodyEnds,
            Case::DecompressesNothing,
            Case::InformationalResponsesAreSkipped,
            Case::ASecondSendIsAnswered,
        ],
    ),
    promise(
        Clause::InTime,
        "It ends within [`Request::time_limit`], whichever phase it is in: connecting, writing, waiting for the head, reading the body, however slowly the bytes trickle.",
        &[
            Case::WhileConnecting,
            Case::WhileWriting,
            Case::BeforeTheHead,
            Case::WithinTheHead,
            Case::WithinTheBody,
            Case::UnderATricklingHead,
            Case::AcrossPhases,
            Case::AnAnswerInTimeIsAwaited,
            Case::UnderATrickle,
            Case::UnderInformationalResponses,
            Case::ATimeoutSaysSo,
        ],
    ),
    promise(
        Clause::InBounds,
        "A body may be as large as [`Request::response_limit`] and not a byte larger: then it stops reading and answers [`TransportErrorKind::ResponseTooLarge`].",
        &[
            Case::ABodyOfTheLimitIsRead,
            Case::ABodyOverTheLimitIsRefused,
            Case::AnEndlessBodyIsRefused,
            Case::AClaimedLengthIsNotAllocated,
        ],
    ),
    promise(
        Clause::InBounds,
        "A head that never ends is given up too.",
        &[Case::AnEndlessHeadIsRefused, Case::UnderInformationalResponses],
    ),
    promise(
        Clause::Honest,
        "What is cut short, or is not HTTP, is never an answer, and the kind of the error says what failed.",
        &[
            Case::AHeadCutOffIsNoAnswer,
            Case::ABodyCutOffIsNoAnswer,
            Case::AChunkedBodyCutOffIsNoAnswer,
            Case::WhatIsNotHttpIsNoAnswer,
            Case::ConflictingLengthsAreNoAnswer,
            Case::AWrongChunkIsNoAnswer,
            Case::AnUnaskedAnswerIsNobodys,
            Case::ABadCertificateGetsNoRequest,
            Case::ACommonNameIsNotEnough,
            Case::ABadCertificateIsATlsError,
            Case::ARefusedConnectionIsNotSent,
        ],
    ),
    promise(
        Clause::Honest,
        "A failure is [`TransportError::not_sent`] only if no byte of the request can have reached the server, and [`TransportError::unknown`] in every other case.",
        &[
            Case::ARefusedConnectionIsNotSent,
            Case::AFailedHandshakeIsNotSent,
            Case::ALostConnectionIsUnknown,
            Case::ALostKeptConnectionIsUnknown,
            Case::WhatWasReceivedIsUnknown,
            Case::ATimeoutIsUnknown,
            Case::WhatHttp2RefusesIsNotSent,
        ],
    ),
    promise(
        Clause::Honest,
        "A head that arrived before the failure comes with it ([`TransportError::with_head`]).",
        &[Case::ALostBodyLeavesItsHead],
    ),
    promise(
        Clause::Honest,
        "A kept connection that was closed meanwhile is replaced.",
        &[Case::AClosedConnectionIsReplaced],
    ),
    promise(
        Clause::Discreet,
        "Its errors, their sources, its log lines and spans hold no URL and no header value, and what is for an `https` URL never leaves in the clear.",
        &[Case::HttpsIsNeverInTheClear, Case::ErrorsHoldNoSecret, Case::LogsHoldNoSecret],
    ),
    promise(
        Clause::Cancellable,
        "Nothing is sent before the future of `send` is polled.",
        &[Case::NothingIsSentUnpolled],
    ),
    promise(
        Clause::Cancellable,
        "Dropping it gives the attempt up: nothing is sent again, and the next `send` gets its own answer.",
        &[
            Case::WhatWasDroppedIsSentOnceAtMost,
            Case::ADropDoesNotSpoilTheNext,
            Case::GivesUpWhenDropped,
        ],
    ),
    promise(
        Clause::Concurrent,
        "Sends at the same time do not wait for one another, and each gets its own answer.",
        &[Case::AnswersAreNotMixed, Case::OneDoesNotWaitForAnother, Case::ASendDoesNotBlock],
    ),
    promise(
        Clause::OnTheClock,
        "`sleep` waits as long as it is told, and `now` goes on with the time that passes.",
        &[Case::SleepWaits, Case::SleepLetsOthersRun, Case::NowGoesOn],
    ),
];
