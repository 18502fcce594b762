//! The admin port's bounds, and what it turns in the service beyond users and faults.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, UNIX_EPOCH};

use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, FakeOtps, Fault};
use otp_mock::{CustomFault, Reply};
use serde_json::json;
use support::{Raw, ask};

/// When a test gives up.
const LONG: Duration = Duration::from_secs(30);

fn start(fake: FakeOtps) -> (Emulator, SocketAddr) {
    let admin = "127.0.0.1:0".parse().unwrap();
    let emulator = Emulator::builder().plain().fake(fake).admin(admin).start().unwrap();
    let url = emulator.admin_url().unwrap();
    let address = url.trim_start_matches("http://").parse().unwrap();
    (emulator, address)
}

/// The status of reading the recovery codes with this token.
fn read_codes(emulator: &Emulator, token: &str) -> u16 {
    let header = format!("X-Auth-Token: {token}\r\n");
    let path = "/metal/v1/user/otp/recovery-codes";
    ask(emulator.local_addr(), "GET", path, &header, "").status
}

/// Verifies an OTP.
fn verify(emulator: &Emulator, otp: &str, token: &str) -> Raw {
    let header = format!("X-Auth-Token: {token}\r\n");
    let path = format!("/metal/v1/user/otp/verify/{otp}");
    ask(emulator.local_addr(), "POST", &path, &header, "")
}

#[test]
fn tokens_of_users_and_of_sessions_are_revoked() {
    let (emulator, admin) = start(FakeOtps::builder().seed(7).build());
    let bob = ask(admin, "POST", "/users", "", r#"{"two_factor": "app", "name": "bob"}"#).json();
    let token = bob["token"].as_str().unwrap();
    let secret = ask(admin, "GET", "/users/bob/app-secret", "", "").json();
    assert_eq!(secret["app_secret"], bob["app_secret"]);

    let code = ask(admin, "GET", "/users/bob/app-code", "", "").json();
    let verified = verify(&emulator, code["otp"].as_str().unwrap(), token);
    let session = verified.head.lines().find_map(|line| line.strip_prefix("x-auth-token: "));
    let session = session.unwrap();
    let [body, other] = [session, token].map(|token| json!({ "token": token }).to_string());
    assert_eq!(read_codes(&emulator, session), 200);
    assert_eq!(ask(admin, "POST", "/tokens/revoke", "", &body).status, 204);
    assert_eq!((read_codes(&emulator, session), read_codes(&emulator, token)), (401, 200));

    assert_eq!(ask(admin, "DELETE", "/users/bob/token", "", "").status, 204);
    assert_eq!(read_codes(&emulator, token), 401);
    assert_eq!(ask(admin, "POST", "/tokens/revoke", "", &other).status, 404);
    assert_eq!(read_codes(&emulator, emulator.token().expose_secret()), 200);
}

#[test]
fn tokens_expire_and_others_are_issued() {
    let (emulator, admin) = start(FakeOtps::builder().seed(7).build());
    let first = emulator.token().expose_secret().to_owned();
    assert_eq!(ask(admin, "DELETE", "/users/user-1/token?after=60", "", "").status, 204);
    assert_eq!(read_codes(&emulator, &first), 200);
    assert_eq!(ask(admin, "POST", "/clock/advance?seconds=60", "", "").status, 204);
    assert_eq!(read_codes(&emulator, &first), 401);

    let issued = ask(admin, "POST", "/users/user-1/token", "", "");
    assert_eq!(issued.status, 201);
    let second = issued.json()["token"].as_str().unwrap().to_owned();
    assert_eq!((read_codes(&emulator, &second), read_codes(&emulator, &first)), (200, 401));

    for (method, path, status) in [
        ("DELETE", "/users/user-1/token?after=soon", 400),
        ("DELETE", "/users/user-1/token?after=-1", 400),
        ("DELETE", "/users/nobody/token?after=1", 404),
        ("POST", "/users/nobody/token", 404),
    ] {
        assert_eq!(ask(admin, method, path, "", "").status, status, "{method} {path}");
    }
    assert_eq!(read_codes(&emulator, &second), 200);
}

#[test]
fn faults_of_the_test_s_own_are_shown_with_the_named_ones() {
    let (emulator, admin) = start(FakeOtps::new());
    emulator.fake().arm(Fault::LostSms);
    let own = CustomFault::before_acting("<own>", Reply::error(403, "No"));
    emulator.fake().arm_custom(own.clone());
    emulator.fake().arm_custom(own.times(0));
    let armed = ask(admin, "GET", "/faults", "", "").json()["armed"].clone();
    assert_eq!((&armed[0]["fault"], &armed[1]["fault"]), (&json!("lost-sms"), &json!("<own>")));
    assert_eq!(read_codes(&emulator, "whoever"), 403);
    let page = ask(admin, "GET", "/", "", "").body;
    assert!(
        page.contains("<bdi>&lt;own&gt;</bdi></code> <span>a fault of the test&#39;s own</span>"),
        "{page}"
    );
    assert!(page.contains("class=\"struck\"") && page.contains("struck by &lt;own&gt;"), "{page}");
    assert_eq!(ask(admin, "DELETE", "/faults", "", "").status, 204);
    assert!(emulator.fake().armed_custom().is_empty());
}

#[test]
fn the_clock_is_read_and_goes_no_further_than_dates_do() {
    let (_emulator, admin) = start(FakeOtps::new());
    let shown = ask(admin, "GET", "/clock", "", "").json();
    assert_eq!(shown["date"], "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_eq!(shown["unix_seconds"], 1_767_225_600.0);
    for seconds in ["1e12", "1e19"] {
        let path = format!("/clock/advance?seconds={seconds}");
        assert_eq!(ask(admin, "POST", &path, "", "").status, 409, "{seconds}");
    }
    assert_eq!(ask(admin, "GET", "/clock", "", "").json(), shown);
    assert_eq!(ask(admin, "GET", "/", "", "").status, 200);
}

#[test]
fn the_status_page_is_there_at_any_date() {
    for start_date in [
        UNIX_EPOCH - Duration::from_secs(10),
        UNIX_EPOCH + Duration::from_secs(253_402_300_799),
        UNIX_EPOCH + Duration::from_secs(1_000_000_000_000),
    ] {
        let (_emulator, admin) = start(FakeOtps::builder().starts_at(start_date).build());
        assert_eq!(ask(admin, "GET", "/", "", "").status, 200);
        assert_eq!(ask(admin, "GET", "/clock", "", "").status, 200);
    }
}

#[test]
fn many_wait_for_an_sms_and_others_are_answered() {
    let (_emulator, admin) = start(FakeOtps::new());
    let wait = |_| {
        let mut stream = TcpStream::connect(admin).unwrap();
        let path = "/sms/next?wait=60";
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {admin}\r\n\r\n").unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let mut waiting: Vec<_> = (0..260).map(wait).collect();
    let since = Instant::now();
    while waiting.len() > 256 {
        assert!(since.elapsed() < LONG, "{} wait", waiting.len());
        assert_eq!(ask(admin, "GET", "/faults", "", "").status, 200);
        waiting.retain_mut(|stream| {
            let mut answer = [0; 1024];
            match stream.read(&mut answer) {
                Ok(read) => {
                    let answer = String::from_utf8_lossy(&answer[..read]);
                    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
                    assert!(answer.contains("too many wait for an SMS"), "{answer}");
                    false
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    true
                }
            }
        });
    }
    assert_eq!(waiting.len(), 256);
    assert_eq!(ask(admin, "GET", "/sms/next", "", "").status, 503);
}
