//! Values, faults and states that a test chooses, by the admin API, by flags and by the environment.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, FakeOtps};
use otp_mock::FakeUser;
use serde_json::{Value, json};
use support::{Program, Raw, ask};

/// The service and its admin port, as a program without Rust has them.
#[derive(Clone, Copy)]
struct Ports {
    service: SocketAddr,
    admin: SocketAddr,
}

impl Ports {
    fn call(&self, method: &str, path: &str, token: &str) -> Raw {
        let header = format!("X-Auth-Token: {token}\r\n");
        ask(self.service, method, &format!("/metal/v1/user/otp{path}"), &header, "")
    }

    fn codes(&self, method: &str, token: &str) -> Value {
        self.call(method, "/recovery-codes", token).json()["recovery_codes"].clone()
    }

    #[track_caller]
    fn post(&self, path: &str, body: Value, status: u16) -> Raw {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = ask(self.admin, "POST", path, "", &body);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        answer
    }

    #[track_caller]
    fn delete(&self, path: &str) {
        let answer = ask(self.admin, "DELETE", path, "", "");
        assert_eq!(answer.status, 204, "{path}: {}", answer.body);
    }

    fn get(&self, path: &str) -> Value {
        ask(self.admin, "GET", path, "", "").json()
    }
}

fn start(fake: FakeOtps) -> (Emulator, Ports) {
    let emulator = Emulator::builder().plain().fake(fake);
    let emulator = emulator.admin("127.0.0.1:0".parse().unwrap()).start().unwrap();
    let ports = Ports { service: emulator.local_addr(), admin: emulator.admin_addr().unwrap() };
    (emulator, ports)
}

#[test]
fn otps_codes_and_sessions_are_those_that_the_test_chose() {
    let (_emulator, ports) = start(FakeOtps::new());
    ports.post(
        "/users",
        json!({ "two_factor": "sms", "name": "bob", "token": "bobs", "otp": "123456",
                "recovery_codes": ["aaaaa-1", "bbbbb-2"] }),
        201,
    );
    for otp in ["123456", "123456"] {
        assert_eq!(ports.call("POST", &format!("/verify/{otp}"), "bobs").status, 400, "not sent");
        ports.call("POST", "/sms/receive", "bobs");
        let sms = ports.get("/sms/next?user=bob");
        assert_eq!((&sms["otp"], &sms["user"]), (&json!(otp), &json!("bob")));
        assert_eq!(ports.call("POST", &format!("/verify/{otp}"), "bobs").status, 204);
    }
    ports.post("/users/bob/next", json!({ "otp": "999-999" }), 204);
    ports.post("/users/bob/next", json!({ "session_token": "bobs-session" }), 204);
    ports.call("POST", "/sms/receive", "bobs");
    let verified = ports.call("POST", "/verify/999-999", "bobs");
    assert!(verified.head.contains("x-auth-token: bobs-session\r\n"), "{verified:?}");

    assert_eq!(ports.codes("GET", "bobs-session"), json!(["aaaaa-1", "bbbbb-2"]));
    ports.post("/users/bob/next", json!({ "recovery_codes": ["ccccc-3"] }), 204);
    ports.post("/users/bob/next", json!({ "recovery_codes": [] }), 204);
    assert_eq!(ports.codes("POST", "bobs"), json!(["ccccc-3"]));
    assert_eq!(ports.call("POST", "/verify/ccccc-3", "bobs").status, 204);
    assert_eq!(ports.codes("POST", "bobs"), json!([]));
    assert_eq!(ports.codes("POST", "bobs").as_array().unwrap().len(), 10, "by chance again");

    let body = json!({ "recovery_codes": ["ddddd-4"] }).to_string();
    assert_eq!(ask(ports.admin, "PUT", "/users/bob/recovery-codes", "", &body).status, 204);
    assert_eq!(ports.get("/users/bob/recovery-codes"), json!({ "recovery_codes": ["ddddd-4"] }));
    assert_eq!(
        ports.post("/users/bob/token", json!({ "token": "bobs-2" }), 201).json()["token"],
        "bobs-2"
    );
    assert_eq!(ports.codes("GET", "bobs-2"), json!(["ddddd-4"]));
    let taken = ports.post("/users/user-1/next", json!({ "session_token": "bobs-2" }), 409);
    assert!(!taken.body.contains("bobs-2"), "{}", taken.body);
}

