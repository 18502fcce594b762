//! No secret is shown by any public type, on any way out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use otp_core::bytes::Bytes;
use otp_core::http::Request as HttpRequest;
use otp_core::http::header::{AUTHORIZATION, HeaderValue};
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes};
use otp_core::secrecy::zeroize::ZeroizeOnDrop;
use otp_core::{
    AuthToken, BaseUrl, CallOptions, ClientConfig, Exchange, Operation, Otp, OtpsApi, OtpsClient,
    RecoveryCode, RecoveryCodeList, Request, Step, TransportError, TransportErrorKind, Verified,
};
use pollster::block_on;
use static_assertions::assert_not_impl_any;
use std::fmt::{Debug, Display};
use std::time::Duration;
use support::{OTP, Script, TOKEN, respond, response};

const CODE: &str = "canary-c0de-51de";

assert_not_impl_any!(AuthToken: Display, serde::Serialize, AsRef<str>, std::ops::Deref);
assert_not_impl_any!(Otp: Display, serde::Serialize, AsRef<str>, std::ops::Deref);
assert_not_impl_any!(RecoveryCode: Display, serde::Serialize, AsRef<str>, std::ops::Deref);
assert_not_impl_any!(RecoveryCodeList: Display, serde::Serialize);
assert_not_impl_any!(Verified: Display, serde::Serialize);

fn assert_silent(shown: &str) {
    for canary in [TOKEN, OTP, CODE] {
        assert!(!shown.contains(canary), "{canary} is shown: {shown}");
    }
}

fn debug(value: impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn no_public_type_shows_a_secret() {
    let token = AuthToken::new(TOKEN).unwrap();
    let otp = Otp::new(OTP).unwrap();
    let code = RecoveryCode::new(CODE);
    let config = ClientConfig::new(token.clone());
    let verify = FindEnsureOtp::new(otp.clone());
    let mut exchange =
        Exchange::new(&config, verify.clone(), CallOptions::default(), Duration::ZERO);
    let Step::Send(request) = exchange.next(Duration::ZERO) else { panic!("must send") };
    assert!(request.as_http().uri().path().ends_with(OTP), "the canary is really in there");
    let (client, _) = Script::new([support::status(204)]).client();
    let answer = block_on(client.call(verify.clone()).send()).unwrap();
    let (head, _) = response(204, &[("x-auth-token", TOKEN)], "").into_parts();

    for shown in [
        debug(&token),
        debug(token.to_header_value()),
        debug(&otp),
        debug(&code),
        debug(RecoveryCodeList::new([code])),
        debug(Verified::new().with_session_token(token.clone())),
        debug(&config),
        debug(ClientConfig::builder(token.clone())),
        debug(&client),
        debug(client.call(verify.clone())),
        debug(&verify),
        debug(&exchange),
        debug(&request),
        debug(Step::<()>::Send(request)),
        debug(answer),
        debug(TransportError::unknown(TransportErrorKind::Timeout).with_head(head)),
        debug(Request::new(
            FindRecoveryCodes::ENDPOINT,
            HttpRequest::builder().uri(format!("/{OTP}")).body(Bytes::from(CODE)).unwrap(),
        )),
    ] {
        assert_silent(&shown);
    }
}

#[test]
fn secrets_are_wiped_when_they_are_dropped() {
    static_assertions::assert_impl_all!(AuthToken: ZeroizeOnDrop);
    static_assertions::assert_impl_all!(Otp: ZeroizeOnDrop);
    static_assertions::assert_impl_all!(RecoveryCode: ZeroizeOnDrop);
}

#[test]
fn a_server_that_echoes_the_secrets_finds_none_of_them_in_the_error() {
    const BODY: &str = r#"{"error": "no canary-0tp-93ab for canary-t0ken-7c1f",
        "errors": ["path /user/otp/verify/canary%2D0tp%2D93ab", "canary\u002d0tp-93ab"]}"#;
    let reply = respond(400, &[("x-request-id", "canary-t0ken-7c1f")], BODY);
    let (client, _) = Script::new([reply]).client();
    let error = block_on(client.find_ensure_otp(&Otp::new(OTP).unwrap())).unwrap_err();
    assert_eq!(error.messages()[0], "no [redacted] for [redacted]");
    assert_eq!(error.request_id(), Some("[redacted]"));
    assert_silent(&debug(&error));
    assert_silent(&error.to_string());
}

