//! `OtpsApi` as a dependency: behind pointers, hand-written, and with endpoints of the caller's own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use otp_core::http::{HeaderName, HeaderValue, Method, StatusCode};
use otp_core::operation::{ReadError, RequestDraft, ResponseReader};
use otp_core::{
    Effect, Endpoint, Error, ErrorKind, Operation, Otp, OtpsApi, OtpsClient, Transport, Verified,
    async_trait,
};
use pollster::block_on;
use support::{OTP, Script, lost_body, not_sent, respond, status};

#[test]
fn pointers_to_an_implementor_are_implementors() {
    fn api(_: impl OtpsApi) {}
    fn transport(_: impl Transport) {}

    let (client, script) = Script::new([status(204)]).client();
    let shared: Arc<dyn OtpsApi> = Arc::new(client.clone());
    api(&client);
    api(&shared);
    api(Box::new(client.clone()));
    api(Box::new(client) as Box<dyn OtpsApi>);
    transport(&*script);
    transport(script.clone() as Arc<dyn Transport>);
    transport(Box::new(script.clone()) as Box<dyn Transport>);
    block_on(shared.receive_codes()).unwrap();
    assert_eq!(script.sent(), 1);
}

#[test]
fn every_method_goes_through_every_pointer() {
    fn all(api: impl OtpsApi) {
        block_on(async {
            api.receive_codes().await.unwrap();
            let _ = api.find_ensure_otp(&Otp::new(OTP).unwrap()).await.unwrap();
            // Both meet a 204, which neither has: what matters is that they were sent.
            assert_eq!(
                api.find_recovery_codes().await.unwrap_err().kind(),
                ErrorKind::UnexpectedStatus
            );
            assert_eq!(
                api.regenerate_codes().await.unwrap_err().kind(),
                ErrorKind::UnexpectedStatus
            );
        });
    }
    let (client, script) = Script::new([status(204)]).client();
    all(client.clone());
    all(&client);
    all(Box::new(client.clone()));
    all(Arc::new(client.clone()));
    all(&Arc::new(client) as &dyn OtpsApi);
    assert_eq!(script.sent(), 5 * 4);
}

#[test]
fn futures_of_the_api_can_be_spawned() {
    fn spawn(_: impl Future<Output = Result<Verified, Error>> + Send + 'static) {}
    let (client, _) = Script::new([status(204)]).client();
    spawn(async move { client.find_ensure_otp(&Otp::new(OTP)?).await });
}

#[test]
fn a_hand_written_double_implements_what_its_test_needs() {
    struct OnlySms;
    #[async_trait]
    impl OtpsApi for OnlySms {
        async fn receive_codes(&self) -> Result<(), Error> {
            Ok(())
        }
    }
    block_on(async {
        OnlySms.receive_codes().await.unwrap();
        let error = OnlySms.regenerate_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unimplemented, Effect::NotApplied));
        assert_eq!(
            error.to_string(),
            "regenerate_codes failed: this implementation does not have the method; nothing was \
             sent: implement the method, or configure the double"
        );
    });
}

/// An endpoint of a larger SDK.
struct EnableApp {
    otp: Otp,
}

impl Operation for EnableApp {
    type Output = String;

    const ENDPOINT: &'static Endpoint = &Endpoint::post("enable_tfa_app", "/user/otp/app")
        .acknowledged_by(&[StatusCode::OK])
        .if_applied("two-factor authentication is on");

