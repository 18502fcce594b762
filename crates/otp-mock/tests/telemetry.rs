//! Doubles report the calls that somebody made, and no others.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otp_core::operation::{FindEnsureOtp, ReceiveCodes, RegenerateCodes};
use otp_core::{AuthToken, ErrorKind, Otp, OtpsApi, OtpsClient};
use otp_mock::{Expected, FakeOtps, Fault, Recorder, Recording, Reply, ScriptedTransport, canned};
use pollster::block_on;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// How many spans and events there were.
#[derive(Clone, Default)]
struct Count(Arc<[AtomicUsize; 2]>);

impl<S: tracing::Subscriber> Layer<S> for Count {
    fn on_new_span(
        &self,
        _: &tracing::span::Attributes<'_>,
        _: &tracing::span::Id,
        _: Context<'_, S>,
    ) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
    }

    fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
        self.0[1].fetch_add(1, Ordering::Relaxed);
    }
}

/// The spans and events of this.
fn count(act: impl FnOnce()) -> [usize; 2] {
    let count = Count::default();
    let subscriber = tracing_subscriber::registry().with(count.clone());
    tracing::subscriber::with_default(subscriber, act);
    count.0.each_ref().map(|count| count.load(Ordering::Relaxed))
}

fn otp() -> Otp {
    Otp::new("123456").unwrap()
}

#[test]
fn preparing_a_double_makes_no_telemetry() {
    let mut prepared_script = None;
    let prepared = count(|| {
        let _ = Expected::call(FindEnsureOtp::new(otp())).with_token(AuthToken::new("t").unwrap());
        let _ = (Expected::any::<ReceiveCodes>(), Expected::anything());
        let script = ScriptedTransport::in_order()
            .answer(FindEnsureOtp::new(otp()), Reply::no_content())
            .answer(RegenerateCodes, Reply::recovery_codes(["a"]));
        let _ = script.requests();
        prepared_script = Some(script);
        let _ = ScriptedTransport::never_answering();
        let _ = canned::error::<ReceiveCodes>(ErrorKind::Server).build();
        let _ = (canned::lost_reply::<RegenerateCodes>(), canned::unknown::<ReceiveCodes>());
        let service = FakeOtps::builder().seed(7).build();
        Fault::ALL.iter().for_each(|fault| service.arm(*fault));
        service.advance(std::time::Duration::from_secs(60));
        let _ = (service.sms_outbox(), service.journal(), service.armed());
        let recording = Recorder::new(service).recording().to_string();
        let _ = recording.parse::<Recording>().unwrap().replay();
    });
    assert_eq!(prepared, [0, 0]);
    let client = OtpsClient::new(prepared_script.unwrap(), AuthToken::new("t").unwrap());
    block_on(client.find_ensure_otp(&otp())).unwrap();
    block_on(client.regenerate_codes()).unwrap();
}

#[test]
fn a_call_through_a_double_is_reported_once() {
    let called = count(|| {
        let script = ScriptedTransport::in_order()
            .answer(FindEnsureOtp::new(otp()), Reply::no_content())
            .answer(ReceiveCodes, Reply::no_content());
        let client = OtpsClient::new(script.clone(), AuthToken::new("t").unwrap());
        block_on(client.find_ensure_otp(&otp())).unwrap();
        block_on(client.receive_codes()).unwrap();
        script.finish();
    });
    assert_eq!(called, [2, 2], "a span a call, an event an attempt");

    let called = count(|| drop(block_on(FakeOtps::new().receive_codes())));
    assert_eq!(called, [1, 1]);
}
