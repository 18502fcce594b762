//! What each operation gets by being one: the right request, and every guarantee of `otp-core` about what comes back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Effect, ErrorKind, Otp, OtpsClient};
use otp_example_larger_sdk::operations::{FindKeys, FindProjects};
use otp_example_larger_sdk::{MetalApi, MetalError, settings};
use otp_mock::{Expected, Reply, ScriptedTransport};
use pollster::block_on;
use serde_json::{Value, json};

const TOKEN: &str = "canary-t0ken-7c1f";
const OTP: &str = "canary-0tp-93ab";
const KEY: &str = "canary-k3y-51de";

/// An operation of the SDK, as one calls it.
struct Case {
    name: &'static str,
    call: fn(&dyn MetalApi) -> Result<String, MetalError>,
    /// Method, and path with its query.
    line: &'static str,
    body: Value,
    /// The one success, and what is read from it.
    success: fn() -> Reply,
    reads: &'static str,
    /// Whether the client may send it again after a lost reply.
    repeats: bool,
    /// What the status alone proves.
    after_head: Effect,
    /// What to do if the server may have acted.
    advice: &'static str,
}

fn shown<T: std::fmt::Debug>(outcome: Result<T, MetalError>) -> Result<String, MetalError> {
    outcome.map(|value| format!("{value:?}"))
}

fn otp() -> Otp {
    Otp::new(OTP).unwrap()
}

fn key() -> Value {
    json!({ "id": "k-1", "description": "ci", "read_only": true, "token": KEY })
}

const READ_KEYS: &str =
    r#"[ApiKey { id: "k-1", description: "ci", read_only: true, token: AuthToken([redacted]) }]"#;
const READ_KEY: &str =
    r#"ApiKey { id: "k-1", description: "ci", read_only: true, token: AuthToken([redacted]) }"#;

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "find_user",
            call: |api| shown(block_on(api.find_user())),
            line: "GET /user",
            body: Value::Null,
            success: || {
                Reply::json(
                    200,
                    json!({ "id": "u-1", "full_name": "A B", "two_factor_auth": "app" }),
                )
            },
            reads: r#"User { id: "u-1", full_name: "A B", two_factor_auth: Some("app") }"#,
            repeats: true,
            after_head: Effect::Unknown,
            advice: "it is safe to repeat",
        },
        Case {
            name: "find_keys",
            call: |api| {
                shown(block_on(api.find_keys(&FindKeys { search: Some("ci & co".into()) })))
            },
            line: "GET /user/api-keys?search=ci%20%26%20co",
            body: Value::Null,
            success: || Reply::json(200, json!({ "api_keys": [key()] })),
            reads: READ_KEYS,
            repeats: true,
            after_head: Effect::Unknown,
            advice: "it is safe to repeat",
        },
        Case {
            name: "create_key",
            call: |api| shown(block_on(api.create_key("ci", true))),
            line: "POST /user/api-keys",
            body: json!({ "description": "ci", "read_only": true }),
            success: || Reply::json(201, key()),
            reads: READ_KEY,
            repeats: false,
            after_head: Effect::Applied,
            advice: "look for it with find_keys",
        },
        Case {
            name: "delete_key",
            call: |api| shown(block_on(api.delete_key("k/1"))),
            line: "DELETE /user/api-keys/k%2F1",
            body: Value::Null,
            success: Reply::no_content,
            reads: "true",
            repeats: true,
            after_head: Effect::Applied,
            advice: "it is safe to repeat",
        },
        Case {
            name: "find_projects",
            call: |api| {
                let query = FindProjects {
                    name: Some("a=b".into()),
                    include: vec!["members".into(), "payment_method".into()],
                    page: 2.try_into().ok(),
                    per_page: 50.try_into().ok(),
                };
                shown(block_on(api.find_projects(&query)))
            },
            line: "GET /projects?name=a%3Db&include=members%2Cpayment_method&page=2&per_page=50",
            body: Value::Null,
            success: || {
                let meta = json!({ "total": 1, "current_page": 2, "last_page": 2 });
                Reply::json(
                    200,
                    json!({ "projects": [{ "id": "p", "name": "a=b" }], "meta": meta }),
                )
            },
            reads: r#"ProjectList { projects: [Project { id: "p", name: "a=b" }], meta: Meta { last_page: 2, total: 1 } }"#,
            repeats: true,
            after_head: Effect::Unknown,
            advice: "it is safe to repeat",
        },
        Case {
            name: "enable_app",
            call: |api| shown(block_on(api.enable_app(&otp()))),
            line: "POST /user/otp/app",
            body: Value::Null,
            success: || Reply::status(200),
            reads: "()",
            repeats: false,
            after_head: Effect::Applied,
            advice: "read the user with find_user",
        },
        Case {
            name: "disable_app",
            call: |api| shown(block_on(api.disable_app(&otp()))),
            line: "DELETE /user/otp/app",
            body: Value::Null,
            success: Reply::no_content,
            reads: "()",
            repeats: false,
            after_head: Effect::Applied,
            advice: "read the user with find_user",
        },
    ]
}

