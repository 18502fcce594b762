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
    RecoveryCode, RecoveryCodeList, Request, Response, Step, TransportError, TransportErrorKind,
    Verified,
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
        debug(otp_core::operation::ResponseReader::new(&response(
            200,
            &[("x-auth-token", TOKEN)],
            r#"{"recovery_codes": ["canary-c0de-51de"]}"#,
        ))),
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
    use otp_core::operation::{ReadError, RequestDraft, ResponseReader};
    use otp_core::secrecy::SecretString;
    use otp_core::{Endpoint, Operation};

    struct SetPassword(SecretString);
    impl Operation for SetPassword {
        type Output = ();
        const ENDPOINT: &'static Endpoint = &Endpoint::post("set_password", "/password/{otp}");
        fn write(&self, request: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
            request
                .secret_path_param("otp", &Otp::new(OTP).unwrap())
                .secret(&self.0)
                .body(HeaderValue::from_static("text/plain"), CODE);
            Ok(())
        }
        fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
            Ok(())
        }
    }

    let config = ClientConfig::new(AuthToken::new(TOKEN).unwrap());
    let operation = SetPassword(SecretString::from(CODE));
    let mut exchange = Exchange::new(&config, operation, CallOptions::default(), Duration::ZERO);
    let Step::Send(request) = exchange.next(Duration::ZERO) else { panic!("must send") };
    assert_eq!(request.secrets().collect::<Vec<_>>(), [OTP, CODE]);
    let scrubber = request.scrubber();
    assert_silent(&scrubber.text(format!("{TOKEN} is known")));
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

#[test]
fn a_success_is_scrubbed_as_an_error_is() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let forms = |secret: &str| {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        [
            secret.to_owned(),
            secret.to_uppercase(),
            percent.replace('%', "%25"),
            percent,
            hex,
            STANDARD.encode(format!("user:{secret}")),
            URL_SAFE_NO_PAD.encode(secret),
        ]
    };
    for form in forms(OTP).into_iter().chain(forms(TOKEN)) {
        let echo = form.clone();
        let reply: support::Reply = Box::new(move || {
            let mut response = response(204, &[], "");
            response.headers_mut().insert("x-request-id", format!("a-{echo}-b").parse().unwrap());
            Ok(response)
        });
        let (client, _) = Script::new([reply]).client();
        let verify = FindEnsureOtp::new(Otp::new(OTP).unwrap());
        let answer = block_on(client.call(verify).send()).unwrap();
        let id = answer.metadata.request_id().unwrap();
        assert!(id.contains("[redacted]") && !id.contains(&form), "{form}: {id}");
        assert!(!debug(&answer).contains(&form), "{form}");

        let body = serde_json::json!({"recovery_codes": ["a"], "href": format!("/users/{form}/x")});
        let (client, _) = Script::new([respond(200, &[], body.to_string().leak())]).client();
        let token_form = forms(TOKEN).contains(&form);
        let list = block_on(client.regenerate_codes()).unwrap();
        assert_eq!(list.href().unwrap().contains("[redacted]"), token_form, "{form}: {list:?}");
        assert_eq!(debug(&list).contains(&form), !token_form);
        let list = block_on(client.find_recovery_codes()).unwrap();
        assert_eq!(list.href().unwrap().contains("[redacted]"), token_form, "{form}: {list:?}");
    }
    // What is no echo stays.
    let reply = respond(204, &[("x-request-id", "5f1c0a86-9a5e-4b39-8a52-0f0b6c0e7d11")], "");
    let (client, _) = Script::new([reply]).client();
    let answer = block_on(client.call(FindEnsureOtp::new(Otp::new(OTP).unwrap())).send()).unwrap();
    assert_eq!(answer.metadata.request_id(), Some("5f1c0a86-9a5e-4b39-8a52-0f0b6c0e7d11"));
}

#[test]
fn an_answer_keeps_nothing_of_the_response_alive() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// One allocation for the head and the body, as HTTP/1.1 stacks have it.
    struct Buffer(Vec<u8>, Arc<AtomicBool>);
    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Buffer {
        fn drop(&mut self) {
            self.1.store(true, Ordering::SeqCst);
        }
    }

    const HEAD: &str = "req-7 5 99 Tue, 30 Jun 2026 23:59:59 GMT @1688169599";
    const CODES: &str = r#"{"recovery_codes": ["canary-c0de-51de"], "href": "/here"}"#;
    let gone = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&gone);
    let reply: support::Reply = Box::new(move || {
        let whole = Bytes::from_owner(Buffer(format!("{HEAD}{CODES}").into(), flag.clone()));
        let value = |part: &str| {
            let at = HEAD.find(part).unwrap();
            HeaderValue::from_maybe_shared(whole.slice(at..at + part.len())).unwrap()
        };
        let mut response = Response::new(whole.slice(HEAD.len()..));
        for (name, part) in [
            ("x-request-id", "req-7"),
            ("x-ratelimit-limit", "99"),
            ("x-ratelimit-remaining", "5"),
            ("sunset", "Tue, 30 Jun 2026 23:59:59 GMT"),
            ("deprecation", "@1688169599"),
        ] {
            response.headers_mut().insert(name, value(part));
        }
        Ok(response)
    });
    let (client, _) = Script::new([reply]).client();
    let answer = block_on(client.call(otp_core::operation::RegenerateCodes).send()).unwrap();
    assert!(gone.load(Ordering::SeqCst), "the response's buffer is kept");
    assert_eq!(answer.metadata.request_id(), Some("req-7"));
    assert_eq!(answer.metadata.rate_limit().unwrap().remaining, Some(5));
    assert!(answer.metadata.sunset().is_some() && answer.metadata.deprecation().is_some());
    assert_eq!(answer.value.href(), Some("/here"));

    // Nor does an error.
    let gone = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&gone);
    let reply: support::Reply = Box::new(move || {
        let body = Buffer(br#"{"error": "no"}"#.to_vec(), flag.clone());
        let mut response = Response::new(Bytes::from_owner(body));
        *response.status_mut() = otp_core::http::StatusCode::BAD_REQUEST;
        Ok(response)
    });
    let (client, _) = Script::new([reply]).client();
    let error = block_on(client.regenerate_codes()).unwrap_err();
    assert_eq!(error.messages(), ["no"]);
    assert!(gone.load(Ordering::SeqCst), "the response's buffer is kept");
}

