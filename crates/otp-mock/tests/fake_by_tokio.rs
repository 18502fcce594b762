//! The service in memory, with a clock that follows tokio's, which a test pauses and advances.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_core::operation::FindRecoveryCodes;
use otp_core::{ErrorKind, OtpsApi, OtpsClient, Transport, blocking};
use otp_mock::{FakeOtps, FakeOtpsBuilder, Fault};
use tokio::time::{Instant, advance, sleep, timeout};

fn builder() -> FakeOtpsBuilder {
    let start = Instant::now();
    FakeOtps::builder().clock(move || start.elapsed(), sleep)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn an_otp_expires_when_tokio_s_clock_is_advanced() {
    let service = builder().otp_lifetime(seconds(60)).build();
    for (later, works) in [(59, true), (60, false)] {
        service.receive_codes().await.unwrap();
        let otp = service.next_sms().await.otp;
        advance(seconds(later)).await;
        assert_eq!(service.find_ensure_otp(&otp).await.is_ok(), works, "{later} s later");
    }
    // What the service alone is turned comes on top.
    service.receive_codes().await.unwrap();
    let otp = service.next_sms().await.otp;
    advance(seconds(30)).await;
    service.advance(seconds(30));
    assert_eq!(service.find_ensure_otp(&otp).await.unwrap_err().kind(), ErrorKind::BadRequest);
}

#[tokio::test(start_paused = true)]
async fn a_client_s_waits_are_waits_of_tokio() {
    let service = builder().rate_limit(1, seconds(20)).build();
    let client = OtpsClient::new(service.clone(), service.token().clone());
    client.find_recovery_codes().await.unwrap();
    let (before, date) = (Instant::now(), service.date());
    let answer = client.call(FindRecoveryCodes).send().await.unwrap();
    assert_eq!(answer.metadata.attempts(), 2);
    assert!(before.elapsed() >= seconds(20), "it waited by tokio's clock");
    let passed = service.date().duration_since(date).unwrap();
    assert_eq!(passed, before.elapsed(), "both clocks went the same way");
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_and_a_time_out_take_tokio_s_time() {
    let service = builder().build();
    for (delay, takes, kind) in [(3, 3, None), (15, 10, Some(ErrorKind::Timeout))] {
        service.arm(Fault::Slow { delay: seconds(delay) });
        let before = Instant::now();
        let outcome = service.receive_codes().await;
        assert_eq!(outcome.err().map(|error| error.kind()), kind);
        // tokio's timers have a granularity of a millisecond.
        let took = before.elapsed();
        assert!(took >= seconds(takes) && took < seconds(takes + 1), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_s_own_time_out_ends_a_slow_call_and_the_service_has_acted() {
    let service = builder().build();
    service.arm(Fault::Slow { delay: seconds(8) });
    let before = Instant::now();
    timeout(seconds(5), service.receive_codes()).await.unwrap_err();
    assert_eq!(before.elapsed(), seconds(5));
    assert_eq!(service.sms_outbox().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_transport_s_sleep_is_tokio_s() {
    let service = builder().build();
    let before = Instant::now();
    let sleeping = Transport::sleep(&service, seconds(60));
    let other = async {
        sleep(seconds(30)).await;
        Transport::now(&service)
    };
    let (slept, during) = tokio::join!(
        async {
            sleeping.await;
            before.elapsed()
        },
        other
    );
    assert_eq!((slept, during), (seconds(60), seconds(30)), "others run meanwhile");
    assert_eq!(Transport::now(&service), seconds(60));
}

#[tokio::test(start_paused = true)]
async fn without_async_the_service_s_own_clock_is_turned() {
    let service = builder().build();
    let before = Instant::now();
    blocking::Transport::sleep(&service, seconds(60));
    assert_eq!(before.elapsed(), Duration::ZERO, "tokio's clock cannot be waited for here");
    assert_eq!(blocking::Transport::now(&service), seconds(60));
}
