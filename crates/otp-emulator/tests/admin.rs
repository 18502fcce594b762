//! The admin port, as a test in another language and as a person has it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, FakeOtps, Fault};
use serde_json::json;
use support::{Raw, ask, raw};

const SERVICE: &str = "/metal/v1/user/otp";

/// An emulator with an admin port, and where that is.
fn start() -> (Emulator, SocketAddr) {
    let emulator = Emulator::builder()
        .plain()
        .fake(FakeOtps::builder().seed(7).build())
        .admin("127.0.0.1:0".parse().unwrap())
        .start()
        .unwrap();
    let url = emulator.admin_url().unwrap();
    let address = url.trim_start_matches("http://").parse().unwrap();
    (emulator, address)
}

fn get(admin: SocketAddr, path: &str) -> Raw {
    ask(admin, "GET", path, "", "")
}

fn post(admin: SocketAddr, path: &str, body: &str) -> Raw {
    ask(admin, "POST", path, "", body)
}

/// A call of the service with this token.
fn call(emulator: &Emulator, method: &str, path: &str, token: &str) -> Raw {
    let path = format!("{SERVICE}{path}");
    ask(emulator.local_addr(), method, &path, &format!("X-Auth-Token: {token}\r\n"), "")
}

#[test]
fn a_test_in_any_language_logs_a_user_in_by_what_the_phone_shows() {
    let (emulator, admin) = start();
    let token = emulator.token();
    assert_eq!(get(admin, "/sms/next").status, 204, "none came yet");
    assert_eq!(call(&emulator, "POST", "/sms/receive", token.expose_secret()).status, 204);
    let sms = get(admin, "/sms/next?wait=60").json();
    assert_eq!(sms["to"], "+1 555 0123");
    assert_eq!(get(admin, "/sms").json(), json!([sms]));
    assert_eq!(get(admin, "/sms/next?user=user-1").status, 204, "each is given once");

    let otp = sms["otp"].as_str().unwrap();
    let verified = call(&emulator, "POST", &format!("/verify/{otp}"), token.expose_secret());
    assert_eq!(verified.status, 204);
    assert!(verified.head.contains("\r\nx-auth-token: "), "{verified:?}");
}

#[test]
fn an_sms_is_waited_for() {
    let (emulator, admin) = start();
    let waiting = std::thread::spawn(move || get(admin, "/sms/next?wait=60").json());
    let token = emulator.token();
    call(&emulator, "POST", "/sms/receive", token.expose_secret());
    assert_eq!(waiting.join().unwrap()["to"], "+1 555 0123");
}