fn client(script: &ScriptedTransport) -> OtpsClient {
    let builder = OtpsClient::builder(script.clone(), AuthToken::new(TOKEN).unwrap());
    settings(builder).build().unwrap()
}

/// What comes of these replies; all of them must be asked for.
fn outcome(case: &Case, replies: impl IntoIterator<Item = Reply>) -> Result<String, MetalError> {
    let script = replies.into_iter().fold(ScriptedTransport::in_order(), |script, reply| {
        script.answer(Expected::anything(), reply)
    });
    let outcome = (case.call)(&client(&script));
    script.finish();
    outcome
}

#[test]
fn each_is_sent_as_the_api_wants_it_and_reads_its_success() {
    for case in cases() {
        let script = ScriptedTransport::in_order().answer(Expected::anything(), (case.success)());
        assert_eq!((case.call)(&client(&script)).unwrap(), case.reads, "{}", case.name);
        let seen = &script.requests()[0];
        let http = seen.as_http();
        let (method, path) = case.line.split_once(' ').unwrap();
        assert_eq!(seen.operation(), case.name);
        assert_eq!(http.method(), method);
        assert_eq!(http.uri().to_string(), format!("https://api.equinix.com/metal/v1{path}"));
        assert_eq!(http.headers()["user-agent"], "metal-sdk/2.1");
        assert_eq!(seen.token(), Some(AuthToken::new(TOKEN).unwrap()));
        assert_eq!(http.headers().contains_key("x-otp-token"), case.name.ends_with("_app"));
        if case.body == Value::Null {
            assert!(http.body().is_empty() && !http.headers().contains_key("content-type"));
        } else {
            assert_eq!(serde_json::from_slice::<Value>(http.body()).unwrap(), case.body);
            assert_eq!(http.headers()["content-type"], "application/json");
        }
    }
}

#[test]
fn nothing_but_its_own_success_is_one() {
    for case in cases() {
        let page = || Reply::status(200).with_header("content-type", "text/html").with_body("<p>");
        let portal = outcome(&case, [page()]).unwrap_err();
        assert_eq!(portal.error().effect(), Effect::Unknown, "{}", case.name);
        for status in [202, 206, 302, 304] {
            let other = outcome(&case, [Reply::json(status, "{}")]).unwrap_err();
            assert_eq!(other.error().kind(), ErrorKind::UnexpectedStatus, "{} {status}", case.name);
        }
    }
}

#[test]
fn what_may_have_been_done_is_repeated_only_where_that_is_safe() {
    for case in cases() {
        let lost = [Reply::lost(), Reply::error(502, "Bad gateway"), Reply::error(503, "Busy")];
        for reply in lost {
            let times = if case.repeats { 3 } else { 1 };
            // More requests, or fewer, would fail the script.
            let failed = outcome(&case, std::iter::repeat_n(reply, times)).unwrap_err();
            assert_eq!(failed.error().effect(), Effect::Unknown, "{}", case.name);
            let sentence = failed.to_string();
            assert!(sentence.starts_with(case.name), "{sentence}");
            assert!(sentence.contains(case.advice), "{sentence}");
        }
        let refused = Reply::connection_refused;
        let read = outcome(&case, [refused(), refused(), (case.success)()]).unwrap();
        assert_eq!(read, case.reads, "what was not sent is sent again: {}", case.name);
    }
}

