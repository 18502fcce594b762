//! What the operation gets by implementing the trait: each of `otp-core`'s guarantees, for this endpoint.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_core::local::FromSend;
use otp_core::{
    AuthToken, Effect, Error, ErrorKind, Otp, OtpsClient, Transport, TransportError,
    TransportErrorKind, blocking, local,
};
use otp_example_larger_sdk::client;
use otp_example_larger_sdk::operations::enable_app::{AppApi, EnableApp};
use otp_mock::{Expected, Reply, ScriptedTransport, SeenRequest};
use pollster::block_on;

const TOKEN: &str = "canary-t0ken-7c1f";
const OTP: &str = "canary-0tp-93ab";

fn token() -> AuthToken {
    AuthToken::new(TOKEN).unwrap()
}

fn otp() -> Otp {
    Otp::new(OTP).unwrap()
}

fn scripted(replies: impl IntoIterator<Item = Reply>) -> (OtpsClient, ScriptedTransport) {
    let script = replies.into_iter().fold(ScriptedTransport::in_order(), |script, reply| {
        script.answer(EnableApp::new(otp()), reply)
    });
    (client(script.clone(), token()).unwrap(), script)
}

/// What comes of these replies; all of them must be asked for.
fn outcome(replies: impl IntoIterator<Item = Reply>) -> Result<(), Error> {
    let (client, script) = scripted(replies);
    let outcome = block_on(client.enable_app(&otp()));
    script.finish();
    outcome
}

#[test]
fn it_is_sent_as_the_api_wants_it() {
    let (client, script) = scripted([Reply::status(200)]);
    block_on(client.enable_app(&otp())).unwrap();
    let seen = &script.requests()[0];
    let http = seen.as_http();
    assert_eq!(http.method(), "POST");
    assert_eq!(http.uri(), "https://api.equinix.com/metal/v1/user/otp/app");
    assert_eq!(http.headers()["x-otp-token"], OTP);
    assert_eq!(http.headers()["user-agent"], "metal-sdk/2.1");
    assert_eq!(seen.token(), Some(token()));
    assert!(http.body().is_empty());
    script.finish();
}

#[test]
fn a_success_is_one_only_if_the_service_says_so() {
    outcome([Reply::status(200)]).unwrap();
    outcome([Reply::json(200, "{}")]).unwrap();
    let portal = Reply::status(200).with_header("content-type", "text/html").with_body("<p>hello");
    assert_eq!(outcome([portal]).unwrap_err().kind(), ErrorKind::Decode);
    let other = outcome([Reply::no_content()]).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::UnexpectedStatus);
}

#[test]
fn what_was_not_sent_is_tried_again() {
    let (client, script) = scripted([Reply::not_sent(), Reply::not_sent(), Reply::status(200)]);
    let answer = block_on(client.call(EnableApp::new(otp())).send()).unwrap();
    assert_eq!(answer.metadata.attempts(), 3);
    assert_eq!(script.waits().len(), 2);
    script.finish();
}

#[test]
fn what_may_have_been_done_is_never_repeated_and_the_error_says_what_to_do() {
    for (reply, kind) in [
        (Reply::lost(), ErrorKind::ConnectionLost),
        (Reply::never(), ErrorKind::Timeout),
        (Reply::error(500, "Oops"), ErrorKind::Server),
        (Reply::error(503, "Busy"), ErrorKind::Server),
        (Reply::status(302), ErrorKind::UnexpectedStatus),
    ] {
        // A second request would not be in the script, and `outcome` would fail.
        let error = outcome([reply]).unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::Unknown));
        let sentence = error.to_string();
        assert!(sentence.contains("enable_app"), "{sentence}");
        assert!(sentence.contains("look at the user's two-factor settings"), "{sentence}");
    }
}

#[test]
fn a_lost_answer_to_a_success_says_that_it_was_done() {
    let error = outcome([Reply::status(200).cut()]).unwrap_err();
    assert_eq!(error.effect(), Effect::Applied);
    assert!(error.to_string().contains("codes come from the app from now on"), "{error}");
}

#[test]
fn refusals_have_their_meaning_and_changed_nothing() {
    for (status, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (422, ErrorKind::Unprocessable),
        (429, ErrorKind::RateLimited),
    ] {
        let reply = Reply::error(status, "No").with_header("retry-after", "7");
        let error = outcome([reply]).unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::NotApplied));
        assert_eq!(error.messages(), ["No"]);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }
    let wrong = outcome([Reply::error(400, "OTP is invalid")]).unwrap_err();
    assert!(wrong.to_string().contains("wait for the app's next code"), "{wrong}");
}

#[test]
fn a_call_ends_by_its_deadline_whatever_the_attempts_do() {
    let slow_refusal = || {
        let refused = TransportError::not_sent(TransportErrorKind::Connect);
        Reply::failed(refused).after(Duration::from_secs(4))
    };
    let script =
        ScriptedTransport::in_order().answer_always(Expected::any::<EnableApp>(), slow_refusal);
    let client = client(script.clone(), token()).unwrap();
    let start = script.now();
    block_on(client.call(EnableApp::new(otp())).timeout(Duration::from_secs(6)).send())
        .unwrap_err();
    assert!(script.now() - start <= Duration::from_secs(6), "{:?}", script.now() - start);

    let limits: Vec<_> = script.requests().iter().map(SeenRequest::time_limit).collect();
    assert_eq!(limits[0], Duration::from_secs(6));
    assert!(limits[1] <= Duration::from_secs(2), "what is left: {limits:?}");
}

#[test]
fn neither_token_nor_otp_is_in_an_error_or_a_debug_output() {
    let echo = format!("{OTP} is not right for {TOKEN}");
    let (client, script) = scripted([Reply::error(400, &echo)]);
    let error = block_on(client.enable_app(&otp())).unwrap_err();
    let request = &script.requests()[0];
    assert!(request.as_http().headers()["x-otp-token"].is_sensitive());
    for shown in [
        error.to_string(),
        format!("{error:?}"),
        format!("{request:?}"),
        format!("{:?}", request.as_http().headers()),
        format!("{:?}", EnableApp::new(otp())),
        format!("{client:?}"),
    ] {
        assert!(!shown.contains(OTP) && !shown.contains(TOKEN), "{shown}");
    }
    assert!(error.to_string().contains("is not right for"), "the rest of the message is there");
    script.finish();
}

#[test]
fn it_runs_in_every_flavour_of_the_client() {
    let script =
        ScriptedTransport::in_order().answer_always(EnableApp::new(otp()), || Reply::status(200));
    let operation = EnableApp::new(otp());
    let blocking = blocking::OtpsClient::new(script.clone(), token());
    blocking.call(&operation).send().unwrap();
    let local = local::OtpsClient::new(FromSend(script.clone()), token());
    block_on(local.call(&operation).send()).unwrap();
    assert_eq!(script.requests().len(), 2);
}
