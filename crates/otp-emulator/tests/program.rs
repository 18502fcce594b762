//! The program, as whoever starts it from a test in another language has it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use support::{Program, Raw, ask};

const SMS: &str = "/metal/v1/user/otp/sms/receive";
const CODES: &str = "/metal/v1/user/otp/recovery-codes";

/// When a test gives up.
const LONG: Duration = Duration::from_secs(10);

/// A call of the service with this token.
fn call(service: SocketAddr, method: &str, path: &str, token: &str) -> Raw {
    ask(service, method, path, &format!("X-Auth-Token: {token}\r\n"), "")
}

/// A phone number that fills a pipe after some thirty SMS.
fn long_phone() -> String {
    format!("+1 {}", "5".repeat(2000))
}

#[test]
fn it_answers_and_stops_though_nobody_reads_what_it_prints() {
    let mut program = Program::start(&["--plain", "--log", "--phone", &long_phone()]);
    let (service, admin, token) = program.introduction();
    for _ in 0..100 {
        assert_eq!(call(service, "POST", SMS, &token).status, 204);
    }
    // Its lines are short.
    for _ in 0..1500 {
        assert_eq!(call(service, "GET", CODES, &token).status, 200);
    }
    assert_eq!(ask(admin, "GET", "/faults", "", "").status, 200);
    program.signal("TERM");
    assert!(program.ended_within(LONG).success());
}

#[test]
fn it_says_how_many_lines_it_left_out() {
    let mut program = Program::start(&["--plain", "--phone", &long_phone()]);
    let (service, _, token) = program.introduction();
    for _ in 0..1200 {
        assert_eq!(call(service, "POST", SMS, &token).status, 204);
    }
    for _ in 0..1000 {
        program.said("SMS to");
    }
    assert_eq!(call(service, "POST", SMS, &token).status, 204);
    let left_out = program.said("left out:");
    let lines: u32 = left_out.split(' ').next().unwrap().parse().unwrap();
    assert!((1..=200).contains(&lines), "{left_out}");
    program.said("SMS to");
}

#[test]
fn it_answers_and_stops_though_nobody_can_hear_it() {
    let mut program = Program::start(&["--plain", "--log"]);
    let (service, _, token) = program.introduction();
    program.hear_no_more();
    for _ in 0..3 {
        assert_eq!(call(service, "POST", SMS, &token).status, 204);
        assert_eq!(call(service, "GET", CODES, &token).status, 200);
    }
    program.signal("TERM");
    assert!(program.ended_within(LONG).success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut program = Program::start(&["--plain", "--fault", "slow=30"]);
    let (service, _, token) = program.introduction();
    let call = std::thread::spawn(move || {
        std::panic::catch_unwind(|| call(service, "POST", SMS, &token).status)
    });
    program.said("SMS to");
    program.signal("TERM");
    program.said("stopping");
    program.signal("INT");
    assert_eq!(program.ended_within(LONG).code(), Some(1));
    assert!(call.join().unwrap().is_err(), "the answer was not waited for");
}

#[test]
fn the_file_of_its_ca_is_new_and_goes_when_it_stops_unless_it_was_named() {
    let folder = std::env::temp_dir().join(format!("otp-emulator-ca-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let named = folder.join("named.pem");
    let mut names = Vec::new();
    for arguments in [vec![], vec![], vec!["--ca-file", named.to_str().unwrap()]] {
        let mut program = Program::start(&arguments);
        let file = program.said("CA file");
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("-----BEGIN CERTIFICATE"));
        program.said("try:");
        program.signal("TERM");
        assert!(program.ended_within(LONG).success());
        assert_eq!(Path::new(&file).exists(), arguments.len() == 2, "{file}");
        names.push(file);
    }
    // No part of the name is known before: the port is not in it.
    assert_ne!(names[0], names[1]);
    assert_eq!(names[0].rsplit('-').next().unwrap().len(), "0123456789abcdef".len() * 2 + 4);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn its_clock_stands_its_limits_are_set_and_its_runs_are_the_same() {
    let arguments = ["--plain", "--seed", "7", "--standing-clock", "--name", "ann", "--app"];
    let limits = ["--wrong-otps", "1/60", "--app-step", "60", "--app-skew", "0"];
    let mut runs = Vec::new();
    for _ in 0..2 {
        let start = ["--starts-at", "Fri, 02 Jan 2026 00:00:00 GMT", "--without-session-tokens"];
        let start = [&start[..], &["--token-lifetime", "121"]].concat();
        let mut program = Program::start(&[&arguments[..], &limits[..], &start[..]].concat());
        let (service, admin, token) = program.introduction();
        let code = || ask(admin, "GET", "/users/ann/app-code", "", "").json()["otp"].to_string();
        let verify = |otp: &str| {
            let path = format!("/metal/v1/user/otp/verify/{}", otp.trim_matches('"'));
            call(service, "POST", &path, &token)
        };
        let turn = |seconds: u32| {
            let path = format!("/clock/advance?seconds={seconds}");
            assert_eq!(ask(admin, "POST", &path, "", "").status, 204);
        };
        let first = code();
        turn(59);
        assert_eq!(code(), first);
        turn(1);
        assert_ne!(code(), first);
        assert_eq!(verify(&first).status, 400, "it is a step too old");
        assert_eq!(verify(&code()).status, 429, "one wrong OTP is too many");
        turn(60);
        let verified = verify(&code());
        assert_eq!(verified.status, 204);
        assert!(!verified.head.contains("x-auth-token"), "{verified:?}");
        let date = ask(admin, "GET", "/clock", "", "").json()["date"].to_string();
        assert_eq!(date, "\"Fri, 02 Jan 2026 00:02:00 GMT\"");
        turn(1);
        assert_eq!(verify(&code()).status, 401, "the token has expired");
        runs.push((first, token, ask(admin, "GET", "/journal", "", "").body));
    }
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn its_first_user_may_have_two_factor_off() {
    let mut program = Program::start(&["--plain", "--two-factor-off"]);
    let (service, admin, token) = program.introduction();
    assert_eq!(call(service, "POST", SMS, &token).status, 422);
    assert_eq!(ask(admin, "GET", "/users", "", "").json()[0]["two_factor"], "off");
}
