//! Spans and events, by OpenTelemetry's conventions for HTTP clients.

#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use otp_core::credentials::{ProviderError, TokenProvider, TokenRequest};
use otp_core::operation::FindRecoveryCodes;
use otp_core::{
    AuthToken, Credentials, Otp, OtpsApi, OtpsClient, Request, Response, Transport, TransportError,
    TransportErrorKind as T, async_trait,
};
use pollster::block_on;
use support::tokens::Turn::{Fail, Give, Hang};
use support::tokens::{Provider, Service, async_client};
use support::{OTP, Script, TOKEN, not_sent, respond, status, unknown};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

type Fields = BTreeMap<String, String>;

/// What was observed: the fields of each span, and of each event.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Observed>>);

#[derive(Default)]
struct Observed {
    spans: BTreeMap<u64, Fields>,
    events: Vec<(String, Fields)>,
}

struct Visit<'a>(&'a mut Fields);

impl tracing::field::Visit for Visit<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        id: &tracing::span::Id,
        _: Context<'_, S>,
    ) {
        let mut observed = self.0.lock().unwrap();
        attributes.record(&mut Visit(observed.spans.entry(id.into_u64()).or_default()));
    }

    fn on_record(
        &self,
        id: &tracing::span::Id,
        values: &tracing::span::Record<'_>,
        _: Context<'_, S>,
    ) {
        let mut observed = self.0.lock().unwrap();
        values.record(&mut Visit(observed.spans.get_mut(&id.into_u64()).unwrap()));
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::new();
        event.record(&mut Visit(&mut fields));
        self.0.lock().unwrap().events.push((event.metadata().level().to_string(), fields));
    }
}

/// Runs this with a recorder, and gives its only span's fields and all its events.
fn observe(act: impl FnOnce()) -> (Vec<Fields>, Vec<(String, Fields)>) {
    let recorder = Recorder::default();
    let subscriber = tracing_subscriber::registry().with(recorder.clone());
    tracing::subscriber::with_default(subscriber, act);
    let observed = std::mem::take(&mut *recorder.0.lock().unwrap());
    (observed.spans.into_values().collect(), observed.events)
}

