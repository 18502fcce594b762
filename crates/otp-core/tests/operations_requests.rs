//! What an operation of a larger SDK can write: query, JSON, credentials, time limits.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use otp_core::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use otp_core::http::{HeaderName, HeaderValue};
use otp_core::operation::{AuthScheme, Exposed, RequestDraft, WriteError};
use otp_core::secrecy::SecretString;
use otp_core::{
    AuthToken, CallOptions, ClientConfig, Effect, Endpoint, Error, ErrorKind, Operation, Otp,
    OtpsClient, Request,
};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use support::{OTP, Reply, Script, TOKEN, respond, status};

fn request<O: Operation>(operation: O) -> Result<Request, Error> {
    ClientConfig::new(AuthToken::new(TOKEN).unwrap()).request(&operation)
}

/// Sends it to a server that gives this reply, and gives the error.
fn refused<O: Operation>(operation: O, reply: Reply) -> (Error, std::sync::Arc<Script>) {
    let (client, script) = Script::new([reply]).client();
    let outcome = support::traced(|| pollster::block_on(client.call(operation).send()));
    (outcome.map(|_| ()).unwrap_err(), script)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

operation!(Search -> (): Endpoint::get("search", "/search/{kind}"),
    write: |request| {
        request
            .query("q", "caf\u{e9} & cr\u{e8}me?#/%=+")
            .query("page", 2)
            .query_if("none", None::<&str>)
            .query_if("some", Some(true))
            .query("tag", "a")
            .query("tag", "b")
            .query("n\u{e4}me[]", "-._~")
            .query("empty", "")
            .path_param("kind", "x?y");
        Ok(())
    },
    read: |_response| Ok(()),
);

#[test]
fn a_query_is_escaped_and_keeps_its_order() {
    let request = request(Search).unwrap();
    assert_eq!(
        request.as_http().uri().path_and_query().unwrap(),
        "/metal/v1/search/x%3Fy?q=caf%C3%A9%20%26%20cr%C3%A8me%3F%23%2F%25%3D%2B&page=2&some=true\
         &tag=a&tag=b&n%C3%A4me%5B%5D=-._~&empty="
    );
    assert_eq!(request.endpoint().path_template(), "/search/{kind}");
    let shown = format!("{request:?}");
    assert!(!shown.contains("caf") && !shown.contains("tag"), "{shown}");
}

operation!(FixedPath -> (): Endpoint::get("fixed_path", "/fixed"),
    write: |request| {
        request.query("q", 1);
        Ok(())
    },
    read: |_response| Ok(()),
);

#[test]
fn a_fixed_path_can_have_a_query() {
    let request = request(FixedPath).unwrap();
    assert_eq!(request.as_http().uri(), "https://api.equinix.com/metal/v1/fixed?q=1");
}

operation!(SecretQuery -> (): Endpoint::get("secret_query", "/login"),
    write: |request| {
        request.secret_query("code", &Otp::new(OTP).unwrap());
        Ok(())
    },
    read: |_response| Ok(()),
);

#[test]
fn a_secret_of_the_query_is_in_no_text() {
    let echo = r#"{"error": "bad /login?code=canary-0tp-93ab", "code": "CANARY-0TP-93AB"}"#;
    let (error, script) = refused(SecretQuery, respond(422, &[("x-request-id", OTP)], echo));
    assert_eq!(script.seen.lock().unwrap()[0].uri.query(), Some("code=canary-0tp-93ab"));
    assert_eq!(error.messages(), ["bad /login?code=[redacted]"]);
    let details: serde_json::Value = error.details().unwrap();
    assert_eq!(details["code"], "[redacted]");
    let shown = format!("{error} {error:?} {}", script.seen.lock().unwrap()[0].debug);
    assert!(!shown.contains(OTP), "{shown}");
    assert_eq!(error.path_template(), Some("/login"));
    assert!(request(SecretQuery).unwrap().secrets().any(|secret| secret == OTP));
}

/// Its `Display` fails.
struct Undisplayable;

impl fmt::Display for Undisplayable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

operation!(BadQuery -> (): Endpoint::get("bad_query", "/q"),
    write: |request| {
        request.query("q", Undisplayable);
        Ok(())
    },
    read: |_response| Ok(()),
);

operation!(LongQuery -> (): Endpoint::get("long_query", "/q"),
    write: |request| {
        request.query("q", "x".repeat(70_000));
        Ok(())
    },
    read: |_response| Ok(()),
);

#[test]
fn a_query_that_cannot_be_sent_is_refused_and_never_panics() {
    let (error, script) = refused(BadQuery, status(200));
    assert_eq!((error.kind(), script.sent()), (ErrorKind::InvalidInput, 0));
    assert!(error.to_string().contains("'q'"), "{error}");

    let (error, script) = refused(LongQuery, status(200));
    assert_eq!((error.kind(), script.sent()), (ErrorKind::InvalidInput, 0));
    assert!(error.to_string().contains("too long"), "{error}");
}

operation!(Fails -> (): Endpoint::post("fails", "/fails"),
    write: |request| {
        request.secret(&secret(OTP));
        Err(WriteError::new(format!("no {OTP} and no {TOKEN} today")))
    },
    read: |_response| Ok(()),
);

#[test]
fn a_write_that_fails_sends_nothing_and_its_reason_shows_no_secret() {
    let (error, script) = refused(Fails, status(204));
    assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, Effect::NotApplied));
    assert_eq!(
        error.to_string(),
        "fails failed: no [redacted] and no [redacted] today; nothing was sent"
    );
    assert_eq!(script.sent(), 0);
    let shown = request(Fails).unwrap_err().to_string();
    assert!(!shown.contains(OTP) && !shown.contains(TOKEN), "{shown}");
}