#[test]
fn a_lost_body_says_what_the_status_proves() {
    for case in cases() {
        let times = if case.repeats { 3 } else { 1 };
        let cut = std::iter::repeat_with(|| (case.success)().cut()).take(times);
        let failed = outcome(&case, cut).unwrap_err();
        assert_eq!(failed.error().effect(), case.after_head, "{}: {failed}", case.name);
    }
}

#[test]
fn refusals_have_their_meaning_and_changed_nothing() {
    for case in cases() {
        for (status, kind) in [
            (400, ErrorKind::BadRequest),
            (401, ErrorKind::Unauthorized),
            (403, ErrorKind::Forbidden),
            (404, ErrorKind::NotFound),
            (422, ErrorKind::Unprocessable),
        ] {
            let reply = Reply::error(status, "No").with_header("retry-after", "7");
            if (case.name, status) == ("delete_key", 404) {
                assert_eq!(outcome(&case, [reply]).unwrap(), "false");
                continue;
            }
            let failed = outcome(&case, [reply]).unwrap_err();
            let error = failed.error();
            assert_eq!((error.kind(), error.effect()), (kind, Effect::NotApplied), "{}", case.name);
            assert_eq!(error.messages(), ["No"]);
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
            assert!(!failed.to_string().contains("two-factor"), "{failed}");
        }
    }
    let unnamed = block_on(client(&ScriptedTransport::expect_no_request()).create_key(" ", true));
    let unnamed = unnamed.unwrap_err();
    assert_eq!(
        unnamed.to_string(),
        "create_key failed: a key needs a description; nothing was sent"
    );
}

#[test]
fn a_page_that_says_not_found_deletes_nothing() {
    let cases = cases();
    let case = cases.iter().find(|case| case.name == "delete_key").unwrap();
    let portal =
        Reply::status(404).with_header("content-type", "text/html").with_body("<p>Not here");
    let failed = outcome(case, [portal]).unwrap_err();
    assert_eq!(failed.error().kind(), ErrorKind::NotFound);
}

#[test]
fn a_typed_refusal_has_its_own_error() {
    let cases = cases();
    let case = cases.iter().find(|case| case.name == "create_key").unwrap();
    let body = json!({ "errors": ["Too many"], "max_api_keys": 5 });
    let failed = outcome(case, [Reply::json(422, body)]).unwrap_err();
    assert!(matches!(failed, MetalError::TooManyKeys { limit: 5, .. }), "{failed:?}");
    assert_eq!(failed.error().effect(), Effect::NotApplied);
    assert_eq!(failed.error().messages(), ["Too many"]);
}

#[test]
fn an_echo_of_a_secret_is_nowhere() {
    for case in cases() {
        let echo = format!("{OTP} for {TOKEN}");
        let script = ScriptedTransport::failing(Reply::error(400, &echo));
        let failed = (case.call)(&client(&script)).unwrap_err();
        let request = &script.requests()[0];
        for text in [failed.to_string(), format!("{failed:?}"), format!("{request:?}")] {
            assert!(!text.contains(TOKEN), "{text}");
            assert!(!text.contains(OTP) || !case.name.ends_with("_app"), "{text}");
        }
        assert!(failed.to_string().contains(" for "), "the rest of the message is there");
    }
    // In a success too: the texts, but not the key that the service gives.
    let answer = json!({ "id": TOKEN, "description": TOKEN, "read_only": true, "token": TOKEN });
    let script = ScriptedTransport::failing(Reply::json(201, &answer));
    let key = block_on(client(&script).create_key("ci", true)).unwrap();
    assert_eq!((&*key.id, &*key.description), ("[redacted]", "[redacted]"));
    assert_eq!(key.token.expose_secret(), TOKEN);
    let answer = json!({ "id": "u", "full_name": TOKEN, "two_factor_auth": null });
    let script = ScriptedTransport::failing(Reply::json(200, answer));
    assert_eq!(block_on(client(&script).find_user()).unwrap().full_name, "[redacted]");
}
