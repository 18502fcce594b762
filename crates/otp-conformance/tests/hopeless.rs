//! What the kit says of transports with one large fault: the cause first, the rest folded under it, and soon.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use otp_conformance::hostile::{Protocol, Server};
use otp_conformance::{Case, Kit, Report, Verdict, engine};
use otp_core::http::StatusCode;
use otp_core::{
    Progress, Request, Response, Transport, TransportError, TransportErrorKind as Kind, blocking,
};
use otp_hyper::{HyperTransport, Roots};

fn hyper(server: &Server) -> HyperTransport {
    HyperTransport::builder().roots(Roots::pem(server.ca_pem()).unwrap()).build().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The fault of a transport that is otherwise otp-hyper's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    WaitsOutEvery204,
    HasNoTimeLimit,
    SaysNotSentOfEverything,
    MakesErrorsOfStatuses,
    BlocksItsThread,
    AlwaysFails,
    PanicsWhenMade,
    PanicsInSend,
    PanicsBeforeTheFirstPoll,
    PanicsInSleep,
    PanicsInNow,
    PanicsWhenAFutureIsDropped,
    PanicsWhenDropped,
    HangsInSleep,
    AddsADate,
}

struct Faulty {
    good: Arc<HyperTransport>,
    fault: Fault,
}

impl Faulty {
    fn new(server: &Server, fault: Fault) -> Self {
        assert!(fault != Fault::PanicsWhenMade, "no configuration");
        Self { good: Arc::new(hyper(server)), fault }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        assert!(self.fault != Fault::PanicsWhenDropped, "a worker is gone");
    }
}

type Outcome = Result<Response, TransportError>;
type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("dropped too soon");
    }
}

async fn send(good: Arc<HyperTransport>, fault: Fault, mut request: Request) -> Outcome {
    let limit = request.time_limit();
    if fault == Fault::AddsADate {
        request.headers_mut().insert("date", "Fri, 27 Nov 2026 12:00:00 GMT".parse().unwrap());
    }
    match fault {
        Fault::AlwaysFails => return Err(TransportError::unknown(Kind::Other)),
        Fault::PanicsInSend => panic!("no such option"),
        Fault::HasNoTimeLimit => {
            return good.send(request.with_time_limit(Duration::from_secs(3600))).await;
        }
        Fault::PanicsWhenAFutureIsDropped => {
            let bomb = PanicsOnDrop;
            let outcome = good.send(request).await;
            std::mem::forget(bomb);
            return outcome;
        }
        _ => {}
    }
    match good.send(request).await {
        Ok(response) => match fault {
            Fault::WaitsOutEvery204 if response.status() == StatusCode::NO_CONTENT => {
                good.sleep(limit).await;
                Err(TransportError::unknown(Kind::Timeout))
            }
            Fault::MakesErrorsOfStatuses if response.status().as_u16() >= 400 => {
                Err(TransportError::unknown(Kind::Other).with_reason(response.status().to_string()))
            }
            _ => Ok(response),
        },
        Err(error) if fault == Fault::SaysNotSentOfEverything => {
            Err(TransportError::not_sent(error.kind()))
        }
        Err(error) => Err(error),
    }
}

impl Transport for Faulty {
    fn send<'s, 'f>(&'s self, request: Request) -> BoxFuture<'f, Outcome>
    where
        's: 'f,
        Self: 'f,
    {
        assert!(self.fault != Fault::PanicsBeforeTheFirstPoll, "not here");
        let (good, fault) = (Arc::clone(&self.good), self.fault);
        if fault == Fault::BlocksItsThread {
            return Box::pin(async move {
                // As a blocking client within an async function does, and without a time limit.
                let request = request.with_time_limit(Duration::from_secs(3600));
                let working = move || runtime().block_on(good.send(request));
                std::thread::spawn(working).join().unwrap()
            });
        }
        Box::pin(send(good, fault, request))
    }

    fn sleep<'s, 'f>(&'s self, duration: Duration) -> BoxFuture<'f, ()>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            match self.fault {
                Fault::PanicsInSleep => panic!("no timer"),
                Fault::HangsInSleep => std::future::pending().await,
                _ => self.good.sleep(duration).await,
            }
        })
    }

    fn now(&self) -> Duration {
        assert!(self.fault != Fault::PanicsInNow, "no clock");
        self.good.now()
    }
}

/// The report about a transport with this fault, which comes soon.
fn report(fault: Fault) -> Report {
    let started = Instant::now();
    let report = runtime().block_on(Kit::new().run(|server| Faulty::new(server, fault)));
    let took = started.elapsed();
    assert!(took < Duration::from_secs(30), "it took {took:?}\n{report}");
    assert!(!report.conforms(), "{report}");
    report
}

