//! A recording that a person wrote or edited: what cannot be played is refused, with where and why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use otp_core::{AuthToken, Effect, OtpsApi, OtpsClient};
use otp_mock::Recording;

/// Two exchanges, of which the second is this.
fn refused(second: &str) -> String {
    let text = format!(
        r#"{{"exchanges": [
            {{"operation": "receive_codes", "request": "x", "answer": {{"status": 204}}}},
            {{"operation": "find_recovery_codes", "request": "x"{second}}}]}}"#
    );
    assert!(serde_json::from_str::<Recording>(&text).is_err(), "by serde too");
    text.parse::<Recording>().unwrap_err().to_string()
}

#[test]
fn a_slip_of_the_pen_is_refused_and_never_played_as_something_else() {
    let cases = [
        (r#", "answer": {"status": 4290}"#, "4290 is no status: 100 to 999"),
        (r#", "answer": {"status": 42}"#, "42 is no status: 100 to 999"),
        (
            r#", "failure": {"kind": "connection-lost", "not_sent": false}"#,
            "'connection-lost' is no kind of failure: connect, proxy_refused, tls, timeout, connection_lost",
        ),
        (
            r#", "answer": {"status": 429, "headers": {"retry after": "5"}}"#,
            "'retry after' cannot be the name of a header",
        ),
        (
            r#", "answer": {"status": 429, "headers": {"retry-after": "5\n"}}"#,
            "the header 'retry-after' cannot have its value",
        ),
        (
            r#", "answer": {"status": 429}, "failure": {"kind": "tls", "not_sent": true}"#,
            "it has an answer and a failure",
        ),
        ("", "it has neither an answer nor a failure"),
        (
            r#", "answer": {"status": 200, "json": null, "text": ""}"#,
            "its answer has a json and a text",
        ),
        (
            r#", "failure": {"kind": "tls", "not_sent": true, "head": {"status": 200}}"#,
            "what was not sent has no head",
        ),
        (
            r#", "failure": {"kind": "tls", "not_sent": false, "head": {"status": 200, "json": {}}}"#,
            "the head of a failure has no body",
        ),
        (
            r#", "failure": {"kind": "tls", "not_sent": false, "head": {"status": 2000}}"#,
            "2000 is no status: 100 to 999",
        ),
    ];
    for (second, wrong) in cases {
        let sentence = refused(second);
        let expected = format!("this is no recording: exchange 2 (find_recovery_codes): {wrong}");
        assert!(sentence.starts_with(&expected), "{sentence}");
    }
}

/// A recording of one exchange with this operation and this request.
fn of(operation: &str, request: &str) -> Result<Recording, String> {
    let text = format!(
        r#"{{"exchanges": [{{"operation": "{operation}", "request": "{request}", "answer": {{"status": 204}}}}]}}"#
    );
    text.parse().map_err(|error: otp_mock::InvalidRecording| error.to_string())
}

#[test]
fn a_misspelt_operation_is_refused_with_the_one_that_was_meant() {
    for (operation, request, meant) in [
        ("find_recovry_codes", "GET /user/otp/recovery-codes", "find_recovery_codes"),
        ("regenerate_code", "POST /user/otp/recovery-codes", "regenerate_codes"),
        ("recieve_codes", "POST /user/otp/sms/receive", "receive_codes"),
        ("Find_ensure_otp", "POST /user/otp/verify/otp-1", "find_ensure_otp"),
    ] {
        let told = format!(
            "this is no recording: exchange 1 ({operation}): there is no operation '{operation}': did you mean {meant}?"
        );
        let sentence = of(operation, request).unwrap_err();
        assert!(sentence.starts_with(&told), "{sentence}");
        of(meant, request).unwrap();
    }
}

#[test]
fn operations_of_a_larger_sdk_have_any_names() {
    for (operation, request) in [
        ("create_key", "POST /user/api-keys"),
        // Nearly a name of this SDK's, but another endpoint.
        ("receive_code", "POST /user/code/receive"),
        ("find_recovery_codes", "GET /organizations/7/recovery-codes"),
        // The same endpoint, under a name of the larger SDK's own.
        ("verify_otp", "POST /user/otp/verify/otp-1"),
        // Written by hand.
        ("recieve_codes", ""),
    ] {
        of(operation, request).unwrap();
    }
}

#[test]
fn a_misspelt_operation_that_only_the_caller_can_tell_is_told_when_it_is_played() {
    for (operation, told) in [
        (
            "recieve_codes",
            "expected recieve_codes, came receive_codes; did you mean receive_codes?",
        ),
        ("create_key", "expected create_key, came receive_codes"),
    ] {
        let replay = of(operation, "by hand").unwrap().replay();
        let client = OtpsClient::new(replay.clone(), AuthToken::new("token-1").unwrap());
        let error = pollster::block_on(client.receive_codes()).unwrap_err();
        assert_eq!(error.effect(), Effect::NotApplied);
        let sentence = error.to_string();
        assert!(sentence.contains(told), "{sentence}");
        assert_eq!(sentence.contains("did you mean"), told.contains("did you mean"), "{sentence}");
        std::panic::catch_unwind(|| replay.finish()).unwrap_err();
    }
}

#[test]
fn what_is_no_recording_is_refused_with_where_and_why() {
    for (text, told) in [
        ("", "line 1 column 0"),
        ("{}", "missing field `exchanges`"),
        (r#"{"exchanges": [], "extra": 1}"#, "unknown field `extra`"),
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
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_named() {
    let error = Recording::load("/nowhere/at/all.json").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().starts_with("/nowhere/at/all.json: "), "{error}");
    let error = Recording::default().save("/nowhere/at/all.json").unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/at/all.json: "), "{error}");

    let name = format!("otp-mock-edited-{}.json", std::process::id());
    let file = std::env::temp_dir().join(&name);
    std::fs::write(&file, r#"{"exchanges": [{"operation": "x", "request": "y"}]}"#).unwrap();
    let error = Recording::load(&file).unwrap_err();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let sentence = error.to_string();
    assert!(
        sentence.contains(&format!("{name}: this is no recording: exchange 1 (x): ")),
        "{sentence}"
    );
}
