//! Paged listings, and work that a `202` began: several calls under one deadline, in every flavour.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::{
    AuthToken, CallOptions, Effect, Endpoint, ErrorKind, Operation, OtpsClient, Paged, Request,
    Response, RetryPolicy, Transport, TransportError, async_trait,
};
use serde::Deserialize;
use support::tasks::Gate;
use support::{Reply, Script, TOKEN, base_url, respond, response, status};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[derive(Clone, Copy, Debug)]
struct Projects {
    page: u32,
}

#[derive(Debug, Deserialize)]
struct Page {
    names: Vec<String>,
    more: bool,
}

impl Operation for Projects {
    type Output = Page;
    const ENDPOINT: &'static Endpoint = &Endpoint::get("projects", "/projects");
    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.query("page", self.page);
        Ok(())
    }
    fn read(&self, response: &ResponseReader<'_>) -> Result<Page, ReadError> {
        response.json_object()
    }
}

impl Paged for Projects {
    fn next_page(&self, page: &Page) -> Option<Self> {
        page.more.then(|| Self { page: self.page + 1 })
    }
}

#[derive(Debug)]
struct Backup;

impl Operation for Backup {
    type Output = bool;
    const ENDPOINT: &'static Endpoint = &Endpoint::get("backup", "/backups/7");
    fn write(&self, _: &mut RequestDraft) -> Result<(), WriteError> {
        Ok(())
    }
    fn read(&self, response: &ResponseReader<'_>) -> Result<bool, ReadError> {
        Ok(response.status() == StatusCode::OK)
    }
}

/// Runs this with a client of each flavour over the same script. `wait!` gives what a call of it gives.
macro_rules! each {
    ($replies:expr, pace: $pace:expr, |$client:ident, $script:ident, $wait:ident| $test:expr) => {{
        {
            macro_rules! $wait {
                ($call:expr) => {
                    pollster::block_on($call)
                };
            }
            let $script = Arc::new(Script::new($replies).with_pace($pace));
            let $client = $script.async_client();
            $test
        }
        {
            macro_rules! $wait {
                ($call:expr) => {
                    pollster::block_on($call)
                };
            }
            let $script = Arc::new(Script::new($replies).with_pace($pace));
            let $client = $script.local_client();
            $test
        }
        {
            macro_rules! $wait {
                ($call:expr) => {
                    $call
                };
            }
            let $script = Arc::new(Script::new($replies).with_pace($pace));
            let $client = $script.blocking_client();
            $test
        }
    }};
}