/// That this case is the first finding, and that there are not many.
fn starts_with(report: &Report, root: Case, most: usize) {
    let findings = report.findings();
    assert_eq!(findings.first().map(|finding| finding.case), Some(root), "{report}");
    assert!(findings.len() <= most, "{} findings\n{report}", findings.len());
    let text = report.to_string();
    let first = text.find("\nFAILED ").unwrap();
    assert!(text[first..].starts_with(&format!("\nFAILED {root}: ")), "{text}");
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["findings"][0]["case"], root.name());
    assert_eq!(json["findings"].as_array().unwrap().len(), findings.len());
}

#[test]
fn one_that_waits_out_every_204_is_one_finding() {
    let report = report(Fault::WaitsOutEvery204);
    starts_with(&report, Case::AnEmptyResponseEnds, 1);
    assert_eq!(report.failed(), [Case::AnEmptyResponseEnds]);
    let finding = &report.findings()[0];
    assert!(finding.not_run.contains(&Case::SendsOnce), "{report}");
    assert!(finding.not_run.len() < 12, "one fault stops many cases\n{report}");
    let text = report.to_string();
    for part in [
        "It is one finding:\n",
        "  look at   where your code decides how the body of a response ends: `204`, `304`",
        "  not run   since they rest on it: sends_once",
        "  not run   sends_once: rests on an_empty_response_ends\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["cases"][0]["verdict"], "not_run");
    assert_eq!(json["cases"][0]["rests_on"], "an_empty_response_ends");
    // The guide shows this finding, whatever the numbers and the list of cases.
    let guide = include_str!("../src/guide.md");
    let shown = ["FAILED", "  why", "  clause", "  look at", "It is one finding:"];
    for line in text.lines().filter(|line| shown.iter().any(|start| line.starts_with(start))) {
        let line = line.trim_end_matches(|c: char| c != ' ').trim_end();
        let start: String = line.chars().take(90).collect();
        assert!(guide.contains(&start), "the guide does not show: {start}");
    }
    assert!(json["findings"][0]["advice"].as_str().unwrap().contains("RFC 9112 §6.3"));
}

#[test]
fn one_without_a_time_limit_is_one_finding() {
    let report = report(Fault::HasNoTimeLimit);
    starts_with(&report, Case::BeforeTheHead, 2);
    assert!(report.to_string().contains("  look at   where your code uses `Request::time_limit`"));
}

#[test]
fn one_that_says_not_sent_of_everything_is_one_finding() {
    let report = report(Fault::SaysNotSentOfEverything);
    starts_with(&report, Case::ALostConnectionIsUnknown, 3);
    assert!(report.to_string().contains("  look at   where your code makes a `TransportError`"));
}

#[test]
fn one_that_makes_errors_of_statuses_is_one_finding() {
    let report = report(Fault::MakesErrorsOfStatuses);
    starts_with(&report, Case::AnyStatusIsAnAnswer, 2);
    assert!(report.to_string().contains("such as `error_for_status`"));
}

#[test]
fn one_that_blocks_its_thread_is_told_so() {
    let report = report(Fault::BlocksItsThread);
    starts_with(&report, Case::BeforeTheHead, 2);
    let second = report.findings().get(1).map(|finding| finding.case);
    assert_eq!(second, Some(Case::ASendDoesNotBlock), "{report}");
    assert!(report.to_string().contains("`spawn_blocking`"));
}

#[test]
fn one_that_always_fails_meets_the_obstacle() {
    let report = report(Fault::AlwaysFails);
    assert!(report.obstacle().unwrap().starts_with("no plain request got through"), "{report}");
    assert!(report.findings().is_empty() && report.to_string().lines().count() < 8, "{report}");
}

#[test]
fn a_panic_anywhere_is_a_finding() {
    for (fault, place) in [
        (
            Fault::PanicsWhenMade,
            "a panic in the function that makes the transport: no configuration",
        ),
        (Fault::PanicsInSend, "ms: no such option"),
        (Fault::PanicsBeforeTheFirstPoll, "a panic in `send`: not here"),
        (Fault::PanicsWhenDropped, "a panic in `drop` of the transport: a worker is gone"),
    ] {
        let report = report(fault);
        assert!(report.obstacle().is_some(), "{report}");
        assert!(report.to_string().contains(place), "{place}\n{report}");
    }
    let kit = || Kit::new().only([Case::SleepWaits, Case::NowGoesOn, Case::GivesUpWhenDropped]);
    for (fault, place, case) in [
        (Fault::PanicsInSleep, "a panic", Case::SleepWaits),
        (Fault::PanicsInNow, "a panic in `now`: no clock", Case::NowGoesOn),
        (
            Fault::PanicsWhenAFutureIsDropped,
            "a panic in `drop` of a send: dropped too soon",
            Case::GivesUpWhenDropped,
        ),
    ] {
        let report = runtime().block_on(kit().run(|server| Faulty::new(server, fault)));
        assert_eq!(report.failed(), [case], "{report}");
        assert!(report.to_string().contains(place), "{place}\n{report}");
    }
}

#[test]
fn a_sleep_that_never_ends_is_a_finding() {
    let kit = Kit::new().only([Case::SleepWaits]);
    let report = runtime().block_on(kit.run(|server| Faulty::new(server, Fault::HangsInSleep)));
    assert_eq!(report.failed(), [Case::SleepWaits], "{report}");
}

/// Makes room for as many bytes as a head announces, as soon as it has read the head.
struct Allocates(Arc<HyperTransport>);

impl blocking::Transport for Allocates {
    fn send(&self, request: Request) -> Outcome {
        use std::io::{Read, Write};
        let uri = request.as_http().uri().clone();
        let lost = |error| TransportError::unknown(Kind::ConnectionLost).with_source(error);
        let mut stream = std::net::TcpStream::connect(uri.authority().unwrap().as_str())
            .map_err(|error| TransportError::not_sent(Kind::Connect).with_source(error))?;
        stream.set_read_timeout(Some(request.time_limit())).unwrap();
        let target = uri.path_and_query().unwrap();
        let method = request.as_http().method();
        let host = uri.authority().unwrap();
        let head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        stream.write_all(head.as_bytes()).map_err(lost)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).map_err(lost)? == 0 {
                return Err(TransportError::unknown(Kind::ConnectionLost));
            }
            head.extend(byte);
        }
        let text = String::from_utf8_lossy(&head).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let Some(length) = length.and_then(|length| length.parse::<u64>().ok()) else {
            return Err(TransportError::unknown(Kind::Protocol));
        };
        let limit = request.response_limit() as u64;
        let mut body = Vec::with_capacity(length as usize);
        if length > limit {
            return Err(TransportError::unknown(Kind::ResponseTooLarge));
        }
        stream.take(length).read_to_end(&mut body).map_err(lost)?;
        match body.len() as u64 == length {
            true => Ok(Response::new(body.into())),
            false => Err(TransportError::unknown(Kind::ConnectionLost)),
        }
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn now(&self) -> Duration {
        Transport::now(&*self.0)
    }
}

