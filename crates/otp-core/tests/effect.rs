//! What every failure means for every operation: its kind, its effect, and how often the server was
//! asked. The columns are the four operations; the rows are what comes back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use otp_core::ErrorKind::{self, *};
use otp_core::local::FromSend;
use otp_core::{
    Effect, Error, Otp, OtpsApi, TransportError, TransportErrorKind as T, blocking, local,
};
use pollster::block_on;
use support::{OTP, Reply, Script, lost_body, lost_body_of, not_sent, respond, status, unknown};

const NOT: Effect = Effect::NotApplied;
const UNK: Effect = Effect::Unknown;
const APP: Effect = Effect::Applied;

struct Row {
    what: &'static str,
    reply: fn() -> Reply,
    kind: ErrorKind,
    /// Of verify, SMS, regenerate, and reading the codes.
    effect: [Effect; 4],
    /// How many requests a POST makes, and how many the GET.
    sent: [usize; 2],
}

/// An answer over the limit.
fn large(headers: &'static [(&'static str, &'static str)]) -> Reply {
    Box::new(|| Ok(support::response(200, headers, &*Box::leak(" ".repeat(65_537).into()))))
}

const HTML: &[(&str, &str)] = &[("content-type", "text/html; charset=utf-8")];
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { what: "connection refused", reply: || not_sent(T::Connect), kind: Connect, effect: [NOT; 4], sent: [3, 3] },
    Row { what: "refused by a proxy", reply: || not_sent(T::ProxyRefused), kind: Connect, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "refused by a proxy, perhaps late", reply: || unknown(T::ProxyRefused), kind: Connect, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "bad certificate", reply: || not_sent(T::Tls), kind: Tls, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "stale connection, unsent", reply: || not_sent(T::ConnectionLost), kind: ConnectionLost, effect: [NOT; 4], sent: [3, 3] },
    Row { what: "no time to send it", reply: || not_sent(T::Timeout), kind: Timeout, effect: [NOT; 4], sent: [3, 3] },
    Row { what: "lost before the head", reply: || unknown(T::ConnectionLost), kind: ConnectionLost, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "no answer in time", reply: || unknown(T::Timeout), kind: Timeout, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "not HTTP", reply: || unknown(T::Protocol), kind: Protocol, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "endless headers", reply: || unknown(T::ResponseTooLarge), kind: ResponseTooLarge, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "worker gone", reply: || unknown(T::Other), kind: Transport, effect: [UNK; 4], sent: [1, 1] },

    Row { what: "body lost after 200", reply: || lost_body(200, T::ConnectionLost), kind: ConnectionLost, effect: [UNK, UNK, APP, APP], sent: [1, 3] },
    Row { what: "body lost after 204", reply: || lost_body(204, T::ConnectionLost), kind: ConnectionLost, effect: [APP, APP, UNK, UNK], sent: [1, 3] },
    Row { what: "body late after 200", reply: || lost_body(200, T::Timeout), kind: Timeout, effect: [UNK, UNK, APP, APP], sent: [1, 3] },
    Row { what: "body endless after 200", reply: || lost_body(200, T::ResponseTooLarge), kind: ResponseTooLarge, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    Row { what: "body lost after 401", reply: || lost_body(401, T::ConnectionLost), kind: Unauthorized, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "body lost after 503", reply: || lost_body(503, T::ConnectionLost), kind: Server, effect: [UNK; 4], sent: [1, 3] },

    Row { what: "200 {}", reply: || respond(200, JSON, "{}"), kind: Decode, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    Row { what: "200 null", reply: || respond(200, JSON, "null"), kind: Decode, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    Row { what: "200 without a body", reply: || respond(200, JSON, ""), kind: Decode, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    Row { what: "200 with an array", reply: || respond(200, JSON, r#"[["a"]]"#), kind: Decode, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    Row { what: "200 with null codes", reply: || respond(200, JSON, r#"{"recovery_codes": null}"#), kind: Decode, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    Row { what: "200 with a code that is null", reply: || respond(200, JSON, r#"{"recovery_codes": [null]}"#), kind: Decode, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    Row { what: "200 with a control character in a string", reply: || respond(200, JSON, "{\"recovery_codes\": [\"\u{0}\"]}"), kind: Decode, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    Row { what: "captive portal", reply: || respond(200, HTML, "<html>"), kind: Decode, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "captive portal that answers JSON as a page", reply: || respond(200, HTML, r#"{"recovery_codes": []}"#), kind: Decode, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "captive portal that compresses", reply: || respond(200, &[("content-type", "text/html"), ("content-encoding", "gzip")], "?"), kind: Decode, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "captive portal whose page is lost", reply: || lost_body_of(200, HTML, T::ConnectionLost), kind: ConnectionLost, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "captive portal whose page is late", reply: || lost_body_of(200, HTML, T::Timeout), kind: Timeout, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "captive portal whose page is endless", reply: || lost_body_of(200, HTML, T::ResponseTooLarge), kind: ResponseTooLarge, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "captive portal with a large page", reply: || large(HTML), kind: ResponseTooLarge, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "captive portal that gives no type", reply: || respond(200, &[], "<!DOCTYPE html>"), kind: Decode, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "captive portal that says JSON", reply: || respond(200, JSON, "\u{feff}\n<html>"), kind: Decode, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "another service", reply: || respond(200, &[("content-type", "application/xml")], "<a/>"), kind: Decode, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "large answer", reply: || large(JSON), kind: ResponseTooLarge, effect: [UNK, UNK, APP, APP], sent: [1, 1] },
    // Some frameworks give a 204 the type of the pages that they usually send.
    Row { what: "body lost after 204 of a type", reply: || lost_body_of(204, HTML, T::ConnectionLost), kind: ConnectionLost, effect: [APP, APP, UNK, UNK], sent: [1, 3] },
    Row { what: "200 with a content encoding", reply: || respond(200, &[("content-encoding", "gzip")], r#"{"recovery_codes": []}"#), kind: Decode, effect: [UNK, UNK, APP, APP], sent: [1, 1] },

    Row { what: "201", reply: || status(201), kind: UnexpectedStatus, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "206", reply: || status(206), kind: UnexpectedStatus, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "302", reply: || respond(302, &[("location", "https://elsewhere.test/")], ""), kind: UnexpectedStatus, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "101", reply: || status(101), kind: Protocol, effect: [UNK; 4], sent: [1, 1] },

    Row { what: "400", reply: || status(400), kind: BadRequest, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "401", reply: || status(401), kind: Unauthorized, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "403", reply: || status(403), kind: Forbidden, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "404", reply: || status(404), kind: NotFound, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "405", reply: || status(405), kind: Rejected, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "408", reply: || status(408), kind: Timeout, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "409", reply: || status(409), kind: Rejected, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "410", reply: || status(410), kind: Rejected, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "422", reply: || status(422), kind: Unprocessable, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "429", reply: || status(429), kind: RateLimited, effect: [NOT; 4], sent: [1, 3] },
    Row { what: "429 with a wait", reply: || respond(429, &[("retry-after", "2")], ""), kind: RateLimited, effect: [NOT; 4], sent: [1, 3] },
    Row { what: "429 with a wait beyond the deadline", reply: || respond(429, &[("retry-after", "31")], ""), kind: RateLimited, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "429 with an absurd wait", reply: || respond(429, &[("retry-after", "99999999999999999999")], ""), kind: RateLimited, effect: [NOT; 4], sent: [1, 1] },
    Row { what: "500", reply: || status(500), kind: Server, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "501", reply: || status(501), kind: Server, effect: [UNK; 4], sent: [1, 1] },
    Row { what: "502", reply: || status(502), kind: Server, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "503", reply: || status(503), kind: Server, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "504", reply: || status(504), kind: Server, effect: [UNK; 4], sent: [1, 3] },
    Row { what: "599", reply: || status(599), kind: Server, effect: [UNK; 4], sent: [1, 1] },
];

/// Makes a call of this name in one of the flavours, over this script.
type Flavour = fn(&Arc<Script>, &str) -> Result<(), Error>;

const FLAVOURS: [(&str, Flavour); 4] = [
    ("async", |script, operation| call(&script.async_client(), operation)),
    ("local", |script, operation| call_local(&script.local_client(), operation)),
    ("local, from Send", |script, operation| {
        call_local(&FromSend(script.async_client()), operation)
    }),
    ("blocking", |script, operation| call_blocking(&script.blocking_client(), operation)),
];

#[test]
fn every_failure_says_what_happened_and_whether_the_server_acted_in_every_flavour() {
    let mut wrong = Vec::new();
    for (row, (flavour, call)) in ROWS.iter().flat_map(|row| FLAVOURS.map(|f| (row, f))) {
        for (i, operation) in
            ["find_ensure_otp", "receive_codes", "regenerate_codes", "find_recovery_codes"]
                .into_iter()
                .enumerate()
        {
            let script = Arc::new(Script::new([(row.reply)()]));
            let error = call(&script, operation).expect_err(row.what);
            let got = (error.kind(), error.effect(), script.sent());
            // The SMS has no success with a body: there, any 200 is a status it does not have.
            let kind = match (operation, row.kind) {
                ("receive_codes", Decode) => UnexpectedStatus,
                _ => row.kind,
            };
            let want = (kind, row.effect[i], row.sent[usize::from(i == 3)]);
            if got != want {
                wrong.push(format!(
                    "{} / {operation}, {flavour}: got {got:?}, want {want:?}",
                    row.what
                ));
            }
            assert_eq!(error.operation(), Some(operation));
            assert_eq!(error.attempts().len(), script.sent(), "{}", row.what);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn call(api: &dyn OtpsApi, operation: &str) -> Result<(), Error> {
    block_on(async {
        match operation {
            "find_ensure_otp" => api.find_ensure_otp(&Otp::new(OTP)?).await.map(drop),
            "receive_codes" => api.receive_codes().await,
            "regenerate_codes" => api.regenerate_codes().await.map(drop),
            _ => api.find_recovery_codes().await.map(drop),
        }
    })
}

fn call_local(api: &dyn local::OtpsApi, operation: &str) -> Result<(), Error> {
    block_on(async {
        match operation {
            "find_ensure_otp" => api.find_ensure_otp(&Otp::new(OTP)?).await.map(drop),
            "receive_codes" => api.receive_codes().await,
            "regenerate_codes" => api.regenerate_codes().await.map(drop),
            _ => api.find_recovery_codes().await.map(drop),
        }
    })
}

fn call_blocking(api: &dyn blocking::OtpsApi, operation: &str) -> Result<(), Error> {
    match operation {
        "find_ensure_otp" => api.find_ensure_otp(&Otp::new(OTP)?).map(drop),
        "receive_codes" => api.receive_codes(),
        "regenerate_codes" => api.regenerate_codes().map(drop),
        _ => api.find_recovery_codes().map(drop),
    }
}

#[test]
fn a_later_refusal_does_not_hide_that_an_earlier_attempt_may_have_been_received() {
    let script = Arc::new(Script::new([unknown(T::ConnectionLost), not_sent(T::Connect)]));
    let error = call(&script.async_client(), "find_recovery_codes").unwrap_err();
    assert_eq!((error.kind(), error.effect(), script.sent()), (Connect, UNK, 3));
    assert_eq!(error.attempts()[0].effect, UNK);
    assert_eq!(error.attempts()[1].effect, NOT);
}

#[test]
fn the_sentence_of_a_lost_regeneration_says_that_the_codes_changed_and_how_to_read_them() {
    let script = Arc::new(Script::new([lost_body(200, T::ConnectionLost)]));
    let error = call(&script.async_client(), "regenerate_codes").unwrap_err();
    assert_eq!(
        error.to_string(),
        "regenerate_codes failed: the connection was lost (HTTP 200 OK); the server did act: the codes \
         changed and the new ones were lost, so read them with find_recovery_codes"
    );
    assert_eq!(error.request_id(), Some("req-7"));
}

#[test]
fn a_transport_s_own_advice_replaces_the_general_one() {
    let advised = |error: fn(T) -> TransportError, kind: T| -> Reply {
        Box::new(move || {
            Err(error(kind).with_reason("it is not TLS").with_advice("check the port"))
        })
    };
    for (reply, operation, sentence) in [
        (
            advised(TransportError::not_sent, T::Tls),
            "receive_codes",
            "receive_codes failed: no trusted TLS connection: it is not TLS; the request was not sent: check \
             the port",
        ),
        (
            advised(TransportError::unknown, T::ResponseTooLarge),
            "receive_codes",
            "receive_codes failed: the answer is larger than the limit: it is not TLS; the server may have \
             acted: look at the phone, then ask again if no SMS arrives; check the port",
        ),
        (
            advised(TransportError::unknown, T::ResponseTooLarge),
            "find_recovery_codes",
            "find_recovery_codes failed: the answer is larger than the limit: it is not TLS; the server may \
             have acted: check the port",
        ),
    ] {
        let script = Arc::new(Script::new([reply]));
        let error = call(&script.async_client(), operation).unwrap_err();
        assert_eq!(error.to_string(), sentence);
    }
}

#[test]
fn an_error_is_one_pointer_wide() {
    assert_eq!(size_of::<Option<Error>>(), size_of::<usize>());
}
