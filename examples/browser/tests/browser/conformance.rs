//! The browser's transport keeps what `Transport` promises, as far as a browser lets it.

use otp_conformance::hostile::{Fault, Server, Wire};
use otp_conformance::{Case, CaseReport, Kit, Verdict};

use crate::bridge::Bridge;
use crate::browser::Browser;

/// What Chromium does, whatever the transport asks of it.
const ALWAYS: [(Case, &str); 24] = [
    (
        Case::RepeatsNothingAfterARateLimit,
        "the browser repeats after a 408 on a connection that it used before, if only for a preflight",
    ),
    (
        Case::RepeatsNothingAfterALostConnection,
        "the browser repeats on a connection that it used before, if only for a preflight",
    ),
    (
        Case::RepeatsNothingOnAKeptConnection,
        "the browser repeats on a connection that it used before",
    ),
    (
        Case::RepeatsNothingThatWasLost,
        "the browser repeats on a connection that it used before, if only for a preflight",
    ),
    (
        Case::RepeatsNothingForAStatus,
        "the browser repeats after a 408 on a connection that it used before, if only for a preflight",
    ),
    (
        Case::AWriteThatFailsIsUnknown,
        "the browser repeats on a connection that it used before, if only for a preflight",
    ),
    (
        Case::AfterALostConnection,
        "the browser repeats on a connection that it used before, so the server has answered more often",
    ),
    (
        Case::AfterAMalformedAnswer,
        "the browser passes over a field without a name, and takes what was planted behind it",
    ),
    (Case::AnUnknownHostIsNotSent, "the browser does not tell why a request failed"),
    (Case::FollowsNoHint, "the browser repeats after a 421"),
    (Case::DotsArrive, "the browser tidies paths"),
    (Case::QuotesArrive, "the browser encodes them in queries"),
    (Case::AddsNothingToAGet, "the browser says where the page is from, and more about itself"),
    (Case::NothingIsCached, "the browser says so in headers that it adds"),
    (Case::AHeadIsRefusedOrReadRight, "the browser ends a value at a CR"),
    (Case::AnInvalidLengthIsNoAnswer, "the browser takes `+5` for 5"),
    (Case::TheUserAgentArrives, "the browser says its own"),
    (Case::FollowsNoRedirect, "the browser hides the status of a redirect that is not followed"),
    (Case::AddsNothing, "the browser says where the page is from, and more about itself"),
    (Case::AsksForNoCompression, "the browser always asks for it"),
    (Case::DecompressesNothing, "the browser always does"),
    (Case::AnEndlessHeadIsRefused, "the browser refuses it and does not tell why"),
    (Case::ARefusedConnectionIsNotSent, "the browser does not tell why a request failed"),
    (Case::WhatIsNotHttpIsNoAnswer, "the browser takes much for HTTP, and does not tell otherwise"),
];

/// Exceptions that are needed in most runs: whether the browser fails depends on which of two packets comes first.
const SOMETIMES: [Case; 1] = [Case::AfterAMalformedAnswer];

const IN_THE_CLEAR: [(Case, &str); 2] = [
    (Case::AHeadCutOffIsNoAnswer, "without TLS the browser takes it for complete"),
    (Case::HttpsIsNeverInTheClear, "the browser does not tell why a request failed"),
];

const OVER_TLS: [(Case, &str); 5] = [
    (Case::ABadCertificateIsATlsError, "the browser does not tell why a request failed"),
    (Case::AFailedHandshakeIsNotSent, "the browser does not tell why a request failed"),
    (Case::OneNameIsNotAnother, "the browser does not tell why a request failed"),
    (Case::ABodyCutOffWithinTlsIsNoAnswer, "the browser takes it for complete"),
    (
        Case::AnAlertAfterTheRequestIsUnknown,
        "the browser repeats on a connection that it used before, if only for a preflight",
    ),
];

fn conforms(bridge: &Bridge, mut kit: Kit, exceptions: &[(Case, &'static str)]) {
    for (case, why) in ALWAYS.iter().chain(exceptions) {
        kit = kit.except(*case, *why);
    }
    let report = pollster::block_on(kit.with_cors().run(|_| bridge.clone()));
    println!("{report}");
    let needless = |case: &&CaseReport| {
        matches!(case.verdict, Verdict::Needless { .. }) && !SOMETIMES.contains(&case.case)
    };
    let needless: Vec<_> = report.cases().iter().filter(needless).map(|case| case.case).collect();
    let passed = report.obstacle().is_none() && report.failed().is_empty();
    assert!(passed && needless.is_empty(), "{needless:?}\n{report}");
}

#[test]
#[ignore = "needs Chromium"]
fn the_transport_of_a_page_conforms_over_tls_as_far_as_a_browser_can() {
    // All servers of the kit have certificates of one CA.
    let any = Server::start(Wire::http1(), Fault::Silence);
    let bridge = Bridge::to_page(Browser::trusting(any.ca_pem()));
    conforms(&bridge, Kit::new(), &OVER_TLS);
}

#[test]
#[ignore = "needs Chromium"]
fn the_transport_of_a_worker_conforms_in_the_clear_as_far_as_a_browser_can() {
    let bridge = Bridge::to_worker(Browser::start());
    conforms(&bridge, Kit::new().in_the_clear(), &IN_THE_CLEAR);
}