#[test]
fn users_are_added_with_what_they_prove_a_login_by() {
    let (emulator, admin) = start();
    let added =
        post(admin, "/users", r#"{"two_factor": "app", "name": "ann b", "token": "t0ken"}"#);
    assert_eq!(added.status, 201);
    let added = added.json();
    assert_eq!((&added["name"], &added["token"]), (&json!("ann b"), &json!("t0ken")));
    assert_eq!(added["app_secret"].as_str().unwrap().len(), 32, "160 bits in base32");

    let code = get(admin, "/users/ann%20b/app-code").json();
    let code = code["otp"].as_str().unwrap();
    assert_eq!(call(&emulator, "POST", &format!("/verify/{code}"), "t0ken").status, 204);

    let phone = post(admin, "/users", r#"{"two_factor": "sms", "phone": "+49 1"}"#).json();
    assert_eq!(phone["app_secret"], json!(null));
    call(&emulator, "POST", "/sms/receive", phone["token"].as_str().unwrap());
    assert_eq!(get(admin, "/sms/next?user=user-3").json()["to"], "+49 1");

    assert_eq!(post(admin, "/users", r#"{"two_factor": "off"}"#).status, 201);
    let users = get(admin, "/users").json();
    let factors: Vec<_> =
        users.as_array().unwrap().iter().map(|user| user["two_factor"].as_str().unwrap()).collect();
    assert_eq!(factors, ["sms", "app", "sms", "off"]);
    assert_eq!(users[1]["sessions"], 1);
}

#[test]
fn faults_are_armed_by_name_and_happen_on_the_wire() {
    let (emulator, admin) = start();
    for fault in Fault::ALL {
        let armed = post(admin, &format!("/faults/{fault}"), "");
        assert_eq!(armed.status, 201, "{fault}");
        assert_eq!(armed.json()["fault"], fault.to_string());
    }
    assert_eq!(emulator.fake().armed(), Fault::ALL);
    let told = get(admin, "/faults").json();
    assert_eq!(told["armed"][6]["fault"], "slow=15");
    assert_eq!(told["known"].as_array().unwrap().len(), Fault::ALL.len());
    assert_eq!(ask(admin, "DELETE", "/faults", "", "").status, 204);
    assert!(emulator.fake().armed().is_empty());

    post(admin, "/faults/unavailable=1", "");
    let token = emulator.token();
    let statuses =
        [(); 2].map(|()| call(&emulator, "GET", "/recovery-codes", token.expose_secret()).status);
    assert_eq!(statuses, [503, 200]);
    let journal = get(admin, "/journal").json();
    let events: Vec<_> =
        journal.as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(events[0], "struck by unavailable=1: the next requests are answered 503");
    assert_eq!(events[1], "recovery codes read");
}

#[test]
fn the_clock_is_turned() {
    let (emulator, admin) = start();
    let before = emulator.fake().date();
    assert_eq!(post(admin, "/clock/advance?seconds=90.5", "").status, 204);
    let later = emulator.fake().date().duration_since(before).unwrap();
    assert_eq!(later, Duration::from_millis(90_500));
}

#[test]
fn what_it_does_not_understand_it_answers_with_what_it_would() {
    let (emulator, admin) = start();
    let taken = emulator.token();
    let taken = format!(r#"{{"two_factor": "off", "token": "{}"}}"#, taken.expose_secret());
    for (method, path, body, status, told) in [
        ("GET", "/nothing", "", 404, "GET /sms/next"),
        ("POST", "/", "", 405, "GET, HEAD"),
        ("GET", "/sms?usr=bob", "", 400, "no parameter 'usr'; there are user"),
        ("GET", "/sms?user=bob&user=ann", "", 400, "user is there twice"),
        ("GET", "/users?x", "", 400, "no parameter 'x'"),
        ("PATCH", "/users/bob", "", 405, "GET, HEAD, DELETE"),
        ("POST", "/faults/lost", "", 400, "lost-regenerate, cut-regenerate"),
        ("POST", "/clock/advance", "", 400, "seconds"),
        ("POST", "/clock/advance?seconds=-1", "", 400, "seconds"),
        ("POST", "/clock/advance?seconds=1e300", "", 400, "seconds"),
        ("GET", "/sms/next?wait=61", "", 400, "0 to 60"),
        ("GET", "/sms/next?wait=x", "", 400, "0 to 60"),
        ("GET", "/sms/next?user=nobody", "", 404, "no such user"),
        ("GET", "/users/user-1/app-code", "", 409, "is not app"),
        ("POST", "/users", "", 400, "JSON object"),
        ("POST", "/clock/advance?seconds=1e12", "", 409, "year 9999"),
        ("GET", "/users/nobody/app-secret", "", 404, "no such user"),
        ("DELETE", "/users/nobody/token", "", 404, "no such user"),
        ("POST", "/tokens/revoke", "{}", 400, "the one to revoke"),
        ("POST", "/tokens/revoke", r#"{"token": "unknown"}"#, 404, "no user or session"),
        ("POST", "/users", r#"{"two_factor": "sms", "nam": "ann"}"#, 400, "no field 'nam'"),
        ("POST", "/users", r#"{"two_factor": "sms", "token": 12345}"#, 400, "token is a text"),
        ("POST", "/users", r#"{"two_factor": "sms", "phone": 491}"#, 400, "phone is a text"),
        ("POST", "/users", r#"{"two_factor": "sms", "name": []}"#, 400, "name is a text"),
        ("POST", "/users", r#"{"two_factor": true}"#, 400, "two_factor is a text"),
        ("POST", "/users", r#"{"two_factor": "app", "phone": "1"}"#, 400, "two_factor is sms"),
        ("POST", "/users", r#"{"two_factor": "off", "otp": "123456"}"#, 400, "two_factor is sms"),
        ("POST", "/users", r#"{"two_factor": "sms", "otp": "../x"}"#, 400, "1 to 64 ASCII"),
        ("POST", "/users", r#"{"two_factor": "sms", "recovery_codes": [1]}"#, 400, "array of"),
        ("POST", "/users", r#"{"two_factor": "sms", "name": ""}"#, 400, "1 to 256 characters"),
        ("POST", "/users", r#"{"two_factor": "fax"}"#, 400, "sms, app or off"),
        ("POST", "/users", r#"{"two_factor": "off", "token": "a b"}"#, 400, "visible ASCII"),
        (
            "POST",
            "/users",
            r#"{"two_factor": "off", "name": "user-1"}"#,
            409,
            "of the name \"user-1\" already",
        ),
        ("POST", "/users", taken.as_str(), 409, "has this token already"),
    ] {
        let answer = ask(admin, method, path, "", body);
        assert_eq!(answer.status, status, "{method} {path}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(told), "{method} {path}: {error}");
    }
}

#[test]
fn a_page_of_another_site_can_neither_read_nor_act() {
    let (emulator, admin) = start();
    let own = format!("Origin: http://{admin}\r\n");
    assert_eq!(ask(admin, "POST", "/faults/sunset", &own, "").status, 201);
    for origin in
        ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Origin: http://127.0.0.1\r\n"]
    {
        assert_eq!(ask(admin, "POST", "/faults/lost-sms", origin, "").status, 403, "{origin}");
    }
    // What a browser sends for an image of a page elsewhere has no origin.
    let token = emulator.token();
    call(&emulator, "POST", "/sms/receive", token.expose_secret());
    for (site, status) in
        [("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 204)]
    {
        let told = format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: no-cors\r\n");
        assert_eq!(ask(admin, "GET", "/sms/next", &told, "").status, status, "{site}");
    }
    // A name that was made to lead here.
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a b"] {
        let request = format!("GET /sms HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let status = raw(admin, &request).status;
        assert!([400, 403].contains(&status), "{host}: {status}");
    }
    let request = "GET /sms HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(admin, request).status, 200, "by a tunnel, say");
    assert_eq!(emulator.fake().armed(), [Fault::Sunset]);
}
