//! No secret is in a recording: not where the server names it before it is seen as one, nor where it is an
//! operation's own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use otp_core::http::HeaderValue;
use otp_core::operation::{
    FindRecoveryCodes, ReadError, ReceiveCodes, RequestDraft, ResponseReader,
};
use otp_core::secrecy::{ExposeSecret, SecretString};
use otp_core::{AuthToken, Endpoint, Operation, Otp, OtpsApi, OtpsClient};
use otp_core::{Effect, TransportError, TransportErrorKind};
use otp_mock::{Expected, FakeOtps, Recorder, Recording, Reply, ScriptedTransport};
use pollster::block_on;

const CANARY: &str = "canary-c0de";

/// A recorder that answers like this, whatever is asked, and a client of it.
fn recorded(replies: impl IntoIterator<Item = Reply>) -> (Recorder<ScriptedTransport>, OtpsClient) {
    let script = replies.into_iter().fold(ScriptedTransport::in_order(), |script, reply| {
        script.answer(Expected::anything(), reply)
    });
    let recorder = Recorder::new(script);
    (recorder.clone(), OtpsClient::new(recorder, AuthToken::new("k3y-of-mine").unwrap()))
}

fn verify(client: &OtpsClient) -> Result<bool, otp_core::Error> {
    let verified = block_on(client.find_ensure_otp(&Otp::new("123456").unwrap()))?;
    Ok(verified.session_token().is_some())
}

fn assert_silent(recording: &Recording) {
    for shown in [recording.to_string(), format!("{recording:?}")] {
        // As it is, and in base64.
        for canary in ["canary", "Y2FuYXJ5"] {
            assert!(!shown.contains(canary), "{shown}");
        }
    }
}

