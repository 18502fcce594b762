//! `ScriptedTransport` as a downstream test uses it, and what it says when that test is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use otp_core::http::{HeaderName, HeaderValue};
use otp_core::operation::{
    FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes, ResponseReader,
};
use otp_core::{
    AuthToken, Effect, ErrorKind, Operation, Otp, OtpsApi, OtpsClient, TransportError,
    TransportErrorKind, blocking, local,
};
use otp_mock::{Expected, Reply, ScriptedTransport};
use pollster::block_on;

fn token() -> AuthToken {
    AuthToken::new("canary-token").unwrap()
}

fn verify(otp: &str) -> FindEnsureOtp {
    FindEnsureOtp::new(Otp::new(otp).unwrap())
}

fn client(script: &ScriptedTransport) -> OtpsClient {
    OtpsClient::new(script.clone(), token())
}

/// What a test prints that fails by this.
fn panic_of(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn steps_in_order_are_answered_in_order() {
    let script = ScriptedTransport::in_order()
        .answer(ReceiveCodes, Reply::no_content())
        .answer(verify("123456"), Reply::verified_with_session(&token()))
        .answer(FindRecoveryCodes, Reply::recovery_codes(["a", "b"]));
    let client = client(&script);
    block_on(async {
        client.receive_codes().await.unwrap();
        let otp = Otp::new("123456").unwrap();
        let verified = client.find_ensure_otp(&otp).await.unwrap();
        assert_eq!(verified.session_token(), Some(&token()));
        assert_eq!(client.find_recovery_codes().await.unwrap().len(), 2);
    });
    script.finish();
}

#[test]
fn in_any_order_each_operation_has_its_answers_in_order() {
    let script = ScriptedTransport::in_any_order()
        .answer(FindRecoveryCodes, Reply::recovery_codes(["a"]))
        .answer(ReceiveCodes, Reply::no_content())
        .answer(FindRecoveryCodes, Reply::recovery_codes(["b", "c"]));
    let client = client(&script);
    block_on(async {
        client.receive_codes().await.unwrap();
        assert_eq!(client.find_recovery_codes().await.unwrap().len(), 1);
        assert_eq!(client.find_recovery_codes().await.unwrap().len(), 2);
    });
    script.finish();
}

#[test]
fn every_way_to_fail_is_what_the_client_makes_of_it() {
    let cases = [
        (Reply::lost(), ErrorKind::ConnectionLost, Effect::Unknown),
        (Reply::never(), ErrorKind::Timeout, Effect::Unknown),
        (Reply::status(200).after(Duration::from_secs(10)), ErrorKind::Timeout, Effect::Unknown),
        (Reply::recovery_codes(["a"]).cut(), ErrorKind::ConnectionLost, Effect::Applied),
        (Reply::json(200, "{}"), ErrorKind::Decode, Effect::Applied),
        (Reply::error(422, "no"), ErrorKind::Unprocessable, Effect::NotApplied),
        (Reply::status(302), ErrorKind::UnexpectedStatus, Effect::Unknown),
        (Reply::json(200, "x".repeat(100_000)), ErrorKind::ResponseTooLarge, Effect::Applied),
        (
            Reply::failed(TransportError::unknown(TransportErrorKind::Protocol)),
            ErrorKind::Protocol,
            Effect::Unknown,
        ),
    ];
    for (reply, kind, effect) in cases {
        let script = ScriptedTransport::in_order().answer(RegenerateCodes, reply);
        let error = block_on(client(&script).regenerate_codes()).unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, effect), "{error}");
        script.finish();
    }
    let script =
        ScriptedTransport::failing(|| TransportError::not_sent(TransportErrorKind::Connect));
    let error = block_on(client(&script).regenerate_codes()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::NotApplied));
    assert_eq!((script.requests().len(), script.waits().len()), (3, 2));
}

