//! Every documented status of every operation, and the readings where the document contradicts itself,
//! over a real socket in both versions of HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use otp_conformance::hostile::{Fault, Protocol, Reply, Server};
use otp_core::http::StatusCode;
use otp_core::secrecy::ExposeSecret;
use otp_core::{Effect, ErrorKind};
use support::{Outcome, PROTOCOLS, call, client};

const CODES: &str = r#"{"recovery_codes": ["a", "b", "c"]}"#;

/// What an operation does with a reply: on success, and otherwise its kind and effect.
type Expected = Result<Outcome, (ErrorKind, Effect)>;

async fn check(operation: &str, reply: Reply, expected: &Expected) {
    for protocol in PROTOCOLS {
        let server = Server::start(protocol, Fault::Answer(reply.clone()));
        let got = call(&client(&server), operation).await;
        let at = format!("{operation} over {protocol:?} with {reply:?}");
        match (&got, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{at}"),
            (Err(got), Err(expected)) => {
                assert_eq!((got.kind(), got.effect()), *expected, "{at}: {got}");
            }
            _ => panic!("{at}: got {got:?}, expected {expected:?}"),
        }
        assert_eq!(server.received().len(), 1, "{at}: requests received");
    }
}

#[tokio::test]
async fn each_documented_success() {
    check("find_ensure_otp", Reply::status(204), &Ok(Outcome::Verified { session: None })).await;
    check("find_recovery_codes", Reply::json(200, CODES), &Ok(Outcome::Codes(3))).await;
    check("receive_codes", Reply::status(204), &Ok(Outcome::Sent)).await;
    check("regenerate_codes", Reply::json(200, CODES), &Ok(Outcome::Codes(3))).await;
}

#[tokio::test]
async fn each_documented_failure_with_each_form_of_its_body() {
    let documented: [(&str, &[u16]); 4] = [
        ("find_ensure_otp", &[400, 401]),
        ("find_recovery_codes", &[401, 404, 422]),
        ("receive_codes", &[400, 401, 422, 500]),
        ("regenerate_codes", &[401, 404, 422]),
    ];
    let bodies: [(Reply, &[&str]); 6] = [
        (Reply::json(0, r#"{"error": "one"}"#), &["one"]),
        (Reply::json(0, r#"{"errors": ["one", "two"]}"#), &["one", "two"]),
        (Reply::json(0, r#"{"error": "one", "errors": ["two"]}"#), &["one", "two"]),
        (Reply::json(0, "{}"), &[]),
        (Reply::status(0).header("content-type", "text/html").body("<h1>no</h1>"), &[]),
        (Reply::status(0), &[]),
    ];
    for (operation, statuses) in documented {
        for status in statuses {
            for (body, messages) in &bodies {
                for protocol in PROTOCOLS {
                    let reply = body.clone().with_status(*status).header("x-request-id", "req-1");
                    let server = Server::start(protocol, Fault::Answer(reply));
                    let error = call(&client(&server), operation).await.unwrap_err();

                    let at = format!("{operation} {status} over {protocol:?} with {body:?}");
                    let (kind, effect) = match status {
                        400 => (ErrorKind::BadRequest, Effect::NotApplied),
                        401 => (ErrorKind::Unauthorized, Effect::NotApplied),
                        404 => (ErrorKind::NotFound, Effect::NotApplied),
                        422 => (ErrorKind::Unprocessable, Effect::NotApplied),
                        _ => (ErrorKind::Server, Effect::Unknown),
                    };
                    assert_eq!((error.kind(), error.effect()), (kind, effect), "{at}");
                    assert_eq!(
                        error.status(),
                        Some(StatusCode::from_u16(*status).unwrap()),
                        "{at}"
                    );
                    assert_eq!(error.messages(), *messages, "{at}");
                    assert_eq!(error.request_id(), Some("req-1"), "{at}");
                    assert_eq!(error.operation(), Some(operation), "{at}");
                    assert_eq!(server.received().len(), 1, "{at}");
                }
            }
        }
    }
}

#[tokio::test]
async fn verify_gives_the_session_token_of_a_header() {
    for protocol in PROTOCOLS {
        let reply = Reply::status(204).header("X-Auth-Token", "s3ssion");
        let server = Server::start(protocol, Fault::Answer(reply));
        let outcome = call(&client(&server), "find_ensure_otp").await.unwrap();
        let Outcome::Verified { session: Some(session) } = outcome else { panic!("{outcome:?}") };
        assert_eq!(session.expose_secret(), "s3ssion");
    }
}

#[tokio::test]
async fn verify_gives_the_session_token_of_a_body() {
    for protocol in PROTOCOLS {
        let server =
            Server::start(protocol, Fault::Answer(Reply::json(200, r#"{"token": "s3ssion"}"#)));
        let outcome = call(&client(&server), "find_ensure_otp").await.unwrap();
        let Outcome::Verified { session: Some(session) } = outcome else { panic!("{outcome:?}") };
        assert_eq!(session.expose_secret(), "s3ssion");
    }
}

#[tokio::test]
async fn a_captive_portal_never_reads_as_verified_or_sent() {
    let portal = || Reply::status(200).header("content-type", "text/html").body("<h1>Welcome</h1>");
    check("find_ensure_otp", portal(), &Err((ErrorKind::Decode, Effect::Unknown))).await;
    check("receive_codes", portal(), &Err((ErrorKind::UnexpectedStatus, Effect::Unknown))).await;
    for status in [200, 201, 202, 203, 206] {
        for operation in ["find_ensure_otp", "receive_codes"] {
            let reply = Reply::status(status);
            let server = Server::start(Protocol::Http1, Fault::Answer(reply));
            let error = call(&client(&server), operation).await.unwrap_err();
            assert_eq!(error.effect(), Effect::Unknown, "{operation} {status}");
        }
    }
}

#[tokio::test]
async fn absent_codes_are_an_error_and_never_an_empty_list() {
    for body in ["{}", r#"{"recovery_codes": null}"#, r#"{"href": "https://h/"}"#, "null", ""] {
        let applied = Err((ErrorKind::Decode, Effect::Applied));
        check("regenerate_codes", Reply::json(200, body), &applied).await;
        check("find_recovery_codes", Reply::json(200, body), &applied).await;
    }
    // All of them used up is something else, and the service says so.
    let used_up = Reply::json(200, r#"{"recovery_codes": []}"#);
    check("find_recovery_codes", used_up, &Ok(Outcome::Codes(0))).await;
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Server::start(Protocol::Http1, Fault::Answer(Reply::status(204)));
        let location = elsewhere.base_url().to_string();
        let redirect = Reply::status(status).header("location", &location);
        check("receive_codes", redirect, &Err((ErrorKind::UnexpectedStatus, Effect::Unknown)))
            .await;
        assert!(elsewhere.received().is_empty(), "the token went to another origin");
    }
}