struct NewKey<'a> {
    description: &'a str,
    password: Exposed<'a>,
    old: Option<Exposed<'a>>,
}

impl Serialize for NewKey<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("NewKey", 3)?;
        fields.serialize_field("description", self.description)?;
        fields.serialize_field("password", &self.password)?;
        fields.serialize_field("old", &self.old)?;
        fields.end()
    }
}

fn write_key(request: &mut RequestDraft) {
    let (password, old) = (secret("hunter2-\"quoted\""), secret("0ld-passw0rd"));
    request.json(&NewKey {
        description: "a key",
        password: Exposed(&password),
        old: Some(Exposed(&old)),
    });
}

operation!(CreateKey -> (): Endpoint::post("create_key", "/user/api-keys"),
    write: |request| {
        write_key(request);
        Ok(())
    },
    read: |_response| Ok(()),
);

const KEY: &str = r#"{"description":"a key","password":"hunter2-\"quoted\"","old":"0ld-passw0rd"}"#;

#[test]
fn a_json_body_is_written_with_its_secrets_and_their_echoes_are_removed() {
    let echo = r#"{"error": "bad {\"password\":\"hunter2-\\\"quoted\\\"\"} of 0ld-passw0rd"}"#;
    let (error, script) = refused(CreateKey, respond(422, &[], echo));
    {
        let seen = &script.seen.lock().unwrap()[0];
        assert_eq!(&seen.body[..], KEY.as_bytes());
        assert_eq!(seen.headers[CONTENT_TYPE], "application/json");
        assert!(!seen.debug.contains("hunter2"), "{}", seen.debug);
    }
    let shown = format!("{error} {error:?} {}", error.details::<serde_json::Value>().unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("0ld-passw0rd"), "{shown}");
    assert!(shown.contains("[redacted]"), "{shown}");
}

#[test]
fn a_secret_is_serialized_nowhere_but_into_a_body() {
    let password = secret("hunter2");
    let refused = || {
        let error = serde_json::to_string(&Exposed(&password)).unwrap_err().to_string();
        assert!(error.contains("body of a request") && !error.contains("hunter2"), "{error}");
    };
    refused();
    request(CreateKey).unwrap();
    refused();
    let shown = format!("{:?}", Exposed(&password));
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// Writes another request in the middle of its own body.
struct Reentrant;

impl Serialize for Reentrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (first, second) = (secret("first-s3cret"), secret("second-s3cret"));
        let mut fields = serializer.serialize_struct("Reentrant", 2)?;
        fields.serialize_field("first", &Exposed(&first))?;
        let inner = request(CreateKey).unwrap();
        assert!(!inner.secrets().any(|secret| secret == "first-s3cret"));
        assert!(inner.secrets().any(|secret| secret == "0ld-passw0rd"));
        fields.serialize_field("second", &Exposed(&second))?;
        fields.end()
    }
}

operation!(Nested -> (): Endpoint::post("nested", "/nested"),
    write: |request| {
        request.json(&Reentrant);
        Ok(())
    },
    read: |_response| Ok(()),
);

#[test]
fn a_body_that_is_written_within_another_has_its_own_secrets() {
    let request = request(Nested).unwrap();
    assert_eq!(request.secrets().collect::<Vec<_>>(), ["first-s3cret", "second-s3cret"]);
}

