//! Users, tokens, resets and faults by the admin API, where two of them could meet.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, FakeOtps, Fault};
use otp_mock::FakeUser;
use serde_json::{Value, json};
use support::{Raw, ask};

struct Ports {
    emulator: Emulator,
    admin: SocketAddr,
}

impl Ports {
    fn start(fake: FakeOtps) -> Self {
        let emulator = Emulator::builder().plain().fake(fake);
        let emulator = emulator.admin("127.0.0.1:0".parse().unwrap()).start().unwrap();
        let admin = emulator.admin_addr().unwrap();
        Self { emulator, admin }
    }

    fn call(&self, method: &str, path: &str, token: &str) -> Raw {
        let header = format!("X-Auth-Token: {token}\r\n");
        let path = format!("/metal/v1/user/otp{path}");
        ask(self.emulator.local_addr(), method, &path, &header, "")
    }

    #[track_caller]
    fn post(&self, path: &str, body: Value, status: u16) -> Raw {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = ask(self.admin, "POST", path, "", &body);
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
        answer
    }

    fn add(&self, name: &str, token: &str) {
        self.post("/users", json!({ "two_factor": "sms", "name": name, "token": token }), 201);
    }

    fn get(&self, path: &str) -> Raw {
        ask(self.admin, "GET", path, "", "")
    }

    fn delete(&self, path: &str) -> u16 {
        ask(self.admin, "DELETE", path, "", "").status
    }

    /// Logs a user in by SMS, and gives the session's token.
    fn log_in(&self, name: &str, token: &str) -> String {
        assert_eq!(self.call("POST", "/sms/receive", token).status, 204);
        let otp = self.get(&format!("/sms/next?user={name}")).json()["otp"].clone();
        let path = format!("/verify/{}", otp.as_str().unwrap());
        let verified = self.call("POST", &path, token);
        let session = verified.head.lines().find_map(|line| line.strip_prefix("x-auth-token: "));
        session.unwrap().to_owned()
    }
}

#[test]
fn a_chosen_session_token_is_nobody_else_s() {
    let ports = Ports::start(FakeOtps::new());
    ports.add("ann", "anns");
    ports.add("bob", "bobs");
    let session = || json!({ "session_token": "s-1" });
    ports.post("/users/ann/next", session(), 204);
    for name in ["ann", "bob"] {
        let refused = ports.post(&format!("/users/{name}/next"), session(), 409);
        assert!(!refused.body.contains("s-1"), "{}", refused.body);
        ports.post(&format!("/users/{name}/token"), json!({ "token": "s-1" }), 409);
    }
    ports.post("/users", json!({ "two_factor": "sms", "token": "s-1" }), 409);
    ports.post("/users/bob/next", json!({ "session_token": "anns", "otp": "1" }), 409);
    ports.call("POST", "/sms/receive", "bobs");
    assert_ne!(ports.get("/sms/next?user=bob").json()["otp"], "1", "all or none is chosen");
    assert_eq!(ports.log_in("ann", "anns"), "s-1");
    ports.post("/users/bob/next", session(), 409);
    ports.delete("/users/ann/sessions");
    ports.post("/users/bob/next", session(), 204);
}

#[test]
fn a_token_by_chance_is_none_that_was_chosen() {
    let ports = || Ports::start(FakeOtps::builder().seed(7).build());
    let first = ports();
    let token = first.emulator.token().expose_secret().to_owned();
    let by_chance = first.log_in("user-1", &token);
    let issued = first.post("/users/user-1/token", Value::Null, 201).json()["token"].clone();

    let second = ports();
    second.add("bob", &by_chance);
    second.post("/users/bob/next", json!({ "session_token": issued }), 204);
    let session = second.log_in("user-1", &token);
    assert!(session != by_chance && issued != session.as_str(), "{session}");
}

#[test]
fn a_65th_chosen_value_is_refused_and_the_first_is_kept() {
    let ports = Ports::start(FakeOtps::new());
    for number in 0..64 {
        ports.post("/users/user-1/next", json!({ "otp": format!("{number:06}") }), 204);
    }
    ports.post("/users/user-1/next", json!({ "otp": "999999" }), 409);
    ports.post("/users/user-1/next", json!({ "recovery_codes": ["a-1"] }), 204);
    let token = ports.emulator.token();
    ports.call("POST", "/sms/receive", token.expose_secret());
    assert_eq!(ports.get("/sms/next").json()["otp"], "000000");
    ports.post("/users/user-1/next", json!({ "otp": "999999" }), 204);
}

#[test]
fn a_user_without_tokens_is_gone_for_good_when_the_name_is_used_again() {
    let ports = Ports::start(FakeOtps::new());
    ports.add("bob", "old");
    let session = ports.log_in("bob", "old");
    ports.call("POST", "/sms/receive", "old");
    assert_eq!(ports.delete("/users/bob/token"), 204);
    ports.add("bob", "new");
    assert_eq!(ports.call("GET", "/recovery-codes", &session).status, 401);
    assert_eq!(ports.get("/sms").json(), json!([]));
    ports.call("POST", "/sms/receive", "new");
    assert_eq!(ports.get("/sms?user=bob").json().as_array().unwrap().len(), 1);
    assert_eq!(ports.get("/users").json().as_array().unwrap().len(), 2);
    assert_eq!((ports.delete("/users/bob"), ports.delete("/users/bob")), (204, 404));
    assert_eq!(ports.get("/users/bob").status, 404);
}