    fn write(&self, request: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
        request
            .secret_header(HeaderName::from_static("x-otp-token"), &self.otp)
            .body(HeaderValue::from_static("application/json"), &b"{}"[..]);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<String, ReadError> {
        Ok(String::from_utf8_lossy(response.body()).into_owned())
    }
}

fn enable_app(client: &OtpsClient) -> Result<String, Error> {
    let otp = Otp::new(OTP).unwrap();
    block_on(client.call(EnableApp { otp }).send()).map(|answer| answer.value)
}

#[test]
fn an_operation_of_a_larger_sdk_gets_every_guarantee() {
    let refused = not_sent(otp_core::TransportErrorKind::Connect);
    let (client, script) = Script::new([refused, respond(200, &[], "otpauth://")]).client();
    assert_eq!(enable_app(&client).unwrap(), "otpauth://");
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].method, Method::POST);
    assert_eq!(seen[1].uri, "https://metal.test/metal/v1/user/otp/app");
    assert_eq!(seen[1].headers["x-otp-token"], OTP);
    assert!(seen[1].headers["x-otp-token"].is_sensitive());
    assert_eq!(seen[1].headers["content-type"], "application/json");
    assert_eq!(seen[1].body_len, 2);

    let lost = lost_body(200, otp_core::TransportErrorKind::Timeout);
    let error = enable_app(&Script::new([lost]).client().0).unwrap_err();
    assert_eq!(error.effect(), Effect::Applied);
    assert!(error.to_string().contains("two-factor authentication is on"), "{error}");

    let echo = respond(422, &[], r#"{"error": "bad code canary-0tp-93ab"}"#);
    let error = enable_app(&Script::new([echo]).client().0).unwrap_err();
    assert_eq!(error.messages(), ["bad code [redacted]"]);
}

#[test]
fn an_operation_that_only_has_a_path_writes_nothing() {
    struct FindUser;
    impl Operation for FindUser {
        type Output = StatusCode;
        const ENDPOINT: &'static Endpoint = &Endpoint::get("find_user", "/user");
        fn read(&self, response: &ResponseReader<'_>) -> Result<StatusCode, ReadError> {
            Ok(response.require(StatusCode::OK)?.status())
        }
    }
    let (client, script) = Script::new([respond(200, &[], "{}")]).client();
    block_on(client.call(FindUser).send()).unwrap();
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen[0].uri, "https://metal.test/metal/v1/user");
    assert_eq!(seen[0].body_len, 0);
    let other = respond(206, &[], "{}");
    let error = block_on(Script::new([other]).client().0.call(FindUser).send()).unwrap_err();
    assert_eq!(error.kind(), otp_core::ErrorKind::UnexpectedStatus);

    // A path with a parameter cannot be forgotten.
    struct FindKey;
    impl Operation for FindKey {
        type Output = ();
        const ENDPOINT: &'static Endpoint = &Endpoint::get("find_key", "/user/api-keys/{id}");
        fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
            Ok(())
        }
    }
    let (client, script) = Script::new([]).client();
    let error = block_on(client.call(FindKey).send()).unwrap_err();
    assert_eq!(error.kind(), otp_core::ErrorKind::InvalidInput, "{error}");
    assert!(script.seen.lock().unwrap().is_empty());
}

#[test]
fn verify_reads_a_session_token_from_the_header_or_the_body_and_nowhere_else() {
    use otp_core::secrecy::ExposeSecret;
    let verify = |reply| {
        let (client, _) = Script::new([reply]).client();
        let verified = block_on(client.find_ensure_otp(&Otp::new(OTP).unwrap()))?;
        Ok::<_, Error>(verified.session_token().map(|token| token.expose_secret().to_owned()))
    };
    let json = &[("content-type", "application/json")];
    assert_eq!(verify(status(204)).unwrap(), None);
    assert_eq!(verify(respond(204, &[("x-auth-token", "s")], "")).unwrap().unwrap(), "s");
    assert_eq!(verify(respond(204, &[("x-auth-token", "")], "")).unwrap(), None);
    assert_eq!(verify(respond(200, json, r#"{"token": "s"}"#)).unwrap().unwrap(), "s");
    for (headers, body) in [
        (json.as_slice(), "{}"),
        (json, r#"{"token": null}"#),
        (json, r#"{"token": 7}"#),
        (json, r#"{"token": ""}"#),
        (json, r#"{"token": "a b"}"#),
        (json, r#"["s"]"#),
        (json, r#"{"token": "s""#),
        (&[("content-type", "text/html")], r#"{"token": "s"}"#),
        (&[("content-type", "text/html"), ("x-auth-token", "s")], "<html>"),
    ] {
        let error = verify(respond(200, headers, body)).expect_err(body);
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Decode, Effect::Unknown), "{body}");
    }
}