/// Fails, or panics, after a secret was written.
struct Broken {
    panics: bool,
}

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let password = secret("hunter2");
        let mut fields = serializer.serialize_struct("Broken", 1)?;
        fields.serialize_field("password", &Exposed(&password))?;
        assert!(!self.panics, "broken");
        Err(serde::ser::Error::custom("hunter2 is too short"))
    }
}

operation!(BrokenBody -> (): Endpoint::post("broken_body", "/broken"),
    write: |request| {
        request.json(&Broken { panics: false });
        Ok(())
    },
    read: |_response| Ok(()),
);

operation!(PanickingBody -> (): Endpoint::post("panicking_body", "/broken"),
    write: |request| {
        request.json(&Broken { panics: true });
        Ok(())
    },
    read: |_response| Ok(()),
);

#[test]
fn a_body_that_cannot_be_written_sends_nothing_and_lets_no_secret_out() {
    let (error, script) = refused(BrokenBody, status(204));
    assert_eq!((error.kind(), script.sent()), (ErrorKind::InvalidInput, 0));
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    assert!(catch_unwind(AssertUnwindSafe(|| request(PanickingBody))).is_err());
    assert!(serde_json::to_string(&Exposed(&secret("hunter2"))).is_err());
}

operation!(Csv -> (): Endpoint::get("csv", "/csv").accept("text/csv, text/plain;q=0.5"),
    write: |_request| Ok(()),
    read: |_response| Ok(()),
);

#[test]
fn an_operation_names_what_it_accepts() {
    let accepts = |request: &Request| request.as_http().headers()[ACCEPT].clone();
    assert_eq!(accepts(&request(Csv).unwrap()), "text/csv, text/plain;q=0.5");
    assert_eq!(accepts(&request(Search).unwrap()), "application/json");
}

operation!(Bearer -> (): Endpoint::post("bearer", "/bearer").auth(AuthScheme::Bearer),
    write: |_request| Ok(()),
    read: |_response| Ok(()),
);

operation!(Public -> (): Endpoint::post("public", "/public").auth(AuthScheme::None),
    write: |_request| Ok(()),
    read: |_response| Ok(()),
);

operation!(OwnAuthorization -> (): Endpoint::post("own", "/own").auth(AuthScheme::Bearer),
    write: |request| {
        request.secret_header(AUTHORIZATION, &secret("Basic b3duOm93bg=="));
        Ok(())
    },
    read: |_response| Ok(()),
);

operation!(OwnScheme -> (): Endpoint::post("own", "/own").auth(AuthScheme::None),
    write: |request| {
        request.secret_header(AUTHORIZATION, &secret("Basic b3duOm93bg=="));
        Ok(())
    },
    read: |_response| Ok(()),
);

#[test]
fn a_bearer_token_is_a_sensitive_header_and_its_echo_is_removed() {
    let bearer = request(Bearer).unwrap();
    let headers = bearer.as_http().headers();
    assert_eq!(headers[AUTHORIZATION], format!("Bearer {TOKEN}"));
    assert!(headers[AUTHORIZATION].is_sensitive());
    assert!(!headers.contains_key("x-auth-token"));
    assert_eq!(bearer.scrubber().text(format!("no {TOKEN}")), "no [redacted]");

    let echo = r#"{"error": "canary-t0ken-7c1f, or Bearer canary-t0ken-7c1f"}"#;
    let (error, _) = refused(Bearer, respond(401, &[], echo));
    assert_eq!(error.messages(), ["[redacted], or [redacted]"]);
}

#[test]
fn a_short_bearer_token_is_a_secret_of_its_request_too() {
    let request = ClientConfig::new(AuthToken::new("k3y-7").unwrap()).request(&Bearer).unwrap();
    assert_eq!(request.scrubber().text("no k3y-7 here"), "no [redacted] here");
}

#[test]
fn a_write_that_fails_after_an_attempt_keeps_what_is_known_of_it() {
    struct OnlyOnce(std::cell::Cell<bool>);
    impl Operation for OnlyOnce {
        type Output = ();
        const ENDPOINT: &'static Endpoint = &Endpoint::get("only_once", "/once");
        fn write(&self, _: &mut RequestDraft) -> Result<(), WriteError> {
            if self.0.replace(true) { Err(WriteError::new("only once")) } else { Ok(()) }
        }
        fn read(
            &self,
            _: &otp_core::operation::ResponseReader<'_>,
        ) -> Result<(), otp_core::operation::ReadError> {
            Ok(())
        }
    }
    let (error, script) = refused(OnlyOnce(std::cell::Cell::new(false)), status(503));
    assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, Effect::Unknown));
    assert_eq!((error.attempts().len(), script.sent()), (1, 1));
}

