//! Every case checks that what was said to be unsent was not received, and the kit tells it once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_conformance::hostile::Server;
use otp_conformance::{Case, Kit, Report, Verdict};
use otp_core::TransportErrorKind::{ConnectionLost, ResponseTooLarge};
use otp_core::{Request, Response, Transport, TransportError, TransportErrorKind, async_trait};
use otp_hyper::{HyperTransport, Roots};

/// Says of one kind of failure that nothing was sent.
struct Lying(HyperTransport, TransportErrorKind);

#[async_trait]
impl Transport for Lying {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let Self(good, kind) = self;
        match good.send(request).await {
            Err(error) if error.kind() == *kind => Err(TransportError::not_sent(*kind)),
            outcome => outcome,
        }
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.0.now()
    }
}

fn report(kit: &Kit, kind: TransportErrorKind) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let make = |server: &Server| {
        let roots = Roots::pem(server.ca_pem()).unwrap();
        Lying(HyperTransport::builder().roots(roots).build().unwrap(), kind)
    };
    runtime.block_on(kit.run(make))
}

const CASE: Case = Case::WhatIsSaidToBeUnsentIsUnsent;

#[test]
fn a_case_about_something_else_sees_what_was_sent_after_all() {
    for kit in [Kit::new(), Kit::new().http2()] {
        let kit = kit.only([Case::ABodyOverTheLimitIsRefused, CASE]);
        let report = report(&kit, ResponseTooLarge);
        assert_eq!(report.failed(), [CASE], "{report}");
        let text = report.to_string();
        assert!(text.contains("in a_body_over_the_limit_is_refused: "), "{text}");
        assert!(text.contains("of 1 sends 1 said so, and the server read 1 requests"), "{text}");
    }
}

#[test]
fn what_another_case_about_honesty_shows_is_not_told_twice() {
    let kit = Kit::new().only([Case::ALostConnectionIsUnknown, CASE]);
    let report = report(&kit, ConnectionLost);
    assert_eq!(report.failed(), [Case::ALostConnectionIsUnknown], "{report}");
    let found = report.cases().iter().find(|found| found.case == CASE).unwrap();
    assert!(matches!(found.verdict, Verdict::NotApplicable { .. }), "{report}");
}

#[test]
fn who_tells_the_truth_passes() {
    let kit = Kit::new().only([Case::ABodyOverTheLimitIsRefused, Case::SendsOnce, CASE]);
    report(&kit, TransportErrorKind::Other).assert();
}
