//! The client requirements of RFC 9112 that a transport can break.

use super::{Requirement, not_seen, seen};
use crate::Case;
use crate::coverage::Level::{Must, MustNot};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    seen(
        "2.2",
        Must,
        "read a message as bytes",
        &[Case::ResponseHeadersArrive, Case::HeadsOfEveryFormArrive, Case::TheResponseBodyArrives],
    ),
    not_seen(
        "2.2",
        MustNot,
        "send a bare CR outside of content",
        "`http` has no type that could hold one",
    ),
    seen(
        "2.2",
        Must,
        "refuse a bare CR, or replace it by a space",
        &[Case::AHeadIsRefusedOrReadRight],
    ),
    seen(
        "2.2",
        MustNot,
        "send an extra CRLF before or after a request",
        &[Case::ASecondSendIsAnswered, Case::TheMethodArrives, Case::TheBodyArrives],
    ),
    not_seen(
        "2.2",
        MustNot,
        "send white space between the start line and the first field",
        "the server trims its lines, and no stack is known that does so",
    ),
    not_seen(
        "2.2",
        Must,
        "refuse white space between the start line and the first field, or ignore those lines",
        "no server of the kit sends one, and refusing and ignoring are both right",
    ),
    seen(
        "3.2",
        Must,
        "send a `Host` that is the URI's authority",
        &[Case::TheHostIsTold, Case::OneHostIsNotAnother],
    ),
    seen(
        "3.2.1",
        Must,
        "send the path and the query alone",
        &[
            Case::ThePathArrives,
            Case::TheQueryArrives,
            Case::PathsOfEveryFormArrive,
            Case::QueriesOfEveryFormArrive,
        ],
    ),
    not_seen(
        "3.2.2",
        Must,
        "send the whole URI to a proxy, and `Host` with it",
        "the kit has no proxy",
    ),
    not_seen("3.2.3", Must, "send host and port to a proxy in a `CONNECT`", "the kit has no proxy"),
    not_seen(
        "3.2.4",
        Must,
        "send `*` for the server as a whole",
        "no operation is about the server as a whole",
    ),
    seen("5.2", MustNot, "fold a line", &[Case::HeaderValuesArrive, Case::LargeRequestHeadsArrive]),
    seen("5.2", Must, "read a folded line as one with spaces", &[Case::AHeadIsRefusedOrReadRight]),
    seen(
        "6.1",
        Must,
        "read chunks",
        &[Case::AChunkedBodyEnds, Case::TheResponseBodyArrives, Case::ChunksOfEveryFormArrive],
    ),
    seen(
        "6.1",
        MustNot,
        "apply `chunked` twice, or not last",
        &[Case::TheBodyArrives, Case::LargeBodiesArrive],
    ),
    not_seen(
        "6.1",
        MustNot,
        "send chunks to a server of which it does not know that it can read them",
        "the kit's server reads chunks, and the transport may know so by its configuration",
    ),
    not_seen(
        "6.1",
        Must,
        "take an answer of HTTP/1.0 with `Transfer-Encoding` to be framed wrongly, and close",
        "no server of the kit sends one, and no proxy of today does",
    ),
    seen(
        "6.2",
        MustNot,
        "send `Content-Length` beside `Transfer-Encoding`",
        &[Case::EveryMethodMayHaveABody, Case::LargeBodiesArrive, Case::TheBodyArrives],
    ),
    seen(
        "6.3",
        Must,
        "refuse an answer with an invalid length, close the connection and discard the answer",
        &[
            Case::ConflictingLengthsAreNoAnswer,
            Case::AnInvalidLengthIsNoAnswer,
            Case::AfterAMalformedAnswer,
        ],
    ),
    seen(
        "6.3",
        Must,
        "take an answer shorter than its length to be incomplete, and close",
        &[
            Case::ABodyCutOffIsNoAnswer,
            Case::WithinTheBody,
            Case::AfterALostConnection,
            Case::AfterATimeout,
        ],
    ),
    seen(
        "6.3",
        Must,
        "send a length or chunks with a body",
        &[Case::TheBodyArrives, Case::EveryMethodMayHaveABody],
    ),
    seen(
        "6.3",
        MustNot,
        "take what follows an answer for another answer",
        &[
            Case::AnUnaskedAnswerIsNobodys,
            Case::WhatFollowsAnAnswerIsNotTheNext,
            Case::AfterAnAnswerWithMore,
        ],
    ),
    seen(
        "7.1",
        Must,
        "decode chunks",
        &[
            Case::AChunkedBodyEnds,
            Case::TheResponseBodyArrives,
            Case::ChunksOfEveryFormArrive,
            Case::AWrongChunkIsNoAnswer,
            Case::ChunksThatDoNotAddUpAreNoAnswer,
        ],
    ),
    seen(
        "7.1",
        Must,
        "be prepared for a large chunk size, and not overflow",
        &[Case::AClaimedLengthIsNotAllocated, Case::ChunksThatDoNotAddUpAreNoAnswer],
    ),
    seen("7.1.1", Must, "ignore chunk extensions", &[Case::ChunksOfEveryFormArrive]),
    seen("7.1.2", MustNot, "merge a trailer field into the headers", &[Case::TrailersAreNoHeaders]),
    seen("7.4", MustNot, "send `chunked` in `TE`", &[Case::AddsNothing]),
    seen(
        "8",
        Must,
        "take an answer that is cut off to be incomplete",
        &[
            Case::AHeadCutOffIsNoAnswer,
            Case::ABodyCutOffIsNoAnswer,
            Case::AChunkedBodyCutOffIsNoAnswer,
            Case::ABodyCutOffWithinTlsIsNoAnswer,
        ],
    ),
    seen(
        "9.2",
        Must,
        "give each answer to the first request on the connection that has none",
        &[Case::AnswersAreNotMixed, Case::ADropDoesNotSpoilTheNext, Case::AfterATimeout],
    ),
    seen(
        "9.2",
        MustNot,
        "take data that nobody asked for to be an answer",
        &[Case::AnUnaskedAnswerIsNobodys, Case::AnUnaskedFarewellIsNobodys],
    ),
    not_seen(
        "9.3",
        Must,
        "send `Connection: close` if it keeps no connections",
        "the server cannot tell a client that keeps none from one that has no more to send, and closes with it",
    ),
    seen(
        "9.3",
        Must,
        "read the whole body before the connection is used again",
        &[Case::ASecondSendIsAnswered, Case::AfterAnAnswerTooLarge, Case::ADropDoesNotSpoilTheNext],
    ),
    not_seen(
        "9.3.2",
        MustNot,
        "pipeline at once on a new connection after a failure",
        "a transport that pipelines fails the cases about order; none is known that does",
    ),
    not_seen(
        "9.6",
        MustNot,
        "send more on a connection after it has sent `Connection: close`",
        "no case sends it, and the client would only harm itself",
    ),
    seen(
        "9.6",
        Must,
        "send no more on a connection after it has received `Connection: close`, and close it",
        &[Case::AClosingConnectionIsNotUsedAgain, Case::AClosedConnectionIsReplaced],
    ),
    not_seen(
        "9.8",
        Must,
        "send `close_notify` before it closes",
        "its absence harms no server: what was sent has its length",
    ),
];
