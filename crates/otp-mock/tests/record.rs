//! Recording what passes through a transport, and playing it again: without any secret.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_core::operation::{FindEnsureOtp, ReceiveCodes, RegenerateCodes};
use otp_core::secrecy::ExposeSecret;
use otp_core::{
    AuthToken, Error, Otp, OtpsApi, OtpsClient, TransportError, TransportErrorKind, blocking, local,
};
use otp_mock::{Expected, FakeOtps, Fault, Recorder, Recording, Reply, ScriptedTransport};
use pollster::block_on;

/// What a caller sees of a call.
fn seen<T>(outcome: Result<T, Error>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!(
            "{:?} {:?} {:?} {:?} {:?}",
            error.kind(),
            error.effect(),
            error.status(),
            error.messages(),
            error.attempts().len()
        ),
    }
}

/// Everything that the service can do, good and bad. The OTP is asked for after the SMS.
async fn story(client: &OtpsClient, otp: impl Fn() -> Otp) -> Vec<String> {
    vec![
        seen(client.receive_codes().await),
        seen(client.find_ensure_otp(&otp()).await),
        seen(client.find_ensure_otp(&otp()).await),
        seen(client.find_recovery_codes().await),
        seen(client.regenerate_codes().await),
        seen(client.regenerate_codes().await),
        seen(client.find_recovery_codes().await),
        seen(client.receive_codes().await),
        seen(client.with_token(AuthToken::new("nobody").unwrap()).receive_codes().await),
    ]
}

#[test]
fn what_was_recorded_is_played_again_with_the_same_outcomes_and_without_its_secrets() {
    let service = FakeOtps::builder().rate_limit(100, Duration::from_secs(60)).build();
    let codes = block_on(service.find_recovery_codes()).unwrap();
    for fault in
        [Fault::StaleConnection, Fault::Sunset, Fault::LostRegenerate, Fault::CutRegenerate]
    {
        service.arm(fault);
    }
    let recorder = Recorder::new(service.clone());
    let client = OtpsClient::new(recorder.clone(), service.token().clone());
    let recorded = block_on(story(&client, || service.last_sms().unwrap().otp));
    assert_eq!(recorder.recording().to_string().matches("\"operation\"").count(), 10);

    let file = std::env::temp_dir().join(format!("otp-mock-recording-{}.json", std::process::id()));
    recorder.recording().save(&file).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let mut secrets = vec![service.token().expose_secret().to_owned(), "nobody".to_owned()];
    secrets.extend(service.sms_outbox().iter().map(|sms| sms.otp.expose_secret().to_owned()));
    let now = block_on(service.find_recovery_codes()).unwrap();
    secrets.extend(codes.iter().chain(&now).map(|code| code.expose_secret().to_owned()));
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} is in {text}");
    }

    let recording = Recording::load(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(recording, recorder.recording());
    let replay = recording.replay();
    let client = OtpsClient::new(replay.clone(), AuthToken::new("token-1").unwrap());
    let played = block_on(story(&client, || Otp::new("otp-1").unwrap()));
    assert_eq!(played, recorded, "{text}");
    replay.finish();
}

#[test]
fn the_file_is_there_for_a_person_to_read() {
    let service = FakeOtps::new();
    let recorder = Recorder::new(service.clone());
    let client = OtpsClient::new(recorder.clone(), service.token().clone());
    block_on(async {
        client.receive_codes().await.unwrap();
        let otp = service.next_sms().await.otp;
        client.find_ensure_otp(&otp).await.unwrap();
        client.find_ensure_otp(&otp).await.unwrap_err();
    });
    let mut text = recorder.recording().to_string();
    // Request ids are random.
    while let Some(at) = text.find("\"x-request-id\"") {
        let end = at + text[at..].find('\n').unwrap();
        text.replace_range(at..end, "(id)");
    }
    let third = &text[text.rfind("    {\n      \"operation\"").unwrap()..];
    assert_eq!(
        third,
        r#"    {
      "operation": "find_ensure_otp",
      "request": "POST /user/otp/verify/otp-1",
      "headers": {
        "accept": "application/json",
        "user-agent": "otp-core/0.1.0",
        "x-auth-token": "token-1"
      },
      "answer": {
        "status": 400,
        "headers": {
          "content-type": "application/json",
          (id)
        },
        "json": {
          "error": "OTP is invalid"
        }
      }
    }
  ]
}"#
    );
    assert!(text.contains("\"x-auth-token\": \"token-2\""), "the session: {text}");
}

