//! The browser's transport keeps what `Transport` promises, as far as a browser lets it.

use otp_conformance::{Case, Kit, Verdict};

use crate::bridge::Bridge;

/// What Chromium does, whatever the transport asks of it.
const EXCEPTIONS: [(Case, &str); 10] = [
    (
        Case::RepeatsNothingAfterARateLimit,
        "the browser repeats after a 408 on a connection that it used before, if only for a preflight",
    ),
    (
        Case::RepeatsNothingAfterALostConnection,
        "the browser repeats on a connection that it used before, if only for a preflight",
    ),
    (Case::FollowsNoRedirect, "the browser hides the status of a redirect that is not followed"),
    (Case::AddsNothing, "the browser says where the page is from, and more about itself"),
    (Case::AsksForNoCompression, "the browser always asks for it"),
    (Case::DecompressesNothing, "the browser always does"),
    (Case::AnEndlessHeadIsRefused, "the browser refuses it and does not tell why"),
    (Case::ARefusedConnectionIsNotSent, "the browser does not tell why a request failed"),
    (Case::AHeadCutOffIsNoAnswer, "without TLS the browser takes it for complete"),
    (Case::WhatIsNotHttpIsNoAnswer, "the browser takes much for HTTP, and does not tell otherwise"),
];

fn conforms(bridge: &Bridge) {
    let kit = EXCEPTIONS.into_iter().fold(Kit::new(), |kit, (case, why)| kit.except(case, why));
    let report = pollster::block_on(kit.in_the_clear().with_cors().run(|_| bridge.clone()));
    println!("{report}");
    report.assert();
    for case in report.cases() {
        let needless = matches!(case.verdict, Verdict::Excepted { seen: None, .. });
        assert!(!needless, "{} passes, and needs no exception", case.case);
    }
}

#[test]
#[ignore = "needs Chromium"]
fn the_transport_of_a_page_conforms_as_far_as_a_browser_can() {
    conforms(&Bridge::to_page());
}

#[test]
#[ignore = "needs Chromium"]
fn the_transport_of_a_worker_conforms_as_far_as_a_browser_can() {
    conforms(&Bridge::to_worker());
}