#[test]
fn one_that_allocates_what_is_claimed_is_told_so_and_aborts_nothing() {
    // All that claim a length.
    let kit = Kit::new().in_the_clear().only([
        Case::AClaimedLengthIsNotAllocated,
        Case::AnEndlessBodyIsRefused,
        Case::WhatWasReceivedIsUnknown,
        Case::ErrorsHoldNoSecret,
    ]);
    let good = Arc::new(HyperTransport::builder().build().unwrap());
    let report = kit.run_blocking(|_| Allocates(Arc::clone(&good)));
    let findings = report.findings();
    assert_eq!(findings[0].case, Case::AClaimedLengthIsNotAllocated, "{report}");
    assert!(report.to_string().contains("capacity overflow"), "{report}");
    assert!(findings[0].not_run.contains(&Case::AnEndlessBodyIsRefused), "{report}");
    // It would abort the process if a case claimed more than the system gives.
    let report = kit.to_the_end().run_blocking(|_| Allocates(Arc::clone(&good)));
    assert!(report.findings()[0].not_run.is_empty(), "{report}");
}

/// Counts its sends, and hangs in each that has a body that is cut.
struct Counted {
    good: HyperTransport,
    sends: Arc<AtomicUsize>,
}

#[otp_core::async_trait]
impl Transport for Counted {
    async fn send(&self, request: Request) -> Outcome {
        self.sends.fetch_add(1, Ordering::SeqCst);
        match self.good.send(request).await {
            Err(error) if error.head().is_some() => std::future::pending().await,
            outcome => outcome,
        }
    }

    async fn sleep(&self, duration: Duration) {
        self.good.sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.good.now()
    }
}

#[test]
fn failures_that_take_too_long_end_the_run() {
    let sends = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let make = |server: &Server| Counted { good: hyper(server), sends: Arc::clone(&sends) };
    let report = runtime().block_on(Kit::new().run(make));
    assert!(started.elapsed() < Duration::from_secs(45), "{:?}", started.elapsed());
    assert!(!report.conforms() && report.findings().len() < 4, "{report}");
    assert!(sends.load(Ordering::SeqCst) > 50, "plain cases were run\n{report}");
}

