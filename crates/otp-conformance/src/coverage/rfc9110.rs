//! The client requirements of RFC 9110 that a transport can break.

use super::{Requirement, not_seen, seen};
use crate::Case;
use crate::coverage::Level::{Must, MustNot};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    seen(
        "2.2",
        MustNot,
        "generate what the grammar does not allow",
        &[
            Case::RequestsAreWellFormed,
            Case::HeaderBytesArrive,
            Case::MarksArriveOrAreEncoded,
            Case::PercentEncodingArrives,
        ],
    ),
    seen(
        "2.3",
        Must,
        "read elements at least as long as those that it sends itself",
        &[Case::LargeHeadsArrive],
    ),
    not_seen(
        "4.2.1",
        Must,
        "refuse a URI without a host",
        "a request with such a URL cannot be built: `BaseUrl` refuses it",
    ),
    seen(
        "4.2.2",
        Must,
        "secure a request for an `https` URI before it is sent, and accept secured answers only",
        &[Case::HttpsIsNeverInTheClear, Case::HttpIsNotHttps],
    ),
    not_seen(
        "4.2.4",
        MustNot,
        "put user information into a target or a field",
        "a request with such a URL cannot be built: `BaseUrl` refuses it",
    ),
    seen(
        "4.3.4",
        Must,
        "verify that the server's identity matches the URI, and construct the identity from the URI's host",
        &[Case::ABadCertificateGetsNoRequest, Case::OneNameIsNotAnother],
    ),
    seen(
        "4.3.4",
        MustNot,
        "go by the common name of a certificate",
        &[Case::ACommonNameIsNotEnough],
    ),
    seen(
        "4.3.4",
        Must,
        "end a connection whose certificate is not valid for the origin",
        &[Case::ABadCertificateGetsNoRequest, Case::ABadCertificateIsATlsError],
    ),
    seen(
        "5.3",
        MustNot,
        "send several field lines of one name, unless the field is a list",
        &[Case::DoublesNoHeader, Case::RepeatedHeadersArrive],
    ),
    seen(
        "5.5",
        Must,
        "refuse an answer with CR, LF or NUL in a field value, or replace each by a space",
        &[Case::AHeadIsRefusedOrReadRight, Case::MalformedFieldsAreNoAnswer],
    ),
    not_seen(
        "5.6.1.2",
        Must,
        "ignore empty list elements",
        "the lists of an answer are the client's to read; framing has none but `Connection` and `Transfer-Encoding`",
    ),
    not_seen(
        "5.6.7",
        Must,
        "read all three forms of a date",
        "dates are read by the client, not by a transport",
    ),
    seen(
        "6",
        Must,
        "remember the request while it reads the answer",
        &[Case::AnEmptyResponseEnds, Case::AnswersAreNotMixed],
    ),
    not_seen(
        "6.2",
        MustNot,
        "send a version of HTTP to which it does not conform",
        "each case is run over one version, and the server speaks no other",
    ),
    seen(
        "6.4.1",
        Must,
        "take a `204` and a `304` to have no content",
        &[Case::AnEmptyResponseEnds, Case::AStatusWithoutContentEnds],
    ),
    seen(
        "6.5.1",
        MustNot,
        "merge a trailer field into the headers",
        &[Case::TrailersAreNoHeaders, Case::TrailersEndAnAnswer],
    ),
    seen(
        "7.2",
        Must,
        "send `Host` or `:authority`",
        &[Case::TheHostIsTold, Case::RequestsAreWellFormed, Case::OneHostIsNotAnother],
    ),
    seen(
        "7.6.1",
        Must,
        "list in `Connection` each field that concerns the connection only",
        &[Case::AddsNothing, Case::RequestsAreWellFormed],
    ),
    seen("7.8", Must, "send `Connection: Upgrade` with an `Upgrade`", &[Case::AddsNothing]),
    seen(
        "8.6",
        Must,
        "be prepared for a large `Content-Length`, and not overflow",
        &[Case::AClaimedLengthIsNotAllocated, Case::AnInvalidLengthIsNoAnswer],
    ),
    seen(
        "8.6",
        MustNot,
        "send a `Content-Length` that is not the body's",
        &[
            Case::TheBodyArrives,
            Case::AnEmptyBodyStaysEmpty,
            Case::EveryMethodMayHaveABody,
            Case::LargeBodiesArrive,
        ],
    ),
    not_seen(
        "9.3.6",
        Must,
        "treat `CONNECT` as this section says",
        "no operation is a `CONNECT`; what a transport says to its proxy is between the two",
    ),
    not_seen(
        "9.3.8",
        MustNot,
        "send content or secrets in a `TRACE`",
        "a token goes with every request, so no operation can be a `TRACE`",
    ),
    seen(
        "10.1.1",
        MustNot,
        "expect a `100` in a request without content",
        &[Case::AddsNothing, Case::AddsNothingToAGet],
    ),
    seen("10.1.1", Must, "send `Expect` if it will wait for a `100`", &[Case::TheBodyArrives]),
    seen(
        "10.1.3",
        MustNot,
        "send a `Referer` with a fragment, with user information, or in the clear after `https`",
        &[Case::CopiesNoSecret, Case::AddsNothing],
    ),
    not_seen(
        "10.1.4",
        Must,
        "list `TE` in `Connection`",
        "a `TE` without it harms nobody but intermediaries, of which the kit has none",
    ),
    seen("12.5.4", MustNot, "send an `Accept-Language` that nobody chose", &[Case::AddsNothing]),
    seen(
        "13.1.5",
        MustNot,
        "send an `If-Range` without a `Range`",
        &[Case::AddsNothing, Case::NothingIsCached],
    ),
    seen("15", Must, "understand the class of any status", &[Case::AnyStatusIsAnAnswer]),
    seen(
        "15.2",
        Must,
        "read any number of `1xx` before the answer",
        &[Case::InformationalResponsesAreSkipped, Case::InformationalResponsesLeaveNothing],
    ),
    seen("15.3.7", Must, "look at what a `206` holds", &[Case::AnyStatusIsAnAnswer]),
    seen(
        "15.4.8",
        MustNot,
        "change the method when it follows a `307`",
        &[Case::FollowsNoRedirect],
    ),
];