#[test]
fn a_narrowed_fault_strikes_its_user_and_operation_so_often() {
    let (emulator, ports) = start(FakeOtps::new());
    let alice = emulator.token().expose_secret().to_owned();
    ports.post("/users", json!({ "two_factor": "sms", "name": "bob b", "token": "bobs" }), 201);
    let path = "/faults/status=429?user=bob%20b&operation=receive_codes&times=2";
    let armed = ports.post(path, Value::Null, 201).json();
    let expected = json!({ "number": armed["number"], "fault": "status=429", "user": "bob b",
        "what": "the next request is answered with this status",
        "operation": "receive_codes", "times": 2 });
    assert_eq!(armed, expected);
    assert_eq!(ports.call("POST", "/sms/receive", &alice).status, 204);
    assert_eq!(ports.call("GET", "/recovery-codes", "bobs").status, 200);
    let refused = ports.call("POST", "/sms/receive", "bobs");
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (429, Some("Too Many Requests"))
    );
    assert_eq!(ports.get("/faults")["armed"][0]["times"], 1);
    assert_eq!(ports.call("POST", "/sms/receive", "bobs").status, 429);
    assert_eq!(ports.call("POST", "/sms/receive", "bobs").status, 204);
    assert_eq!(ports.get("/faults")["armed"], json!([]));

    // One is disarmed by its number, and all of a name by that.
    for path in ["/faults/status=503", "/faults/lost-sms?user=bob%20b", "/faults/lost-sms"] {
        ports.post(path, Value::Null, 201);
    }
    let number = ports.get("/faults")["armed"][0]["number"].clone();
    ports.delete(&format!("/faults/{number}"));
    ports.delete("/faults/lost-sms");
    assert_eq!(ports.get("/faults")["armed"], json!([]));
    for (path, told) in [
        ("/faults/status=199", "is no fault"),
        ("/faults/lost-sms?operation=receive", "regenerate_codes"),
        ("/faults/lost-sms?times=often", "always"),
    ] {
        let refused = ports.post(path, Value::Null, 400);
        assert!(refused.body.contains(told), "{}", refused.body);
    }
}

#[test]
fn lockout_rate_limit_and_sessions_are_ended_for_a_user() {
    let window = std::time::Duration::from_secs(60);
    let fake = FakeOtps::builder().rate_limit(3, window).wrong_otps(2, window).build();
    let (emulator, ports) = start(fake);
    let token = emulator.token().expose_secret().to_owned();
    ports.call("POST", "/sms/receive", &token);
    for _ in 0..2 {
        assert_eq!(ports.call("POST", "/verify/wrong", &token).status, 400);
    }
    assert_eq!(ports.get("/users/user-1")["locked_out"], true);
    assert_eq!(ports.call("POST", "/sms/receive", &token).status, 429, "the rate limit");
    ports.delete("/users/user-1/rate-limit");
    assert_eq!(ports.call("POST", "/verify/wrong", &token).status, 429, "the lockout");
    ports.delete("/users/user-1/lockout");
    assert_eq!(ports.call("POST", "/verify/wrong", &token).status, 400);
    assert_eq!(ports.get("/users/user-1")["wrong_otps"], 1);
    ports.delete("/users/user-1/rate-limit");
    ports.post("/users/user-1/next", json!({ "otp": "1", "session_token": "s" }), 204);
    ports.call("POST", "/sms/receive", &token);
    assert_eq!(ports.call("POST", "/verify/1", &token).status, 204);
    assert_eq!(ports.get("/users/user-1")["sessions"], 1);
    ports.delete("/users/user-1/sessions");
    assert_eq!(ports.call("GET", "/recovery-codes", "s").status, 401);
    assert_eq!(ports.call("GET", "/recovery-codes", &token).status, 200);
}

