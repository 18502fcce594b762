//! It keeps what a transport promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use otp_conformance::{Case, Kit, this_test};
use otp_example_ureq::UreqTransport;

#[test]
fn it_conforms() {
    let of_100 = "ureq takes a 100 with fields, which hardly any server sends, for no HTTP";
    let at_trace = "at the level `trace`, and only there, ureq logs whole URLs";
    Kit::new()
        .in_test(this_test!())
        .except(Case::LogsHoldNoSecret, at_trace)
        .except(Case::InformationalResponsesLeaveNothing, of_100)
        .run_blocking(|server| UreqTransport::trusting(server.ca_pem()).unwrap())
        .assert();
}