#[test]
fn a_secret_is_replaced_in_what_stands_before_it_in_the_same_answer() {
    for reply in [
        Reply::json(200, r#"{"href": "https://h/canary-c0de", "recovery_codes": ["canary-c0de"]}"#),
        Reply::json(200, r#"{"error": "now canary-c0de", "recovery_codes": ["canary-c0de"]}"#),
        Reply::json(200, r#"{"errors": ["session canary-c0de"], "token": "canary-c0de"}"#),
        Reply::json(200, r#"{"canary-c0de": 1, "recovery_codes": ["canary-c0de"]}"#),
        Reply::json(200, r#"{"data": [{"token": "canary-c0de"}], "error": "canary-c0de"}"#),
        Reply::json(200, r#"{"error": "Y2FuYXJ5LWMwZGU", "token": "canary-c0de"}"#),
        Reply::no_content()
            .with_header("x-request-id", "for-canary-c0de")
            .with_header("x-auth-token", CANARY),
        Reply::json(200, r#"{"token": "canary-c0de"}"#).with_header("x-request-id", CANARY),
        Reply::json(200, r#"{"token": "canary-c0de"}"#).with_header("retry-after", CANARY),
        Reply::json(200, r#"{"token": "canary-c0de"}"#)
            .with_header("content-type", "multipart/form-data; boundary=canary-c0de"),
    ] {
        let (recorder, client) = recorded([reply]);
        let _ = verify(&client);
        assert_silent(&recorder.recording());
    }
}

#[test]
fn a_secret_is_replaced_in_an_exchange_before_the_one_that_shows_it() {
    let (recorder, client) = recorded([
        Reply::error(422, "use canary-c0de instead").with_header("x-request-id", CANARY),
        Reply::recovery_codes([CANARY]),
    ]);
    block_on(client.receive_codes()).unwrap_err();
    block_on(client.find_recovery_codes()).unwrap();
    assert_silent(&recorder.recording());
    let text = recorder.recording().to_string();
    assert!(text.contains("use [redacted] instead") && text.contains("recovery-code-1"), "{text}");
}

#[test]
fn a_secret_in_the_head_of_a_failure_is_one_too() {
    let head = Reply::no_content()
        .with_header("x-request-id", "for-canary-c0de")
        .with_header("x-auth-token", CANARY)
        .into_response()
        .unwrap();
    let error =
        TransportError::unknown(TransportErrorKind::ConnectionLost).with_head(head.into_parts().0);
    let (recorder, client) = recorded([Reply::failed(error)]);
    assert_eq!(verify(&client).unwrap_err().effect(), Effect::Applied);
    assert_silent(&recorder.recording());
}

#[test]
fn a_secret_of_a_call_that_was_dropped_is_known() {
    let (recorder, client) =
        recorded([Reply::pending(), Reply::error(400, "123456 was used already")]);
    let otp = Otp::new("123456").unwrap();
    {
        let mut call = std::pin::pin!(client.find_ensure_otp(&otp));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    block_on(client.receive_codes()).unwrap_err();
    let text = recorder.recording().to_string();
    assert!(!text.contains("123456"), "{text}");
    assert_eq!(text.matches("\"operation\"").count(), 1, "{text}");
}

/// An operation with a secret in its body.
struct SetPassword(SecretString);

impl Operation for SetPassword {
    type Output = ();
    const ENDPOINT: &'static Endpoint = &Endpoint::post("set_password", "/password");

    fn write(&self, request: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
        let body = self.0.expose_secret().to_owned();
        request.secret(&self.0).body(HeaderValue::from_static("text/plain"), body);
        Ok(())
    }

    fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
        Err(ReadError::UnexpectedStatus)
    }
}

#[test]
fn a_secret_that_an_operation_of_your_own_names_is_replaced_wherever_it_comes_back() {
    let (recorder, client) = recorded([
        Reply::error(400, "the old canary-c0de is better"),
        Reply::error(400, "the password canary-c0de is weak"),
    ]);
    block_on(client.receive_codes()).unwrap_err();
    let operation = SetPassword(SecretString::from(CANARY));
    let error = block_on(client.call(operation).send()).unwrap_err();
    assert_eq!(error.messages(), ["the password [redacted] is weak"]);
    assert_silent(&recorder.recording());
    let text = recorder.recording().to_string();
    assert!(text.contains("the password [redacted] is weak"), "{text}");
}

#[test]
fn the_same_secret_is_the_same_placeholder_whatever_it_is_used_for() {
    let service = FakeOtps::new();
    let recorder = Recorder::new(service.clone());
    let client = OtpsClient::new(recorder.clone(), service.token().clone());
    let codes = block_on(client.find_recovery_codes()).unwrap();
    let otp = Otp::new(codes.codes()[3].expose_secret()).unwrap();
    block_on(client.find_ensure_otp(&otp)).unwrap();
    let text = recorder.recording().to_string();
    assert!(text.contains("POST /user/otp/verify/recovery-code-4"), "{text}");
    assert!(!text.contains("otp-1"), "{text}");
}

#[test]
fn an_empty_secret_is_none_and_what_comes_after_it_is_recorded() {
    for (reply, session) in [
        (Reply::no_content().with_header("x-auth-token", ""), false),
        (Reply::json(200, r#"{"token": "canary-c0de", "recovery_codes": ["", " "]}"#), true),
    ] {
        let (recorder, client) =
            recorded([reply, Reply::recovery_codes([""]), Reply::recovery_codes(["canary-c0de"])]);
        let story = |client: &OtpsClient| {
            let read = || block_on(client.find_recovery_codes()).map(|codes| codes.len());
            (verify(client).unwrap(), read().unwrap(), read().unwrap())
        };
        assert_eq!(story(&client), (session, 1, 1));
        let recording = recorder.recording();
        assert_silent(&recording);
        let token = AuthToken::new("token-1").unwrap();
        assert_eq!(story(&OtpsClient::new(recording.replay(), token)), (session, 1, 1));
    }
}

#[test]
fn a_call_takes_no_longer_the_more_was_recorded() {
    let service = FakeOtps::new();
    let recorder = Recorder::new(service.clone());
    let client = OtpsClient::new(recorder.clone(), service.token().clone());
    // The least of several, since the machine has other things to do too.
    let least = || {
        let times = (0..10).map(|_| {
            let started = Instant::now();
            block_on(client.regenerate_codes()).unwrap();
            started.elapsed()
        });
        times.min().unwrap()
    };
    let first = least();
    (0..200).for_each(|_| drop(block_on(client.regenerate_codes()).unwrap()));
    let last = least();
    assert!(last < first * 10, "{first:?} at first, {last:?} after 2000 codes");
    assert!(recorder.recording().to_string().contains("recovery-code-2200"));
}

#[test]
fn what_a_recorder_was_asked_is_recorded_even_after_it_was_looked_at() {
    let script = ScriptedTransport::in_order()
        .answer(ReceiveCodes, Reply::no_content())
        .answer(FindRecoveryCodes, Reply::recovery_codes([CANARY]));
    let recorder = Recorder::new(script);
    let client = OtpsClient::new(recorder.clone(), AuthToken::new("k3y-of-mine").unwrap());
    block_on(client.receive_codes()).unwrap();
    assert_eq!(recorder.recording().to_string().matches("\"operation\"").count(), 1);
    block_on(client.find_recovery_codes()).unwrap();
    assert_eq!(recorder.recording().to_string().matches("\"operation\"").count(), 2);
    assert_eq!(recorder.recording(), recorder.recording());
}