fn page(names: &'static str, more: bool) -> Reply {
    let body = format!(r#"{{"names": [{names}], "more": {more}}}"#);
    respond(200, &[], Box::leak(body.into_boxed_str()))
}

/// The queries that were sent.
fn queries(script: &Script) -> Vec<String> {
    let seen = script.seen.lock().unwrap();
    seen.iter().map(|seen| seen.uri.query().unwrap_or_default().to_owned()).collect()
}

fn limits(script: &Script) -> Vec<Duration> {
    script.seen.lock().unwrap().iter().map(|seen| seen.time_limit).collect()
}

fn waits(script: &Script) -> Vec<Duration> {
    script.waits.lock().unwrap().clone()
}

#[test]
fn pages_are_read_one_at_a_time_until_the_last() {
    let replies = || [page(r#""a", "b""#, true), page("", true), page(r#""c""#, false)];
    each!(replies(), pace: secs(0), |client, script, wait| {
        let mut pages = client.call(Projects { page: 1 }).pages();
        let mut names = Vec::new();
        assert_eq!(script.sent(), 0);
        while let Some(page) = wait!(pages.next_page()).unwrap() {
            names.extend(page.names);
        }
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(queries(&script), ["page=1", "page=2", "page=3"]);
        assert!(wait!(pages.next_page()).unwrap().is_none());
        assert_eq!(script.sent(), 3);
    });
}

#[test]
fn all_pages_share_one_deadline() {
    each!([page(r#""a""#, true)], pace: secs(10), |client, script, wait| {
        let mut pages = client.call(Projects { page: 1 }).timeout(secs(25)).pages();
        for _ in 0..3 {
            assert!(wait!(pages.next_page()).unwrap().is_some());
        }
        for _ in 0..2 {
            let error = wait!(pages.next_page()).unwrap_err();
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::NotApplied));
            assert_eq!(error.operation(), Some("projects"));
            assert!(error.to_string().contains("the time for all pages was up"), "{error}");
        }
        assert_eq!(limits(&script), [secs(10), secs(10), secs(5)]);
    });
}

#[test]
fn the_deadline_counts_from_the_first_page() {
    each!([page(r#""a""#, true)], pace: secs(10), |client, script, wait| {
        let mut pages = client.call(Projects { page: 1 }).timeout(secs(15)).pages();
        let mut others = client.call(Projects { page: 7 }).timeout(secs(15)).pages();
        assert!(wait!(pages.next_page()).is_ok() && wait!(pages.next_page()).is_ok());
        assert!(wait!(others.next_page()).is_ok());
        assert!(wait!(pages.next_page()).is_err());
        assert_eq!(limits(&script), [secs(10), secs(5), secs(10)]);
    });
}

#[test]
fn a_listing_that_never_ends_ends_at_the_deadline() {
    each!([page(r#""a""#, true)], pace: Duration::from_millis(10), |client, script, wait| {
        let mut pages = client.call(Projects { page: 1 }).pages();
        let error = loop {
            if let Err(error) = wait!(pages.next_page()) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(script.sent(), 3000);
    });
}

#[test]
fn a_page_that_failed_is_read_again() {
    let replies =
        || [page(r#""a""#, true), status(503), page("", true), status(500), page(r#""b""#, false)];
    each!(replies(), pace: secs(0), |client, script, wait| {
        let mut pages = client.call(Projects { page: 1 }).pages();
        assert_eq!(wait!(pages.next_page()).unwrap().unwrap().names, ["a"]);
        assert!(wait!(pages.next_page()).unwrap().unwrap().names.is_empty(), "it is retried");
        assert_eq!(wait!(pages.next_page()).unwrap_err().kind(), ErrorKind::Server);
        assert_eq!(wait!(pages.next_page()).unwrap().unwrap().names, ["b"]);
        assert!(wait!(pages.next_page()).unwrap().is_none());
        assert_eq!(queries(&script), ["page=1", "page=2", "page=2", "page=3", "page=3"]);
    });
}

#[test]
fn options_that_do_not_fit_send_nothing() {
    each!([page("", true), page("", false)], pace: secs(0), |client, script, wait| {
        let day = secs(24 * 3600);
        let mut pages = client.call(Projects { page: 1 }).timeout(day).pages();
        assert_eq!(wait!(pages.next_page()).unwrap_err().kind(), ErrorKind::InvalidInput);
        let zero = Duration::ZERO;
        let mut pages = client.call(Projects { page: 1 }).timeout(zero).pages();
        assert_eq!(wait!(pages.next_page()).unwrap_err().kind(), ErrorKind::InvalidInput);
        let done = wait!(client.call(Backup).timeout(day).send_until(secs(1), |done| *done));
        assert_eq!(done.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(script.sent(), 0);
    });
}

#[test]
fn a_poll_goes_on_until_it_is_done() {
    let replies = || [status(202), status(503), status(202), status(200)];
    each!(replies(), pace: secs(0), |client, script, wait| {
        let retry = RetryPolicy::default()
            .with_backoff(Duration::from_millis(1), Duration::from_millis(1));
        let call = client.call(Backup).retry(retry).timeout(secs(60));
        let answer = wait!(call.send_until(secs(5), |done| *done)).unwrap();
        assert!(answer.value);
        assert_eq!(answer.metadata.attempts(), 1);
        assert_eq!(script.sent(), 4);
        let mut waits = waits(&script);
        waits.retain(|wait| *wait > Duration::from_millis(1));
        assert_eq!(waits, [secs(5), secs(5)]);
    });
}

#[test]
fn a_poll_waits_as_long_as_the_answer_asks() {
    let replies = || {
        [
            respond(202, &[("retry-after", "8")], ""),
            respond(202, &[("retry-after", "1")], ""),
            status(200),
        ]
    };
    each!(replies(), pace: secs(0), |client, script, wait| {
        wait!(client.call(Backup).send_until(secs(2), |done| *done)).unwrap();
        assert_eq!(waits(&script), [secs(8), secs(2)]);
    });
}

#[test]
fn a_poll_that_is_not_done_ends_before_its_deadline() {
    each!([status(202)], pace: secs(4), |client, script, wait| {
        let call = client.call(Backup).timeout(secs(20));
        let error = wait!(call.send_until(secs(3), |done| *done)).unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
        assert_eq!(error.operation(), Some("backup"));
        assert!(error.to_string().contains("it was not done within 20s (calls: 3)"), "{error}");
        // At 0 s, 7 s and 14 s. The next would be at 21 s.
        assert_eq!(limits(&script), [secs(10), secs(10), secs(6)]);
        assert_eq!(waits(&script), [secs(3), secs(3)]);
    });
}

#[test]
fn a_poll_does_not_wait_for_what_is_beyond_its_deadline() {
    let replies = || [respond(202, &[("retry-after", "30")], "")];
    each!(replies(), pace: secs(0), |client, script, wait| {
        let error = wait!(client.call(Backup).send_until(secs(1), |done| *done)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!((script.sent(), waits(&script).len()), (1, 0));
    });
}

#[test]
fn a_poll_without_a_wait_does_not_spin() {
    each!([status(202)], pace: secs(0), |client, script, wait| {
        let call = client.call(Backup).timeout(Duration::from_millis(100));
        let error = wait!(call.send_until(Duration::ZERO, |done| *done)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(script.sent(), 100, "one each millisecond");
    });
}

#[test]
fn a_poll_that_fails_ends() {
    each!([status(202), status(404)], pace: secs(0), |client, script, wait| {
        let error = wait!(client.call(Backup).send_until(secs(1), |done| *done)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(script.sent(), 2);
    });
}

#[test]
fn a_poll_asks_about_each_answer_once() {
    each!([status(202), status(202), status(200)], pace: secs(0), |client, _script, wait| {
        let mut seen = Vec::new();
        wait!(client.call(Backup).send_until(secs(1), |done| {
            seen.push(*done);
            *done
        }))
        .unwrap();
        assert_eq!(seen, [false, false, true]);
    });
}

/// Answers when the test says so. Its time passes with each wait, longer than was asked for.
#[derive(Default)]
struct Slow(Gate, std::sync::Mutex<Duration>);

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.pass().await;
        let is_page = request.as_http().uri().path().ends_with("/projects");
        let body = if is_page { r#"{"names": [], "more": false}"# } else { "" };
        Ok(response(if is_page { 200 } else { 202 }, &[], body))
    }
    async fn sleep(&self, duration: Duration) {
        *self.1.lock().unwrap() += duration * 10;
    }
    fn now(&self) -> Duration {
        *self.1.lock().unwrap()
    }
}

fn slow() -> (OtpsClient, Arc<Slow>) {
    let slow = Arc::new(Slow::default());
    let token = AuthToken::new(TOKEN).unwrap();
    let client = OtpsClient::builder(slow.clone(), token).base_url(base_url()).build().unwrap();
    (client, slow)
}

#[test]
fn a_page_whose_future_was_dropped_is_read_again() {
    let (client, slow) = slow();
    let mut pages = client.call(Projects { page: 1 }).pages();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(Box::pin(pages.next_page()).as_mut().poll(cx).is_pending());
    slow.0.release(1);
    assert!(pollster::block_on(pages.next_page()).unwrap().is_some());
    assert!(pollster::block_on(pages.next_page()).unwrap().is_none());
}

#[test]
fn a_poll_whose_wait_took_too_long_sends_nothing_more() {
    let (client, slow) = slow();
    slow.0.release(10);
    let call = client.call(Backup).timeout(secs(10));
    let error = pollster::block_on(call.send_until(secs(2), |done| *done)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("(calls: 1)"), "{error}");
}

#[test]
fn a_page_keeps_the_options_of_its_call() {
    let (client, script) = Script::new([page("", true), page("", false)]).client();
    let name = otp_core::http::HeaderName::from_static("x-trace");
    let options = CallOptions::default()
        .with_header(name.clone(), "7".parse().unwrap())
        .with_token(AuthToken::new("own").unwrap());
    let mut pages = client.call(Projects { page: 1 }).options(options).pages();
    while pollster::block_on(pages.next_page()).unwrap().is_some() {}
    for seen in script.seen.lock().unwrap().iter() {
        assert_eq!(seen.headers[&name], "7");
        assert_eq!(seen.headers["x-auth-token"], "own");
    }
}