#[test]
fn no_answer_brings_a_secret_into_the_file() {
    const CANARIES: [&str; 3] = ["canary-t0ken", "canary-0tp", "canary-c0de"];
    let replies = [
        Reply::error(400, "no user canary-t0ken, OTP canary-0tp or canary%2D0tp"),
        Reply::json(
            400,
            r#"{"errors": ["Y2FuYXJ5LXQwa2Vu", 7, {"canary-0tp": 1}], "x": "canary-0tp"}"#,
        ),
        Reply::json(200, r#"{"token": "canary-c0de", "canary-0tp": ["canary-c0de"]}"#),
        Reply::status(200).with_header("content-type", "text/html").with_body("canary-c0de"),
        Reply::status(204)
            .with_header("set-cookie", "canary-c0de")
            .with_header("x-auth-token", "canary-c0de")
            .with_header("x-request-id", "for-canary-t0ken"),
        Reply::json(200, r#""canary-c0de""#),
        Reply::json(200, r#"["canary-c0de"]"#),
        Reply::failed(
            TransportError::unknown(TransportErrorKind::Other).with_reason("canary-c0de"),
        ),
    ];
    for reply in replies {
        let shown = format!("{reply:?}");
        let script = ScriptedTransport::in_order().answer(Expected::any::<FindEnsureOtp>(), reply);
        let recorder = Recorder::new(script.clone());
        let client = OtpsClient::new(recorder.clone(), AuthToken::new(CANARIES[0]).unwrap());
        let _ = block_on(client.find_ensure_otp(&Otp::new(CANARIES[1]).unwrap()));
        let recording = recorder.recording();
        let text = format!("{recording} {recorder:?} {recording:?}");
        for canary in CANARIES.iter().chain(&["Y2FuYXJ5LXQwa2Vu", "canary%2D"]) {
            assert!(!text.contains(canary), "{canary} of {shown} is in {text}");
        }
    }
}

#[test]
fn a_secret_header_of_an_operation_of_your_own_is_a_secret_too() {
    use otp_core::http::{HeaderName, HeaderValue};
    let script = ScriptedTransport::in_order()
        .answer(ReceiveCodes, Reply::error(400, "canary-otp is not it"));
    let recorder = Recorder::new(script);
    let client = OtpsClient::new(recorder.clone(), AuthToken::new("k3y").unwrap());
    let mut secret = HeaderValue::from_static("canary-otp");
    secret.set_sensitive(true);
    let call = client
        .call(ReceiveCodes)
        .header(HeaderName::from_static("x-otp-token"), secret)
        .header(HeaderName::from_static("x-tenant"), HeaderValue::from_static("canary-tenant"));
    block_on(call.send()).unwrap_err();
    let text = recorder.recording().to_string();
    assert!(text.contains(r#""x-tenant": "[redacted]""#), "{text}");
    assert!(text.contains(r#""x-otp-token": "secret-1""#), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn every_failure_of_a_transport_is_the_same_when_it_is_played() {
    use TransportErrorKind::{
        Connect, ConnectionLost, Other, Protocol, ProxyRefused, ResponseTooLarge, Timeout, Tls,
    };
    for kind in
        [Connect, ConnectionLost, Other, Protocol, ProxyRefused, ResponseTooLarge, Timeout, Tls]
    {
        for error in [TransportError::not_sent(kind), TransportError::unknown(kind)] {
            let script =
                ScriptedTransport::in_any_order().answer(RegenerateCodes, Reply::failed(error));
            let recorder = Recorder::new(script.clone());
            let token = AuthToken::new("k3y").unwrap();
            let client = OtpsClient::builder(recorder.clone(), token.clone())
                .retry(otp_core::RetryPolicy::never())
                .build()
                .unwrap();
            let recorded = seen(block_on(client.regenerate_codes()));
            let replay = recorder.recording().replay();
            let client = OtpsClient::builder(replay, token)
                .retry(otp_core::RetryPolicy::never())
                .build()
                .unwrap();
            assert_eq!(seen(block_on(client.regenerate_codes())), recorded, "{kind:?}");
        }
    }
}

#[test]
fn it_records_in_every_flavour() {
    let service = FakeOtps::new();
    let recorder = Recorder::new(service.clone());
    let token = service.token().clone();
    let client = OtpsClient::new(recorder.clone(), token.clone());
    block_on(client.receive_codes()).unwrap();
    let client = local::OtpsClient::new(recorder.clone(), token.clone());
    block_on(local::OtpsApi::receive_codes(&client)).unwrap();
    let client = blocking::OtpsClient::new(recorder.clone(), token.clone());
    blocking::OtpsApi::receive_codes(&client).unwrap();
    assert_eq!(recorder.recording().to_string().matches("sms/receive").count(), 3);
}

#[test]
fn what_is_played_has_as_many_codes_and_the_same_ones_where_they_were_the_same() {
    let service = FakeOtps::new();
    let recorder = Recorder::new(service.clone());
    let client = OtpsClient::new(recorder.clone(), service.token().clone());
    let read = |client: &OtpsClient| block_on(client.find_recovery_codes()).unwrap();
    read(&client);
    block_on(client.regenerate_codes()).unwrap();
    read(&client);

    let client = OtpsClient::new(recorder.recording().replay(), AuthToken::new("token-1").unwrap());
    let old = read(&client);
    let new = block_on(client.regenerate_codes()).unwrap();
    assert_eq!((old.len(), new.len()), (10, 10));
    assert_eq!(read(&client), new);
    assert!(old.iter().all(|code| !new.codes().contains(code)));
    assert_eq!(old.codes()[0].expose_secret(), "recovery-code-1");
    assert_eq!(new.codes()[9].expose_secret(), "recovery-code-20");
}

#[test]
fn a_body_is_written_by_its_shape_and_its_documented_fields() {
    let body = r#"{"token": "canary-t0ken", "recovery_codes": [1, null, "canary"], "error": {"a": 1}, "x": true}"#;
    let replies = [
        Reply::json(200, body),
        Reply::json(400, r#"[1]"#),
        Reply::error(400, "it is invalid"),
        Reply::status(400).with_body("<html>"),
        Reply::status(400),
    ];
    let script = replies.into_iter().fold(ScriptedTransport::in_order(), |script, reply| {
        script.answer(Expected::any::<FindEnsureOtp>(), reply)
    });
    let recorder = Recorder::new(script.clone());
    let client = OtpsClient::new(recorder.clone(), AuthToken::new("k3y").unwrap());
    let call = |client: &OtpsClient| block_on(client.find_ensure_otp(&Otp::new("1").unwrap()));
    let recorded: Vec<_> = (0..5).map(|_| seen(call(&client))).collect();
    let recording = recorder.recording();
    let written: serde_json::Value = serde_json::from_str(&recording.to_string()).unwrap();
    let answers: Vec<_> = (0..5).map(|at| written["exchanges"][at]["answer"].clone()).collect();
    assert_eq!(
        answers[0]["json"],
        serde_json::json!({
            "token": "token-2", "recovery_codes": [0, null, "recovery-code-1"], "error": {}, "x": false,
        })
    );
    assert_eq!(answers[1]["json"], serde_json::json!([]));
    assert_eq!(answers[2]["json"]["error"], "it is invalid");
    assert_eq!(answers[3]["text"], "[6 bytes that are no JSON]");
    assert!(answers[4].get("text").is_none() && answers[4].get("json").is_none());

    let replay = OtpsClient::new(recording.replay(), AuthToken::new("k3y").unwrap());
    let first = call(&replay).unwrap().into_session_token().unwrap();
    assert_eq!(first.expose_secret(), "token-2");
    let played: Vec<_> = (1..5).map(|_| seen(call(&replay))).collect();
    assert_eq!(played, recorded[1..]);
}

#[test]
fn a_recorder_has_the_time_of_what_it_records() {
    let recorded = || {
        let service = FakeOtps::new();
        service.arm(Fault::Slow { delay: Duration::from_secs(60) });
        service.advance(Duration::from_secs(7));
        (Recorder::new(service.clone()), service)
    };
    let ends = |error: Error| {
        let last = error.attempts().last().unwrap();
        assert_eq!(last.started + last.duration, Duration::from_secs(30), "{error}");
    };
    let (recorder, service) = recorded();
    let client = OtpsClient::new(recorder.clone(), service.token().clone());
    ends(block_on(client.find_recovery_codes()).unwrap_err());
    let (recorder, service) = recorded();
    let client = local::OtpsClient::new(recorder.clone(), service.token().clone());
    ends(block_on(local::OtpsApi::find_recovery_codes(&client)).unwrap_err());
    let (recorder, service) = recorded();
    let client = blocking::OtpsClient::new(recorder.clone(), service.token().clone());
    ends(blocking::OtpsApi::find_recovery_codes(&client).unwrap_err());
    assert!(format!("{recorder:?}").contains("exchanges: 3"), "{recorder:?}");
}
