//! What an error knows, and that it comes from the response or the transport that failed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::error::Error as _;
use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes};
use otp_core::{
    AuthToken, Effect, ErrorKind, Otp, OtpsApi, OtpsClient, RetryPolicy, TransportError,
    TransportErrorKind as T,
};
use pollster::block_on;
use support::{OTP, Reply, Script, respond, response, status};

#[test]
fn a_refusal_brings_everything_that_the_response_said() {
    let headers = [("retry-after", "7"), ("x-request-id", "req-9")];
    let reply = respond(429, &headers, r#"{"error": "slow", "errors": ["down"]}"#);
    let (client, _) = Script::new([reply]).client();
    let error = block_on(client.find_ensure_otp(&Otp::new(OTP).unwrap())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.operation(), Some("find_ensure_otp"));
    assert_eq!(error.path_template(), Some("/user/otp/verify/{otp}"));
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.request_id(), Some("req-9"));
    assert_eq!(error.messages(), ["slow", "down"]);
    assert_eq!(error.attempts()[0].status, error.status());
    assert_eq!(error.attempts()[0].cause, error.kind());
    assert!(error.source().is_none());
}

#[test]
fn a_transport_s_reason_and_source_are_kept() {
    let reply: Reply = Box::new(|| {
        let source = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        Err(TransportError::unknown(T::ConnectionLost).with_reason("by peer").with_source(source))
    });
    let (client, _) = Script::new([reply]).client();
    let error = block_on(client.receive_codes()).unwrap_err();
    assert!(error.to_string().contains("the connection was lost: by peer; "), "{error}");
    assert!(error.source().unwrap().is::<std::io::Error>());
    assert_eq!(error.status(), None);
}

#[test]
fn a_lost_body_still_brings_what_the_head_said() {
    let lost = |code: u16| -> Reply {
        Box::new(move || {
            let headers = [("x-request-id", "req-3"), ("retry-after", "9")];
            let (head, _) = response(code, &headers, "").into_parts();
            Err(TransportError::unknown(T::ConnectionLost).with_reason("cut").with_head(head))
        })
    };
    for (code, kind, says_cut) in
        [(200, ErrorKind::ConnectionLost, true), (401, ErrorKind::Unauthorized, false)]
    {
        let (client, _) = Script::new([lost(code)]).client();
        let error = block_on(client.regenerate_codes()).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.status(), Some(StatusCode::from_u16(code).unwrap()));
        assert_eq!(error.request_id(), Some("req-3"));
        // Where the status decides, what became of the rest does not matter.
        assert_eq!(error.to_string().contains("cut"), says_cut, "{error}");
    }
}

#[test]
fn what_cannot_be_read_says_where() {
    let (client, _) = Script::new([respond(200, &[], r#"{"recovery_codes": 7}"#)]).client();
    let error = block_on(client.regenerate_codes()).unwrap_err();
    assert!(error.to_string().contains("(line 1, column 20)"), "{error}");
}

#[test]
fn a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
    const BODY: &str = r#"{"recovery_codes": []}"#;
    for (limit, taken) in [(BODY.len(), true), (BODY.len() - 1, false)] {
        let script = Script::new([respond(200, &[], BODY)]);
        let client = OtpsClient::builder(script, AuthToken::new("t").unwrap())
            .response_limit(limit)
            .build()
            .unwrap();
        match block_on(client.regenerate_codes()) {
            Ok(list) => assert!(taken && list.is_empty()),
            Err(error) => {
                assert!(!taken);
                assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
                assert_eq!(error.effect(), Effect::Applied);
            }
        }
    }
    let builder = |limit| {
        let token = AuthToken::new("t").unwrap();
        OtpsClient::builder(Script::new([]), token).response_limit(limit).build()
    };
    assert!(builder(16 * 1024 * 1024).is_ok());
    assert!(builder(0).is_err() && builder(16 * 1024 * 1024 + 1).is_err());
}

#[test]
fn an_error_s_own_body_over_the_limit_is_not_looked_at() {
    const BODY: &str = r#"{"error": "a very long explanation"}"#;
    let script = Script::new([respond(401, &[], BODY)]);
    let token = AuthToken::new("t").unwrap();
    let client = OtpsClient::builder(script, token).response_limit(10).build().unwrap();
    let error = block_on(client.regenerate_codes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.messages().is_empty());
}

#[test]
fn a_wait_that_ends_with_the_deadline_is_not_begun() {
    let reply = respond(429, &[("retry-after", "30")], "");
    let (client, script) = Script::new([reply]).client();
    block_on(client.find_recovery_codes()).unwrap_err();
    assert_eq!(script.sent(), 1);
    assert!(script.waits.lock().unwrap().is_empty());
}

#[test]
fn every_kind_has_a_name_of_its_own_that_is_fit_for_a_label() {
    let names: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), ErrorKind::ALL.len());
    for kind in ErrorKind::ALL {
        let name = kind.as_str();
        assert_eq!(name.replace('_', ""), format!("{kind:?}").to_lowercase());
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
    }
}

#[test]
fn a_reference_to_an_operation_is_that_operation() {
    let (client, script) =
        Script::new([status(503), status(204)]).client_with(RetryPolicy::never());
    let verify = FindEnsureOtp::new(Otp::new(OTP).unwrap());
    block_on(async {
        client.call(&verify).send().await.unwrap_err();
        client.call(&verify).send().await.unwrap();
        let error = client.call(&FindRecoveryCodes).send().await.unwrap_err();
        assert_eq!(error.operation(), Some("find_recovery_codes"));
    });
    let seen = script.seen.lock().unwrap();
    assert!(seen[1].uri.path().ends_with(OTP));
}

#[test]
fn whoever_forgot_the_base_url_is_told_that_the_default_has_ended() {
    use support::{Script, not_sent};
    let says = |kind, base_url: Option<&str>| {
        let builder = otp_core::OtpsClient::builder(
            Script::new([not_sent(kind)]),
            otp_core::AuthToken::new("t0ken").unwrap(),
        );
        let builder = match base_url {
            Some(url) => builder.base_url(otp_core::BaseUrl::new(url).unwrap()),
            None => builder,
        };
        let client = builder.build().unwrap();
        pollster::block_on(otp_core::OtpsApi::receive_codes(&client)).unwrap_err().to_string()
    };
    for kind in [T::Connect, T::Tls] {
        let sentence = says(kind, None);
        assert!(sentence.ends_with("30 June 2026: set another with 'base_url'"), "{sentence}");
        let sentence = says(kind, Some("https://metal.test/metal/v1"));
        assert!(!sentence.contains("2026"), "{sentence}");
    }
    assert!(!says(T::Timeout, None).contains("2026"));
}
