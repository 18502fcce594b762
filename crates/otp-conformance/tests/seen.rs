//! What the report shows of what was seen: the words of a panic, and of a leak no more than is needed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_conformance::hostile::Server;
use otp_conformance::{Case, Kit, Report, Verdict};
use otp_core::{
    Request, Response, Transport, TransportError, async_trait, blocking, http::Method, local,
};
use otp_hyper::{HyperTransport, Roots};

fn hyper(server: &Server) -> HyperTransport {
    HyperTransport::builder().roots(Roots::pem(server.ca_pem()).unwrap()).build().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Panics at every `DELETE`, and whenever it is to sleep.
struct Panics(HyperTransport);

impl Panics {
    fn at(request: &Request) {
        let method = request.as_http().method();
        assert!(method != Method::DELETE, "no {method}\nin this stack");
    }
}

#[async_trait]
impl Transport for Panics {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        Self::at(&request);
        self.0.send(request).await
    }

    async fn sleep(&self, _: Duration) {
        panic!("no timer here");
    }

    fn now(&self) -> Duration {
        self.0.now()
    }
}

#[async_trait(?Send)]
impl local::Transport for Panics {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        Transport::send(self, request).await
    }

    async fn sleep(&self, duration: Duration) {
        Transport::sleep(self, duration).await;
    }

    fn now(&self) -> Duration {
        Transport::now(self)
    }
}

impl blocking::Transport for Panics {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        runtime().block_on(Transport::send(self, request))
    }

    fn sleep(&self, duration: Duration) {
        runtime().block_on(Transport::sleep(self, duration));
    }

    fn now(&self) -> Duration {
        Transport::now(self)
    }
}

/// What was seen in a case that failed.
fn seen(report: &Report, case: Case) -> &str {
    let found = report.cases().iter().find(|report| report.case == case).unwrap();
    let Verdict::Failed { seen, .. } = &found.verdict else { panic!("{case}\n{report}") };
    seen
}

#[test]
fn a_panic_is_shown_with_its_words_in_every_flavour() {
    let cases = [Case::TheMethodArrives, Case::SleepWaits, Case::SleepLetsOthersRun];
    let kit = Kit::new().only(cases);
    let make = |server: &Server| Panics(hyper(server));
    let reports = [
        runtime().block_on(kit.run(make)),
        runtime().block_on(kit.run_local(make)),
        kit.run_blocking(make),
    ];
    for report in &reports {
        let words = seen(report, Case::TheMethodArrives);
        assert!(words.starts_with("a panic after "), "{report}");
        assert!(words.ends_with(" ms: no DELETE\nin this stack"), "{report}");
        // Its lines stay below one another.
        assert!(report.to_string().contains("no DELETE\n            in this stack\n"), "{report}");
        assert_eq!(seen(report, Case::SleepWaits), "a panic: no timer here");
        assert_eq!(seen(report, Case::SleepLetsOthersRun), "a panic: no timer here");
    }
}

/// Says in each error what was asked.
struct Telling(HyperTransport);

#[async_trait]
impl Transport for Telling {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let asked = format!("{}\n{}", "-".repeat(300), request.as_http().uri());
        self.0.send(request).await.map_err(|error| error.with_reason(asked))
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.0.now()
    }
}

#[test]
fn a_leak_is_shown_by_an_excerpt_on_one_line() {
    let kit = Kit::new().only([Case::ErrorsHoldNoSecret]);
    let report = runtime().block_on(kit.run(|server| Telling(hyper(server))));
    let seen = seen(&report, Case::ErrorsHoldNoSecret);
    let (secret, excerpt) = seen.split_once(" in: …--").unwrap();
    assert!(secret.starts_with("cAnary-0tp-") && excerpt.contains(secret), "{report}");
    assert!(seen.chars().count() < 250 && !seen.contains('\n'), "{report}");
}
