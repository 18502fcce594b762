//! The phones of the service in memory: who waits for an SMS, and what is called with it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::sync::mpsc::channel;
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use otp_core::OtpsApi;
use otp_mock::{FakeOtps, FakeUser};
use pollster::block_on;

/// Who waits and is never told.
struct Asleep;

impl Wake for Asleep {
    fn wake(self: Arc<Self>) {}
}

/// Something that a phone holds, and that asks the service when it is dropped.
struct Asks(FakeOtps, #[allow(dead_code, reason = "it is held")] Arc<()>);

impl Drop for Asks {
    fn drop(&mut self) {
        let _ = self.0.sms_outbox();
    }
}

/// A phone with such a thing in it, and how to see that it is gone.
fn put_phone_that_asks(service: &FakeOtps) -> Weak<()> {
    let held = Arc::new(());
    let gone = Arc::downgrade(&held);
    let asks = Asks(service.clone(), held);
    service.on_sms(move |_| {
        let _ = &asks;
    });
    gone
}

#[test]
fn a_phone_that_is_replaced_may_call_the_service_as_it_is_dropped() {
    let service = FakeOtps::new();
    let held = put_phone_that_asks(&service);
    let (done, replaced) = channel();
    // On a thread of its own, so that a deadlock fails the test.
    std::thread::spawn(move || {
        service.on_sms(|_| {});
        done.send(()).unwrap();
    });
    replaced.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(held.upgrade().is_none());
}

#[test]
fn a_phone_that_holds_the_service_is_freed_when_it_is_taken_away() {
    let service = FakeOtps::new();
    let held = put_phone_that_asks(&service);
    block_on(service.receive_codes()).unwrap();
    assert!(held.upgrade().is_some());
    service.on_sms(|_| {});
    assert!(held.upgrade().is_none());
}

#[test]
fn who_waits_no_more_is_forgotten() {
    let service = FakeOtps::new();
    let asleep: Vec<_> = (0..10_000).map(|_| Arc::new(Asleep)).collect();
    for sleeper in &asleep {
        let waker = Waker::from(Arc::clone(sleeper));
        let mut next = Box::pin(service.next_sms());
        assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let held = asleep.iter().filter(|sleeper| Arc::strong_count(sleeper) > 1).count();
    assert_eq!(held, 0);
}

#[test]
fn who_is_polled_by_another_waker_is_woken_by_the_last() {
    let service = FakeOtps::new();
    let sleepers = [(); 2].map(|()| Arc::new(Asleep));
    let mut next = Box::pin(service.next_sms());
    for sleeper in &sleepers {
        let waker = Waker::from(Arc::clone(sleeper));
        assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(sleepers.each_ref().map(Arc::strong_count), [1, 2]);
    block_on(service.receive_codes()).unwrap();
    assert_eq!(sleepers.each_ref().map(Arc::strong_count), [1, 1], "it was woken");
}

#[test]
fn many_who_wait_at_once_each_get_an_sms_of_their_own() {
    let service = FakeOtps::new();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            std::thread::spawn({
                let service = service.clone();
                move || block_on(service.next_sms())
            })
        })
        .collect();
    for _ in &waiting {
        block_on(service.receive_codes()).unwrap();
    }
    let mut got: Vec<_> = waiting.into_iter().map(|waiting| waiting.join().unwrap()).collect();
    for sent in service.sms_outbox() {
        got.remove(got.iter().position(|sms| *sms == sent).unwrap());
    }
    assert!(got.is_empty());
}

#[test]
fn many_sms_to_one_user_leave_those_of_another() {
    let service = FakeOtps::new();
    let bob = service.add_user(FakeUser::with_phone("+2"));
    block_on(async {
        bob.receive_codes().await.unwrap();
        for _ in 0..1001 {
            service.receive_codes().await.unwrap();
        }
    });
    assert_eq!(bob.next_sms_within(Duration::ZERO), bob.last_sms());
    assert!(bob.last_sms().is_some());
    let outbox = service.sms_outbox();
    assert_eq!((outbox.len(), outbox.first()), (1001, bob.last_sms().as_ref()));
}