#[test]
fn a_call_may_set_its_own_authorization_in_place_of_the_bearer_token() {
    let (client, script) = Script::new([status(200)]).client();
    let own = HeaderValue::from_static("Basic b3duOm93bg==");
    pollster::block_on(client.call(Bearer).header(AUTHORIZATION, own).send()).unwrap();
    let seen = script.seen.lock().unwrap();
    let sent: Vec<_> = seen[0].headers.get_all(AUTHORIZATION).iter().collect();
    assert_eq!(sent, ["Basic b3duOm93bg=="]);
}

#[test]
fn an_operation_does_not_send_two_authorizations() {
    assert_eq!(request(OwnAuthorization).unwrap_err().kind(), ErrorKind::InvalidInput);
    let own = request(OwnScheme).unwrap();
    assert_eq!(own.as_http().headers()[AUTHORIZATION], "Basic b3duOm93bg==");
}

#[test]
fn an_operation_without_a_scheme_carries_no_token() {
    let public = request(Public).unwrap();
    let headers = public.as_http().headers();
    assert!(!headers.contains_key(AUTHORIZATION) && !headers.contains_key("x-auth-token"));
}

const SLOW: Endpoint = Endpoint::get("slow", "/slow");

operation!(Slow -> (): SLOW.timeout(Duration::from_secs(100)).attempt_timeout(Duration::from_secs(40)),
    write: |_request| Ok(()),
    read: |_response| Ok(()),
);

operation!(Endless -> (): Endpoint::get("endless", "/endless").timeout(Duration::MAX),
    write: |_request| Ok(()),
    read: |_response| Ok(()),
);

#[test]
fn time_limits_are_the_calls_then_the_endpoints_then_the_clients() {
    fn limit<O: Operation>(
        operation: O,
        change: impl FnOnce(otp_core::Call<'_, OtpsClient, O>) -> otp_core::Call<'_, OtpsClient, O>,
    ) -> Duration {
        let script = std::sync::Arc::new(Script::new([status(200)]));
        let client = OtpsClient::builder(script.clone(), AuthToken::new(TOKEN).unwrap())
            .base_url(support::base_url())
            .timeout(Duration::from_secs(20))
            .attempt_timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        pollster::block_on(change(client.call(operation)).send()).unwrap();
        script.seen.lock().unwrap()[0].time_limit
    }
    let secs = Duration::from_secs;
    assert_eq!(limit(FixedPath, |call| call), secs(5));
    assert_eq!(limit(Slow, |call| call), secs(40));
    assert_eq!(limit(Slow, |call| call.attempt_timeout(secs(7))), secs(7));
    assert_eq!(limit(Slow, |call| call.timeout(secs(9))), secs(9));
    assert_eq!(limit(Slow, |call| call.options(CallOptions::default())), secs(10));
    let config = ClientConfig::new(AuthToken::new(TOKEN).unwrap());
    assert_eq!(config.options_for::<Slow>().timeout(), secs(100));
    assert_eq!(config.request(&Slow).unwrap().time_limit(), secs(40));
    let short = ClientConfig::builder(AuthToken::new(TOKEN).unwrap()).timeout(secs(3));
    assert_eq!(short.build().unwrap().request(&FixedPath).unwrap().time_limit(), secs(3));
    let (error, script) = refused(Endless, status(200));
    assert_eq!((error.kind(), script.sent()), (ErrorKind::InvalidInput, 0));
}

#[test]
fn a_write_happens_once_an_attempt() {
    struct Counting(std::cell::Cell<usize>);
    impl Operation for Counting {
        type Output = ();
        const ENDPOINT: &'static Endpoint = &Endpoint::get("counting", "/counting");
        fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
            self.0.set(self.0.get() + 1);
            request.header(HeaderName::from_static("x-n"), HeaderValue::from(self.0.get()));
            Ok(())
        }
        fn read(
            &self,
            _: &otp_core::operation::ResponseReader<'_>,
        ) -> Result<(), otp_core::operation::ReadError> {
            Ok(())
        }
    }
    let (client, script) = Script::new([status(503), status(503), status(200)]).client();
    let counting = Counting(std::cell::Cell::new(0));
    pollster::block_on(client.call(&counting).send()).unwrap();
    assert_eq!((counting.0.get(), script.sent()), (3, 3));
}