fn fields(expected: &[(&str, &str)]) -> Fields {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const CODES: &str = r#"{"recovery_codes": ["canary-c0de-51de"]}"#;

#[test]
fn a_call_is_a_span_and_each_attempt_an_event() {
    let (client, _) =
        Script::new([status(503), unknown(T::Timeout), respond(200, &[], CODES)]).client();
    let (spans, events) = observe(|| {
        block_on(client.call(FindRecoveryCodes).send()).unwrap();
    });
    assert_eq!(
        spans,
        [fields(&[
            ("otel.name", "GET /user/otp/recovery-codes"),
            ("otel.kind", "client"),
            ("otp.operation", "find_recovery_codes"),
            ("http.request.method", "GET"),
            ("url.template", "/user/otp/recovery-codes"),
            ("server.address", "metal.test"),
            ("server.port", "443"),
            ("http.response.status_code", "200"),
            ("http.request.resend_count", "2"),
        ])]
    );
    let events: Vec<_> = events.into_iter().map(|(_, fields)| fields).collect();
    assert_eq!(
        events,
        [
            fields(&[
                ("message", "attempt failed"),
                ("http.request.resend_count", "0"),
                ("http.response.status_code", "503"),
                ("error.type", "server"),
                ("otp.effect", "Unknown"),
            ]),
            fields(&[
                ("message", "attempt failed"),
                ("http.request.resend_count", "1"),
                ("error.type", "timeout"),
                ("otp.effect", "Unknown"),
            ]),
            fields(&[
                ("message", "attempt succeeded"),
                ("http.request.resend_count", "2"),
                ("http.response.status_code", "200"),
            ]),
        ]
    );
}

#[test]
fn every_flavour_tells_the_same_and_the_transport_logs_within_the_span() {
    let script = || {
        let replies = [status(503), unknown(T::Timeout), respond(200, &[], CODES)];
        std::sync::Arc::new(Script::new(replies))
    };
    let of_async = observe(|| {
        block_on(script().async_client().find_recovery_codes()).unwrap();
    });
    let of_local = observe(|| {
        let client = script().local_client();
        block_on(otp_core::local::OtpsApi::find_recovery_codes(&client)).unwrap();
    });
    let of_blocking = observe(|| {
        let client = script().blocking_client();
        otp_core::blocking::OtpsApi::find_recovery_codes(&client).unwrap();
    });
    assert_eq!((of_async.0.len(), of_async.1.len()), (1, 3));
    assert_eq!(of_async, of_local);
    assert_eq!(of_async, of_blocking);

    // Each flavour's `send` runs inside of the call's span.
    let spans = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    for flavour in 0..3 {
        let seen = spans.clone();
        let within: support::Reply = Box::new(move || {
            seen.lock()
                .unwrap()
                .push(tracing::Span::current().metadata().map(tracing::Metadata::name));
            Ok(support::response(204, &[], ""))
        });
        let script = std::sync::Arc::new(Script::new([within]));
        observe(|| match flavour {
            0 => block_on(script.async_client().receive_codes()).unwrap(),
            1 => block_on(otp_core::local::OtpsApi::receive_codes(&script.local_client())).unwrap(),
            _ => otp_core::blocking::OtpsApi::receive_codes(&script.blocking_client()).unwrap(),
        });
    }
    let spans = spans.lock().unwrap();
    assert!(spans[0].is_some() && spans.iter().all(|name| *name == spans[0]), "{spans:?}");
}

#[test]
fn a_failed_call_says_why_and_never_shows_the_url_or_a_secret() {
    let (client, _) = Script::new([respond(400, &[], r#"{"error": "canary-0tp-93ab"}"#)]).client();
    let (spans, events) = observe(|| {
        block_on(client.find_ensure_otp(&Otp::new(OTP).unwrap())).unwrap_err();
    });
    assert_eq!(spans[0]["url.template"], "/user/otp/verify/{otp}");
    assert_eq!(spans[0]["otel.name"], "POST /user/otp/verify/{otp}");
    assert_eq!(spans[0]["error.type"], "bad_request");
    assert_eq!(spans[0]["otel.status_code"], "ERROR");
    assert_eq!(spans[0]["http.response.status_code"], "400");
    assert!(!spans[0].contains_key("http.request.resend_count"));
    let all = format!("{spans:?} {events:?}");
    assert!(!all.contains(OTP) && !all.contains(TOKEN) && !all.contains("url.full"), "{all}");
}

#[test]
fn the_end_of_the_service_is_warned_of_once_a_client() {
    let date = "Tue, 30 Jun 2026 23:59:59 GMT";
    let headers = [("sunset", date), ("deprecation", "true")];
    let (client, _) = Script::new([respond(204, &headers, "")]).client();
    let (_, events) = observe(|| {
        for _ in 0..3 {
            block_on(client.clone().receive_codes()).unwrap();
        }
    });
    let warnings: Vec<_> = events.iter().filter(|(level, _)| level == "WARN").collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].1,
        fields(&[
            ("message", "the service is going away"),
            ("sunset", date),
            ("deprecation", "announced"),
        ])
    );
}

/// A transport that says in which span it was asked to send.
struct Where(Mutex<Option<&'static str>>);

#[async_trait]
impl Transport for Where {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        let span = tracing::Span::current();
        *self.0.lock().unwrap() = span.metadata().map(tracing::Metadata::name);
        Ok(support::response(204, &[], ""))
    }
    async fn sleep(&self, _: std::time::Duration) {}

    fn now(&self) -> std::time::Duration {
        otp_core::clock::monotonic()
    }
}

#[test]
fn a_transport_sends_inside_of_the_call_s_span() {
    let transport = Arc::new(Where(Mutex::default()));
    let client = OtpsClient::new(transport.clone(), AuthToken::new(TOKEN).unwrap());
    observe(|| block_on(client.receive_codes()).unwrap());
    assert_eq!(*transport.0.lock().unwrap(), Some("otp.call"));
}

#[test]
fn what_was_never_sent_is_told_too() {
    let (client, _) = Script::new([not_sent(T::Tls)]).client();
    let (spans, _) = observe(|| {
        block_on(client.receive_codes()).unwrap_err();
    });
    assert_eq!(spans[0]["error.type"], "tls");
    assert!(!spans[0].contains_key("http.response.status_code"));
}

#[test]
fn no_date_that_a_server_sends_makes_telemetry_panic() {
    for deprecation in [
        "@253402300799",
        "@253402300800",
        "@9223372036854775807",
        "@18446744073709551615",
        "@99999999999999999999999",
        "@-1",
        "@-62135596801",
        "@+5",
        "@",
        "@1.5",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu Jan  1 00:00:00 99999",
        "Friday, 31-Dec-99 23:59:59 GMT",
        "true",
        "false",
        "",
    ] {
        for sunset in ["", deprecation] {
            let headers = [("deprecation", deprecation), ("sunset", sunset)];
            let headers: &'static _ = Box::leak(Box::new(headers));
            let (client, _) = Script::new([respond(200, headers, CODES)]).client();
            let (spans, _) = observe(|| {
                let answer = block_on(client.call(FindRecoveryCodes).send()).unwrap();
                let _ = (answer.metadata.sunset(), answer.metadata.deprecation());
                assert_eq!(answer.value.len(), 1, "{deprecation}");
            });
            assert_eq!(spans[0]["http.response.status_code"], "200");
        }
    }
}

#[test]
fn the_end_of_the_service_is_warned_of_when_calls_fail_too() {
    let headers = [("sunset", "Tue, 30 Jun 2026 23:59:59 GMT")];
    for reply in [
        respond(410, &headers, ""),
        respond(401, &headers, r#"{"error": "no"}"#),
        respond(200, &headers, "<html>"),
        support::lost_body_of(200, &headers, T::ConnectionLost),
    ] {
        let (client, _) = Script::new([reply]).client();
        let (_, events) = observe(|| {
            for _ in 0..2 {
                block_on(client.regenerate_codes()).unwrap_err();
            }
        });
        let warnings = events.iter().filter(|(level, _)| level == "WARN").count();
        assert_eq!(warnings, 1, "{events:?}");
    }
}

/// A transport that never answers.
struct Silent;

#[async_trait]
impl Transport for Silent {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        std::future::pending().await
    }
    async fn sleep(&self, _: std::time::Duration) {
        std::future::pending::<()>().await;
    }
    fn now(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

#[test]
fn a_dropped_call_ends_its_span_with_an_error_type() {
    use std::task::{Context, Waker};
    let client = OtpsClient::new(Silent, AuthToken::new(TOKEN).unwrap());
    let (spans, _) = observe(|| {
        let mut call = Box::pin(client.receive_codes());
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(call);
    });
    assert_eq!(spans[0]["error.type"], "cancelled");
    assert_eq!(spans[0]["otel.status_code"], "ERROR");

    // A panic of a transport, too.
    let panics: support::Reply = Box::new(|| panic!("no stack"));
    let (client, _) = Script::new([panics]).client();
    let (spans, _) = observe(|| {
        let call = std::panic::AssertUnwindSafe(|| block_on(client.receive_codes()));
        assert!(std::panic::catch_unwind(call).is_err());
    });
    assert_eq!(spans[0]["error.type"], "panic");
}

#[test]
fn a_refresh_is_a_resend_within_the_span_of_its_call() {
    let service = Service::accepting(&["t2"]);
    let provider = Provider::of(&[Give(TOKEN), Give("t2")]);
    let client = async_client(service, Credentials::provider(Logging(provider)));
    let (spans, events) = observe(|| block_on(client.receive_codes()).unwrap());
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0]["http.response.status_code"], "204");
    assert_eq!(spans[0]["http.request.resend_count"], "1");
    assert!(!spans[0].contains_key("error.type"));
    let messages: Vec<_> = events.iter().map(|(_, event)| &*event["message"]).collect();
    assert_eq!(messages, ["asked", "attempt failed", "asked", "attempt succeeded"]);
    // The requests to the provider are in the span of the call.
    assert_eq!(events[0].1["in_span"], "true");
    assert_eq!(events[2].1["in_span"], "true");
    assert_eq!(events[1].1["error.type"], "unauthorized");
    assert!(!format!("{spans:?} {events:?}").contains(TOKEN));
}

#[test]
fn a_call_without_a_token_says_so_in_its_span() {
    let service = Service::accepting(&[]);
    let provider = Provider::of(&[Fail("sealed"), Give("t1"), Fail("sealed")]);
    let client = async_client(service, Credentials::provider(provider));
    let (spans, events) = observe(|| {
        block_on(client.receive_codes()).unwrap_err();
    });
    assert_eq!(spans[0]["error.type"], "credentials");
    assert!(!spans[0].contains_key("http.response.status_code"));
    assert_eq!(events, []);
    let (spans, _) = observe(|| {
        block_on(client.receive_codes()).unwrap_err();
    });
    assert_eq!(spans[0]["error.type"], "credentials");
    assert_eq!(spans[0]["http.response.status_code"], "401");
}

#[test]
fn a_call_that_is_dropped_while_it_waits_for_a_token_is_cancelled() {
    use std::task::{Context, Waker};
    let (silent, provider) = (Silent, Provider::of(&[Hang]));
    let client = async_client(silent, Credentials::provider(provider));
    let (spans, _) = observe(|| {
        let mut call = Box::pin(client.receive_codes());
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(call);
    });
    assert_eq!(spans[0]["error.type"], "cancelled");
}

/// Says when it is asked.
struct Logging(Arc<Provider>);

#[async_trait]
impl TokenProvider for Logging {
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        let in_span =
            tracing::Span::current().metadata().is_some_and(|span| span.name() == "otp.call");
        tracing::info!(in_span, "asked");
        self.0.token(request).await
    }
}
