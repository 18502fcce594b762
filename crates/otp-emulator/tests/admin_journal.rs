//! The journal as the admin API compares, counts and lists it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;

use otp_core::blocking::OtpsApi;
use otp_emulator::{Emulator, FakeOtps, Fault};
use otp_mock::{CustomFault, FakeUser, Reply};
use serde_json::{Value, json};
use support::{Raw, ask};

/// An emulator with the users `user-1` and `bob`.
fn start() -> (Emulator, SocketAddr, FakeOtps) {
    let emulator = Emulator::builder().plain().fake(FakeOtps::builder().seed(7).build());
    let emulator = emulator.admin("127.0.0.1:0".parse().unwrap()).start().unwrap();
    let admin = emulator.admin_addr().unwrap();
    let bob = emulator.fake().add_user(FakeUser::with_phone("+1 555 0100").named("bob"));
    (emulator, admin, bob)
}

fn verify(admin: SocketAddr, body: &Value) -> Raw {
    ask(admin, "POST", "/journal/verify", "", &body.to_string())
}

#[track_caller]
fn answers(admin: SocketAddr, expected: Value, status: u16) -> Value {
    let answer = verify(admin, &json!({ "expected": expected }));
    assert_eq!(answer.status, status, "{expected}: {}", answer.body);
    answer.json()
}

#[test]
fn each_entry_counts_for_one_expectation() {
    let (_emulator, admin, bob) = start();
    let sms = || json!({ "outcome": "sms_sent" });
    let of_bob = || json!({ "outcome": "sms_sent", "user": "bob" });
    bob.receive_codes().unwrap();
    answers(admin, json!([sms()]), 200);
    let twice = answers(admin, json!([sms(), sms()]), 409);
    assert_eq!(twice["differences"][0]["expected"]["count"], 2, "{twice}");
    assert_eq!(twice["differences"][0]["found"], 1, "{twice}");
    answers(admin, json!([sms(), of_bob()]), 409);

    // One line for each event.
    bob.receive_codes().unwrap();
    answers(admin, json!([sms(), sms()]), 200);
    answers(admin, json!([sms()]), 409);
    answers(admin, json!([{ "outcome": "sms_sent", "count": 2 }]), 200);
    // The broader one takes what the narrower one leaves, in either order.
    answers(admin, json!([sms(), of_bob()]), 200);
    bob.with_token("other".parse().unwrap()).receive_codes().unwrap_err();
    answers(admin, json!([sms(), of_bob(), { "outcome": "refused", "status": 401 }]), 200);
    let refused = json!([{ "outcome": "refused" }, of_bob(), sms()]);
    answers(admin, refused, 200);

    let more = verify(admin, &json!({ "expected": [sms()], "nothing_else": false }));
    assert_eq!(more.status, 409, "what an expectation describes is counted: {}", more.body);
    let rest = verify(admin, &json!({ "expected": [of_bob(), sms()], "nothing_else": false }));
    assert_eq!(rest.status, 200, "{}", rest.body);
    let missed = answers(admin, json!([sms(), of_bob()]), 409);
    assert_eq!(missed["unexpected"][0]["outcome"], "refused", "{missed}");
    // None is none, whatever else expects it.
    answers(admin, json!([{ "outcome": "sms_sent", "count": 0 }, of_bob(), sms()]), 409);
}

#[test]
fn an_assignment_is_found_if_there_is_one() {
    let (emulator, admin, bob) = start();
    let alice = emulator.fake();
    for _ in 0..2 {
        alice.receive_codes().unwrap();
        bob.receive_codes().unwrap();
    }
    // A greedy assignment would give `bob`'s entries to the first.
    let lines = [
        json!({ "outcome": "sms_sent", "operation": "receive_codes", "count": 2 }),
        json!({ "outcome": "sms_sent", "user": "bob" }),
        json!({ "outcome": "sms_sent", "user": "user-1" }),
    ];
    for at in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        answers(admin, at.map(|at| lines[at].clone()).into_iter().collect(), 200);
    }
    let three = json!([lines[1], lines[1], lines[1], lines[2]]);
    let differs = answers(admin, three, 409);
    assert_eq!(differs["differences"].as_array().unwrap().len(), 2, "{differs}");
}

#[test]
fn a_fault_without_its_number_is_expected_with_any() {
    let (emulator, admin, _bob) = start();
    let fake = emulator.fake();
    let call = || {
        let header = format!(
            "X-Auth-Token: {}\r\n",
            otp_core::secrecy::ExposeSecret::expose_secret(&emulator.token())
        );
        let path = "/metal/v1/user/otp/recovery-codes";
        ask(emulator.local_addr(), "GET", path, &header, "").status
    };
    fake.arm(Fault::Status { status: 503 });
    assert_eq!(call(), 503);
    let struck =
        |fault: &str, count: u64| json!([{ "outcome": "struck", "fault": fault, "count": count }]);
    answers(admin, struck("status", 1), 200);
    answers(admin, struck("status=503", 1), 200);
    answers(admin, struck("status=500", 1), 409);

    ask(admin, "DELETE", "/journal", "", "");
    fake.arm(Fault::Unavailable { times: 2 });
    fake.arm(Fault::Sunset);
    assert_eq!([call(), call()], [503, 503]);
    let both = json!([{ "outcome": "struck", "fault": "unavailable", "count": 2 },
                      { "outcome": "struck", "fault": "sunset", "count": 2 }]);
    answers(admin, both, 200);
    fake.disarm_all();
    fake.arm_custom(CustomFault::before_acting("own", Reply::error(418, "No")));
    ask(admin, "DELETE", "/journal", "", "");
    assert_eq!(call(), 418);
    answers(admin, struck("own", 1), 200);
}

