//! Attempts, waits and the deadline, on a clock that the test turns.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use otp_core::http::{HeaderName, HeaderValue, StatusCode};
use otp_core::operation::{
    FindRecoveryCodes, ReadError, ReceiveCodes, RequestDraft, ResponseReader,
};
use otp_core::{
    AuthToken, CallOptions, ClientConfig, Effect, Endpoint, ErrorKind, Exchange, Operation,
    OtpsApi, RetryPolicy, Step, TransportErrorKind as T,
};
use pollster::block_on;
use support::{Script, not_sent, respond, status, unknown};

const CODES: &str = r#"{"recovery_codes": ["a"], "href": "/user/otp/recovery-codes"}"#;

fn codes() -> support::Reply {
    respond(200, &[("content-type", "application/json"), ("x-request-id", "req-1")], CODES)
}

#[test]
fn a_failed_read_is_repeated_and_the_answer_says_so() {
    let (client, script) = Script::new([status(503), unknown(T::Timeout), codes()]).client();
    let answer = block_on(client.call(FindRecoveryCodes).send()).unwrap();
    assert_eq!(answer.value.len(), 1);
    assert_eq!(answer.value.href(), Some("/user/otp/recovery-codes"));
    assert_eq!(answer.metadata.status(), StatusCode::OK);
    assert_eq!(answer.metadata.request_id(), Some("req-1"));
    assert_eq!(answer.metadata.attempts(), 3);
    let causes: Vec<_> = answer.metadata.failed_attempts().iter().map(|a| a.cause).collect();
    assert_eq!(causes, [ErrorKind::Server, ErrorKind::Timeout]);
    assert_eq!(script.waits.lock().unwrap().len(), 2);
}

#[test]
fn what_was_not_sent_is_sent_again_even_if_it_is_unsafe() {
    let (client, script) = Script::new([not_sent(T::ConnectionLost), status(204)]).client();
    block_on(client.receive_codes()).unwrap();
    assert_eq!(script.sent(), 2);
}

#[test]
fn a_call_s_header_takes_the_place_of_the_client_s() {
    let script = std::sync::Arc::new(Script::new([status(204)]));
    let name = HeaderName::from_static("x-tenant");
    let client = otp_core::OtpsClient::builder(script.clone(), AuthToken::new("t").unwrap())
        .header(name.clone(), HeaderValue::from_static("default"))
        .build()
        .unwrap();
    block_on(async {
        client.receive_codes().await.unwrap();
        client
            .call(ReceiveCodes)
            .header(name, HeaderValue::from_static("mine"))
            .send()
            .await
            .unwrap();
    });
    let seen = script.seen.lock().unwrap();
    let values = |i: usize| seen[i].headers.get_all("x-tenant").iter().collect::<Vec<_>>();
    assert_eq!(values(0), ["default"]);
    assert_eq!(values(1), ["mine"]);
}

#[test]
fn an_operation_cannot_send_a_token_of_its_own() {
    struct Forger;
    impl Operation for Forger {
        type Output = ();
        const ENDPOINT: &'static Endpoint = &Endpoint::post("forger", "/forge");
        fn write(&self, request: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
            request.header(HeaderName::from_static("x-auth-token"), HeaderValue::from_static("x"));
            Ok(())
        }
        fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
            Ok(())
        }
    }
    let (client, script) = Script::new([status(200)]).client();
    let error = block_on(client.call(Forger).send()).unwrap_err();
    assert_eq!((error.kind(), script.sent()), (ErrorKind::InvalidInput, 0));
}

#[test]
fn the_wait_that_the_server_asks_for_is_kept() {
    let (client, script) =
        Script::new([respond(429, &[("retry-after", "7")], ""), codes()]).client();
    block_on(client.find_recovery_codes()).unwrap();
    let waits = script.waits.lock().unwrap();
    assert_eq!(*waits, [Duration::from_secs(7)]);
}

#[test]
fn an_attempt_gets_no_more_time_than_the_call_has_left() {
    let script = Script::new([unknown(T::Timeout)]).with_pace(Duration::from_secs(8));
    let (client, script) = script.client_with(RetryPolicy::default().with_max_attempts(10));
    let error = block_on(client.find_recovery_codes()).unwrap_err();

    let seen = script.seen.lock().unwrap();
    let limits: Vec<_> = seen.iter().map(|seen| seen.time_limit).collect();
    // 8 s an attempt and at most 2 s of waiting in between: the fourth has less than 10 s left, and
    // it was the last that could start before 30 s were over.
    assert_eq!(limits[..3], [Duration::from_secs(10); 3][..limits.len().min(3)]);
    assert!(limits.len() == 4 && limits[3] < Duration::from_secs(10), "{limits:?}");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let waits: Duration = script.waits.lock().unwrap().iter().sum();
    let started = error.attempts()[3].started;
    assert_eq!(started, waits + 3 * Duration::from_secs(8));
    assert!(started < Duration::from_secs(30), "{started:?}");
}

#[test]
fn a_call_has_its_own_options() {
    let (client, script) = Script::new([status(503)]).client();
    let error = block_on(
        client
            .call(FindRecoveryCodes)
            .timeout(Duration::from_secs(3))
            .retry(RetryPolicy::never())
            .header(HeaderName::from_static("traceparent"), HeaderValue::from_static("00-1"))
            .send(),
    )
    .unwrap_err();
    assert_eq!(error.attempts().len(), 1);
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen[0].time_limit, Duration::from_secs(3));
    assert_eq!(seen[0].headers["traceparent"], "00-1");
}

