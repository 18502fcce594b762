use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, ToSocketAddrs};
use std::pin::Pin;
use std::sync::LazyLock;

use crate::Clause;
use crate::cases::{
    afterwards, bodies, bytes, cancellable, clock, concurrent, discreet, environment, honest,
    http2, in_bounds, in_time, limits, never_again, one_request, ordinary, origins, plain,
    received, resources, responses, unchanged, unsent,
};
use crate::harness::Harness;
use crate::hostile::{Protocol, Wire};
use crate::mismatch::Check;

type Run = for<'b> fn(&'b Harness<'_>) -> Pin<Box<dyn Future<Output = Check> + 'b>>;

/// What a case cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Tls,
    /// A port, and no TLS on it.
    ClearPort,
    /// A server that can keep a client waiting while it connects.
    Hang,
    Http1,
    Http2,
    /// A future that can be dropped.
    Futures,
    /// A process of its own.
    Process,
    /// A loopback address of IPv6.
    Ipv6,
    /// A name for the loopback address.
    Localhost,
    /// More servers than one for a transport.
    Origins,
}

pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) clause: Clause,
    pub(crate) promise: &'static str,
    pub(crate) why: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) run: Run,
}

macro_rules! cases {
    ($(
        $clause:ident: $module:ident {$(
            #[doc = $promise:literal]
            $case:ident = $name:ident $([$($need:ident),*])?, $why:literal;
        )*}
    )*) => {
        /// One thing that a transport is asked to show.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Case {
            $($(#[doc = $promise] $case,)*)*
        }

        impl Case {
            /// All of them, clause by clause.
            pub const ALL: &'static [Self] = &[$($(Self::$case,)*)*];

            pub(crate) fn spec(self) -> Spec {
                match self {
                    $($(Self::$case => Spec {
                        name: stringify!($name),
                        clause: Clause::$clause,
                        promise: $promise,
                        why: $why,
                        needs: &[$($(Need::$need),*)?],
                        run: |harness| Box::pin($module::$name(harness)),
                    },)*)*
                }
            }
        }
    };
}

cases! {
    OneRequest: one_request {
        /// A success is asked for once.
        SendsOnce = sends_once, "an SMS that is sent twice is paid twice, and an OTP works once";
        /// After a `5xx` nothing is sent again.
        RepeatsNothingAfterAServerError = repeats_nothing_after_a_server_error,
            "the server may have acted; whether to repeat is the exchange's to say";
        /// After a `429` or `408` nothing is sent again, whatever `Retry-After` says.
        RepeatsNothingAfterARateLimit = repeats_nothing_after_a_rate_limit,
            "the exchange knows the deadline and the retry budget, the transport does not";
        /// After a connection that was lost nothing is sent again.
        RepeatsNothingAfterALostConnection = repeats_nothing_after_a_lost_connection,
            "the server may have acted before it closed";
        /// After a kept connection that was lost nothing is sent again.
        RepeatsNothingOnAKeptConnection = repeats_nothing_on_a_kept_connection,
            "that it was kept does not prove that the request was not read";
        /// After whatever else goes wrong nothing is sent again.
        RepeatsNothingWhateverGoesWrong = repeats_nothing_whatever_goes_wrong,
            "a second copy after a while, or after nonsense, is a second SMS";
        /// A redirect is the answer, and the place that it names is not asked.
        FollowsNoRedirect = follows_no_redirect,
            "a redirect would carry the token and the OTP wherever it points";
        /// A `401` with a challenge is the answer, and no credentials are sent.
        AnswersNoChallenge = answers_no_challenge,
            "credentials that nobody gave it are not its to send";
        /// A cookie that one answer sets is not in the next request.
        KeepsNoCookies = keeps_no_cookies,
            "a cookie ties users together who share a client";
    }
    OneRequest: never_again {
        /// After a second of silence nothing is sent again.
        RepeatsNothingAfterSilence = repeats_nothing_after_silence,
            "a second copy beside a slow first one is a second SMS";
        /// What was lost is not sent again, whatever its method, also a second later.
        RepeatsNothingThatWasLost = repeats_nothing_that_was_lost,
            "the server may have acted; whether to repeat, also a `GET`, is the exchange's to say";
        /// No status makes it send again, whatever the method, also a second later.
        RepeatsNothingForAStatus = repeats_nothing_for_a_status,
            "`408`, `421`, `425` and `503` invite a repeat, and whether to accept is the exchange's to say";
    }
    Unchanged: unchanged {
        /// `GET`, `POST`, `PUT`, `PATCH` and `DELETE` arrive as such.
        TheMethodArrives = the_method_arrives, "a larger SDK adds operations of any method";
        /// The path arrives with its upper and lower case, dots and tildes.
        ThePathArrives = the_path_arrives, "an OTP is a part of the path, and its case matters";
        /// What is percent-encoded in the path arrives so, and nothing else is.
        PercentEncodingArrives = percent_encoding_arrives,
            "decoded once too often, an identifier becomes another path";
        /// The query arrives byte for byte, in its order.
        TheQueryArrives = the_query_arrives, "a larger SDK adds operations with queries";
        /// Header values arrive with their case, spaces and punctuation.
        HeaderValuesArrive = header_values_arrive, "a token with one letter changed is another token";
        /// The user agent that was sent arrives.
        TheUserAgentArrives = the_user_agent_arrives,
            "a service knows its SDKs by it, and tells theirs when something is wrong";
        /// Every header arrives, an empty one too.
        DropsNoHeader = drops_no_header, "without X-Auth-Token or Accept the answer is another";
        /// No header arrives twice.
        DoublesNoHeader = doubles_no_header,
            "servers and proxies disagree about which of two to believe";
        /// A header with two values arrives with both, in order.
        RepeatedHeadersArrive = repeated_headers_arrive, "both were meant";
        /// A body arrives byte for byte.
        TheBodyArrives = the_body_arrives, "a larger SDK adds operations with bodies";
        /// The host of the URL arrives.
        TheHostIsTold = the_host_is_told, "one address serves many hosts (RFC 9110 §7.2)";
        /// A request without a body arrives without one.
        AnEmptyBodyStaysEmpty = an_empty_body_stays_empty,
            "no operation of this API takes a body, and sending one earns a 422";
        /// Nothing else is added to the request's headers.
        AddsNothing = adds_nothing, "what is added is seen, logged and acted on by somebody";
        /// No `Accept-Encoding` arrives.
        AsksForNoCompression = asks_for_no_compression,
            "compressed secrets tell their length, and a small body may unpack to a large one";
        /// Nothing of a request or of its answer is in the next request.
        NothingIsCarriedOver = nothing_is_carried_over,
            "the next request may be another user's";
        /// Token and OTP arrive in their places and nowhere else.
        CopiesNoSecret = copies_no_secret, "a secret in another header is in another log";
    }
    Unchanged: bytes {
        /// Dots in a path arrive, plain and encoded, or nothing is sent.
        DotsArrive = dots_arrive, "a path that is tidied is another path, perhaps with another owner";
        /// Paths of every form arrive: slashes, parameters, any percent-encoding.
        PathsOfEveryFormArrive = paths_of_every_form_arrive,
            "what is decoded, encoded or tidied on the way is another path";
        /// Queries of every form arrive: empty parts, question marks, brackets.
        QueriesOfEveryFormArrive = queries_of_every_form_arrive,
            "a larger SDK signs its queries, and a signature covers bytes";
        /// Single quotes in paths and queries arrive, or nothing is sent.
        QuotesArrive = quotes_arrive, "they are legal there (RFC 3986 §3.3), and a signature covers them";
        /// Marks that are not legal in a URI arrive, or are encoded once, or nothing is sent.
        MarksArriveOrAreEncoded = marks_arrive_or_are_encoded,
            "what is lost or encoded twice is another path";
        /// Paths and queries of 6 KB arrive whole.
        LongTargetsArrive = long_targets_arrive, "what is cut off is another path";
        /// Header values of every legal ASCII byte arrive, and names of every form.
        HeaderBytesArrive = header_bytes_arrive, "tokens and signatures use all of them";
        /// Header values beyond ASCII arrive.
        HeaderBytesBeyondAsciiArrive = header_bytes_beyond_ascii_arrive,
            "they are bytes, and whoever decodes them changes them (RFC 9110 §5.5)";
        /// Sixty headers, and a value of 8 KB, arrive.
        LargeRequestHeadsArrive = large_request_heads_arrive,
            "tracing, tenants and signed tokens make them large";
        /// Any method arrives, with its case.
        AnyMethodArrives = any_method_arrives, "methods are case-sensitive, and anybody may have one";
        /// Bodies of `POST`, `PUT`, `PATCH` and `DELETE` arrive, and none where there is none.
        EveryMethodMayHaveABody = every_method_may_have_a_body,
            "a larger SDK adds operations with bodies";
        /// Bodies of all sizes up to 1 MiB arrive byte for byte.
        LargeBodiesArrive = large_bodies_arrive, "a buffer that is full must not end a body";
        /// Nothing is added to a `GET` or `DELETE` without a body.
        AddsNothingToAGet = adds_nothing_to_a_get,
            "a length, a type or a language that nobody set changes the answer";
        /// A server at an IPv6 address is reached, and its host has brackets.
        AnIpv6AddressIsReached = an_ipv6_address_is_reached [Ipv6],
            "the brackets are a part of the URL, not of the address (RFC 3986 §3.2.2)";
        /// A server is reached by its name, and the name is told.
        AHostNameIsReached = a_host_name_is_reached [Localhost],
            "the name is in the certificate, and says which of many services is meant";
        /// Nothing is cached: the same `GET` is asked again, without conditions.
        NothingIsCached = nothing_is_cached, "the codes of yesterday are not the codes of today";
    }
    AnyStatus: responses {
        /// Answers with any status are `Ok`.
        AnyStatusIsAnAnswer = any_status_is_an_answer,
            "the exchange reads what a failure says and knows what it proves";
        /// Headers of the answer arrive, repeated ones too.
        ResponseHeadersArrive = response_headers_arrive,
            "session token, rate limits and announcements are in headers";
        /// The body of the answer arrives byte for byte, however it is framed.
        TheResponseBodyArrives = the_response_body_arrives, "what was lost in it was a recovery code";
        /// An answer without a body ends where its head does.
        AnEmptyResponseEnds = an_empty_response_ends,
            "a 204 has no body to wait for (RFC 9110 §15.3.5)";
        /// A compressed body arrives as it is.
        DecompressesNothing = decompresses_nothing,
            "nobody asked for compression; what comes so is not to be believed";
        /// `100`, `102` and `103` are not the answer.
        InformationalResponsesAreSkipped = informational_responses_are_skipped,
            "they come before the answer (RFC 9110 §15.2)";
    }
    AnyStatus: plain {
        /// A `POST` without a body is answered.
        APostIsAnswered = a_post_is_answered, "three of the four operations are such a request";
        /// A second send over the same transport is answered, and a third.
        ASecondSendIsAnswered = a_second_send_is_answered,
            "a client has one transport for all of its calls";
        /// A chunked body ends with its last chunk.
        AChunkedBodyEnds = a_chunked_body_ends [Http1],
            "many servers send every body in chunks (RFC 9112 §7.1)";
    }
    AnyStatus: bodies {
        /// Chunks arrive in every form: sizes, extensions, pieces.
        ChunksOfEveryFormArrive = chunks_of_every_form_arrive [Http1],
            "servers and proxies chunk as they like, and a code must not be lost between two chunks";
        /// Trailer fields are read, and are not among the headers.
        TrailersAreNoHeaders = trailers_are_no_headers [Http1],
            "a trailer can be forged where a header cannot (RFC 9110 §6.5.1)";
        /// A `204` and a `304` end with their head, whatever their fields say.
        AStatusWithoutContentEnds = a_status_without_content_ends [Http1],
            "they have no body (RFC 9112 §6.3), and the fields of a 304 describe one that is not sent";
        /// A coding that nobody asked for is undone, left in place or refused.
        TransferCodingsAreNoContent = transfer_codings_are_no_content [Http1],
            "chunk sizes that are read as content are not what the server sent (RFC 9112 §6.1)";
    }
    AnyStatus: ordinary {
        /// Field names, and the values that framing needs, are read in upper and lower case.
        NamesOfAnyCaseAreUnderstood = names_of_any_case_are_understood [Http1],
            "field names have no case (RFC 9110 §5.1)";
        /// Heads arrive with any white space, reason and legal byte.
        HeadsOfEveryFormArrive = heads_of_every_form_arrive [Http1],
            "every server writes its heads in its own way (RFC 9112 §4, §5)";
        /// Heads of 100 fields and of 60 KiB arrive.
        LargeHeadsArrive = large_heads_arrive [Http1],
            "proxies and gateways add cookies, policies and traces";
        /// Answers arrive in whatever pieces they are written.
        AnswersInPiecesArrive = answers_in_pieces_arrive [Http1],
            "where a packet ends means nothing";
        /// A head that is not quite legal is refused, or read as it was meant.
        AHeadIsRefusedOrReadRight = a_head_is_refused_or_read_right [Http1],
            "what two readers read in two ways is how answers are smuggled";
        /// An answer that comes before the request was read arrives.
        EarlyAnswersArrive = early_answers_arrive [Http1],
            "a 401 or a 413 is sent as soon as the head was read";
        /// An answer with `Connection: close` ends where its framing says.
        AClosingConnectionIsNotWaitedFor = a_closing_connection_is_not_waited_for [Http1],
            "the server may take its time to close";
        /// HTTP/1.0, and connections that are kept for a short time, work as well.
        OlderAndShorterConnectionsServe = older_and_shorter_connections_serve [Http1],
            "old proxies speak HTTP/1.0";
        /// The fields of informational responses are not the answer's.
        InformationalResponsesLeaveNothing = informational_responses_leave_nothing [Http1],
            "a hint is not a session token (RFC 9110 §15.2)";
        /// The body of a failure arrives, however it is framed.
        ErrorsOfEveryFramingArrive = errors_of_every_framing_arrive [Http1],
            "it says what was wrong";
        /// The answer to a `HEAD` ends with its head, whatever that announces.
        AHeadRequestEndsWithTheHead = a_head_request_ends_with_the_head [Http1],
            "it has no body to wait for (RFC 9110 §9.3.2), and a larger SDK may ask so";
    }
    InTime: in_time {
        /// The limit holds while connecting, the TLS handshake included.
        WhileConnecting = while_connecting [Hang], "a call must end by its deadline";
        /// The limit holds while the server does not read the request.
        WhileWriting = while_writing, "a call must end by its deadline";
        /// The limit holds before the first byte of the answer.
        BeforeTheHead = before_the_head, "a call must end by its deadline";
        /// The limit holds within the head of the answer.
        WithinTheHead = within_the_head, "a call must end by its deadline";
        /// The limit holds within the body of the answer.
        WithinTheBody = within_the_body, "a call must end by its deadline";
        /// The limit holds while bytes of a head trickle.
        UnderATricklingHead = under_a_trickling_head,
            "a limit that starts again with each byte is none, and slow bytes are a known attack";
        /// The limit holds for all phases together.
        AcrossPhases = across_phases, "a limit for each phase is several limits";
        /// An answer that is late, and in time, is awaited.
        AnAnswerInTimeIsAwaited = an_answer_in_time_is_awaited,
            "the caller gave it the time, and giving up early loses an answer";
        /// The limit holds while bytes of a body trickle.
        UnderATrickle = under_a_trickle,
            "a limit that starts again with each byte is none, and slow bytes are a known attack";
        /// The limit holds under informational responses without end.
        UnderInformationalResponses = under_informational_responses,
            "a limit that starts again with each of them is none";
        /// A time limit that was reached is a `Timeout`.
        ATimeoutSaysSo = a_timeout_says_so, "the caller decides by the kind what to do";
    }
    InTime: limits {
        /// The limit holds for connecting, writing, waiting and reading together.
        OneLimitForAllPhases = one_limit_for_all_phases, "a limit for each phase is several limits";
        /// A limit of nothing, of a nanosecond and of 0.4 ms is a limit.
        ATinyLimitIsALimit = a_tiny_limit_is_a_limit,
            "what is left of a deadline may be tiny, and 0 must not mean for ever";
        /// Under a limit of ages an answer is awaited.
        AHugeLimitIsAwaited = a_huge_limit_is_awaited,
            "a caller who says `Duration::MAX` means no limit, not a panic";
        /// A limit that is not whole seconds is kept as it is.
        ALimitMayHaveFractions = a_limit_may_have_fractions,
            "rounded down it loses an answer, rounded up it misses a deadline";
        /// While one send connects, others go on.
        OneThatConnectsHoldsNobodyUp = one_that_connects_holds_nobody_up [Hang],
            "one hanging handshake would take down all others";
    }
    InBounds: in_bounds {
        /// A body of exactly the limit is read.
        ABodyOfTheLimitIsRead = a_body_of_the_limit_is_read, "the limit is the largest size allowed";
        /// A body one byte over the limit is `ResponseTooLarge`.
        ABodyOverTheLimitIsRefused = a_body_over_the_limit_is_refused,
            "the limit is the largest size allowed";
        /// A body that never ends is `ResponseTooLarge`, and little of it is read.
        AnEndlessBodyIsRefused = an_endless_body_is_refused, "memory must be bounded";
        /// A head that never ends is an error, and little of it is read.
        AnEndlessHeadIsRefused = an_endless_head_is_refused, "memory must be bounded";
    }
    InBounds: plain {
        /// A length that is claimed and absurd is an error, and no memory is taken for it.
        AClaimedLengthIsNotAllocated = a_claimed_length_is_not_allocated,
            "a server that says 90 GiB would end the process";
    }
    InBounds: bodies {
        /// A limit of nothing and one of everything are kept, in each framing.
        AnyLimitIsKept = any_limit_is_kept, "the limit is the caller's, and 0 is a limit";
    }
    InBounds: resources {
        /// After many failures of each kind no connection is left.
        FailuresLeaveNoConnection = failures_leave_no_connection,
            "an hour of a failing server would use up the descriptors of the process";
        /// After many failures of each kind no thread and no descriptor is left.
        FailuresLeaveNoThread = failures_leave_no_thread,
            "an hour of a failing server would use up the process";
        /// After many failures of 1 MiB each their memory is free.
        FailuresLeaveNoMemory = failures_leave_no_memory,
            "an hour of a failing server would use up the memory of the process";
    }
    Honest: honest {
        /// A refused connection is `Connect`, not sent.
        ARefusedConnectionIsNotSent = a_refused_connection_is_not_sent,
            "what was not sent can be tried again, even an SMS";
        /// A host that does not exist is not sent to.
        AnUnknownHostIsNotSent = an_unknown_host_is_not_sent [Origins],
            "what was not sent can be tried again, even an SMS";
        /// A certificate that does not verify gets no request.
        ABadCertificateGetsNoRequest = a_bad_certificate_gets_no_request [Tls],
            "whoever shows it would have the token";
        /// A certificate that names the host in its common name only gets no request.
        ACommonNameIsNotEnough = a_common_name_is_not_enough [Tls],
            "a CA need not check the common name (RFC 9525 §2)";
        /// A certificate that does not verify is a `Tls` error.
        ABadCertificateIsATlsError = a_bad_certificate_is_a_tls_error [Tls],
            "trying again does not mend a certificate, so it is not tried again";
        /// A handshake that fails is not sent.
        AFailedHandshakeIsNotSent = a_failed_handshake_is_not_sent [Tls],
            "what was not sent can be tried again, even an SMS";
        /// A connection lost after the request was read is `ConnectionLost` or `Protocol`, unknown.
        ALostConnectionIsUnknown = a_lost_connection_is_unknown,
            "said to be unsent, an SMS is sent twice";
        /// A kept connection lost after the request was read is `ConnectionLost` or `Protocol`, unknown.
        ALostKeptConnectionIsUnknown = a_lost_kept_connection_is_unknown,
            "that it was kept does not prove that the request was not read";
        /// Whatever else fails after the request was read, or a part of it, is unknown.
        WhatWasReceivedIsUnknown = what_was_received_is_unknown,
            "said to be unsent, an SMS is sent twice";
        /// A time limit reached after the request was read is unknown.
        ATimeoutIsUnknown = a_timeout_is_unknown, "said to be unsent, an SMS is sent twice";
        /// A head that is cut off is no answer.
        AHeadCutOffIsNoAnswer = a_head_cut_off_is_no_answer, "what was cut off may have mattered";
        /// A body shorter than its announced length is no answer.
        ABodyCutOffIsNoAnswer = a_body_cut_off_is_no_answer,
            "half a list of recovery codes looks like a list of recovery codes";
        /// A chunked body without its last chunk is no answer.
        AChunkedBodyCutOffIsNoAnswer = a_chunked_body_cut_off_is_no_answer [Http1],
            "half a list of recovery codes looks like a list of recovery codes";
        /// The head of an answer whose body is lost comes with the error.
        ALostBodyLeavesItsHead = a_lost_body_leaves_its_head,
            "its status says that the codes did change, so that the caller reads them";
        /// What is not HTTP is a `Protocol` error.
        WhatIsNotHttpIsNoAnswer = what_is_not_http_is_no_answer,
            "somebody answered, and nobody knows who";
        /// Two lengths that disagree are no answer.
        ConflictingLengthsAreNoAnswer = conflicting_lengths_are_no_answer [Http1],
            "they are how answers are smuggled (RFC 9112 §6.3)";
        /// A chunk without a size is no answer.
        AWrongChunkIsNoAnswer = a_wrong_chunk_is_no_answer [Http1],
            "where the body ends is then anybody's guess";
        /// An answer that nobody asked for is not the next request's.
        AnUnaskedAnswerIsNobodys = an_unasked_answer_is_nobodys [Http1],
            "one user would get what was meant for another";
        /// A kept connection that was closed meanwhile is replaced.
        AClosedConnectionIsReplaced = a_closed_connection_is_replaced,
            "servers close idle connections all the time, and nobody should notice";
        /// What HTTP/2 proves to be unprocessed is not sent.
        WhatHttp2RefusesIsNotSent = what_http2_refuses_is_not_sent [Http2],
            "a server that restarts says so exactly, and then even an SMS can be tried again";
    }
    Honest: bodies {
        /// Bytes after an answer are not the next answer.
        WhatFollowsAnAnswerIsNotTheNext = what_follows_an_answer_is_not_the_next [Http1],
            "one user would get what was meant for another (RFC 9112 §6.3)";
        /// A length that is not a number is no answer.
        AnInvalidLengthIsNoAnswer = an_invalid_length_is_no_answer [Http1],
            "where the body ends is then anybody's guess (RFC 9112 §6.3)";
        /// Where chunks and a length disagree, chunks count, or it is no answer.
        ChunksOverruleALength = chunks_overrule_a_length [Http1],
            "two readers of one answer must not see two bodies (RFC 9112 §6.3)";
        /// Chunks whose sizes are wrong are no answer.
        ChunksThatDoNotAddUpAreNoAnswer = chunks_that_do_not_add_up_are_no_answer [Http1],
            "where the body ends is then anybody's guess";
        /// A body that ends without `close_notify` is no answer.
        ABodyCutOffWithinTlsIsNoAnswer = a_body_cut_off_within_tls_is_no_answer [Tls, Http1],
            "anybody on the way can cut a connection (RFC 9112 §9.8)";
    }
    Honest: ordinary {
        /// A connection that the server is about to close is not used again.
        AClosingConnectionIsNotUsedAgain = a_closing_connection_is_not_used_again [Http1],
            "the next request would be lost there (RFC 9112 §9.6)";
    }
    Honest: never_again {
        /// What a server says before it closes an idle connection is not the next answer.
        AnUnaskedFarewellIsNobodys = an_unasked_farewell_is_nobodys [Http1],
            "servers send a `408` when they close an idle connection, and nobody should notice";
    }
    Honest: received {
        /// A TLS alert after the request, and a connection that ends without one, is unknown.
        AnAlertAfterTheRequestIsUnknown = an_alert_after_the_request_is_unknown [Tls],
            "not every error of TLS is one of the handshake, and the server may have acted";
        /// A write that fails after a part of the request was read is unknown.
        AWriteThatFailsIsUnknown = a_write_that_fails_is_unknown,
            "what a server has read in part it may act on";
        /// A connection made when the limit was over gets no request.
        ALateConnectionGetsNoRequest = a_late_connection_gets_no_request [Hang],
            "a request nobody waits for any more is an SMS that nobody asked for";
    }
    Honest: unsent {
        /// In every case, an error that says `NotSent` is about a request that was not received.
        WhatIsSaidToBeUnsentIsUnsent = what_is_said_to_be_unsent_is_unsent,
            "said to be unsent, an SMS is sent twice";
    }
    Honest: afterwards {
        /// After a time limit the next send gets its own answer, though that of the first comes late.
        AfterATimeout = after_a_timeout, "one user would get what was meant for another";
        /// After an answer that is too large the next send gets its own.
        AfterAnAnswerTooLarge = after_an_answer_too_large,
            "what was left of it would be read as the next answer";
        /// After what is not HTTP the next send gets its own answer.
        AfterAMalformedAnswer = after_a_malformed_answer,
            "nobody knows where the next answer begins, and somebody may have planted one";
        /// After a connection that was lost the next send gets its own answer.
        AfterALostConnection = after_a_lost_connection, "one failure should not become two";
        /// What follows an answer is not the next send's.
        AfterAnAnswerWithMore = after_an_answer_with_more [Http1],
            "one user would get what was planted for another";
        /// After several time limits at once each next send gets its own answer.
        AfterSeveralFailuresAtOnce = after_several_failures_at_once,
            "a slow minute of a server should end when the minute does";
        /// Many failures, and a `Retry-After`, stop no later send.
        ManyFailuresStopNoSend = many_failures_stop_no_send,
            "a service that works again would be refused, and whether to wait is the exchange's to say";
    }
    Discreet: discreet {
        /// A request to an `https` URL is refused, or spoken in TLS.
        HttpsIsNeverInTheClear = https_is_never_in_the_clear [ClearPort],
            "a client sends tokens to `https` URLs because nobody can read them there";
        /// No error and no source of one holds a URL, or a secret of the request or of the answer.
        ErrorsHoldNoSecret = errors_hold_no_secret, "errors are logged, and sent to trackers";
        /// What is wrong in an answer is not quoted by an error.
        MalformedAnswersAreNotQuoted = malformed_answers_are_not_quoted,
            "parsers like to show what they could not read, and it may be a recovery code";
        /// No log line and no span holds a secret of the request or of the answer.
        LogsHoldNoSecret = logs_hold_no_secret, "logs are kept, and read by many";
    }
    Discreet: environment {
        /// Variables that name proxies and CAs change nothing.
        TheEnvironmentChangesNothing = the_environment_changes_nothing [Process],
            "whoever sets a variable would get the token";
        /// Nothing of a request or an answer is on standard output and standard error.
        NothingIsPrinted = nothing_is_printed [Process],
            "what a program prints is collected as its logs are";
    }
    Discreet: origins {
        /// Two ports of a host are two servers, also over kept connections and at the same time.
        OnePortIsNotAnother = one_port_is_not_another [Origins],
            "a pool that mixes them sends a token to somebody else";
        /// Two hosts on one port are two servers, and each name of one is told.
        OneHostIsNotAnother = one_host_is_not_another [Origins],
            "a pool that mixes them sends a token to somebody else";
        /// After a failure at one server nothing is sent to another in its place.
        AFailureAtOneServerStaysThere = a_failure_at_one_server_stays_there [Origins],
            "another server is no substitute, and would learn the token";
        /// A connection of an `http` URL carries nothing for an `https` URL.
        HttpIsNotHttps = http_is_not_https [Tls, Http1, Origins],
            "a client sends tokens to `https` URLs because nobody can read them there";
        /// A connection made for one name is not used for a name that the certificate does not have.
        OneNameIsNotAnother = one_name_is_not_another [Tls, Origins],
            "the certificate proves who is there for its own names only (RFC 9110 §4.3.3)";
        /// An answer that names another place is an answer, and the place is not asked.
        FollowsNoHint = follows_no_hint [Origins],
            "`Alt-Svc`, `Refresh` or `Location` would carry the token wherever they point";
    }
    Cancellable: cancellable {
        /// Nothing is sent before the first poll.
        NothingIsSentUnpolled = nothing_is_sent_unpolled [Futures],
            "a future that is never awaited is a call that was never made";
        /// What was dropped is received once at most.
        WhatWasDroppedIsSentOnceAtMost = what_was_dropped_is_sent_once_at_most [Futures],
            "whoever gave up does not want it twice";
        /// After a drop, at any poll, the next send gets its own answer.
        ADropDoesNotSpoilTheNext = a_drop_does_not_spoil_the_next [Futures],
            "one user would get what was meant for another";
        /// A drop closes the connection, or resets the stream, that waits for an answer.
        GivesUpWhenDropped = gives_up_when_dropped [Futures],
            "what nobody waits for should not hold a connection, nor the server's attention";
    }
    Cancellable: afterwards {
        /// After a drop the next send gets its own answer, though that of the first comes late.
        AfterADropALateAnswerIsNobodys = after_a_drop_a_late_answer_is_nobodys [Futures],
            "one user would get what was meant for another";
    }
    Concurrent: concurrent {
        /// Sends at the same time get their own answers.
        AnswersAreNotMixed = answers_are_not_mixed, "one user would get what was meant for another";
        /// A send is answered while a hundred others wait.
        OneDoesNotWaitForAnother = one_does_not_wait_for_another,
            "one slow call would take down all others";
    }
    Concurrent: plain {
        /// A send that waits does not block its thread.
        ASendDoesNotBlock = a_send_does_not_block [Futures],
            "a future that blocks stops every other call on its thread, and its own time limit";
    }
    OnTheClock: clock {
        /// `sleep` waits.
        SleepWaits = sleep_waits, "without waits, retries are a flood";
        /// Other calls go on while one sleeps.
        SleepLetsOthersRun = sleep_lets_others_run,
            "a thread that sleeps within a future stops every call on it";
        /// `now` goes on.
        NowGoesOn = now_goes_on, "deadlines are told by it";
        /// A sleep of 0 ms, 3 ms, 1.2 s or 2.5 s takes as long as told, also beside others.
        SleepsAreAsLongAsTold = sleeps_are_as_long_as_told,
            "a `Retry-After` that is cut short is a retry that is refused";
    }

    // HTTP/2.
    OneRequest: http2 {
        /// Nothing is sent again after a reset stream or a GOAWAY, unless it proves that nothing was processed.
        RepeatsNothingAfterAResetStream = repeats_nothing_after_a_reset_stream [Http2],
            "only REFUSED_STREAM and a GOAWAY below the stream prove that (RFC 9113 §8.7)";
        /// A request that was reported as not sent is never sent.
        WhatWaitedInVainIsNeverSent = what_waited_in_vain_is_never_sent [Http2],
            "its caller sends it again, so the server would get it twice";
    }
    Unchanged: http2 {
        /// A request has the pseudo-fields that it needs, and no field of a connection.
        RequestsAreWellFormed = requests_are_well_formed [Http2],
            "a server must refuse what is malformed (RFC 9113 §8.1.1)";
        /// A body larger than the window of 65,535 bytes arrives whole.
        ALargeUploadArrives = a_large_upload_arrives [Http2],
            "a client waits for WINDOW_UPDATE, and then goes on (RFC 9113 §6.9)";
        /// No more of a body is sent than the server's windows allow.
        KeepsTheServersWindows = keeps_the_servers_windows [Http2],
            "a server closes the connection for all requests on it (RFC 9113 §6.9.1)";
        /// Over TLS, HTTP/2 is spoken only if the server has chosen it.
        Http2IsNegotiated = http2_is_negotiated [Http2, Tls],
            "a server that speaks something else would read the token as that (RFC 9113 §3.3)";
        /// Settings that change are honoured, for open streams too.
        ChangedSettingsAreHonoured = changed_settings_are_honoured [Http2],
            "a server may change them at any time (RFC 9113 §6.5.3, §6.9.2)";
    }
    AnyStatus: http2 {
        /// An answer that comes after GOAWAY is the answer.
        AnAnswerAfterGoawayIsTheAnswer = an_answer_after_goaway_is_the_answer [Http2],
            "a server that restarts finishes what it has begun (RFC 9113 §6.8)";
        /// Unknown frames, flags and settings are ignored.
        WhatIsUnknownIsIgnored = what_is_unknown_is_ignored [Http2],
            "HTTP/2 is extended by them (RFC 9113 §4.1, §5.5, §6.5.2)";
        /// Compressed fields arrive, also those that a later answer only refers to.
        CompressedFieldsArrive = compressed_fields_arrive [Http2],
            "session token, rate limits and announcements are in fields (RFC 7541)";
        /// Padding is not a part of the answer.
        PaddingIsNoContent = padding_is_no_content [Http2],
            "a server may pad, so that lengths tell less (RFC 9113 §6.1)";
        /// A head in several frames arrives.
        AHeadInPiecesArrives = a_head_in_pieces_arrives [Http2],
            "a head may be cut at any byte (RFC 9113 §4.3, §6.10)";
        /// A head of a hundred fields arrives, and one of 15 KiB.
        HeadsOfManyFieldsArrive = heads_of_many_fields_arrive [Http2],
            "gateways add fields, and tokens are long";
        /// A `304` ends with its head, whatever length it has.
        A304WithALengthEnds = a_304_with_a_length_ends [Http2],
            "it has no body to wait for (RFC 9113 §8.1.1)";
        /// Fields of an informational response are not the answer's.
        AnInformationalHeadLeavesNothing = an_informational_head_leaves_nothing [Http2],
            "they are hints, and may come from somebody else (RFC 8297)";
        /// A body in many frames arrives, empty ones among them.
        ABodyInPiecesArrives = a_body_in_pieces_arrives [Http2],
            "a body may be cut at any byte (RFC 9113 §8.1)";
        /// An answer without a body may end with an empty frame.
        AnEmptyBodyMayEndLater = an_empty_body_may_end_later [Http2],
            "a server may not know earlier that nothing comes (RFC 9113 §8.1)";
        /// An answer may end with trailers.
        TrailersEndAnAnswer = trailers_end_an_answer [Http2],
            "a server may send them after any body (RFC 9113 §8.1)";
        /// An answer that comes before the body is sent is the answer.
        AnAnswerBeforeTheUploadIsTheAnswer = an_answer_before_the_upload_is_the_answer [Http2],
            "a client must not discard it for the reset that follows (RFC 9113 §8.1)";
        /// A PING is answered.
        PingsAreAnswered = pings_are_answered [Http2],
            "a server closes a connection that does not answer (RFC 9113 §6.7)";
        /// Settings are acknowledged.
        SettingsAreAcknowledged = settings_are_acknowledged [Http2],
            "a server closes a connection that does not acknowledge them (RFC 9113 §6.5.3)";
        /// Answers larger than the windows arrive, one after the other.
        LargeAnswersArrive = large_answers_arrive [Http2],
            "a client that gives no credit waits for ever (RFC 9113 §6.9)";
    }
    InTime: http2 {
        /// The limit holds while the server's settings do not come.
        WhileSettingsAreAwaited = while_settings_are_awaited [Http2], "a call must end by its deadline";
        /// The limit holds while no stream may be opened.
        WhileWaitingForAStream = while_waiting_for_a_stream [Http2], "a call must end by its deadline";
        /// The limit holds under PING, SETTINGS and unknown frames without end.
        UnderFramesWithoutEnd = under_frames_without_end [Http2],
            "a limit that starts again with each of them is none";
    }
    InBounds: http2 {
        /// An answer that is too large is given up: its stream is reset, or its connection closed.
        AnAnswerThatIsTooLargeIsGivenUp = an_answer_that_is_too_large_is_given_up [Http2],
            "otherwise the server keeps a stream for it for ever";
        /// An answer that is given up gives its part of the connection's window back.
        ADiscardedAnswerGivesItsWindowBack = a_discarded_answer_gives_its_window_back [Http2],
            "otherwise a few large answers stop the connection (RFC 9113 §6.9)";
    }
    Honest: http2 {
        /// A stream that is reset is unknown, whatever the code, except `REFUSED_STREAM`.
        AResetStreamIsUnknown = a_reset_stream_is_unknown [Http2],
            "no other code proves that nothing was processed (RFC 9113 §8.7)";
        /// A stream that is reset after its head is unknown, whatever the code.
        AResetAfterTheHeadIsUnknown = a_reset_after_the_head_is_unknown [Http2],
            "who has answered has processed the request";
        /// A body that ends with a reset is no answer, whatever the code.
        ABodyThatIsResetIsNoAnswer = a_body_that_is_reset_is_no_answer [Http2],
            "half a list of recovery codes looks like a list of recovery codes";
        /// After a stream that failed the next send gets its own answer.
        TheNextSendAfterAFailedStream = the_next_send_after_a_failed_stream [Http2],
            "one failure must not spoil the connection for all others";
        /// A connection lost after a GOAWAY that includes the stream is unknown.
        GoawayAtTheStreamIsUnknown = goaway_at_the_stream_is_unknown [Http2],
            "the server may have processed the streams up to the last id (RFC 9113 §6.8)";
        /// What is above the last id of a GOAWAY is not sent, also on a connection that was used.
        GoawayBelowALaterStreamIsNotSent = goaway_below_a_later_stream_is_not_sent [Http2],
            "a server that restarts says so exactly, and then even an SMS can be tried again";
        /// A connection that goes away is not used again.
        AConnectionThatGoesAwayIsReplaced = a_connection_that_goes_away_is_replaced [Http2],
            "new streams on it are ignored (RFC 9113 §6.8)";
        /// Malformed field names and values, and fields of a connection, are no answer.
        MalformedFieldsAreNoAnswer = malformed_fields_are_no_answer [Http2],
            "they are how answers are smuggled (RFC 9113 §8.2, §10.3)";
        /// Pseudo-fields that are missing, doubled, late or unknown are no answer.
        MalformedPseudoFieldsAreNoAnswer = malformed_pseudo_fields_are_no_answer [Http2],
            "without a status nobody knows what the server did (RFC 9113 §8.3)";
        /// A length that is not the body's is no answer.
        ALengthThatDisagreesIsNoAnswer = a_length_that_disagrees_is_no_answer [Http2],
            "half a list of recovery codes looks like a list of recovery codes (RFC 9113 §8.1.1)";
        /// Frames in a wrong order or of a wrong size are no answer.
        FramesOutOfOrderAreNoAnswer = frames_out_of_order_are_no_answer [Http2],
            "where the answer begins and ends is then unknown (RFC 9113 §4.2, §5.1, §8.1)";
        /// What is malformed is unknown.
        WhatIsMalformedIsUnknown = what_is_malformed_is_unknown [Http2],
            "said to be unsent, an SMS is sent twice";
        /// A pushed answer is neither this request's nor the next one's.
        APushedAnswerIsNobodys = a_pushed_answer_is_nobodys [Http2],
            "one user would get what was meant for another";
    }
    Cancellable: http2 {
        /// A stream whose time is up is reset, or its connection is closed.
        AStreamWhoseTimeIsUpIsGivenUp = a_stream_whose_time_is_up_is_given_up [Http2],
            "it counts against the server's limit until then";
    }
    Concurrent: http2 {
        /// No more streams are open than the server allows, and all sends are answered.
        KeepsTheLimitOfStreams = keeps_the_limit_of_streams [Http2],
            "a server refuses what is above it (RFC 9113 §5.1.2)";
        /// Answers whose frames come in turns are not mixed.
        AnswersInTurnsAreNotMixed = answers_in_turns_are_not_mixed [Http2],
            "one user would get what was meant for another";
        /// A stream that is reset does not end the others.
        AResetConcernsOneStream = a_reset_concerns_one_stream [Http2],
            "one user's failure would be everybody's";
        /// A GOAWAY does not end the streams up to its last id.
        GoawayConcernsTheStreamsAboveIt = goaway_concerns_the_streams_above_it [Http2],
            "a server that restarts finishes what it has begun (RFC 9113 §6.8)";
    }
}

impl Case {
    /// Its name, such as `follows_no_redirect`.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The clause that it checks.
    pub fn clause(self) -> Clause {
        self.spec().clause
    }

    /// What a transport has to show, in a sentence.
    pub fn promise(self) -> &'static str {
        self.spec().promise.trim()
    }

    /// Why that matters.
    pub fn why(self) -> &'static str {
        self.spec().why
    }

    /// How many groups there are.
    pub(crate) const GROUPS: u8 = 4;

    /// With which others it runs at the same time, because it does little but wait. In the first group nothing
    /// depends on when it happens.
    pub(crate) fn group(self) -> Option<u8> {
        Some(match self {
            Self::RepeatsNothingAfterSilence
            | Self::RepeatsNothingThatWasLost
            | Self::RepeatsNothingForAStatus => 1,
            Self::ALateConnectionGetsNoRequest
            | Self::ALimitMayHaveFractions
            | Self::AHugeLimitIsAwaited
            | Self::OneThatConnectsHoldsNobodyUp => 2,
            Self::AfterATimeout
            | Self::AfterSeveralFailuresAtOnce
            | Self::AfterADropALateAnswerIsNobodys
            | Self::AFailureAtOneServerStaysThere => 3,
            Self::SleepLetsOthersRun | Self::SleepsAreAsLongAsTold => 4,
            _ => return None,
        })
    }

    /// Why it cannot be run over this wire, if it cannot.
    pub(crate) fn inapplicable(self, wire: Wire, futures: bool) -> Option<&'static str> {
        self.spec().needs.iter().find_map(|need| match need {
            Need::Tls if !wire.is_tls() => Some("there is no TLS on this wire"),
            Need::ClearPort if wire.is_tls() => Some("there is TLS on this wire"),
            Need::ClearPort if wire.is_unix() => {
                Some("what goes to a Unix socket does not leave the machine")
            }
            Need::Hang if !wire.is_tls() && !wire.hangs_in_connect() => {
                Some("connecting cannot be made to hang on this wire")
            }
            Need::Http1 if wire.protocol() != Protocol::Http1 => Some("only HTTP/1.1 has this"),
            Need::Http2 if wire.protocol() != Protocol::Http2 => Some("only HTTP/2 has this"),
            Need::Ipv6 | Need::Localhost if wire.is_unix() => {
                Some("a Unix socket has no address and no name")
            }
            Need::Ipv6 if !has_ipv6() => Some("this machine has no IPv6"),
            Need::Localhost if !has_localhost() => Some("this machine does not know `localhost`"),
            Need::Process if cfg!(target_family = "wasm") => Some("there are no processes here"),
            Need::Origins if wire.is_unix() => Some("a Unix socket is one server"),
            Need::Futures if !futures => Some("a call that blocks cannot be dropped"),
            _ => None,
        })
    }
}

fn has_ipv6() -> bool {
    static HAS: LazyLock<bool> =
        LazyLock::new(|| TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok());
    *HAS
}

fn has_localhost() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| {
        let addresses = ("localhost", 0).to_socket_addrs();
        addresses.is_ok_and(|mut all| all.any(|address| address.ip() == Ipv4Addr::LOCALHOST))
    });
    *HAS
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
