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
use crate::names;

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
    /// A name server of its own.
    Names,
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
        /// A request that succeeds is sent once.
        SendsOnce = sends_once, "a second SMS costs money again, and an OTP works once";
        /// After a `5xx` nothing is sent again.
        RepeatsNothingAfterAServerError = repeats_nothing_after_a_server_error,
            "the server may have acted, and the exchange decides about retries";
        /// After a `429` or `408` nothing is sent again, whatever `Retry-After` says.
        RepeatsNothingAfterARateLimit = repeats_nothing_after_a_rate_limit,
            "the exchange knows the deadline and the retry budget, the transport does not";
        /// After a lost connection nothing is sent again.
        RepeatsNothingAfterALostConnection = repeats_nothing_after_a_lost_connection,
            "the server may have acted before it closed";
        /// After a kept connection is lost, nothing is sent again.
        RepeatsNothingOnAKeptConnection = repeats_nothing_on_a_kept_connection,
            "the server may have read the request before it closed the connection";
        /// After any other failure nothing is sent again.
        RepeatsNothingWhateverGoesWrong = repeats_nothing_whatever_goes_wrong,
            "a second copy of the request is a second SMS";
        /// A redirect is the answer. Its location is not requested.
        FollowsNoRedirect = follows_no_redirect,
            "a redirect would carry the token and the OTP wherever it points";
        /// A `401` with a challenge is the answer, and no credentials are sent.
        AnswersNoChallenge = answers_no_challenge,
            "the caller gave no such credentials";
        /// A cookie set by one answer is not in the next request.
        KeepsNoCookies = keeps_no_cookies,
            "a cookie links the users who share a client";
    }
    OneRequest: never_again {
        /// After a second of silence nothing is sent again.
        RepeatsNothingAfterSilence = repeats_nothing_after_silence,
            "a second copy of a slow request is a second SMS";
        /// A lost request is not sent again, whatever its method, not even a second later.
        RepeatsNothingThatWasLost = repeats_nothing_that_was_lost,
            "the server may have acted, and the exchange decides about retries, also of a `GET`";
        /// No status causes a second request, whatever the method, not even a second later.
        RepeatsNothingForAStatus = repeats_nothing_for_a_status,
            "`408`, `421`, `425` and `503` invite a retry, and the exchange decides about retries";
    }
    Unchanged: unchanged {
        /// `GET`, `POST`, `PUT`, `PATCH` and `DELETE` arrive as such.
        TheMethodArrives = the_method_arrives, "a larger SDK adds operations of any method";
        /// The path arrives with its upper and lower case, dots and tildes.
        ThePathArrives = the_path_arrives, "an OTP is a part of the path, and its case matters";
        /// Percent-encoding in the path arrives as it was sent, and none is added.
        PercentEncodingArrives = percent_encoding_arrives,
            "an identifier that is decoded once too often becomes another path";
        /// The query arrives byte for byte, in its order.
        TheQueryArrives = the_query_arrives, "a larger SDK adds operations with queries";
        /// Header values arrive with their case, spaces and punctuation.
        HeaderValuesArrive = header_values_arrive, "a token with one letter changed is another token";
        /// The user agent that was sent arrives.
        TheUserAgentArrives = the_user_agent_arrives,
            "a service identifies SDKs by it";
        /// Every header arrives, also one with an empty value.
        DropsNoHeader = drops_no_header, "without `X-Auth-Token` or `Accept` the server answers differently";
        /// No header arrives twice.
        DoublesNoHeader = doubles_no_header,
            "servers and proxies disagree about which of two to believe";
        /// A header with two values arrives with both, in order.
        RepeatedHeadersArrive = repeated_headers_arrive, "the caller set both";
        /// A body arrives byte for byte.
        TheBodyArrives = the_body_arrives, "a larger SDK adds operations with bodies";
        /// `Host` names the host of the URL.
        TheHostIsTold = the_host_is_told, "one address serves many hosts (RFC 9110 §7.2)";
        /// A request without a body arrives without one.
        AnEmptyBodyStaysEmpty = an_empty_body_stays_empty,
            "no operation of this API takes a body, and sending one earns a 422";
        /// Nothing else is added to the request's headers.
        AddsNothing = adds_nothing, "servers and proxies log added headers and act on them";
        /// No `Accept-Encoding` arrives.
        AsksForNoCompression = asks_for_no_compression,
            "compression reveals secrets by their length, and a small body can expand to a large one";
        /// Nothing from a request or its answer appears in the next request.
        NothingIsCarriedOver = nothing_is_carried_over,
            "the next request may be another user's";
        /// Token and OTP appear once, in their places.
        CopiesNoSecret = copies_no_secret, "a secret in a further header ends up in a further log";
    }
    Unchanged: bytes {
        /// Dots in a path arrive as they were sent, plain and encoded, or nothing is sent.
        DotsArrive = dots_arrive, "a normalized path is another path, perhaps of another user";
        /// Paths of every form arrive: slashes, parameters, any percent-encoding.
        PathsOfEveryFormArrive = paths_of_every_form_arrive,
            "a path that is decoded, encoded or normalized is another path";
        /// Queries of every form arrive: empty parts, question marks, brackets.
        QueriesOfEveryFormArrive = queries_of_every_form_arrive,
            "a larger SDK signs its queries, and a signature covers bytes";
        /// Single quotes in paths and queries arrive, or nothing is sent.
        QuotesArrive = quotes_arrive, "they are legal there (RFC 3986 §3.3), and a signature covers them";
        /// Characters that are not legal in a URI arrive, or are encoded once, or nothing is sent.
        MarksArriveOrAreEncoded = marks_arrive_or_are_encoded,
            "a path with lost or twice encoded characters is another path";
        /// Paths and queries of 6 KB arrive whole.
        LongTargetsArrive = long_targets_arrive, "a shortened path is another path";
        /// Header values of every legal ASCII byte arrive, and names of every form.
        HeaderBytesArrive = header_bytes_arrive, "tokens and signatures use all of them";
        /// Header values beyond ASCII arrive.
        HeaderBytesBeyondAsciiArrive = header_bytes_beyond_ascii_arrive,
            "they are opaque bytes, and decoding changes them (RFC 9110 §5.5)";
        /// Sixty headers, and a value of 8 KB, arrive.
        LargeRequestHeadsArrive = large_request_heads_arrive,
            "tracing, tenants and signed tokens make requests large";
        /// Any method arrives, with its case.
        AnyMethodArrives = any_method_arrives, "methods are case-sensitive, and a service may define its own";
        /// A body arrives with every method, and a request without one arrives without one.
        EveryMethodMayHaveABody = every_method_may_have_a_body,
            "a larger SDK adds operations with bodies";
        /// Bodies of all sizes up to 1 MiB arrive byte for byte.
        LargeBodiesArrive = large_bodies_arrive, "a full buffer must not end a body";
        /// Nothing is added to a `GET` or `DELETE` without a body.
        AddsNothingToAGet = adds_nothing_to_a_get,
            "an added length, type or language can change the answer";
        /// A server at an IPv6 address is reached, and `Host` has the brackets.
        AnIpv6AddressIsReached = an_ipv6_address_is_reached [Ipv6],
            "the brackets are a part of the URL, not of the address (RFC 3986 §3.2.2)";
        /// A server is reached by its name, and `Host` has the name.
        AHostNameIsReached = a_host_name_is_reached [Localhost],
            "one address may serve many names, and the certificate is for the name";
        /// Nothing is cached: the same `GET` is sent again, without conditions.
        NothingIsCached = nothing_is_cached, "recovery codes change";
    }
    AnyStatus: responses {
        /// Answers with any status are `Ok`.
        AnyStatusIsAnAnswer = any_status_is_an_answer,
            "the exchange reads the body of a failure and decides what it means";
        /// Headers of the answer arrive, repeated ones too.
        ResponseHeadersArrive = response_headers_arrive,
            "session token, rate limits and announcements are in headers";
        /// The body of the answer arrives byte for byte, however it is framed.
        TheResponseBodyArrives = the_response_body_arrives, "a lost part may be a recovery code";
        /// An answer without a body ends with its head.
        AnEmptyResponseEnds = an_empty_response_ends,
            "a 204 has no body to wait for (RFC 9110 §15.3.5)";
        /// A compressed body arrives as it is.
        DecompressesNothing = decompresses_nothing,
            "the request did not ask for compression, so such an answer is not trusted";
        /// `100`, `102` and `103` are not the answer.
        InformationalResponsesAreSkipped = informational_responses_are_skipped,
            "the answer follows them (RFC 9110 §15.2)";
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
            "servers and proxies split chunks anywhere, also within a recovery code";
        /// Trailer fields are read, and are not among the headers.
        TrailersAreNoHeaders = trailers_are_no_headers [Http1],
            "a trailer can be forged where a header cannot (RFC 9110 §6.5.1)";
        /// A `204` and a `304` end with their head, whatever length they announce.
        AStatusWithoutContentEnds = a_status_without_content_ends [Http1],
            "they have no body (RFC 9112 §6.3), and a 304 may carry the length of the cached one";
        /// A transfer coding that was not requested is decoded, kept or refused.
        TransferCodingsAreNoContent = transfer_codings_are_no_content [Http1],
            "chunk sizes must not be read as content (RFC 9112 §6.1)";
    }
    AnyStatus: ordinary {
        /// Field names, and the values of framing fields, are read case-insensitively.
        NamesOfAnyCaseAreUnderstood = names_of_any_case_are_understood [Http1],
            "field names are case-insensitive (RFC 9110 §5.1)";
        /// Heads arrive with any white space, reason phrase and legal byte.
        HeadsOfEveryFormArrive = heads_of_every_form_arrive [Http1],
            "servers format heads differently (RFC 9112 §4, §5)";
        /// Heads of 100 fields and of 60 KiB arrive.
        LargeHeadsArrive = large_heads_arrive [Http1],
            "proxies and gateways add cookies, policies and traces";
        /// Answers arrive in whatever pieces they are written.
        AnswersInPiecesArrive = answers_in_pieces_arrive [Http1],
            "packet boundaries have no meaning";
        /// A slightly malformed head is refused, or read as the RFC says.
        AHeadIsRefusedOrReadRight = a_head_is_refused_or_read_right [Http1],
            "a head that two parsers read differently allows response smuggling";
        /// An answer that is sent before the request is read arrives.
        EarlyAnswersArrive = early_answers_arrive [Http1],
            "a server may send a 401 or 413 after it read only the head";
        /// An answer with `Connection: close` ends where its framing says.
        AClosingConnectionIsNotWaitedFor = a_closing_connection_is_not_waited_for [Http1],
            "the server may close much later";
        /// HTTP/1.0, and connections that are kept for a short time, work as well.
        OlderAndShorterConnectionsServe = older_and_shorter_connections_serve [Http1],
            "old proxies speak HTTP/1.0";
        /// The fields of informational responses are not the answer's.
        InformationalResponsesLeaveNothing = informational_responses_leave_nothing [Http1],
            "they must not be mistaken for fields of the answer (RFC 9110 §15.2)";
        /// The body of a failure arrives, however it is framed.
        ErrorsOfEveryFramingArrive = errors_of_every_framing_arrive [Http1],
            "it explains the failure";
        /// The answer to a `HEAD` ends with its head, whatever length it announces.
        AHeadRequestEndsWithTheHead = a_head_request_ends_with_the_head [Http1],
            "it has no body (RFC 9110 §9.3.2), and a larger SDK may use `HEAD`";
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
            "a limit that restarts with each byte is no limit, and slow bytes are a known attack";
        /// The limit holds for all phases together.
        AcrossPhases = across_phases, "a limit for each phase is several limits";
        /// A slow answer within the limit is awaited.
        AnAnswerInTimeIsAwaited = an_answer_in_time_is_awaited,
            "giving up early loses an answer";
        /// The limit holds while bytes of a body trickle.
        UnderATrickle = under_a_trickle,
            "a limit that restarts with each byte is no limit, and slow bytes are a known attack";
        /// The limit holds under informational responses without end.
        UnderInformationalResponses = under_informational_responses,
            "a limit that restarts with each of them is no limit";
        /// A reached time limit is reported as `Timeout`.
        ATimeoutSaysSo = a_timeout_says_so, "the caller decides by the kind";
    }
    InTime: limits {
        /// The limit holds for connecting, writing, waiting and reading together.
        OneLimitForAllPhases = one_limit_for_all_phases, "a limit for each phase is several limits";
        /// A limit of zero, of a nanosecond and of 0.4 ms is kept.
        ATinyLimitIsALimit = a_tiny_limit_is_a_limit,
            "the rest of a deadline may be tiny, and 0 must not mean no limit";
        /// The limit holds while a host name is resolved, and after it nothing is sent.
        WhileResolving = while_resolving [Process, Origins, Names],
            "a resolver can take longer than any call, and blocks its thread";
        /// With a huge limit an answer is awaited.
        AHugeLimitIsAwaited = a_huge_limit_is_awaited,
            "a caller who says `Duration::MAX` means no limit, not a panic";
        /// A limit with a fraction of a second is kept exactly.
        ALimitMayHaveFractions = a_limit_may_have_fractions,
            "rounding down loses an answer, rounding up misses a deadline";
        /// While one send connects, others continue.
        OneThatConnectsHoldsNobodyUp = one_that_connects_holds_nobody_up [Hang],
            "one hanging handshake would block all other calls";
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
        /// An absurd announced length is an error, and no memory is allocated for it.
        AClaimedLengthIsNotAllocated = a_claimed_length_is_not_allocated,
            "an announced length of 90 GiB would abort the process";
    }
    InBounds: bodies {
        /// A limit of 0 bytes and a huge limit are kept, in each framing.
        AnyLimitIsKept = any_limit_is_kept, "the caller sets the limit, and 0 is a limit";
    }
    InBounds: resources {
        /// After many failures of each kind no connection is left.
        FailuresLeaveNoConnection = failures_leave_no_connection,
            "an hour of a failing server would use up the descriptors of the process";
        /// After many failures of each kind no thread and no descriptor is left.
        FailuresLeaveNoThread = failures_leave_no_thread,
            "an hour of a failing server would use up the process";
        /// After many failures of 1 MiB each their memory is released.
        FailuresLeaveNoMemory = failures_leave_no_memory,
            "an hour of a failing server would use up the memory of the process";
    }
    Honest: honest {
        /// A refused connection is `Connect` and `NotSent`.
        ARefusedConnectionIsNotSent = a_refused_connection_is_not_sent,
            "a request that was not sent can be retried, even an SMS";
        /// An unknown host is `NotSent`.
        AnUnknownHostIsNotSent = an_unknown_host_is_not_sent [Origins],
            "a request that was not sent can be retried, even an SMS";
        /// A server whose certificate does not verify gets no request.
        ABadCertificateGetsNoRequest = a_bad_certificate_gets_no_request [Tls],
            "the server that presents it would get the token";
        /// A server whose certificate names the host only as common name gets no request.
        ACommonNameIsNotEnough = a_common_name_is_not_enough [Tls],
            "a CA need not check the common name (RFC 9525 §2)";
        /// A certificate that does not verify is a `Tls` error.
        ABadCertificateIsATlsError = a_bad_certificate_is_a_tls_error [Tls],
            "a retry does not fix a certificate, so the exchange makes none";
        /// A failed handshake is `NotSent`.
        AFailedHandshakeIsNotSent = a_failed_handshake_is_not_sent [Tls],
            "a request that was not sent can be retried, even an SMS";
        /// A connection lost after the request was read is `ConnectionLost` or `Protocol`, and `Unknown`.
        ALostConnectionIsUnknown = a_lost_connection_is_unknown,
            "a false `NotSent` sends an SMS twice";
        /// A kept connection lost after the request was read is `ConnectionLost` or `Protocol`, and `Unknown`.
        ALostKeptConnectionIsUnknown = a_lost_kept_connection_is_unknown,
            "the server may have read the request before it closed the connection";
        /// Any other failure after the request was read, or a part of it, is `Unknown`.
        WhatWasReceivedIsUnknown = what_was_received_is_unknown,
            "a false `NotSent` sends an SMS twice";
        /// A time limit reached after the request was read is `Unknown`.
        ATimeoutIsUnknown = a_timeout_is_unknown, "a false `NotSent` sends an SMS twice";
        /// A head that is cut off is no answer.
        AHeadCutOffIsNoAnswer = a_head_cut_off_is_no_answer, "the missing part may matter";
        /// A body shorter than its announced length is no answer.
        ABodyCutOffIsNoAnswer = a_body_cut_off_is_no_answer,
            "half a list of recovery codes looks like a list of recovery codes";
        /// A chunked body without its last chunk is no answer.
        AChunkedBodyCutOffIsNoAnswer = a_chunked_body_cut_off_is_no_answer [Http1],
            "half a list of recovery codes looks like a list of recovery codes";
        /// If the body of an answer is lost, the error carries the head.
        ALostBodyLeavesItsHead = a_lost_body_leaves_its_head,
            "its status proves that the codes changed, so the caller reads them";
        /// What is not HTTP is a `Protocol` error.
        WhatIsNotHttpIsNoAnswer = what_is_not_http_is_no_answer,
            "something else answered";
        /// Two lengths that disagree are no answer.
        ConflictingLengthsAreNoAnswer = conflicting_lengths_are_no_answer [Http1],
            "they allow response smuggling (RFC 9112 §6.3)";
        /// A chunk without a size is no answer.
        AWrongChunkIsNoAnswer = a_wrong_chunk_is_no_answer [Http1],
            "the end of the body is then unknown";
        /// An answer that nobody asked for is not the next request's.
        AnUnaskedAnswerIsNobodys = an_unasked_answer_is_nobodys [Http1],
            "one user would get another user's answer";
        /// A kept connection that was closed meanwhile is replaced.
        AClosedConnectionIsReplaced = a_closed_connection_is_replaced,
            "servers close idle connections all the time";
        /// What HTTP/2 proves to be unprocessed is `NotSent`.
        WhatHttp2RefusesIsNotSent = what_http2_refuses_is_not_sent [Http2],
            "a restarting server says exactly what it did not process, and then even an SMS can be retried";
    }
    Honest: bodies {
        /// Bytes after an answer are not the next answer.
        WhatFollowsAnAnswerIsNotTheNext = what_follows_an_answer_is_not_the_next [Http1],
            "one user would get another user's answer (RFC 9112 §6.3)";
        /// A length that is not a number is no answer.
        AnInvalidLengthIsNoAnswer = an_invalid_length_is_no_answer [Http1],
            "the end of the body is then unknown (RFC 9112 §6.3)";
        /// Where chunks and a length disagree, chunks count, or it is no answer.
        ChunksOverruleALength = chunks_overrule_a_length [Http1],
            "two parsers must not see two different bodies (RFC 9112 §6.3)";
        /// Chunks whose sizes are wrong are no answer.
        ChunksThatDoNotAddUpAreNoAnswer = chunks_that_do_not_add_up_are_no_answer [Http1],
            "the end of the body is then unknown";
        /// A body that ends without `close_notify` is no answer.
        ABodyCutOffWithinTlsIsNoAnswer = a_body_cut_off_within_tls_is_no_answer [Tls, Http1],
            "an attacker in the network can cut a connection (RFC 9112 §9.8)";
    }
    Honest: ordinary {
        /// A connection that the server is about to close is not used again.
        AClosingConnectionIsNotUsedAgain = a_closing_connection_is_not_used_again [Http1],
            "the next request would be lost there (RFC 9112 §9.6)";
    }
    Honest: never_again {
        /// What a server sends before it closes an idle connection is not the next answer.
        AnUnaskedFarewellIsNobodys = an_unasked_farewell_is_nobodys [Http1],
            "servers send a `408` when they close an idle connection";
    }
    Honest: received {
        /// A TLS alert after the request, and an end of the connection without one, is `Unknown`.
        AnAlertAfterTheRequestIsUnknown = an_alert_after_the_request_is_unknown [Tls],
            "a TLS error after the handshake proves nothing, and the server may have acted";
        /// A write that fails after a part of the request was read is `Unknown`.
        AWriteThatFailsIsUnknown = a_write_that_fails_is_unknown,
            "a server may act on a part of a request";
        /// A connection that is made after the limit gets no request.
        ALateConnectionGetsNoRequest = a_late_connection_gets_no_request [Hang],
            "the caller no longer waits, so nobody expects that SMS";
    }
    Honest: unsent {
        /// In every case, a request reported as `NotSent` was not received.
        WhatIsSaidToBeUnsentIsUnsent = what_is_said_to_be_unsent_is_unsent,
            "a false `NotSent` sends an SMS twice";
    }
    Honest: afterwards {
        /// After a timeout the next send gets its own answer, also if the first one's answer comes late.
        AfterATimeout = after_a_timeout, "one user would get another user's answer";
        /// After an answer that is too large the next send gets its own.
        AfterAnAnswerTooLarge = after_an_answer_too_large,
            "the rest of it would be read as the next answer";
        /// After an answer that is not HTTP the next send gets its own answer.
        AfterAMalformedAnswer = after_a_malformed_answer,
            "the start of the next answer is unknown, and an attacker may have planted one";
        /// After a lost connection the next send gets its own answer.
        AfterALostConnection = after_a_lost_connection, "one failure should not become two";
        /// Bytes after an answer are not the next send's answer.
        AfterAnAnswerWithMore = after_an_answer_with_more [Http1],
            "an attacker could plant an answer for another user";
        /// After several timeouts at once each next send gets its own answer.
        AfterSeveralFailuresAtOnce = after_several_failures_at_once,
            "a server that was slow for a minute works again after it";
        /// Many failures, and a `Retry-After`, stop no later send.
        ManyFailuresStopNoSend = many_failures_stop_no_send,
            "the service may work again, and the exchange decides about pauses";
    }
    Discreet: discreet {
        /// A request to an `https` URL is refused, or spoken in TLS.
        HttpsIsNeverInTheClear = https_is_never_in_the_clear [ClearPort],
            "a token must not be sent unencrypted";
        /// No error and no source of one holds a URL, or a secret of the request or of the answer.
        ErrorsHoldNoSecret = errors_hold_no_secret, "errors are logged, and sent to trackers";
        /// No error quotes a malformed answer.
        MalformedAnswersAreNotQuoted = malformed_answers_are_not_quoted,
            "parsers quote what they cannot read, and it may be a recovery code";
        /// No log line and no span holds a secret of the request or of the answer.
        LogsHoldNoSecret = logs_hold_no_secret, "logs are stored, and many people read them";
    }
    Discreet: environment {
        /// Environment variables change nothing: proxies, CAs, credentials, a file for the keys of TLS.
        TheEnvironmentChangesNothing = the_environment_changes_nothing [Process],
            "a variable set by somebody else would redirect or reveal the token";
        /// Nothing of a request or an answer is on standard output and standard error.
        NothingIsPrinted = nothing_is_printed [Process],
            "output is collected as logs are";
    }
    Discreet: origins {
        /// Two ports of a host are two servers, also over kept connections and concurrently.
        OnePortIsNotAnother = one_port_is_not_another [Origins],
            "a pool that mixes them sends a token to another server";
        /// Two hosts with the same port are two servers, and `Host` names the right one.
        OneHostIsNotAnother = one_host_is_not_another [Origins],
            "a pool that mixes them sends a token to another server";
        /// After a failure at one server nothing is sent to another server instead.
        AFailureAtOneServerStaysThere = a_failure_at_one_server_stays_there [Origins],
            "another server would learn the token";
        /// A connection of an `http` URL carries nothing for an `https` URL.
        HttpIsNotHttps = http_is_not_https [Tls, Http1, Origins],
            "a token must not be sent unencrypted";
        /// A connection made for one name is not used for a name that the certificate does not have.
        OneNameIsNotAnother = one_name_is_not_another [Tls, Origins],
            "a certificate proves only its own names (RFC 9110 §4.3.3)";
        /// An answer that names another location is the answer, and that location is not requested.
        FollowsNoHint = follows_no_hint [Origins],
            "`Alt-Svc`, `Refresh` or `Location` would carry the token wherever they point";
    }
    Cancellable: cancellable {
        /// Nothing is sent before the first poll.
        NothingIsSentUnpolled = nothing_is_sent_unpolled [Futures],
            "a future that is never awaited is a call that was never made";
        /// A dropped send is received at most once.
        WhatWasDroppedIsSentOnceAtMost = what_was_dropped_is_sent_once_at_most [Futures],
            "a caller that gave up does not want it twice";
        /// After a drop, at any poll, the next send gets its own answer.
        ADropDoesNotSpoilTheNext = a_drop_does_not_spoil_the_next [Futures],
            "one user would get another user's answer";
        /// A drop closes the connection, or resets the stream, that waits for an answer.
        GivesUpWhenDropped = gives_up_when_dropped [Futures],
            "an abandoned request should not hold a connection or the server";
    }
    Cancellable: afterwards {
        /// After a drop the next send gets its own answer, also if the first one's answer comes late.
        AfterADropALateAnswerIsNobodys = after_a_drop_a_late_answer_is_nobodys [Futures],
            "one user would get another user's answer";
    }
    Concurrent: concurrent {
        /// Sends at the same time get their own answers.
        AnswersAreNotMixed = answers_are_not_mixed, "one user would get another user's answer";
        /// A send is answered while a hundred others wait.
        OneDoesNotWaitForAnother = one_does_not_wait_for_another,
            "one slow call would block all others";
    }
    Concurrent: plain {
        /// A send that waits does not block its thread.
        ASendDoesNotBlock = a_send_does_not_block [Futures],
            "a blocking future stops every other call on its thread, and its own time limit";
    }
    OnTheClock: clock {
        /// `sleep` waits.
        SleepWaits = sleep_waits, "without waits, retries are a flood";
        /// Other calls continue while one sleeps.
        SleepLetsOthersRun = sleep_lets_others_run,
            "a sleeping thread stops every call on it";
        /// `now` advances.
        NowGoesOn = now_goes_on, "deadlines are computed from it";
        /// A sleep of 0 ms, 3 ms, 1.2 s or 2.5 s has that duration, also concurrently.
        SleepsAreAsLongAsTold = sleeps_are_as_long_as_told,
            "the server refuses a retry that comes before its `Retry-After`";
    }

    // HTTP/2.
    OneRequest: http2 {
        /// Nothing is sent again after a reset stream or a GOAWAY, unless it proves that nothing was processed.
        RepeatsNothingAfterAResetStream = repeats_nothing_after_a_reset_stream [Http2],
            "only `REFUSED_STREAM` and a GOAWAY below the stream prove that (RFC 9113 §8.7)";
        /// A request that was reported as not sent is never sent.
        WhatWaitedInVainIsNeverSent = what_waited_in_vain_is_never_sent [Http2],
            "the caller retries it, so the server would get it twice";
    }
    Unchanged: http2 {
        /// A request has the required pseudo-fields and no connection-specific field.
        RequestsAreWellFormed = requests_are_well_formed [Http2],
            "a server must refuse what is malformed (RFC 9113 §8.1.1)";
        /// A body larger than the window of 65,535 bytes arrives whole.
        ALargeUploadArrives = a_large_upload_arrives [Http2],
            "a client waits for `WINDOW_UPDATE`, and then continues (RFC 9113 §6.9)";
        /// No more of a body is sent than the server's windows allow.
        KeepsTheServersWindows = keeps_the_servers_windows [Http2],
            "a server closes the connection for all requests on it (RFC 9113 §6.9.1)";
        /// Over TLS, HTTP/2 is spoken only if the server has chosen it.
        Http2IsNegotiated = http2_is_negotiated [Http2, Tls],
            "a server of another protocol would misread the request (RFC 9113 §3.3)";
        /// Settings that change are honoured, for open streams too.
        ChangedSettingsAreHonoured = changed_settings_are_honoured [Http2],
            "a server may change them at any time (RFC 9113 §6.5.3, §6.9.2)";
    }
    AnyStatus: http2 {
        /// An answer that comes after GOAWAY is the answer.
        AnAnswerAfterGoawayIsTheAnswer = an_answer_after_goaway_is_the_answer [Http2],
            "a restarting server finishes what it has begun (RFC 9113 §6.8)";
        /// Unknown frames, flags and settings are ignored.
        WhatIsUnknownIsIgnored = what_is_unknown_is_ignored [Http2],
            "HTTP/2 is extended by them (RFC 9113 §4.1, §5.5, §6.5.2)";
        /// Compressed fields arrive, also those that a later answer only refers to.
        CompressedFieldsArrive = compressed_fields_arrive [Http2],
            "session token, rate limits and announcements are in fields (RFC 7541)";
        /// Padding is not a part of the answer.
        PaddingIsNoContent = padding_is_no_content [Http2],
            "a server may pad frames to hide lengths (RFC 9113 §6.1)";
        /// A head in several frames arrives.
        AHeadInPiecesArrives = a_head_in_pieces_arrives [Http2],
            "a head may be split at any byte (RFC 9113 §4.3, §6.10)";
        /// A head of a hundred fields arrives, and one of 15 KiB.
        HeadsOfManyFieldsArrive = heads_of_many_fields_arrive [Http2],
            "gateways add fields, and tokens are long";
        /// A `304` ends with its head, whatever length it has.
        A304WithALengthEnds = a_304_with_a_length_ends [Http2],
            "it has no body (RFC 9113 §8.1.1)";
        /// Fields of an informational response are not the answer's.
        AnInformationalHeadLeavesNothing = an_informational_head_leaves_nothing [Http2],
            "they are hints (RFC 8297)";
        /// A body in many frames arrives, empty ones among them.
        ABodyInPiecesArrives = a_body_in_pieces_arrives [Http2],
            "a body may be split at any byte (RFC 9113 §8.1)";
        /// An answer without a body may end with an empty frame.
        AnEmptyBodyMayEndLater = an_empty_body_may_end_later [Http2],
            "a server may learn late that there is no body (RFC 9113 §8.1)";
        /// An answer may end with trailers.
        TrailersEndAnAnswer = trailers_end_an_answer [Http2],
            "a server may send them after any body (RFC 9113 §8.1)";
        /// An answer that arrives before the body is sent is the answer.
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
            "a client that sends no `WINDOW_UPDATE` waits for ever (RFC 9113 §6.9)";
    }
    InTime: http2 {
        /// The limit holds while the server's settings do not come.
        WhileSettingsAreAwaited = while_settings_are_awaited [Http2], "a call must end by its deadline";
        /// The limit holds while no stream may be opened.
        WhileWaitingForAStream = while_waiting_for_a_stream [Http2], "a call must end by its deadline";
        /// The limit holds under PING, SETTINGS and unknown frames without end.
        UnderFramesWithoutEnd = under_frames_without_end [Http2],
            "a limit that restarts with each of them is no limit";
    }
    InBounds: http2 {
        /// An answer that is too large is abandoned: its stream is reset, or its connection is closed.
        AnAnswerThatIsTooLargeIsGivenUp = an_answer_that_is_too_large_is_given_up [Http2],
            "otherwise the server keeps its stream open for ever";
        /// An abandoned answer returns its part of the connection's window.
        ADiscardedAnswerGivesItsWindowBack = a_discarded_answer_gives_its_window_back [Http2],
            "otherwise a few large answers stop the connection (RFC 9113 §6.9)";
    }
    Honest: http2 {
        /// A reset stream is `Unknown`, whatever the code, except `REFUSED_STREAM`.
        AResetStreamIsUnknown = a_reset_stream_is_unknown [Http2],
            "no other code proves that nothing was processed (RFC 9113 §8.7)";
        /// A stream that is reset after its head is `Unknown`, whatever the code.
        AResetAfterTheHeadIsUnknown = a_reset_after_the_head_is_unknown [Http2],
            "a server that answers has processed the request";
        /// A body that ends with a reset is no answer, whatever the code.
        ABodyThatIsResetIsNoAnswer = a_body_that_is_reset_is_no_answer [Http2],
            "half a list of recovery codes looks like a list of recovery codes";
        /// After a failed stream the next send gets its own answer.
        TheNextSendAfterAFailedStream = the_next_send_after_a_failed_stream [Http2],
            "one failure must not break the connection for others";
        /// A connection lost after a GOAWAY that includes the stream is `Unknown`.
        GoawayAtTheStreamIsUnknown = goaway_at_the_stream_is_unknown [Http2],
            "the server may have processed the streams up to the last id (RFC 9113 §6.8)";
        /// A stream above the last id of a GOAWAY is `NotSent`, also on a reused connection.
        GoawayBelowALaterStreamIsNotSent = goaway_below_a_later_stream_is_not_sent [Http2],
            "a restarting server says exactly what it did not process, and then even an SMS can be retried";
        /// A connection with a GOAWAY is not used again.
        AConnectionThatGoesAwayIsReplaced = a_connection_that_goes_away_is_replaced [Http2],
            "new streams on it are ignored (RFC 9113 §6.8)";
        /// Malformed field names and values, and fields of a connection, are no answer.
        MalformedFieldsAreNoAnswer = malformed_fields_are_no_answer [Http2],
            "they allow response smuggling (RFC 9113 §8.2, §10.3)";
        /// Missing, repeated, late or unknown pseudo-fields are no answer.
        MalformedPseudoFieldsAreNoAnswer = malformed_pseudo_fields_are_no_answer [Http2],
            "without a valid status the outcome is unknown (RFC 9113 §8.3)";
        /// A length that is not the body's is no answer.
        ALengthThatDisagreesIsNoAnswer = a_length_that_disagrees_is_no_answer [Http2],
            "half a list of recovery codes looks like a list of recovery codes (RFC 9113 §8.1.1)";
        /// Frames in a wrong order or of a wrong size are no answer.
        FramesOutOfOrderAreNoAnswer = frames_out_of_order_are_no_answer [Http2],
            "the answer's start and end are then unknown (RFC 9113 §4.2, §5.1, §8.1)";
        /// A malformed answer is `Unknown`.
        WhatIsMalformedIsUnknown = what_is_malformed_is_unknown [Http2],
            "a false `NotSent` sends an SMS twice";
        /// A pushed answer belongs to neither this request nor the next one.
        APushedAnswerIsNobodys = a_pushed_answer_is_nobodys [Http2],
            "one user would get another user's answer";
    }
    Cancellable: http2 {
        /// After a timeout the stream is reset, or its connection is closed.
        AStreamWhoseTimeIsUpIsGivenUp = a_stream_whose_time_is_up_is_given_up [Http2],
            "it counts towards the server's limit until then";
    }
    Concurrent: http2 {
        /// No more streams are open than the server allows, and all sends are answered.
        KeepsTheLimitOfStreams = keeps_the_limit_of_streams [Http2],
            "a server refuses streams above its limit (RFC 9113 §5.1.2)";
        /// Answers with interleaved frames are not mixed.
        AnswersInTurnsAreNotMixed = answers_in_turns_are_not_mixed [Http2],
            "one user would get another user's answer";
        /// A stream that is reset does not end the others.
        AResetConcernsOneStream = a_reset_concerns_one_stream [Http2],
            "one user's failure would affect everybody";
        /// A GOAWAY does not end the streams up to its last id.
        GoawayConcernsTheStreamsAboveIt = goaway_concerns_the_streams_above_it [Http2],
            "a restarting server finishes what it has begun (RFC 9113 §6.8)";
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
            Need::Names if !names::are_possible() => Some(
                "this machine does not let a test have its own name server: see `Kit::in_test`",
            ),
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
