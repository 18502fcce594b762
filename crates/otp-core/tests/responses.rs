//! Any response to any operation: nothing panics, with telemetry and without, and no echo of a secret comes
//! out of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use otp_core::http::{HeaderName, HeaderValue, StatusCode};
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{
    Answer, AuthToken, CallOptions, ClientConfig, Error, Exchange, Operation, Otp, Response,
    RetryPolicy, Step, TransportError, TransportErrorKind,
};
use proptest::prelude::*;
use support::{OTP, TOKEN, traced};

/// The ways in which a program may write a secret by accident.
fn forms(secret: &str) -> Vec<String> {
    let each = |write: &dyn Fn(u8) -> String, between: &str| {
        secret.bytes().map(write).collect::<Vec<_>>().join(between)
    };
    let percent = each(&|byte| format!("%{byte:02X}"), "");
    vec![
        secret.to_owned(),
        secret.to_uppercase(),
        percent.replace('%', "%25"),
        percent,
        each(&|byte| format!("{byte:02x}"), ""),
        each(&|byte| format!("{byte:02X}"), ":"),
        each(&|byte| byte.to_string(), ", "),
        each(&|byte| format!("\\u{byte:04x}"), ""),
        each(&|byte| format!("&#{byte};"), ""),
        STANDARD.encode(secret),
        STANDARD.encode(format!("x{secret}")),
        URL_SAFE_NO_PAD.encode(format!("xy{secret}?")),
    ]
}

/// The part of a form that must not come out: base64 mixes its ends with what stands around.
fn core(form: &str) -> &str {
    &form[form.len().min(2)..form.len().saturating_sub(4)]
}

#[derive(Clone, Debug)]
struct Input {
    status: u16,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    /// Whether the body is lost.
    lost: bool,
}

const NAMES: &[&str] = &[
    "content-type",
    "content-encoding",
    "date",
    "deprecation",
    "retry-after",
    "sunset",
    "x-auth-token",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];

fn echo() -> impl Strategy<Value = String> {
    let all: Vec<_> = forms(TOKEN).into_iter().chain(forms(OTP)).collect();
    ("[ -~]{0,6}[ /=:\"]", prop::sample::select(all), "[ &,\"]?")
        .prop_map(|(before, form, after)| format!("{before}{form}{after}"))
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        (253_402_300_790_u64..253_402_300_810).prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
    ];
    let date =
        (0_u32..100_000, 0_u32..14, 0_u32..33, 0_u32..26).prop_map(|(year, month, day, hour)| {
            let months = [
                "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
            ];
            let month = months.get(month as usize).unwrap_or(&"Foo");
            format!("Tue, {day:02} {month} {year:04} {hour:02}:00:00 GMT")
        });
    let word = prop::sample::select(vec![
        "",
        "true",
        "false",
        "application/json",
        "text/html",
        "gzip",
        "identity",
        "soon",
        "@",
        "@-1",
    ]);
    prop_oneof![
        number.clone().prop_map(String::into_bytes),
        number.prop_map(|number| format!("@{number}").into_bytes()),
        date.prop_map(String::into_bytes),
        word.prop_map(|word| word.as_bytes().to_vec()),
        echo().prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let error = prop::collection::vec(echo(), 0..3).prop_map(|echoes| {
        serde_json::json!({ "error": echoes.first(), "errors": echoes }).to_string().into_bytes()
    });
    let codes = echo().prop_map(|echo| {
        serde_json::json!({ "recovery_codes": ["a"], "href": echo }).to_string().into_bytes()
    });
    let token =
        echo().prop_map(|echo| serde_json::json!({ "token": echo }).to_string().into_bytes());
    prop_oneof![error, codes, token, prop::collection::vec(any::<u8>(), 0..60)]
}

fn input() -> impl Strategy<Value = Input> {
    let status = prop_oneof![
        prop::sample::select(vec![200_u16, 204, 400, 401, 404, 422, 429, 503]),
        100_u16..1000,
    ];
    let header = (prop::sample::select(NAMES.to_vec()), value());
    let headers = prop::collection::vec(header, 0..6);
    (status, headers, body(), prop::bool::weighted(0.1))
        .prop_map(|(status, headers, body, lost)| Input { status, headers, body, lost })
}

fn answer<O: Operation>(operation: O, input: &Input) -> Result<Answer<O::Output>, Error> {
    let config = ClientConfig::new(AuthToken::new(TOKEN).unwrap());
    let options = CallOptions::default().with_retry(RetryPolicy::never());
    let mut exchange = Exchange::new(&config, operation, options, Duration::ZERO);
    let Step::Send(_) = exchange.next(Duration::ZERO) else { panic!("must send") };
    let mut response = Response::new(input.body.clone().into());
    *response.status_mut() = StatusCode::from_u16(input.status).unwrap();
    for (name, value) in &input.headers {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    let outcome = if input.lost {
        let kind = TransportErrorKind::ConnectionLost;
        Err(TransportError::unknown(kind).with_head(response.into_parts().0))
    } else {
        Ok(response)
    };
    exchange.received(outcome, Duration::from_millis(1));
    match exchange.next(Duration::from_millis(1)) {
        Step::Done(result) => result,
        _ => panic!("one attempt must end it"),
    }
}

/// Shows all that can be shown, and looks for the secrets of this request in it.
fn check<T: Debug>(result: Result<Answer<T>, Error>, secrets: &[&str]) {
    let mut shown = String::new();
    match result {
        Ok(answer) => {
            write!(shown, "{answer:?} {answer:#?}").unwrap();
            for date in [answer.metadata.sunset()].into_iter().flatten() {
                // What a caller may do with it.
                write!(shown, "{}", httpdate::fmt_http_date(date)).unwrap();
            }
            if let Some(otp_core::Deprecation::At(date)) = answer.metadata.deprecation() {
                write!(shown, "{}", httpdate::fmt_http_date(date)).unwrap();
            }
        }
        Err(error) => {
            write!(shown, "{error} {error:?} {error:#?}").unwrap();
            assert!(!error.to_string().contains('\n'), "{error}");
            let _ = error.retry_after().map(|wait| std::time::Instant::now() + wait);
        }
    }
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        assert!(!shown.contains(core(&form)), "{form}\n{shown}");
    }
}

fn every_operation(input: &Input) {
    let otp = Otp::new(OTP).unwrap();
    check(answer(FindEnsureOtp::new(otp), input), &[TOKEN, OTP]);
    check(answer(ReceiveCodes, input), &[TOKEN]);
    check(answer(FindRecoveryCodes, input), &[TOKEN]);
    check(answer(RegenerateCodes, input), &[TOKEN]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_response_panics_or_shows_a_secret(input in input()) {
        traced(|| every_operation(&input));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "takes a minute: run it in release"]
    fn no_response_of_very_many_panics_or_shows_a_secret(input in input()) {
        traced(|| every_operation(&input));
    }
}