#[test]
fn options_that_do_not_fit_send_nothing() {
    let (client, script) = Script::new([status(204)]).client();
    let error = block_on(
        client
            .call(ReceiveCodes)
            .header(HeaderName::from_static("x-auth-token"), HeaderValue::from_static("other"))
            .send(),
    )
    .unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, Effect::NotApplied));
    assert_eq!(script.sent(), 0);
}

#[test]
fn another_token_shares_everything_else() {
    let (client, script) = Script::new([status(204)]).client();
    let other = client.with_token(AuthToken::new("other").unwrap());
    block_on(async {
        client.receive_codes().await.unwrap();
        other.receive_codes().await.unwrap();
    });
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen[0].headers["x-auth-token"], support::TOKEN);
    assert_eq!(seen[1].headers["x-auth-token"], "other");
    assert_eq!(seen[0].uri, seen[1].uri);
    assert!(seen.iter().all(|seen| seen.headers["x-auth-token"].is_sensitive()));
}

#[test]
fn clones_share_one_retry_budget() {
    let (client, script) = Script::new([status(503)]).client();
    for _ in 0..100 {
        block_on(client.clone().find_recovery_codes()).unwrap_err();
    }
    // 100 calls, 10 retries to start with, and at most one more for every ten calls.
    assert!((110..=120).contains(&script.sent()), "{}", script.sent());
}

#[test]
fn a_driver_that_loses_the_thread_gets_an_error_and_no_panic() {
    let config = ClientConfig::new(AuthToken::new("t").unwrap());
    let mut exchange = Exchange::new(&config, ReceiveCodes, CallOptions::default(), Duration::ZERO);
    assert!(matches!(exchange.next(Duration::ZERO), Step::Send(_)));
    for _ in 0..3 {
        let Step::Done(Err(error)) = exchange.next(Duration::MAX) else { panic!("must be over") };
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, Effect::Unknown));
    }
    exchange.received(Ok(Default::default()), Duration::ZERO);
}

#[test]
fn a_call_whose_time_is_up_before_it_starts_sends_nothing() {
    let config = ClientConfig::new(AuthToken::new("t").unwrap());
    let mut exchange = Exchange::new(&config, ReceiveCodes, CallOptions::default(), Duration::ZERO);
    let Step::Done(Err(error)) = exchange.next(Duration::from_secs(30)) else {
        panic!("must be over")
    };
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::NotApplied));
}

#[test]
fn an_operation_is_written_once_for_each_attempt_and_never_besides() {
    use std::cell::Cell;

    struct Counted<'a>(&'a Cell<usize>);
    impl Operation for Counted<'_> {
        type Output = ();
        const ENDPOINT: &'static Endpoint = &Endpoint::get("counted", "/counted");
        fn write(&self, _: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
            self.0.set(self.0.get() + 1);
            Ok(())
        }
        fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
            Ok(())
        }
    }
    let cases: [(fn() -> support::Reply, usize); 4] = [
        (|| status(503), 3),
        (|| respond(401, &[], r#"{"error": "no"}"#), 1),
        (|| not_sent(T::Connect), 3),
        (|| status(200), 1),
    ];
    for (reply, attempts) in cases {
        let written = Cell::new(0);
        let (client, script) = Script::new([reply()]).client();
        let _ = block_on(client.call(Counted(&written)).send());
        assert_eq!((written.get(), script.sent()), (attempts, attempts));
    }
}

#[test]
fn what_an_earlier_attempt_called_secret_is_still_a_secret_later() {
    use otp_core::secrecy::SecretString;
    use std::cell::Cell;

    /// It breaks its promise, and writes another secret at the second attempt.
    struct Rotating(Cell<usize>);
    impl Operation for Rotating {
        type Output = ();
        const ENDPOINT: &'static Endpoint = &Endpoint::get("rotating", "/rotating");
        fn write(&self, request: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
            self.0.set(self.0.get() + 1);
            request.secret(&SecretString::from(format!("secret-number-{}", self.0.get())));
            Ok(())
        }
        fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
            Ok(())
        }
    }
    const BODY: &str = r#"{"error": "secret-number-1 and secret-number-2"}"#;
    let (client, _) = Script::new([not_sent(T::Connect), respond(400, &[], BODY)]).client();
    let error = block_on(client.call(Rotating(Cell::new(0))).send()).unwrap_err();
    assert_eq!(error.messages(), ["[redacted] and [redacted]"]);
}

#[test]
fn a_request_can_be_made_without_a_call() {
    let config = ClientConfig::new(AuthToken::new("t0ken").unwrap());
    let request = config.request(&ReceiveCodes).unwrap();
    assert_eq!(request.as_http().uri().path(), "/metal/v1/user/otp/sms/receive");
    assert!(request.as_http().headers().contains_key("x-auth-token"));
    assert_eq!(request.time_limit(), CallOptions::DEFAULT_ATTEMPT_TIMEOUT);
    assert_eq!(request.response_limit(), ClientConfig::DEFAULT_RESPONSE_LIMIT);
}
