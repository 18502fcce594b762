//! What the browser's tests do when the driver does not start: with programs that stand in for it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "browser/driver.rs"]
mod driver;
#[path = "browser/http.rs"]
mod http;

use std::cell::Cell;
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use driver::Driver;
use otp_core::http::Response;
use serde_json::json;

/// A driver that never says where it listens is given up after this time. The others are not.
const LIMIT: Duration = Duration::from_secs(30);

/// Starts this shell script as the driver, and gives how often it was started and, if it did not start, why.
fn start(limit: Duration, script: impl Fn(usize) -> String) -> (usize, Result<Driver, String>) {
    let tries = Cell::new(0);
    let started = catch_unwind(AssertUnwindSafe(|| {
        let command = || {
            tries.set(tries.get() + 1);
            let mut command = Command::new("sh");
            command.arg("-c").arg(script(tries.get()));
            (command, tempfile::tempdir().unwrap())
        };
        Driver::start(command, &json!({ "capabilities": {} }), limit).0
    }));
    (tries.get(), started.map_err(|panic| *panic.downcast::<String>().unwrap()))
}

/// What a driver answers to the request for a session. It gives the port, and how many requests came.
fn answering(status: u16, body: &'static str) -> (u16, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let address = http::listen(move |mut stream| {
        http::read(&mut BufReader::new(&stream))?;
        counted.fetch_add(1, Ordering::SeqCst);
        let answer = Response::builder().status(status).header("connection", "close");
        stream.write_all(&http::write(&answer.body(body.into()).ok()?)).ok()
    });
    (address.port(), requests)
}

const SESSION: &str = r#"{"value":{"sessionId":"s3ss10n"}}"#;

fn says_where(port: u16) -> String {
    format!("echo 'ChromeDriver was started successfully on port {port}.'; exec sleep 600")
}

#[test]
fn a_driver_that_ends_is_tried_three_times_and_its_words_are_shown() {
    let (tries, started) = start(LIMIT, |nth| {
        format!("echo starting; echo 'try {nth}: error while loading libnss3.so' >&2; exit 127")
    });
    let said = started.err().unwrap();
    assert_eq!(tries, 3, "{said}");
    assert!(
        said.starts_with("the browser's driver did not start in 3 tries:\n1. sh ended"),
        "{said}"
    );
    assert_eq!(said.matches("it ended with exit status: 127").count(), 3, "{said}");
    assert_eq!(said.matches("starting").count(), 3, "{said}");
    for nth in 1..=3 {
        let words = format!("try {nth}: error while loading libnss3.so");
        assert!(said.contains(&words), "{said}");
    }
}

#[test]
fn a_driver_that_is_killed_says_by_which_signal() {
    let (_, started) = start(LIMIT, |_| "kill -KILL $$".to_owned());
    let said = started.err().unwrap();
    assert!(said.contains("it ended with signal: 9"), "{said}");
    assert!(said.contains("had written:\n(nothing)"), "{said}");
}

#[test]
fn a_driver_that_never_says_where_it_listens_is_given_up_in_bounded_time() {
    let begun = Instant::now();
    let (tries, started) = start(Duration::from_millis(300), |_| {
        "echo 'waiting for a lock'; exec sleep 600".to_owned()
    });
    let said = started.err().unwrap();
    assert_eq!(tries, 3, "{said}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(
        said.contains("did not say within 300ms where it listens; it was still running"),
        "{said}"
    );
    assert_eq!(said.matches("waiting for a lock").count(), 3, "{said}");
}

#[test]
fn a_driver_whose_port_is_closed_is_a_failed_start() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (tries, started) = start(LIMIT, |_| says_where(port));
    let said = started.err().unwrap();
    assert_eq!(tries, 3, "{said}");
    assert!(said.contains(&format!("no session: http://127.0.0.1:{port}/session: ")), "{said}");
    assert!(said.contains("refused"), "{said}");
}

#[test]
fn a_browser_that_does_not_start_is_a_failed_start_with_its_reason() {
    let body = r#"{"value":{"error":"session not created","message":"Chrome crashed"}}"#;
    let (port, requests) = answering(500, body);
    let (tries, started) = start(LIMIT, |_| says_where(port));
    let said = started.err().unwrap();
    assert_eq!((tries, requests.load(Ordering::SeqCst)), (3, 3), "{said}");
    assert!(said.contains("no session: HTTP 500") && said.contains("Chrome crashed"), "{said}");
}

#[test]
fn a_driver_that_fails_once_and_then_works_is_used() {
    let (port, requests) = answering(200, SESSION);
    let (tries, started) = start(LIMIT, |nth| match nth {
        1 => "echo 'address in use' >&2; exit 1".to_owned(),
        _ => says_where(port),
    });
    let driver = started.unwrap_or_else(|said| panic!("{said}"));
    assert_eq!((tries, requests.load(Ordering::SeqCst)), (2, 1));
    assert_eq!(driver.session, format!("http://127.0.0.1:{port}/session/s3ss10n"));
    drop(driver);
    // It closed its browser.
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[test]
fn a_driver_that_works_is_started_once() {
    let (port, requests) = answering(200, SESSION);
    let (tries, started) = start(LIMIT, |_| says_where(port));
    assert!(started.is_ok());
    assert_eq!((tries, requests.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn a_failure_later_on_shows_what_the_driver_had_written() {
    let (port, _) = answering(200, SESSION);
    let (_, started) = start(LIMIT, |_| format!("echo 'low on memory' >&2; {}", says_where(port)));
    let driver = started.unwrap_or_else(|said| panic!("{said}"));
    let said = driver.failed("no answer");
    assert!(said.starts_with("no answer; it was still running"), "{said}");
    assert!(said.contains("low on memory"), "{said}");
}

#[test]
fn a_driver_that_is_not_installed_is_not_tried_again() {
    let tries = Cell::new(0);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let command = || {
            tries.set(tries.get() + 1);
            (Command::new("/nowhere/chromedriver"), ())
        };
        Driver::start(command, &json!({}), LIMIT);
    }));
    let said = panic.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(
        *said,
        "/nowhere/chromedriver is not there: examples/browser/build-and-test installs it"
    );
    assert_eq!(tries.get(), 1);
}