#[test]
fn a_reset_brings_back_the_start_and_with_a_seed_the_same_secrets_follow() {
    let fake = FakeOtps::builder().seed(7).build();
    fake.add_user(FakeUser::with_app().named("ann").with_token("anns".parse().unwrap()));
    fake.arm(otp_emulator::Fault::Sunset);
    let (emulator, ports) = start(fake);
    let token = emulator.token().expose_secret().to_owned();
    let round = || {
        let start = (ports.get("/users"), ports.get("/clock"), ports.get("/faults"));
        assert_eq!((ports.get("/sms"), ports.get("/journal")), (json!([]), json!([])));
        let codes = ports.codes("GET", &token);
        ports.call("POST", "/sms/receive", &token);
        let otp = ports.get("/sms/next")["otp"].as_str().unwrap().to_owned();
        let verified = ports.call("POST", &format!("/verify/{otp}"), &token);
        let session = verified.head.lines().find_map(|line| line.strip_prefix("x-auth-token: "));
        let session = session.unwrap().to_owned();
        let new = ports.codes("POST", &session);
        let added = ports.post("/users", json!({ "two_factor": "app" }), 201).json();
        ports.post("/clock/advance?seconds=3600", Value::Null, 204);
        ports.post("/faults/lost-sms", Value::Null, 201);
        ports.delete("/faults/sunset");
        ports.delete("/users/ann");
        ports.delete("/users/user-1/token");
        assert_eq!(ports.call("GET", "/recovery-codes", &token).status, 401);
        (start, codes, otp, session, new, added)
    };
    let first = round();
    ports.post("/reset", Value::Null, 204);
    assert_eq!(ports.call("GET", "/recovery-codes", &first.3).status, 401, "the session is gone");
    assert_eq!(ports.call("GET", "/recovery-codes", "anns").status, 200, "ann is back");
    ports.post("/reset", Value::Null, 204);
    assert_eq!(round(), first);
}

#[test]
fn a_reset_of_one_user_leaves_the_others_alone() {
    let (emulator, ports) = start(FakeOtps::new());
    let alice = emulator.token().expose_secret().to_owned();
    ports.post("/users", json!({ "two_factor": "sms", "name": "bob", "token": "bobs" }), 201);
    let codes = ports.codes("GET", "bobs");
    for token in ["bobs", &alice] {
        ports.call("POST", "/sms/receive", token);
        ports.codes("POST", token);
        ports.call("POST", "/verify/wrong", token);
    }
    ports.post("/faults/lost-sms?user=bob", Value::Null, 201);
    ports.post("/faults/lost-sms?user=user-1", Value::Null, 201);
    ports.post("/users/bob/token", json!({ "token": "bobs-2" }), 201);
    ports.post("/tokens/revoke", json!({ "token": "bobs" }), 204);
    ports.post("/reset?user=bob", Value::Null, 204);

    assert_eq!(ports.codes("GET", "bobs"), codes);
    assert_eq!(ports.call("GET", "/recovery-codes", "bobs-2").status, 401);
    assert_eq!(ports.get("/sms?user=bob"), json!([]));
    assert_eq!(ports.get("/sms?user=user-1").as_array().unwrap().len(), 1);
    assert_eq!(ports.get("/journal/count?user=bob&outcome=sms_sent")["count"], 0);
    assert_eq!(ports.get("/journal/count?user=user-1&outcome=sms_sent")["count"], 1);
    let faults = ports.get("/faults");
    assert_eq!(faults["armed"].as_array().unwrap().len(), 1);
    assert_eq!(faults["armed"][0]["user"], "user-1");
    let users = ports.get("/users");
    assert_eq!((&users[0]["wrong_otps"], &users[1]["wrong_otps"]), (&json!(1), &json!(0)));
    // A user without a token is brought back too.
    ports.delete("/users/bob/token");
    assert_eq!(ports.call("GET", "/recovery-codes", "bobs").status, 401);
    assert_eq!(ask(ports.admin, "GET", "/users/bob/app-code", "", "").status, 409, "no app");
    assert_eq!(ask(ports.admin, "GET", "/sms/next?user=bob", "", "").status, 204);
    ports.post("/reset?user=bob", Value::Null, 204);
    assert_eq!(ports.codes("GET", "bobs"), codes);
}

