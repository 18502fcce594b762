//! What stands around a transport: it edits a request in place, and whatever it does, secrets and limits stay.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::http::header::AUTHORIZATION;
use otp_core::http::{self, HeaderValue};
use otp_core::operation::FindEnsureOtp;
use otp_core::{
    AuthToken, ClientConfig, Operation, Otp, OtpsClient, Request, Response, Transport,
    TransportError, async_trait,
};
use support::{OTP, Script, TOKEN, base_url, status};

const SIGNATURE: &str = "s1gnature-of-the-layer";

fn request() -> Request {
    let config = ClientConfig::builder(AuthToken::new(TOKEN).unwrap()).response_limit(77);
    let operation = FindEnsureOtp::new(Otp::new(OTP).unwrap());
    config.build().unwrap().request(&operation).unwrap().with_time_limit(Duration::from_secs(3))
}

#[track_caller]
fn is_whole(request: &Request) {
    assert_eq!(request.endpoint().name(), "find_ensure_otp");
    assert_eq!(request.time_limit(), Duration::from_secs(3));
    assert_eq!(request.response_limit(), 77);
    assert!(request.secrets().any(|secret| secret == OTP));
    let echo = format!("{OTP}, {SIGNATURE}");
    let clean = request.scrubber().text(echo).into_owned();
    assert_eq!(clean, "[redacted], [redacted]");
    assert!(request.secrets().any(|secret| secret == SIGNATURE));
    let shown = format!("{request:?}");
    assert!(!shown.contains(OTP) && !shown.contains(SIGNATURE), "{shown}");
}

fn sensitive(value: &'static str) -> HeaderValue {
    let mut value = HeaderValue::from_static(value);
    value.set_sensitive(true);
    value
}

#[test]
fn a_header_that_is_added_in_place_loses_nothing() {
    let mut request = request();
    request.headers_mut().insert("x-signature", sensitive(SIGNATURE));
    request.headers_mut().insert("traceparent", HeaderValue::from_static("00-1-2-01"));
    is_whole(&request);
    assert_eq!(request.scrubber().text(TOKEN), "[redacted]");
    assert!(!request.secrets().any(|secret| secret == "00-1-2-01"));
    let sent = request.into_http();
    assert_eq!(sent.headers()["traceparent"], "00-1-2-01");
    assert_eq!(sent.headers()["x-auth-token"], TOKEN);
}

#[test]
fn a_request_that_is_replaced_keeps_its_secrets_and_limits() {
    let changed = request().map_http(|_| {
        let request = http::Request::post("https://elsewhere.test/");
        request.header("x-signature", sensitive(SIGNATURE)).body("signed".into()).unwrap()
    });
    is_whole(&changed);
    assert_eq!(changed.as_http().uri(), "https://elsewhere.test/");
    assert_eq!(&changed.into_http().into_body()[..], b"signed");
}

#[test]
fn a_part_of_an_added_header_is_a_secret_too() {
    let mut request = request();
    request.headers_mut().insert(AUTHORIZATION, sensitive("Bearer s1gnature-of-the-layer"));
    let scrubber = request.scrubber();
    assert_eq!(scrubber.text(SIGNATURE), "[redacted]");
    assert_eq!(scrubber.text("a Bearer of news"), "a Bearer of news");
}

/// Signs what passes.
struct Signing<T>(T);

#[async_trait]
impl<T: Transport> Transport for Signing<T> {
    async fn send(&self, mut request: Request) -> Result<Response, TransportError> {
        let signature = format!("{} {SIGNATURE}", request.as_http().method());
        let mut signature = HeaderValue::try_from(signature).unwrap();
        signature.set_sensitive(true);
        request.headers_mut().insert("x-signature", signature);
        self.0.send(request.map_http(|http| http)).await
    }
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
    fn now(&self) -> Duration {
        self.0.now()
    }
}

/// Writes down what passes.
struct Recording<T>(T, Arc<Mutex<String>>);

#[async_trait]
impl<T: Transport> Transport for Recording<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let scrubber = request.scrubber();
        let raw =
            format!("{request:?} {} {:?}", request.as_http().uri(), request.as_http().headers());
        *self.1.lock().unwrap() += &scrubber.text(raw);
        self.0.send(request).await
    }
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
    fn now(&self) -> Duration {
        self.0.now()
    }
}

#[test]
fn a_recorder_below_a_layer_hides_what_the_layer_added() {
    let (script, record) = (Arc::new(Script::new([status(204)])), Arc::default());
    let transport = Signing(Recording(script.clone(), Arc::clone(&record)));
    let client = OtpsClient::builder(transport, AuthToken::new(TOKEN).unwrap());
    let client = client.base_url(base_url()).build().unwrap();
    let call = client.call(FindEnsureOtp::new(Otp::new(OTP).unwrap()));
    support::traced(|| pollster::block_on(call.send())).unwrap();
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen[0].headers["x-signature"], "POST s1gnature-of-the-layer");
    let record = record.lock().unwrap();
    assert!(record.contains("/user/otp/verify/[redacted]"), "{record}");
    for secret in [OTP, TOKEN, SIGNATURE] {
        assert!(!record.contains(secret), "{record}");
    }
    assert_eq!(FindEnsureOtp::ENDPOINT.name(), "find_ensure_otp");
}
