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
    assert!(text.contains(r#""x-otp-token": "secret-1""#), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn every_failure_of_a_transport_is_the_same_when_it_is_played() {
    use TransportErrorKind::{
        Connect, ConnectionLost, Other, Protocol, ResponseTooLarge, Timeout, Tls,
    };
    for kind in [Connect, ConnectionLost, Other, Protocol, ResponseTooLarge, Timeout, Tls] {
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
fn what_is_no_recording_is_refused_with_where_and_why() {
    for (text, told) in [
        ("", "line 1 column 0"),
        ("{}", "missing field `exchanges`"),
        (
            r#"{"exchanges": [{"operation": "x", "request": "y", "extra": 1}]}"#,
            "unknown field `extra`",
        ),
    ] {
        let sentence = text.parse::<Recording>().unwrap_err().to_string();
        assert!(
            sentence.starts_with("this is no recording") && sentence.contains(told),
            "{sentence}"
        );
    }
    assert!(Recording::load("/nowhere/at/all.json").is_err());
}
