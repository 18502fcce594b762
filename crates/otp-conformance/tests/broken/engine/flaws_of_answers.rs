//! What can go wrong with the bytes of an answer.

use otp_conformance::Case;

use super::flaws::{everywhere, over_tls};
use crate::proof::Broken;

pub const FLAWS: &[Broken] = &[
    // Chunks and trailers.
    everywhere("a chunk size is in lower case", Case::ChunksOfEveryFormArrive),
    everywhere("a chunk size has four digits at most", Case::ChunksOfEveryFormArrive),
    everywhere("a chunk has no extension", Case::ChunksOfEveryFormArrive),
    everywhere("a semicolon follows a size at once", Case::ChunksOfEveryFormArrive),
    everywhere("a chunk comes in one piece", Case::ChunksOfEveryFormArrive),
    everywhere("the data of a chunk ends with its line", Case::ChunksOfEveryFormArrive),
    everywhere("trailer fields are headers", Case::TrailersAreNoHeaders),
    everywhere("nothing follows the last chunk", Case::TrailersAreNoHeaders),
    // Where a body ends.
    everywhere("a 204 has the body that its length announces", Case::AStatusWithoutContentEnds),
    everywhere("a 304 has the body that its length announces", Case::AStatusWithoutContentEnds),
    everywhere(
        "what is said to be chunked has chunks, whatever the status",
        Case::AStatusWithoutContentEnds,
    ),
    everywhere(
        "a length over the limit is too large, whatever the status",
        Case::AStatusWithoutContentEnds,
    ),
    everywhere("whatever contains chunked is chunked", Case::TransferCodingsAreNoContent),
    everywhere("other codings end by close", Case::TransferCodingsAreNoContent),
    everywhere("a failure has a body if it has a length", Case::ErrorsOfEveryFramingArrive),
    everywhere(
        "what follows a status without content is the next answer",
        Case::WhatFollowsAnAnswerIsNotTheNext,
    ),
    everywhere(
        "what follows the last chunk is the next answer",
        Case::WhatFollowsAnAnswerIsNotTheNext,
    ),
    everywhere("a body is whatever has arrived", Case::WhatFollowsAnAnswerIsNotTheNext),
    // Lengths.
    everywhere("a length may have a sign", Case::AnInvalidLengthIsNoAnswer),
    everywhere("a length is read as far as it is a number", Case::AnInvalidLengthIsNoAnswer),
    everywhere("a length is a number of C", Case::AnInvalidLengthIsNoAnswer),
    everywhere("a length wraps around", Case::AnInvalidLengthIsNoAnswer),
    everywhere("a length that is no number is left out", Case::AnInvalidLengthIsNoAnswer),
    everywhere("an empty length is 0", Case::AnInvalidLengthIsNoAnswer),
    everywhere("the last of two lengths is the length", Case::AnInvalidLengthIsNoAnswer),
    everywhere("a length overrules chunks", Case::ChunksOverruleALength),
    // Chunks that are wrong.
    everywhere("a chunk size wraps around", Case::ChunksThatDoNotAddUpAreNoAnswer),
    everywhere(
        "a chunk size is read as far as it is a number",
        Case::ChunksThatDoNotAddUpAreNoAnswer,
    ),
    everywhere("a chunk size is what strtol makes of it", Case::ChunksThatDoNotAddUpAreNoAnswer),
    everywhere("an empty chunk size is 0", Case::ChunksThatDoNotAddUpAreNoAnswer),
    everywhere("two bytes after a chunk are skipped", Case::ChunksThatDoNotAddUpAreNoAnswer),
    over_tls("the end of TCP is the end of TLS", Case::ABodyCutOffWithinTlsIsNoAnswer),
    over_tls("whatever ends a connection ends a body", Case::ABodyCutOffWithinTlsIsNoAnswer),
    // Limits.
    everywhere("a limit of 0 is no limit", Case::AnyLimitIsKept),
    everywhere("the limit is compared with one more", Case::AnyLimitIsKept),
    everywhere("room is made for all that is allowed", Case::AnyLimitIsKept),
    everywhere("the body of a failure has no limit", Case::AnyLimitIsKept),
    everywhere("a body until the connection closes has no limit", Case::AnyLimitIsKept),
    everywhere("a chunk is measured when it is whole", Case::AnyLimitIsKept),
    // Heads.
    everywhere("names in capitals are not known", Case::NamesOfAnyCaseAreUnderstood),
    everywhere("the chunked coding is written in lower case", Case::NamesOfAnyCaseAreUnderstood),
    everywhere("a reason is ASCII", Case::HeadsOfEveryFormArrive),
    everywhere("a reason is a word", Case::HeadsOfEveryFormArrive),
    everywhere("a reason is 100 characters at most", Case::HeadsOfEveryFormArrive),
    everywhere("a reason is not empty", Case::HeadsOfEveryFormArrive),
    everywhere("a value is UTF-8", Case::HeadsOfEveryFormArrive),
    everywhere("a value that is not UTF-8 is mended", Case::HeadsOfEveryFormArrive),
    everywhere("a space follows a colon", Case::HeadsOfEveryFormArrive),
    everywhere("white space after a value is a part of it", Case::HeadsOfEveryFormArrive),
    everywhere("a field without a value is left out", Case::HeadsOfEveryFormArrive),
    everywhere("a value ends at the next colon", Case::HeadsOfEveryFormArrive),
    everywhere("names are letters and dashes", Case::HeadsOfEveryFormArrive),
    everywhere("64 fields are enough", Case::LargeHeadsArrive),
    everywhere("fields after the 64th are dropped", Case::LargeHeadsArrive),
    everywhere("a head is 16 KiB at most", Case::LargeHeadsArrive),
    everywhere("a line of a head is 8 KiB at most", Case::LargeHeadsArrive),
    everywhere("a head comes in one piece", Case::AnswersInPiecesArrive),
    everywhere("the end of a head is looked for in the last piece", Case::AnswersInPiecesArrive),
    everywhere("a body comes with its head", Case::AnswersInPiecesArrive),
    everywhere("the rest of a folded value is dropped", Case::AHeadIsRefusedOrReadRight),
    everywhere("the rest of a folded value is a field", Case::AHeadIsRefusedOrReadRight),
    everywhere("a HEAD has the body that its length announces", Case::AHeadRequestEndsWithTheHead),
    everywhere("five 1xx are enough", Case::InformationalResponsesAreSkipped),
    everywhere("a reset is an end", Case::ABodyCutOffIsNoAnswer),
    everywhere("a wrong chunk loses its head", Case::ALostBodyLeavesItsHead),
    everywhere("a lost body's head has each field once", Case::ALostBodyLeavesItsHead),
    everywhere("a hint is the head of the answer that was lost", Case::ALostBodyLeavesItsHead),
    // Connections.
    everywhere("nothing is answered before it was asked in full", Case::EarlyAnswersArrive),
    everywhere("a connection is kept while a request is being written", Case::EarlyAnswersArrive),
    everywhere("the close that is announced is waited for", Case::AClosingConnectionIsNotWaitedFor),
    everywhere(
        "what a server says of closing is not heard",
        Case::AClosingConnectionIsNotUsedAgain,
    ),
    everywhere("close is written in lower case", Case::AClosingConnectionIsNotUsedAgain),
    everywhere("close stands alone", Case::AClosingConnectionIsNotUsedAgain),
    everywhere("only the first Connection field counts", Case::AClosingConnectionIsNotUsedAgain),
    everywhere("an answer without content closes nothing", Case::AClosingConnectionIsNotUsedAgain),
    everywhere("HTTP/1.0 keeps its connections", Case::AClosingConnectionIsNotUsedAgain),
    everywhere("HTTP/1.0 is not HTTP", Case::OlderAndShorterConnectionsServe),
    everywhere("without a length there is no body", Case::OlderAndShorterConnectionsServe),
    everywhere("the fields of a 1xx are the answer's", Case::InformationalResponsesLeaveNothing),
    everywhere("a 1xx has no fields", Case::InformationalResponsesLeaveNothing),
    everywhere(
        "a 1xx has the body that its length announces",
        Case::InformationalResponsesLeaveNothing,
    ),
    everywhere("a 1xx that is not known is the answer", Case::InformationalResponsesLeaveNothing),
    // Words.
    everywhere("a head that cannot be read is quoted", Case::MalformedAnswersAreNotQuoted),
    everywhere(
        "a head that cannot be read is quoted as numbers",
        Case::MalformedAnswersAreNotQuoted,
    ),
    everywhere(
        "a head that cannot be read is quoted in capitals",
        Case::MalformedAnswersAreNotQuoted,
    ),
    everywhere(
        "a head that cannot be read is quoted in hexadecimal",
        Case::MalformedAnswersAreNotQuoted,
    ),
    everywhere(
        "a chunk that cannot be read is quoted in a panic",
        Case::MalformedAnswersAreNotQuoted,
    ),
    everywhere("a head that cannot be read is logged", Case::LogsHoldNoSecret),
];