#[test]
fn a_transport_that_never_answers_takes_the_client_s_time_and_none_of_the_test_s() {
    let script = ScriptedTransport::never_answering();
    let error = block_on(client(&script).find_recovery_codes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let last = error.attempts().last().unwrap();
    assert!(last.started + last.duration <= Duration::from_secs(30), "{error}");
    assert!(last.started >= Duration::from_secs(10), "by the script's clock: {error}");
}

#[test]
fn a_pending_reply_is_there_to_be_dropped() {
    let script = ScriptedTransport::in_order()
        .answer(ReceiveCodes, Reply::pending())
        .answer(ReceiveCodes, Reply::no_content());
    let client = client(&script);
    {
        let mut call = std::pin::pin!(client.receive_codes());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    // Dropped: the next call has its own answer.
    block_on(client.receive_codes()).unwrap();
    script.finish();
}

#[test]
fn it_is_the_same_script_in_every_flavour() {
    let script = ScriptedTransport::in_order()
        .answer(ReceiveCodes, Reply::no_content())
        .answer(ReceiveCodes, Reply::pending())
        .answer(ReceiveCodes, Reply::lost());
    block_on(client(&script).receive_codes()).unwrap();
    let blocking = blocking::OtpsClient::new(script.clone(), token());
    let error = blocking::OtpsApi::receive_codes(&blocking).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "what blocks cannot be dropped");
    let local = local::OtpsClient::new(script.clone(), token());
    let error = block_on(local::OtpsApi::receive_codes(&local)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    script.finish();
}

#[test]
fn what_was_sent_can_be_compared_and_not_be_seen() {
    let script =
        ScriptedTransport::in_order().answer(Expected::any::<FindEnsureOtp>(), Reply::no_content());
    let otp = Otp::new("canary-otp").unwrap();
    let client = client(&script);
    let call = client
        .call(FindEnsureOtp::new(otp.clone()))
        .header(HeaderName::from_static("traceparent"), HeaderValue::from_static("00-abc-def-01"));
    block_on(call.send()).unwrap();
    let seen = script.requests().remove(0);
    assert_eq!(seen.operation(), FindEnsureOtp::ENDPOINT.name());
    assert_eq!((seen.token(), seen.otp()), (Some(token()), Some(otp.clone())));
    assert_eq!(seen.as_http().headers()["traceparent"], "00-abc-def-01");
    assert_eq!(seen.time_limit(), Duration::from_secs(10));
    assert!(seen.is(FindEnsureOtp::new(otp)));
    assert!(!seen.is(verify("another")) && !seen.is(ReceiveCodes));

    let shown = format!("{seen:?} {script:?}");
    assert!(shown.contains("/user/otp/verify/{otp}"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
    script.finish();
}

#[test]
fn a_mismatch_tells_the_step_of_the_operation_and_the_difference_and_sends_nothing() {
    let script =
        ScriptedTransport::in_any_order().answer(ReceiveCodes, Reply::no_content()).answer(
            Expected::call(verify("canary-expected"))
                .with_token(AuthToken::new("canary-other").unwrap())
                .with_header(
                    HeaderName::from_static("x-trace"),
                    HeaderValue::from_static("canary-header"),
                ),
            Reply::no_content(),
        );
    let otp = Otp::new("canary-came").unwrap();
    let error = block_on(client(&script).find_ensure_otp(&otp)).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, Effect::NotApplied));
    let report = panic_of(|| script.finish());
    for told in [
        "no step of the script answers find_ensure_otp (POST /user/otp/verify/{otp}); the first \
         open one of this operation is step 2 of 2, find_ensure_otp:",
        "\n    operation    as expected",
        "\n    path         other values in /user/otp/verify/{otp}",
        "\n    body         as expected",
        "\n    token        another one",
        "\n    header x-trace missing",
        "\nnobody asked for step 1, receive_codes and step 2, find_ensure_otp",
    ] {
        assert!(report.contains(told), "{told:?} is not in {report}");
    }
    assert!(!report.contains("canary") && !format!("{error} {error:?}").contains("canary"));
}

#[test]
fn a_step_out_of_turn_is_told_with_its_turn() {
    let script = ScriptedTransport::in_order()
        .answer(ReceiveCodes, Reply::no_content())
        .answer(RegenerateCodes, Reply::lost());
    let error = block_on(client(&script).regenerate_codes()).unwrap_err();
    let sentence = error.to_string();
    assert!(sentence.contains("the next is step 1 of 2, receive_codes:"), "{sentence}");
    assert!(sentence.contains("expected receive_codes, came regenerate_codes"), "{sentence}");
    assert!(sentence.contains("(step 2 would answer it, in its turn)"), "{sentence}");
    let report = panic_of(|| script.finish());
    assert!(report.contains("nobody asked for step 1, receive_codes and step 2"), "{report}");
}

#[test]
fn one_request_too_many_is_told_apart_from_a_wrong_one() {
    let script = ScriptedTransport::in_order().answer(ReceiveCodes, Reply::no_content());
    let client = client(&script);
    block_on(client.receive_codes()).unwrap();
    let error = block_on(client.receive_codes()).unwrap_err();
    assert!(error.to_string().contains("all 1 were asked for already"), "{error}");
    panic_of(|| script.finish());

    let none = ScriptedTransport::expect_no_request();
    let client = OtpsClient::new(none.clone(), token());
    let error = block_on(client.receive_codes()).unwrap_err();
    assert!(error.to_string().contains("no request was expected"), "{error}");
    panic_of(|| none.finish());
}

#[test]
fn dropping_the_last_clone_says_what_finish_would_and_says_it_once() {
    let script = ScriptedTransport::in_order().answer(ReceiveCodes, Reply::no_content());
    let clone = script.clone();
    drop(script);
    let report = panic_of(move || drop(clone));
    assert!(report.contains("nobody asked for step 1, receive_codes"), "{report}");

    let script = ScriptedTransport::in_order().answer(ReceiveCodes, Reply::no_content());
    panic_of(|| script.finish());
    drop(script);

    // A test that fails already is left to fail in its own words.
    let script = ScriptedTransport::in_order().answer(ReceiveCodes, Reply::no_content());
    let own = panic_of(move || {
        let _script = script;
        std::panic::panic_any("the test's own".to_owned());
    });
    assert_eq!(own, "the test's own");
}

#[test]
fn what_makes_a_reply_may_look_at_the_script() {
    let script = ScriptedTransport::in_any_order();
    let looking = std::sync::Arc::new(std::sync::Mutex::new(None::<ScriptedTransport>));
    let inside = std::sync::Arc::clone(&looking);
    let script = script.answer_always(ReceiveCodes, move || {
        let sent = inside.lock().unwrap().as_ref().map_or(0, |script| script.requests().len());
        if sent < 3 { Reply::no_content() } else { Reply::error(429, "Too many") }
    });
    *looking.lock().unwrap() = Some(script.clone());
    let client = client(&script);
    block_on(async {
        client.receive_codes().await.unwrap();
        client.receive_codes().await.unwrap();
        assert_eq!(client.receive_codes().await.unwrap_err().kind(), ErrorKind::RateLimited);
    });
    script.finish();
}

#[test]
fn a_body_beyond_the_request_s_limit_is_the_transport_s_to_refuse() {
    use otp_core::http::Request as HttpRequest;
    use otp_core::{Request, Transport};
    for (limit, fits) in [(5, true), (4, false)] {
        let script = ScriptedTransport::in_order()
            .answer(ReceiveCodes, Reply::status(200).with_body("12345"));
        let http = HttpRequest::post("http://127.0.0.1/user/otp/sms/receive");
        let request = Request::new(ReceiveCodes::ENDPOINT, http.body(Default::default()).unwrap())
            .with_response_limit(limit);
        let outcome = block_on(Transport::send(&script, request));
        assert_eq!(outcome.is_ok(), fits);
        if let Err(error) = outcome {
            assert_eq!(error.kind(), TransportErrorKind::ResponseTooLarge);
            assert!(error.head().is_some());
        }
    }
}

#[test]
fn what_is_shown_of_a_script_helps_whoever_looks_for_a_mistake() {
    let script = ScriptedTransport::in_order()
        .answer(ReceiveCodes, Reply::no_content())
        .answer(verify("canary"), Reply::recovery_codes(["canary"]).cut());
    let shown = format!("{script:?}");
    assert!(shown.contains("step 1, receive_codes") && !shown.contains("canary"), "{shown}");
    let shown = format!("{:?}", Reply::recovery_codes(["canary"]).cut());
    assert!(shown.contains("Cut") && shown.contains("200") && !shown.contains("canary"), "{shown}");
    let shown = format!("{:?}", Expected::call(verify("canary")).with_token(token()));
    assert!(shown.contains("find_ensure_otp") && !shown.contains("canary"), "{shown}");
    // Nobody asks: that is not what this test is about.
    panic_of(|| script.finish());
}

/// An operation of somebody else's, with all that one can have.
struct EnableApp(&'static str, &'static str);

impl Operation for EnableApp {
    type Output = ();
    const ENDPOINT: &'static otp_core::Endpoint =
        &otp_core::Endpoint::post("enable_app", "/user/otp/app");

    fn write(
        &self,
        request: &mut otp_core::operation::RequestDraft,
    ) -> Result<(), otp_core::operation::WriteError> {
        request.secret_header(HeaderName::from_static("x-otp-token"), &Otp::new(self.0).unwrap());
        request.body(HeaderValue::from_static("application/json"), self.1);
        Ok(())
    }

    fn read(&self, _: &ResponseReader<'_>) -> Result<(), otp_core::operation::ReadError> {
        Ok(())
    }
}

#[test]
fn an_operation_of_your_own_is_compared_by_its_headers_and_its_body_too() {
    for (sent, fits) in
        [(EnableApp("1", "{}"), true), (EnableApp("2", "{}"), false), (EnableApp("1", "[]"), false)]
    {
        let script = ScriptedTransport::in_order().answer(EnableApp("1", "{}"), Reply::status(200));
        let client = client(&script);
        assert_eq!(block_on(client.call(sent).send()).is_ok(), fits);
        if !fits {
            panic_of(|| script.finish());
        }
    }
}

/// An operation that writes a header once for each of its tags.
struct Tag(&'static [&'static str]);

impl Operation for Tag {
    type Output = ();
    const ENDPOINT: &'static otp_core::Endpoint = &otp_core::Endpoint::post("tag", "/tags");

    fn write(
        &self,
        request: &mut otp_core::operation::RequestDraft,
    ) -> Result<(), otp_core::operation::WriteError> {
        for tag in self.0 {
            request.header(HeaderName::from_static("x-tag"), HeaderValue::from_static(tag));
        }
        Ok(())
    }

    fn read(&self, _: &ResponseReader<'_>) -> Result<(), otp_core::operation::ReadError> {
        Ok(())
    }
}

#[test]
fn a_header_that_is_repeated_is_compared_value_by_value_in_order() {
    for (sent, difference) in [
        (Tag(&["a", "b"]), None),
        (Tag(&["b", "a"]), Some("header x-tag another value")),
        (Tag(&["a"]), Some("header x-tag expected 2 values, came 1")),
        (Tag(&["a", "b", "b"]), Some("header x-tag expected 2 values, came 3")),
        (Tag(&[]), Some("header x-tag missing")),
    ] {
        let script = ScriptedTransport::in_order().answer(Tag(&["a", "b"]), Reply::no_content());
        let outcome = block_on(client(&script).call(sent).send());
        let Some(difference) = difference else {
            outcome.unwrap();
            continue;
        };
        let sentence = outcome.unwrap_err().to_string();
        assert!(sentence.contains(difference), "{difference} is not in {sentence}");
        assert_eq!(sentence.matches("header").count(), 1, "told once: {sentence}");
        panic_of(|| script.finish());
    }
}

#[test]
fn in_any_order_a_request_of_another_operation_is_told_with_the_open_steps() {
    let script = ScriptedTransport::in_any_order()
        .answer(FindRecoveryCodes, Reply::recovery_codes(["a"]))
        .answer(verify("1"), Reply::no_content())
        .answer(Expected::any::<RegenerateCodes>().with_token(token()), Reply::no_content());
    let client = client(&script);
    block_on(client.find_recovery_codes()).unwrap();
    let error = block_on(client.receive_codes()).unwrap_err();
    let told = "; open are step 2, find_ensure_otp and step 3, regenerate_codes";
    assert!(error.to_string().contains(told), "{error}");
    panic_of(|| script.finish());
}