#[test]
fn a_user_who_is_removed_is_gone_and_an_sms_reaches_nobody_else() {
    let (_emulator, ports) = start(FakeOtps::new());
    ports.post("/users", json!({ "two_factor": "sms", "name": "bob", "token": "bobs" }), 201);
    ports.call("POST", "/sms/receive", "bobs");
    let waiting = std::thread::spawn(move || ports.get("/sms/next?user=bob"));
    assert_eq!(waiting.join().unwrap()["user"], "bob");
    let waiting =
        std::thread::spawn(move || ask(ports.admin, "GET", "/sms/next?user=bob&wait=1", "", ""));
    // Whether it waits by now does not matter.
    ports.delete("/users/bob");
    assert_eq!(ports.call("POST", "/sms/receive", "bobs").status, 401);
    ports.post("/users", json!({ "two_factor": "sms", "name": "carol", "token": "bobs" }), 201);
    assert_eq!(ports.call("POST", "/sms/receive", "bobs").status, 204);
    assert!([204, 404].contains(&waiting.join().unwrap().status), "carol's went to bob");
    assert_eq!(ports.get("/sms/next?user=carol")["user"], "carol");
}

#[test]
fn an_sms_is_peeked_at_and_then_taken_and_all_are_forgotten() {
    let (emulator, ports) = start(FakeOtps::builder().seed(7).build());
    let token = emulator.token().expose_secret().to_owned();
    ports.call("POST", "/sms/receive", &token);
    ports.post("/clock/advance?seconds=90", Value::Null, 204);
    ports.call("POST", "/sms/receive", &token);
    let first = ports.get("/sms/next?peek=true");
    assert_eq!(first, ports.get("/sms/next"));
    let second = ports.get("/sms/next?user=user-1");
    assert_eq!(
        (&second["seconds"], &second["date"]),
        (&json!(90.0), &json!("Thu, 01 Jan 2026 00:01:30 GMT"))
    );
    assert_eq!(ports.get("/sms"), json!([first, second]));
    assert_eq!(ask(ports.admin, "GET", "/sms/next?peek=true", "", "").status, 204);
    ports.delete("/sms?user=user-1");
    assert_eq!(ports.get("/sms"), json!([]));
    let otp = second["otp"].as_str().unwrap();
    assert_eq!(ports.call("POST", &format!("/verify/{otp}"), &token).status, 400, "it is ended");
}

#[test]
fn flags_and_variables_choose_values_and_help_shows_no_secret() {
    let flags = [
        "--plain",
        "--token",
        "t-1",
        "--otp",
        "123456",
        "--recovery-codes",
        "a-1,b-2",
        "--fault",
        "status=503:user=user-1:times=1,sunset",
        "--seed",
        "7",
    ];
    let variables = [
        ("OTP_EMULATOR_PLAIN", "true"),
        ("OTP_EMULATOR_TOKEN", "t-1"),
        ("OTP_EMULATOR_OTP", "123456"),
        ("OTP_EMULATOR_RECOVERY_CODES", "a-1,b-2"),
        ("OTP_EMULATOR_FAULT", "status=503:user=user-1:times=1,sunset"),
        ("OTP_EMULATOR_NO_ADMIN", "off"),
        ("OTP_EMULATOR_SERVICE_HOST", "10.0.0.1"),
    ];
    for (flags, variables) in [(&flags[..], &[][..]), (&[][..], &variables[..])] {
        let mut program = Program::start_with(flags, variables);
        let (service, admin, token) = program.introduction();
        let ports = Ports { service, admin };
        assert_eq!(token, "t-1");
        assert_eq!(ports.call("GET", "/recovery-codes", "t-1").status, 503);
        let read = ports.call("GET", "/recovery-codes", "t-1");
        assert!(read.head.contains("\r\nsunset: "), "{read:?}");
        assert_eq!(read.json()["recovery_codes"], json!(["a-1", "b-2"]));
        ports.post("/users", json!({ "two_factor": "sms", "token": "t-2" }), 201);
        for token in ["t-1", "t-2"] {
            ports.call("POST", "/sms/receive", token);
            assert_eq!(ports.call("POST", "/verify/123456", token).status, 204);
        }
    }
    for (arguments, told) in [
        (["--otp", "canary/7c1f"], "--otp: "),
        (["--recovery-codes", "a-1,canary/7c1f"], "--recovery-codes: "),
        (["--fault", "lost-sms:usr=bob"], "does not narrow a fault"),
    ] {
        let refused = Program::refusal(&arguments);
        assert!(refused.contains(told) && !refused.contains("canary"), "{refused}");
    }
}