#[test]
fn a_body_is_refused_where_none_is_taken() {
    let ports = Ports::start(FakeOtps::new());
    ports.add("bob", "bobs");
    let refused = ports.post("/reset", json!({ "user": "bob" }), 400);
    assert!(refused.body.contains("query"), "{}", refused.body);
    assert_eq!(ports.get("/users/bob").status, 200, "nothing was reset");
    for (method, path) in [
        ("GET", "/users"),
        ("GET", "/sms/next"),
        ("POST", "/faults/lost-sms"),
        ("POST", "/clock/advance?seconds=1"),
        ("DELETE", "/users/bob"),
        ("DELETE", "/journal"),
    ] {
        assert_eq!(ask(ports.admin, method, path, "", "{}").status, 400, "{method} {path}");
    }
    assert_eq!(ports.get("/faults").json()["armed"], json!([]));
}

#[test]
fn the_secrets_of_a_user_do_not_depend_on_other_users() {
    let run = |others: &[&str], resets: bool| {
        let fake = FakeOtps::builder().seed(7).build();
        let ports = Ports::start(fake);
        for name in others {
            ports.add(name, &format!("token-of-{name}"));
        }
        let bob = json!({ "two_factor": "sms", "name": "bob" });
        let token = ports.post("/users", bob, 201).json()["token"].as_str().unwrap().to_owned();
        let round = || {
            let sms = |token: &str| {
                assert_eq!(ports.call("POST", "/sms/receive", token).status, 204);
            };
            others.iter().for_each(|name| sms(&format!("token-of-{name}")));
            let session = ports.log_in("bob", &token);
            let codes = ports.call("POST", "/recovery-codes", &token).body;
            (token.clone(), session, codes)
        };
        let first = round();
        if resets {
            ports.post("/reset?user=bob", Value::Null, 204);
            assert_eq!(round(), first);
        }
        ports.delete("/users/bob");
        let again = json!({ "two_factor": "sms", "name": "bob" });
        let again = ports.post("/users", again, 201).json()["token"].clone();
        assert_ne!(again, first.0.as_str(), "the old token stays without effect");
        first
    };
    let alone = run(&[], false);
    assert_eq!(run(&["ann", "carol"], true), alone);
}

#[test]
fn a_reset_of_one_user_brings_back_the_faults_of_the_start() {
    let fake = FakeOtps::new();
    fake.add_user(FakeUser::with_phone("+1").named("bob"));
    fake.arm(Fault::LostSms.for_user("bob"));
    fake.mark_start();
    let ports = Ports::start(fake);
    let armed = || {
        let armed = ports.emulator.fake().armed_numbered();
        armed.into_iter().map(|(_, fault)| fault.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ports.delete("/faults"), 204);
    ports.post("/faults/sunset?user=bob", Value::Null, 201);
    ports.post("/faults/lost-verify", Value::Null, 201);
    ports.post("/reset?user=bob", Value::Null, 204);
    assert_eq!(armed(), ["lost-verify", "lost-sms:user=bob"]);

    // Nobody gets a token that somebody else has by now.
    ports.add("ann", "anns");
    ports.post("/users/ann/token", Value::Null, 201);
    ports.post("/tokens/revoke", json!({ "token": "anns" }), 204);
    ports.add("carol", "anns");
    ports.post("/reset?user=ann", Value::Null, 409);
}

#[test]
fn faults_that_can_never_strike_are_refused() {
    let ports = Ports::start(FakeOtps::new());
    ports.add("al", "als");
    ports.add("bob", "bobs");
    for (path, status) in [
        ("/faults/lost-sms?user=nobody", 404),
        ("/faults/lost-sms:user=nobody", 404),
        ("/faults/lost-sms?operation=find_recovery_codes", 409),
        ("/faults/cut-regenerate:operation=receive_codes", 409),
        ("/faults/cut-reply?operation=receive_codes", 409),
        ("/faults/lost-sms:user=bob?user=al", 400),
        ("/faults/lost-sms:times=2?times=3", 400),
        ("/faults/unavailable=0", 400),
        ("/faults/lost-sms:times=0", 400),
    ] {
        ports.post(path, Value::Null, status);
    }
    assert_eq!(ports.get("/faults").json()["armed"], json!([]));
    for path in [
        "/faults/lost-sms:user=bob?operation=receive_codes",
        "/faults/cut-reply?operation=find_recovery_codes",
    ] {
        ports.post(path, Value::Null, 201);
    }
}

#[test]
fn a_waiter_of_a_user_who_is_removed_ends_at_once() {
    let ports = Ports::start(FakeOtps::new());
    let admin = ports.admin;
    ports.add("bob", "bobs");
    let since = Instant::now();
    let waiting =
        std::thread::spawn(move || ask(admin, "GET", "/sms/next?user=bob&wait=60", "", "").status);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(ports.delete("/users/bob"), 204);
    assert_eq!(waiting.join().unwrap(), 404);
    ports.add("bob", "bobs-2");
    let waiting =
        std::thread::spawn(move || ask(admin, "GET", "/sms/next?user=bob&wait=60", "", "").json());
    ports.call("POST", "/sms/receive", "bobs-2");
    assert_eq!(waiting.join().unwrap()["user"], "bob");
    assert!(since.elapsed() < Duration::from_secs(30));
}

#[test]
fn tokens_are_revoked_from_the_last_to_the_first() {
    let ports = Ports::start(FakeOtps::new());
    ports.add("bob", "first");
    ports.post("/users/bob/token", json!({ "token": "second" }), 201);
    let works =
        || ["first", "second"].map(|token| ports.call("GET", "/recovery-codes", token).status);
    assert_eq!(ports.delete("/users/bob/token"), 204);
    assert_eq!(works(), [200, 401]);
    assert_eq!(ports.delete("/users/bob/token"), 204);
    assert_eq!(works(), [401, 401]);
}
