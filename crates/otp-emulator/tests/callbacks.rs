//! What a test hangs on the emulator: a phone, and a log. Neither can hold it up or bring it down.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, FakeOtps};
use support::ask;

/// When a test gives up.
const LONG: Duration = Duration::from_secs(10);

/// The status of a call of the service.
fn call(service: SocketAddr, method: &str, path: &str, token: &str) -> u16 {
    let path = format!("/metal/v1/user/otp{path}");
    ask(service, method, &path, &format!("X-Auth-Token: {token}\r\n"), "").status
}

fn emulator() -> (Emulator, SocketAddr, String) {
    let fake = FakeOtps::builder().seed(7).build();
    let emulator = Emulator::builder().plain().fake(fake).start().unwrap();
    let (address, token) = (emulator.local_addr(), emulator.token().expose_secret().to_owned());
    (emulator, address, token)
}

#[test]
fn a_phone_may_call_the_service_over_the_wire() {
    let (emulator, address, token) = emulator();
    let (tell, told) = mpsc::channel();
    let caller = token.clone();
    emulator.fake().on_sms(move |sms| {
        let path = format!("/verify/{}", sms.otp.expose_secret());
        tell.send(call(address, "POST", &path, &caller)).unwrap();
    });
    let sending = std::thread::spawn(move || call(address, "POST", "/sms/receive", &token));
    assert_eq!(told.recv_timeout(LONG), Ok(204));
    assert_eq!(sending.join().unwrap(), 204);
}

#[test]
fn a_phone_that_rings_forever_holds_nobody_else_up() {
    let (emulator, address, token) = emulator();
    let (rings, rung) = mpsc::channel();
    emulator.fake().on_sms(move |_| {
        rings.send(()).unwrap();
        std::thread::sleep(Duration::from_secs(3600));
    });
    let sender = token.clone();
    std::thread::spawn(move || call(address, "POST", "/sms/receive", &sender));
    rung.recv_timeout(LONG).unwrap();
    assert_eq!(call(address, "GET", "/recovery-codes", &token), 200);
    let (tell, dropped) = mpsc::channel();
    std::thread::spawn(move || {
        drop(emulator);
        tell.send(()).unwrap();
    });
    dropped.recv_timeout(LONG).unwrap();
}

#[test]
fn a_phone_that_panics_is_told_to_the_client() {
    let (emulator, address, token) = emulator();
    emulator.fake().on_sms(|_| panic!("the test's own"));
    let header = format!("X-Auth-Token: {token}\r\n");
    let answer = ask(address, "POST", "/metal/v1/user/otp/sms/receive", &header, "");
    assert_eq!(answer.status, 500);
    assert!(
        answer.json()["error"].as_str().unwrap().contains("callback of on_sms panicked"),
        "{answer:?}"
    );
    assert_eq!(emulator.fake().sms_outbox().len(), 1);
    emulator.fake().on_sms(|_| {});
    assert_eq!(call(address, "POST", "/sms/receive", &token), 204);
}

#[test]
fn a_log_may_call_the_service_and_panic_and_is_told_everything_in_order() {
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&outcomes);
    let target = Arc::new(Mutex::new(None));
    let callee = Arc::clone(&target);
    let (tell, told) = mpsc::channel();
    let emulator = Emulator::builder()
        .plain()
        .on_request(move |line| {
            seen.lock().unwrap().push(line.outcome.clone());
            if let Some((address, token)) = callee.lock().unwrap().take() {
                let token: String = token;
                tell.send(call(address, "GET", "/recovery-codes", &token)).unwrap();
                panic!("the test's own");
            }
        })
        .start()
        .unwrap();
    let (address, token) = (emulator.local_addr(), emulator.token().expose_secret().to_owned());
    *target.lock().unwrap() = Some((address, token.clone()));
    assert_eq!(call(address, "POST", "/sms/receive", &token), 204);
    assert_eq!(call(address, "POST", "/verify/wrong", &token), 400);
    assert_eq!(told.recv_timeout(LONG), Ok(200));
    drop(emulator);
    let mut outcomes = outcomes.lock().unwrap().clone();
    assert_eq!(outcomes.remove(0), "204");
    // What the log asked for itself came before or after the other.
    outcomes.sort();
    assert_eq!(outcomes, ["200", "400"]);
}