#[test]
fn names_that_there_are_not_are_refused() {
    let (emulator, admin, bob) = start();
    for (path, status) in [
        ("/journal?user=bbo", 404),
        ("/journal/count?user=bbo", 404),
        ("/journal?operation=receive_code", 400),
        ("/journal/count?operation=receive_code", 400),
        ("/journal/count?outcome=sent", 400),
    ] {
        assert_eq!(ask(admin, "GET", path, "", "").status, status, "{path}");
    }
    for (body, status, told) in [
        (json!({ "expected": [], "user": "bbo" }), 404, "'bbo'"),
        (json!({ "expected": [], "operation": "receive" }), 400, "receive_codes"),
        (
            json!({ "expected": [{ "outcome": "sms_sent", "user": "bbo", "count": 0 }] }),
            404,
            "'bbo'",
        ),
        (
            json!({ "expected": [{ "outcome": "sms_sent", "operation": "x", "count": 0 }] }),
            400,
            "receive_codes",
        ),
        (
            json!({ "expected": [{ "outcome": "struck", "fault": "lost", "count": 0 }] }),
            400,
            "lost-sms",
        ),
        (
            json!({ "expected": [{ "outcome": "sms_sent", "fault": "lost-sms", "count": 0 }] }),
            400,
            "struck",
        ),
        (
            json!({ "expected": [{ "outcome": "sms_sent", "status": 204, "count": 0 }] }),
            400,
            "refused",
        ),
    ] {
        let answer = verify(admin, &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        assert!(answer.body.contains(told), "{body}: {}", answer.body);
    }
    // The journal's entries of a user who was removed can still be asked for.
    bob.receive_codes().unwrap();
    emulator.fake().remove_user("bob");
    assert_eq!(ask(admin, "GET", "/journal/count?user=bob", "", "").json()["count"], 1);
}

#[test]
fn a_key_twice_in_json_is_refused() {
    let (_emulator, admin, _bob) = start();
    for (path, body) in [
        ("/journal/verify", r#"{"expected": [{"outcome": "refused"}], "expected": []}"#),
        ("/journal/verify", r#"{"expected": [{"outcome": "refused", "count": 1, "count": 0}]}"#),
        ("/users", r#"{"two_factor": "sms", "name": "a", "name": "b"}"#),
    ] {
        let answer = ask(admin, "POST", path, "", body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.body.contains("twice"), "{}", answer.body);
    }
}

#[test]
fn entries_that_are_no_longer_kept_are_not_counted_as_none() {
    let (emulator, admin, bob) = start();
    bob.receive_codes().unwrap();
    for _ in 0..4096 {
        emulator.fake().find_recovery_codes().unwrap();
    }
    let none = json!({ "expected": [], "user": "bob", "since": 0 });
    let lost = verify(admin, &none);
    assert_eq!(lost.status, 410, "{}", lost.body);
    assert!(lost.body.contains("since 1"), "{}", lost.body);
    for path in ["/journal?since=0", "/journal/count", "/journal/count?user=bob"] {
        assert_eq!(ask(admin, "GET", path, "", "").status, 410, "{path}");
    }
    assert_eq!(ask(admin, "GET", "/journal", "", "").json().as_array().unwrap().len(), 4096);
    assert_eq!(ask(admin, "GET", "/journal/count?since=1", "", "").json()["count"], 4096);
}

#[test]
fn numbers_go_on_and_one_that_there_is_not_is_refused() {
    let (_emulator, admin, bob) = start();
    let number =
        || ask(admin, "GET", "/journal/count", "", "").json()["last_number"].as_u64().unwrap();
    let since = |mark| ask(admin, "GET", &format!("/journal/count?since={mark}"), "", "");
    bob.receive_codes().unwrap();
    let mark = number();
    ask(admin, "DELETE", "/journal", "", "");
    assert_eq!(number(), mark);
    bob.receive_codes().unwrap();
    assert_eq!(since(mark).json()["count"], 1);
    assert_eq!(since(mark - 1).status, if mark > 1 { 410 } else { 200 });
    let mark = number();
    ask(admin, "POST", "/reset", "", "");
    assert_eq!(since(mark).json()["count"], 0);
    assert_eq!(since(mark + 1).status, 404);
    let body = json!({ "expected": [], "since": mark + 1 });
    assert_eq!(verify(admin, &body).status, 404);
    assert_eq!(ask(admin, "GET", &format!("/journal?since={}", mark + 1), "", "").status, 404);
}