#[test]
fn an_exception_of_a_plain_case_covers_what_rests_on_it() {
    let cases = [Case::AnyStatusIsAnAnswer, Case::RepeatsNothingAfterAServerError, Case::SendsOnce];
    let kit =
        Kit::new().only(cases).by_design(Case::AnyStatusIsAnAnswer, "statuses are errors here");
    let make = |server: &Server| Faulty::new(server, Fault::MakesErrorsOfStatuses);
    let report = runtime().block_on(kit.run(make));
    report.assert();
    let verdict = |case| &report.cases().iter().find(|report| report.case == case).unwrap().verdict;
    assert!(matches!(verdict(Case::AnyStatusIsAnAnswer), Verdict::ByDesign { .. }), "{report}");
    let Verdict::ByDesign { reason, .. } = verdict(Case::RepeatsNothingAfterAServerError) else {
        panic!("{report}")
    };
    assert_eq!(reason, "as any_status_is_an_answer: statuses are errors here");
    assert_eq!(*verdict(Case::SendsOnce), Verdict::Passed);
    assert!(
        report.to_string().contains("  by design  any_status_is_an_answer: statuses are errors")
    );
}

/// Calls what is cut and what is malformed by the same kind.
struct OneKind(HyperTransport);

#[otp_core::async_trait]
impl Transport for OneKind {
    async fn send(&self, request: Request) -> Outcome {
        self.0.send(request).await.map_err(|error| match (error.kind(), error.progress()) {
            (Kind::Protocol | Kind::ResponseTooLarge, Progress::Unknown) => {
                let other = TransportError::unknown(Kind::ConnectionLost);
                match error.head() {
                    Some(head) => other.with_head(head.clone()),
                    None => other,
                }
            }
            _ => error,
        })
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.0.now()
    }
}

#[test]
fn kinds_that_an_engine_does_not_tell_apart_are_one_declaration() {
    let kinds = [Kind::ConnectionLost, Kind::Protocol, Kind::ResponseTooLarge];
    let kit = Kit::new().only([
        Case::WhatIsNotHttpIsNoAnswer,
        Case::ABodyOverTheLimitIsRefused,
        Case::AnEndlessHeadIsRefused,
        Case::SendsOnce,
    ]);
    let run = |kit: &Kit| runtime().block_on(kit.run(|server| OneKind(hyper(server))));
    let report = run(&kit);
    assert_eq!(report.failed().len(), 3, "{report}");
    assert_eq!(report.findings().len(), 1, "{report}");

    let kit = kit.cannot_tell(kinds, "it says `bad response` of each");
    let report = run(&kit);
    report.assert();
    let told = "excepted  cannot tell ConnectionLost from Protocol from ResponseTooLarge: it says `bad \
                response` of each; needed by a_body_over_the_limit_is_refused, \
                an_endless_head_is_refused, what_is_not_http_is_no_answer\n";
    assert!(report.to_string().contains(told), "{report}");
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["cannot_tell"][0]["cases"].as_array().unwrap().len(), 3);

    let report = run(&kit.cannot_tell([Kind::Tls, Kind::Connect], "a mistake"));
    assert!(!report.conforms(), "{report}");
    let told = "NEEDLESS  cannot tell Tls from Connect: a mistake; but no case needed it";
    assert!(report.to_string().contains(told), "{report}");
}

#[test]
fn what_is_known_of_an_engine_is_shown_with_its_reason_and_need_not_be_needed() {
    let cases = [Case::AddsNothing, Case::InformationalResponsesAreSkipped];
    let kit = Kit::new().only(cases).known(&engine::AWC);
    let run = |kit: &Kit, fault| runtime().block_on(kit.run(|server| Faulty::new(server, fault)));
    let report = run(&kit, Fault::AddsADate);
    report.assert();
    let text = report.to_string();
    for part in [
        "1 passed, 0 failed, 1 excepted",
        "\nWith what is known of awc 3.11.\n",
        "  engine    adds_nothing: it adds a `date` to every request; seen: also [(\"date\"",
        "  passed    informational_responses_are_skipped\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["engine"], "awc 3.11");
    assert_eq!(json["cases"][0]["verdict"], "engine");
    // What it does not know of is a failure as ever.
    let report = run(&Kit::new().only(cases).known(&engine::CURL), Fault::AddsADate);
    assert_eq!(report.failed(), [Case::AddsNothing]);
}

#[test]
fn every_profile_has_reasons_and_no_case_twice() {
    for engine in engine::ALL {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let cases: Vec<_> = engine.exceptions(protocol).map(|(case, _)| case).collect();
            let distinct: BTreeSet<_> = cases.iter().collect();
            assert_eq!(cases.len(), distinct.len(), "{}", engine.name());
            assert!(engine.exceptions(protocol).all(|(_, reason)| reason.len() > 20));
        }
    }
}
