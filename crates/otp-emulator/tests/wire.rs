//! What happens on the wire when something goes wrong on purpose, and what is logged of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::operation::ReceiveCodes;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Effect, ErrorKind, Otp, OtpsApi};
use otp_emulator::{Emulator, Fault};
use otp_hyper::HttpVersions;
use otp_mock::FakeUser;
use serde_json::{Value, json};
use support::{ask, client};

fn plain() -> Emulator {
    Emulator::builder().plain().start().unwrap()
}

/// Everything that comes back for this request until the connection ends.
fn exchange(emulator: &Emulator, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(emulator.local_addr()).unwrap();
    let token = emulator.token();
    let token = token.expose_secret();
    write!(
        stream,
        "{method} /metal/v1{path} HTTP/1.1\r\nHost: emulator\r\nX-Auth-Token: {token}\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    // By a reset or by its end.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_lost_reply_ends_the_connection_after_the_service_acted() {
    let emulator = plain();
    emulator.arm(Fault::LostSms);
    assert_eq!(exchange(&emulator, "POST", "/user/otp/sms/receive"), "");
    assert_eq!(emulator.fake().sms_outbox().len(), 1);
}

#[test]
fn a_cut_reply_announces_more_than_it_sends() {
    let emulator = plain();
    emulator.arm(Fault::CutRegenerate);
    let answer = exchange(&emulator, "POST", "/user/otp/recovery-codes");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let announced = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map(|length| length.parse::<usize>().unwrap());
    assert_eq!(announced, Some(body.len() * 2), "{head}");
}

#[tokio::test]
async fn a_kept_connection_that_went_stale_is_invisible_by_http2_and_unknown_by_http1() {
    for (versions, seen) in [
        (HttpVersions::Http2, None),
        // The request was written, and nothing told that it was not read.
        (HttpVersions::Http1, Some((ErrorKind::ConnectionLost, Effect::Unknown))),
    ] {
        let emulator = plain();
        let client = client(emulator.base_url(), emulator.token(), "", versions);
        client.find_recovery_codes().await.unwrap();
        emulator.arm(Fault::StaleConnection);
        let outcome = client.call(ReceiveCodes).send().await;
        let error = outcome.as_ref().err().map(|error| (error.kind(), error.effect()));
        assert_eq!(error, seen, "{versions:?}");
        let sent = emulator.fake().sms_outbox().len();
        assert_eq!(sent, usize::from(seen.is_none()), "{versions:?}");
    }
}

#[test]
fn a_slow_answer_takes_its_time() {
    let emulator = plain();
    emulator.arm(Fault::Slow { delay: Duration::from_millis(300) });
    let token = emulator.token();
    let header = format!("X-Auth-Token: {}\r\n", token.expose_secret());
    let before = std::time::Instant::now();
    ask(emulator.local_addr(), "GET", "/metal/v1/user/otp/recovery-codes", &header, "");
    assert!(before.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn the_request_log_tells_what_happened_and_no_secret() {
    const CANARY: &str = "canary-7c1f";
    for versions in [HttpVersions::Http1, HttpVersions::Http2] {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&lines);
        let emulator = Emulator::builder()
            .plain()
            .on_request(move |line| {
                told.lock().unwrap().push((line.to_string(), format!("{line:?}")));
            })
            .start()
            .unwrap();
        let token = AuthToken::new(CANARY).unwrap();
        let client = client(emulator.base_url(), emulator.token(), "", versions);
        let _ = client.find_ensure_otp(&Otp::new(CANARY).unwrap()).await;
        let _ = client.with_token(token).regenerate_codes().await;
        emulator.arm(Fault::LostSms);
        let _ = client.receive_codes().await;
        emulator.arm(Fault::CutRegenerate);
        let _ = client.regenerate_codes().await;

        // By then, all was told.
        drop(emulator);
        let lines = lines.lock().unwrap();
        let expected = [
            ("POST /user/otp/verify/{otp} ", " 400 "),
            ("POST /user/otp/recovery-codes ", " 401 "),
            ("POST /user/otp/sms/receive ", " connection lost "),
            ("POST /user/otp/recovery-codes ", " cut off "),
        ];
        assert_eq!(lines.len(), expected.len());
        for ((line, debug), (what, outcome)) in lines.iter().zip(expected) {
            assert!(line.starts_with(what) && line.contains(outcome), "{line}");
            assert!(!line.contains(CANARY) && !debug.contains(CANARY), "{line} {debug}");
        }
    }
}

#[test]
fn a_path_that_is_none_of_the_document_s_is_not_logged_as_it_is() {
    const CANARY: &str = "canary-7c1f";
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    let emulator = Emulator::builder()
        .plain()
        .on_request(move |line| told.lock().unwrap().push(line.to_string()))
        .start()
        .unwrap();
    for path in [
        "/metal/v1/user/otp/verify/canary-7c1f/",
        "/user/otp/verify/canary-7c1f",
        "/metal/v1/user/otp/verify/canary-7c1f?canary-7c1f",
    ] {
        ask(emulator.local_addr(), "POST", path, "", "");
    }
    ask(emulator.local_addr(), CANARY, "/metal/v1/user/otp/sms/receive", "", "");
    drop(emulator);
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("POST (no such path) HTTP/1.1 404 "), "{lines:?}");
    assert!(lines[2].starts_with("POST /user/otp/verify/{otp} HTTP/1.1 401 "), "{lines:?}");
    assert!(lines[3].starts_with("other /user/otp/sms/receive HTTP/1.1 405 "), "{lines:?}");
    assert!(!format!("{lines:?}").contains(CANARY), "{lines:?}");
}

#[tokio::test]
async fn a_line_of_the_log_as_json_has_the_user_the_fault_and_no_secret() {
    const CANARY: &str = "canary-7c1f";
    for (versions, version) in [(HttpVersions::Http1, "1.1"), (HttpVersions::Http2, "2")] {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&lines);
        let emulator = Emulator::builder()
            .plain()
            .on_request(move |line| told.lock().unwrap().push(line.to_json()))
            .start()
            .unwrap();
        let user = emulator.fake().add_user(FakeUser::with_phone("+1").named("a \"b\"\n"));
        let client = client(emulator.base_url(), user.token().clone(), "", versions);
        let _ = client.find_ensure_otp(&Otp::new(CANARY).unwrap()).await;
        let _ = client.with_token(AuthToken::new(CANARY).unwrap()).regenerate_codes().await;
        emulator.arm(Fault::LostSms);
        let _ = client.receive_codes().await;
        emulator.arm(Fault::CutRegenerate);
        emulator.arm(Fault::Slow { delay: Duration::from_millis(20) });
        let _ = client.regenerate_codes().await;
        emulator.fake().disarm_all();
        let target = emulator.local_addr();
        ask(target, "GET", &format!("/{CANARY}?{CANARY}"), "", "");
        drop(emulator);

        let lines = lines.lock().unwrap();
        assert!(
            lines.iter().all(|line| !line.contains(CANARY) && !line.contains('\n')),
            "{lines:?}"
        );
        let lines: Vec<Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
        let part = |line: &Value| {
            ["method", "path_template", "http_version", "status", "outcome", "user", "faults"]
                .map(|field| line[field].clone())
        };
        let name = "a \"b\"\n";
        let line = |what: &str, status: Value, outcome: &str, user: Value, faults: Value| {
            let path = format!("/user/otp/{what}");
            [json!("POST"), json!(path), json!(version), status, json!(outcome), user, faults]
        };
        let expected = [
            line("verify/{otp}", json!(400), "answered", json!(name), json!([])),
            line("recovery-codes", json!(401), "answered", json!(null), json!([])),
            line("sms/receive", json!(null), "connection lost", json!(name), json!(["lost-sms"])),
            line(
                "recovery-codes",
                json!(200),
                "cut off",
                json!(name),
                json!(["slow=0.02", "cut-regenerate"]),
            ),
        ];
        assert_eq!(lines[..4].iter().map(part).collect::<Vec<_>>(), expected);
        assert_eq!(lines[4]["path_template"], Value::Null);
        assert!(lines[3]["duration_ms"].as_f64().unwrap() >= 20.0, "{lines:?}");
        let time = lines[0]["time"].as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z') && &time[10..11] == "T", "{time}");
    }
}