#[test]
fn an_echo_hidden_by_invisible_characters_is_found() {
    for hider in ["\u{200b}", "\u{200d}", "\u{2060}", "\u{ad}", "\u{61c}", "\u{202e}", "\u{1}"] {
        let hidden = OTP.replace("0tp", &format!("0{hider}tp"));
        let body = serde_json::json!({ "error": format!("no {hidden}!") }).to_string();
        let (client, _) = Script::new([respond(400, &[], body.leak())]).client();
        let error = block_on(client.find_ensure_otp(&Otp::new(OTP).unwrap())).unwrap_err();
        assert_eq!(error.messages(), ["no [redacted]!"], "{hider:?}");
    }
}

#[test]
fn credentials_are_found_without_their_scheme() {
    let mut secret = HeaderValue::from_static("Bearer canary-0tp-93ab");
    secret.set_sensitive(true);
    let echo = respond(400, &[], r#"{"error": "unknown token canary-0tp-93ab"}"#);
    let (client, _) = Script::new([echo]).client();
    let call = client.call(FindRecoveryCodes).header(AUTHORIZATION, secret);
    assert_eq!(block_on(call.send()).unwrap_err().messages(), ["unknown token [redacted]"]);
}

#[test]
fn a_sensitive_header_of_an_operation_is_a_secret_of_the_request() {
    use otp_core::http::HeaderName;
    use otp_core::operation::{ReadError, RequestDraft, ResponseReader};

    struct Signed;
    impl Operation for Signed {
        type Output = ();
        const ENDPOINT: &'static otp_core::Endpoint = &otp_core::Endpoint::get("signed", "/signed");
        fn write(&self, request: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
            let mut value = HeaderValue::from_static("canary-c0de-51de");
            value.set_sensitive(true);
            request.header(HeaderName::from_static("x-signature"), value);
            Ok(())
        }
        fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
            Ok(())
        }
    }
    let echo = respond(400, &[], r#"{"error": "bad signature canary-c0de-51de"}"#);
    let (client, _) = Script::new([echo]).client();
    let error = block_on(client.call(Signed).send()).unwrap_err();
    assert_eq!(error.messages(), ["bad signature [redacted]"]);
}

#[test]
fn a_draft_does_not_show_what_is_in_it() {
    use otp_core::http::HeaderName;
    use otp_core::operation::{ReadError, RequestDraft, ResponseReader};
    use otp_core::secrecy::SecretString;
    use std::sync::Mutex;

    static SHOWN: Mutex<String> = Mutex::new(String::new());
    struct Shown;
    impl Operation for Shown {
        type Output = ();
        const ENDPOINT: &'static otp_core::Endpoint = &otp_core::Endpoint::post("shown", "/{a}");
        fn write(&self, request: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
            let secret = SecretString::from("p\u{e4}sswort-canary-c0de-51de");
            request
                .secret_path_param("a", &Otp::new(OTP).unwrap())
                .secret_header(HeaderName::from_static("x-pass"), &secret)
                .body(HeaderValue::from_static("text/plain"), CODE);
            *SHOWN.lock().unwrap() = debug(request);
            Ok(())
        }
        fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
            Ok(())
        }
    }
    // The secret beyond ASCII is a secret of the request, too.
    const BODY: &str = "{\"error\": \"wrong: p\u{e4}sswort-canary-c0de-51de\"}";
    let (client, _) = Script::new([respond(400, &[], BODY)]).client();
    let error = block_on(client.call(Shown).send()).unwrap_err();
    assert_eq!(error.messages(), ["wrong: [redacted]"]);
    assert_silent(&SHOWN.lock().unwrap());
}

#[test]
fn the_messages_of_a_success_are_not_repeated() {
    const BODY: &str = r#"{"recovery_codes": null, "errors": ["canary-c0de-51de"]}"#;
    let (client, _) = Script::new([respond(200, &[], BODY)]).client();
    let error = block_on(client.find_recovery_codes()).unwrap_err();
    assert!(error.messages().is_empty(), "{error}");
}