#[test]
fn a_request_tells_whoever_writes_it_down_what_is_secret_in_it_and_shows_none_of_it() {
    use otp_core::operation::{ReadError, RequestDraft};
    use otp_core::secrecy::SecretString;
    use otp_core::{Endpoint, Operation, Response, exchange::Scrubber};

    struct SetPassword(SecretString);
    impl Operation for SetPassword {
        type Output = ();
        const ENDPOINT: &'static Endpoint = &Endpoint::post("set_password", "/password/{otp}");
        fn write(&self, request: &mut RequestDraft) {
            request
                .secret_path_param("otp", &Otp::new(OTP).unwrap())
                .secret(&self.0)
                .body(HeaderValue::from_static("text/plain"), CODE);
        }
        fn read(&self, _: &Response) -> Result<(), ReadError> {
            Ok(())
        }
    }

    let config = ClientConfig::new(AuthToken::new(TOKEN).unwrap());
    let operation = SetPassword(SecretString::from(CODE));
    let mut exchange = Exchange::new(&config, operation, CallOptions::default(), Duration::ZERO);
    let Step::Send(request) = exchange.next(Duration::ZERO) else { panic!("must send") };
    assert_eq!(request.secrets().collect::<Vec<_>>(), [OTP, CODE]);
    let scrubber = Scrubber::new(request.secrets());
    assert_silent(&scrubber.text(format!("{CODE} is weak, {OTP} is wrong")));
    assert_silent(&debug(&request));
    assert_silent(&debug(&scrubber));
}

#[test]
fn an_exchange_that_waits_does_not_show_what_came_back() {
    let config = ClientConfig::new(AuthToken::new(TOKEN).unwrap());
    let options = CallOptions::default();
    let mut exchange = Exchange::new(&config, FindRecoveryCodes, options, Duration::ZERO);
    let _ = exchange.next(Duration::ZERO);
    let headers = [("x-auth-token", "canary-t0ken-7c1f"), ("x-other", "canary-0tp-93ab")];
    exchange.received(Ok(response(503, &headers, "canary-c0de-51de")), Duration::ZERO);
    let shown = debug(&exchange);
    assert!(shown.contains("503"), "{shown}");
    assert_silent(&shown);
}

#[test]
fn a_caller_s_own_credentials_are_neither_shown_nor_echoed() {
    let mut secret = HeaderValue::from_static("Bearer canary-0tp-93ab");
    secret.set_sensitive(true);
    let echo = respond(400, &[], r#"{"error": "no such user: Bearer canary-0tp-93ab"}"#);
    let (client, _) = Script::new([echo]).client();
    let call = client.call(FindRecoveryCodes).header(AUTHORIZATION, secret);
    let shown = debug(&call);
    assert!(shown.contains("authorization"), "{shown}");
    assert_silent(&shown);
    let error = block_on(call.send()).unwrap_err();
    assert_eq!(error.messages(), ["no such user: [redacted]"]);
}

#[test]
fn an_empty_secret_hides_nothing() {
    let mut empty = HeaderValue::from_static("");
    empty.set_sensitive(true);
    let (client, _) = Script::new([respond(400, &[], r#"{"error": "no such user"}"#)]).client();
    let call = client.call(FindRecoveryCodes).header(AUTHORIZATION, empty);
    let error = block_on(call.send()).unwrap_err();
    assert_eq!(error.messages(), ["no such user"]);
}

#[test]
fn a_transport_that_puts_the_url_into_its_error_is_not_believed() {
    let reply: support::Reply = Box::new(|| {
        Err(TransportError::unknown(TransportErrorKind::Other)
            .with_reason(format!("POST /user/otp/verify/{OTP}"))
            .with_source(std::io::Error::other(format!("token {TOKEN}"))))
    });
    let (client, _) = Script::new([reply]).client();
    let error = block_on(client.find_ensure_otp(&Otp::new(OTP).unwrap())).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    for shown in [error.to_string(), debug(&error), source.to_string(), debug(source)] {
        assert_silent(&shown);
    }
}

#[test]
fn a_body_that_does_not_decode_is_not_quoted() {
    const BODY: &str = r#"{"recovery_codes": "canary-c0de-51de"}"#;
    let (client, _) = Script::new([respond(200, &[], BODY)]).client();
    let error = block_on(client.regenerate_codes()).unwrap_err();
    assert_silent(&debug(&error));
    assert_silent(&error.to_string());
}

#[test]
fn the_base_url_of_a_client_is_shown() {
    // Not a secret: whoever debugs a wrong host needs it.
    let transport = Script::new([]);
    let client = OtpsClient::builder(transport, AuthToken::new(TOKEN).unwrap())
        .base_url(BaseUrl::new("https://metal.test").unwrap())
        .build()
        .unwrap();
    assert!(debug(client).contains("https://metal.test"));
}
