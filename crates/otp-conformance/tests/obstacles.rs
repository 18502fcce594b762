//! What the kit says of a transport that gets nothing through, and of a run that shows nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use otp_conformance::hostile::{Fault, Server, Wire};
use otp_conformance::{Case, Kit, Report, Verdict};
use otp_core::blocking::Transport;
use otp_core::{Request, Response, TransportError, TransportErrorKind};

/// Writes each request in the clear, whatever the URL says.
struct InTheClear;

impl Transport for InTheClear {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        let lost =
            |error| TransportError::unknown(TransportErrorKind::ConnectionLost).with_source(error);
        let http = request.as_http();
        let mut stream =
            TcpStream::connect(http.uri().authority().unwrap().as_str()).map_err(lost)?;
        let head = format!("{} {} HTTP/1.1\r\n\r\n", http.method(), http.uri().path());
        stream.write_all(head.as_bytes()).map_err(lost)?;
        let mut answer = [0; 1024];
        match stream.read(&mut answer) {
            Ok(read) if answer[..read].starts_with(b"HTTP/1.1 200") => Ok(Response::default()),
            _ => Err(TransportError::unknown(TransportErrorKind::Protocol)),
        }
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}

struct Hangs;

impl Transport for Hangs {
    fn send(&self, _: Request) -> Result<Response, TransportError> {
        loop {
            std::thread::park();
        }
    }

    fn sleep(&self, _: Duration) {}

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}

fn json(report: &Report) -> serde_json::Value {
    serde_json::from_str(&report.to_json()).unwrap()
}

#[test]
fn no_case_is_run_over_a_wire_that_lets_nothing_through() {
    let report = Kit::new().run_blocking(|_| InTheClear);
    assert!(!report.conforms());
    let all = report.cases();
    assert_eq!(all.len(), Case::ALL.len());
    let not_run = all.iter().filter(|report| report.verdict == Verdict::NotRun).count();
    let inapplicable = |verdict: &Verdict| matches!(verdict, Verdict::NotApplicable { .. });
    assert!(not_run > 60);
    assert!(all.iter().all(|r| r.verdict == Verdict::NotRun || inapplicable(&r.verdict)));

    let text = report.to_string();
    assert!(text.lines().count() < 8, "{text}");
    for part in [
        "HTTP/1.1 over TLS: 0 passed, 0 failed, 0 excepted, ",
        " not run, ",
        "FAILED: no plain request got through over this wire",
        "expected  GET, a 200: received by the server, and an answer",
        "Protocol",
        "connections at the server: 1, requests: 0; what came was no TLS",
        "does the transport trust `ca_pem`? does it speak TLS, or do you want `.in_the_clear()`?",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json = json(&report);
    assert_eq!(json["conforms"], false);
    assert_eq!(json["cases"][0]["verdict"], "not_run");
    assert_eq!(json["obstacle"]["reason"], report.obstacle().unwrap());
    assert!(json["obstacle"]["seen"].as_str().unwrap().contains("no TLS"));
}

#[test]
fn over_the_right_wire_the_cases_are_run() {
    let kit = Kit::new().in_the_clear().only([Case::SleepWaits, Case::HttpsIsNeverInTheClear]);
    let report = kit.run_blocking(|_| InTheClear);
    assert_eq!(report.obstacle(), None);
    assert_eq!(report.failed(), [Case::HttpsIsNeverInTheClear]);
    assert!(report.to_string().contains("connections in the clear: 1, and "), "{report}");
    assert!(json(&report).get("obstacle").is_none());
}

#[test]
fn a_transport_that_always_hangs_is_told_soon() {
    let started = Instant::now();
    let report = Kit::new().run_blocking(|_| Hangs);
    assert!(started.elapsed() < Duration::from_secs(20));
    let text = report.to_string();
    assert!(
        !report.conforms() && text.contains("it hangs (its thread cannot be stopped"),
        "{text}"
    );
}

#[test]
fn a_run_that_shows_nothing_fails_and_says_why() {
    for (only, why) in [
        (vec![], "no case was asked for"),
        (vec![Case::WhatHttp2RefusesIsNotSent], "no case that was asked for applies here"),
    ] {
        let report = Kit::new().in_the_clear().only(only).run_blocking(|_| InTheClear);
        assert!(!report.conforms() && report.to_string().contains(why), "{report}");
    }
}

#[test]
fn a_server_counts_what_comes_in_the_clear() {
    let server = Server::start(Wire::http1(), Fault::Silence);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    // It is no handshake, so the server closes.
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!((server.requests(), server.unencrypted()), (0, 1));
}
