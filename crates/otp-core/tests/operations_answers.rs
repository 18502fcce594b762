//! What an operation of a larger SDK can read, and what an error of one says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use otp_core::http::{HeaderName, StatusCode};
use otp_core::operation::ReadError;
use otp_core::{Answer, Effect, Endpoint, Error, ErrorKind, Operation, OtpsClient};
use serde::Deserialize;
use support::{Reply, Script, TOKEN, lost_body, respond, status};

fn call<O: Operation>(operation: O, reply: Reply) -> Result<Answer<O::Output>, Error> {
    call_with(operation, reply, |call| call)
}

fn call_with<O: Operation>(
    operation: O,
    reply: Reply,
    change: impl FnOnce(otp_core::Call<'_, OtpsClient, O>) -> otp_core::Call<'_, OtpsClient, O>,
) -> Result<Answer<O::Output>, Error> {
    let retry = otp_core::RetryPolicy::never();
    let (client, _) = Script::new([reply]).client_with(retry);
    support::traced(|| pollster::block_on(change(client.call(operation)).send()))
}

const HTML: &[(&str, &str)] = &[("content-type", "text/html; charset=utf-8")];
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const PORTAL: &str = "<!DOCTYPE html><title>Please log in</title>";

#[derive(Debug, Deserialize, PartialEq)]
struct User {
    name: String,
}

operation!(FindUser -> Option<User>: Endpoint::get("find_user", "/user")
        .answers(&[StatusCode::NOT_FOUND, StatusCode::NOT_MODIFIED])
        .acknowledged_by(&[StatusCode::OK]),
    write: |_request| Ok(()),
    read: |response| match response.status() {
        StatusCode::NOT_FOUND | StatusCode::NOT_MODIFIED => Ok(None),
        _ => response.json_object().map(Some),
    },
);

#[test]
fn a_404_can_be_an_answer() {
    let none = |reply| call(FindUser, reply).unwrap();
    assert_eq!(none(respond(404, JSON, r#"{"error": "no such user"}"#)).value, None);
    let answer = none(status(404));
    assert_eq!((answer.value, answer.metadata.status()), (None, StatusCode::NOT_FOUND));
    assert_eq!(none(status(304)).value, None);
    let user = none(respond(200, JSON, r#"{"name": "ann"}"#)).value.unwrap();
    assert_eq!(user, User { name: "ann".to_owned() });
}

#[test]
fn a_404_of_somebody_else_is_not_an_answer() {
    let replies: [Reply; 4] = [
        respond(404, HTML, ""),
        respond(404, HTML, PORTAL),
        respond(404, JSON, PORTAL),
        respond(404, &[], PORTAL),
    ];
    for reply in replies {
        let error = call(FindUser, reply).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.effect(), Effect::NotApplied);
    }
    let error = call(FindUser, respond(304, HTML, PORTAL)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedStatus);
}

#[test]
fn a_404_that_is_too_large_is_not_an_answer_and_is_not_kept() {
    let large = format!(r#"{{"error": "large"{}}}"#, " ".repeat(70_000));
    let large: &'static str = Box::leak(large.into_boxed_str());
    let error = call(FindUser, respond(404, JSON, large)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.details::<serde_json::Value>().is_none());
    assert!(error.messages().is_empty());
}

#[test]
fn the_other_statuses_are_still_errors() {
    for (code, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (410, ErrorKind::Rejected),
        (302, ErrorKind::UnexpectedStatus),
        (500, ErrorKind::Server),
    ] {
        assert_eq!(call(FindUser, status(code)).unwrap_err().kind(), kind, "{code}");
    }
}

operation!(EnableApp -> u16: Endpoint::post("enable_app", "/user/otp/app")
        .acknowledged_by(&[StatusCode::OK, StatusCode::ACCEPTED]),
    write: |_request| Ok(()),
    read: |response| Ok(response.status().as_u16()),
);

#[test]
fn a_portal_that_answers_in_the_services_place_is_never_a_success() {
    let replies: [Reply; 5] = [
        respond(200, HTML, PORTAL),
        respond(200, HTML, "welcome"),
        respond(200, JSON, PORTAL),
        respond(200, &[], PORTAL),
        respond(201, &[("content-type", "image/png")], "PNG"),
    ];
    for reply in replies {
        let error = call(EnableApp, reply).unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Decode, Effect::Unknown), "{error}");
    }
    // Frameworks name a type although there is no body.
    for reply in [status(200), respond(202, HTML, ""), respond(204, HTML, "")] {
        call(EnableApp, reply).unwrap();
    }
    // A 204 has no body (RFC 9110 §15.3.5), whatever a transport hands over.
    call(EnableApp, respond(204, HTML, PORTAL)).unwrap();
    assert_eq!(call(EnableApp, respond(200, JSON, "{}")).unwrap().value, 200);
    assert_eq!(call(EnableApp, respond(200, &[], "fine")).unwrap().value, 200);
}

operation!(Usage -> String: Endpoint::get("usage", "/usage").accept("text/csv, image/*;q=0.1"),
    write: |_request| Ok(()),
    read: |response| Ok(response.scrub(String::from_utf8_lossy(response.body())).into_owned()),
);

operation!(Anything -> usize: Endpoint::get("anything", "/anything").accept("*/*"),
    write: |_request| Ok(()),
    read: |response| Ok(response.body().len()),
);

#[test]
fn an_answer_has_a_type_that_the_operation_accepts() {
    for content_type in ["text/csv", "Text/CSV; header=present", "image/png", ""] {
        let headers = Box::leak(Box::new([("content-type", content_type)]));
        assert_eq!(call(Usage, respond(200, headers, "a,b")).unwrap().value, "a,b");
    }
    // Not JSON, so `<` means nothing.
    assert_eq!(call(Usage, respond(200, &[], "<,>")).unwrap().value, "<,>");
    for content_type in ["text/html", "text/csvx", "application/json", "images/png"] {
        let headers = Box::leak(Box::new([("content-type", content_type)]));
        let error = call(Usage, respond(200, headers, "a,b")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{content_type}");
    }
    assert_eq!(call(Anything, respond(200, HTML, PORTAL)).unwrap().value, PORTAL.len());
}

operation!(StartBackup -> Option<String>: Endpoint::post("start_backup", "/backups"),
    write: |request| {
        request.secret(&otp_core::secrecy::SecretString::from("hunter2-hunter2"));
        Ok(())
    },
    read: |response| match response.status() {
        StatusCode::ACCEPTED => Ok(response.location()),
        _ => Err(ReadError::UnexpectedStatus),
    },
);

#[test]
fn a_location_is_given_without_secrets() {
    let reply =
        respond(202, &[("location", "/backups/7?key=hunter2-hunter2&t=canary-t0ken-7c1f")], "");
    let location = call(StartBackup, reply).unwrap().value.unwrap();
    assert_eq!(location, "/backups/7?key=[redacted]&t=[redacted]");
    assert_eq!(call(StartBackup, status(202)).unwrap().value, None);
    let error = call(StartBackup, status(200)).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::UnexpectedStatus, Effect::Unknown));
}

const KEPT: HeaderName = HeaderName::from_static("x-kept");

#[test]
fn headers_are_kept_on_request_without_secrets() {
    let headers = &[
        ("x-kept", "canary-t0ken-7c1f"),
        ("x-kept", "two\tparts"),
        ("x-other", "other"),
        ("x-ratelimit-remaining", "0"),
        ("retry-after", "7"),
    ];
    let other = HeaderName::from_static("x-other");

    let answer = call_with(EnableApp, respond(200, headers, ""), |call| call.keep_header(KEPT));
    let metadata = answer.unwrap().metadata;
    assert_eq!(metadata.header(&KEPT).collect::<Vec<_>>(), ["[redacted]", "two parts"]);
    assert_eq!(metadata.header(&other).count(), 0);

    let error = call_with(EnableApp, respond(429, headers, ""), |call| call.keep_header(KEPT));
    let error = error.unwrap_err();
    assert_eq!(error.header(&KEPT).collect::<Vec<_>>(), ["[redacted]", "two parts"]);
    assert_eq!(error.header(&other).count(), 0);
    assert_eq!(error.rate_limit().unwrap().remaining, Some(0));
    assert_eq!(error.retry_after().unwrap().as_secs(), 7);
}

#[test]
fn a_header_that_client_and_call_keep_is_kept_once() {
    let script = std::sync::Arc::new(Script::new([respond(200, &[("x-kept", "1")], "")]));
    let client = OtpsClient::builder(script, otp_core::AuthToken::new(TOKEN).unwrap())
        .base_url(support::base_url())
        .keep_header(KEPT)
        .build()
        .unwrap();
    let call = client.call(EnableApp).keep_header(KEPT).keep_header(KEPT);
    let metadata = pollster::block_on(call.send()).unwrap().metadata;
    assert_eq!(metadata.header(&KEPT).collect::<Vec<_>>(), ["1"]);
    // The answer outlives the name that it was asked with.
    let values = metadata.header(&HeaderName::from_static("x-kept"));
    assert_eq!(values.count(), 1);
}

#[test]
fn no_debug_shows_a_kept_header_which_may_be_a_session_token() {
    let headers = &[("x-auth-token", "session-t0ken"), ("set-cookie", "session-c00kie")];
    let names = ["x-auth-token", "set-cookie"].map(HeaderName::from_static);
    for status in [200, 429] {
        let outcome = call_with(EnableApp, respond(status, headers, ""), |mut call| {
            for name in &names {
                call = call.keep_header(name.clone());
            }
            call
        });
        let shown = format!("{outcome:?} {outcome:#?}");
        assert!(!shown.contains("session-"), "{shown}");
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct Quota {
    limit: u32,
    why: String,
}

#[test]
fn an_error_has_typed_details_without_secrets() {
    let body = r#" {"limit": 5, "why": "canary-t0ken-7c1f has 5 keys", "more": []}"#;
    let error = call(EnableApp, respond(422, JSON, body)).unwrap_err();
    let why = "[redacted] has 5 keys".to_owned();
    assert_eq!(error.details::<Quota>(), Some(Quota { limit: 5, why }));
    assert_eq!(error.details::<User>(), None);
    let shown = format!("{error:?}");
    assert!(!shown.contains("5 keys"), "{shown}");
}

#[test]
fn details_are_of_errors_only_and_bounded() {
    let details = |reply: Reply| call(EnableApp, reply).unwrap_err().details::<serde_json::Value>();
    assert!(details(respond(200, HTML, r#"{"codes": ["canary-c0de"]}"#)).is_none());
    assert!(details(respond(422, JSON, r#"["a"]"#)).is_none());
    assert!(details(respond(422, JSON, "{")).is_none());
    assert!(details(status(422)).is_none());
    assert!(details(lost_body(422, otp_core::TransportErrorKind::ConnectionLost)).is_none());
    let body = |len: usize| -> &'static str {
        Box::leak(format!("{{\"a\": \"{}\"}}", "x".repeat(len - 9)).into_boxed_str())
    };
    assert!(details(respond(422, JSON, body(16 * 1024))).is_some());
    assert!(details(respond(422, JSON, body(16 * 1024 + 1))).is_none());
    let deep: &'static str = Box::leak("{\"a\":".repeat(2000).into_boxed_str());
    assert!(details(respond(422, JSON, deep)).is_none());
}

#[test]
fn details_survive_an_echo_that_is_a_number() {
    operation!(Numeric -> (): Endpoint::post("numeric", "/numeric"),
        write: |request| {
            request.secret(&otp_core::secrecy::SecretString::from("123456"));
            Ok(())
        },
        read: |_response| Ok(()),
    );
    let body = r#"{"limit": 5, "why": "no 123456", "otp": 123456}"#;
    let error = call(Numeric, respond(422, JSON, body)).unwrap_err();
    assert_eq!(error.details::<Quota>().unwrap().why, "no [redacted]");
    assert!(!error.details::<serde_json::Value>().unwrap().to_string().contains("123456"));
}

operation!(CreateKey -> (): Endpoint::post("create_key", "/user/api-keys")
        .if_status(&[
            (StatusCode::UNPROCESSABLE_ENTITY, "choose another description"),
            (StatusCode::CONFLICT, "read the keys first"),
        ])
        .declined_by(&[StatusCode::CONFLICT, StatusCode::INTERNAL_SERVER_ERROR]),
    write: |_request| Ok(()),
    read: |_response| Ok(()),
);

#[test]
fn advice_is_the_endpoints_own() {
    let sentence = |status: u16| call(CreateKey, support::status(status)).unwrap_err().to_string();
    assert!(sentence(422).ends_with("the server did not act: choose another description"));
    assert!(sentence(409).ends_with("the server did not act: read the keys first"));
    assert!(sentence(400).ends_with("the server did not act: correct the request"));
    for status in (400..=511).filter(|status| StatusCode::from_u16(*status).is_ok()) {
        for sentence in [
            call(EnableApp, support::status(status)).unwrap_err().to_string(),
            call(CreateKey, support::status(status)).unwrap_err().to_string(),
        ] {
            let lower = sentence.to_lowercase();
            for word in ["two-factor", "otp", "receive_codes", "sms"] {
                assert!(!lower.contains(word), "{sentence}");
            }
        }
    }
}

#[test]
fn a_double_of_another_service_does_not_speak_of_this_one() {
    let error = Error::builder(ErrorKind::Unimplemented).endpoint(CreateKey::ENDPOINT).build();
    assert!(!error.to_string().contains("Otps"), "{error}");
}

#[test]
fn a_status_that_declines_has_no_effect_whatever_it_means_elsewhere() {
    for (operation_declines, status, effect) in [
        (true, 409, Effect::NotApplied),
        (true, 500, Effect::NotApplied),
        (true, 502, Effect::Unknown),
        (false, 409, Effect::Unknown),
        (false, 500, Effect::Unknown),
    ] {
        let error = if operation_declines {
            call(CreateKey, support::status(status)).unwrap_err()
        } else {
            call(EnableApp, support::status(status)).unwrap_err()
        };
        assert_eq!(error.effect(), effect, "{operation_declines} {status}");
    }
}
