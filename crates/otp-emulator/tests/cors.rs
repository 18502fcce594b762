//! What a browser asks before and after a call of a page, and what the emulator tells it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpStream;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Cors, Emulator};

const PREFLIGHT: &str = "OPTIONS /metal/v1/user/otp/sms/receive HTTP/1.1\r\nHost: emulator\r\n\
    Origin: http://page.example\r\nAccess-Control-Request-Method: POST\r\n\
    Access-Control-Request-Headers: user-agent,x-auth-token\r\nConnection: close\r\n\r\n";

fn start(cors: Option<Cors>) -> Emulator {
    let builder = Emulator::builder().plain();
    match cors {
        Some(cors) => builder.cors(cors),
        None => builder,
    }
    .start()
    .unwrap()
}

/// The head of the answer to these bytes, in lower case.
fn head(emulator: &Emulator, request: &str) -> String {
    let mut stream = TcpStream::connect(emulator.local_addr()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase()
}

fn sms(emulator: &Emulator) -> String {
    let token = emulator.token();
    format!(
        "POST /metal/v1/user/otp/sms/receive HTTP/1.1\r\nHost: emulator\r\n\
         Origin: http://page.example\r\nX-Auth-Token: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        token.expose_secret()
    )
}

#[test]
fn a_preflight_is_answered_and_sends_no_sms() {
    let emulator = start(Some(Cors::any_origin()));
    let head = head(&emulator, PREFLIGHT);
    assert!(head.starts_with("http/1.1 204 "), "{head}");
    for line in [
        "access-control-allow-origin: *",
        "access-control-allow-methods: delete, get, patch, post, put",
        "access-control-allow-headers: user-agent,x-auth-token",
    ] {
        assert!(head.lines().any(|other| other == line), "no {line} in {head}");
    }
    assert_eq!(emulator.fake().sms_outbox().len(), 0);
}

#[test]
fn a_page_of_the_origin_may_read_the_answer_and_its_headers() {
    let emulator = start(Some(Cors::origin("http://page.example").unwrap()));
    let head = head(&emulator, &sms(&emulator));
    assert!(head.starts_with("http/1.1 204 "), "{head}");
    for line in [
        "access-control-allow-origin: http://page.example",
        "access-control-expose-headers: *",
        "vary: origin",
    ] {
        assert!(head.lines().any(|other| other == line), "no {line} in {head}");
    }
    assert_eq!(emulator.fake().sms_outbox().len(), 1);
}

#[test]
fn a_page_may_read_why_it_was_refused() {
    let emulator = start(Some(Cors::any_origin()));
    let request = sms(&emulator).replace("X-Auth-Token", "X-Other-Token");
    let head = head(&emulator, &request);
    assert!(head.starts_with("http/1.1 401 "), "{head}");
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
}

#[test]
fn without_the_flag_no_page_may_call() {
    let emulator = start(None);
    let preflight = head(&emulator, PREFLIGHT);
    assert!(preflight.starts_with("http/1.1 405 "), "{preflight}");
    let answer = head(&emulator, &sms(&emulator));
    for head in [preflight, answer] {
        assert!(!head.contains("access-control"), "{head}");
    }
}

#[test]
fn an_options_request_of_no_browser_is_the_services_own_affair() {
    let emulator = start(Some(Cors::any_origin()));
    let request = PREFLIGHT.replace("Access-Control-Request-Method: POST\r\n", "");
    let head = head(&emulator, &request);
    assert!(head.starts_with("http/1.1 405 "), "{head}");
}

#[test]
fn what_is_no_origin_is_refused() {
    for text in [
        "",
        "*",
        "null",
        "page.example",
        "http://",
        "http://a/",
        "http://a/b",
        "http://u@a",
        "http://a\n",
    ] {
        let error = Cors::origin(text).expect_err(text);
        assert!(error.to_string().contains("http://localhost:8080"), "{error}");
    }
    for text in ["http://localhost:8080", "https://page.example", "http://[::1]:1"] {
        assert!(Cors::origin(text).is_ok(), "{text}");
    }
}
