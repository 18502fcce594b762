//! The program, as whoever starts it from a test in another language has it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::BufRead;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use otp_core::{AuthToken, BaseUrl, OtpsApi};
use otp_hyper::HttpVersions;
use support::{Program, Raw, ask, client};

const SMS: &str = "/metal/v1/user/otp/sms/receive";
const CODES: &str = "/metal/v1/user/otp/recovery-codes";

/// When a test gives up.
const LONG: Duration = Duration::from_secs(10);

/// A call of the service with this token.
fn call(service: SocketAddr, method: &str, path: &str, token: &str) -> Raw {
    ask(service, method, path, &format!("X-Auth-Token: {token}\r\n"), "")
}

/// A phone number that fills a pipe after some thirty SMS: each of its characters is printed as `\u{202e}`.
fn long_phone() -> String {
    "\u{202e}".repeat(250)
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

/// A folder of a test's own, as the system's temporary one of a program; removed when the test ends.
struct TemporaryFolder(std::path::PathBuf);

impl TemporaryFolder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("otp-emulator-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn program(&self, shell: &str, arguments: &[&str]) -> Program {
        let script = format!("{shell} exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_otp-emulator")]).args(arguments);
        Program::run(command.env("TMPDIR", &self.0))
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_signal_leaves_a_file_behind_once_or_twice() {
    let folder = TemporaryFolder::new("signals");
    for signal in ["TERM", "INT", "HUP", "QUIT"] {
        let mut program = folder.program("", &[]);
        let ca_file = program.said("CA file");
        assert_eq!(folder.files(), [Path::new(&ca_file)]);
        program.said("try:");
        program.signal(signal);
        assert!(program.ended_within(LONG).success(), "{signal}");
        assert_eq!(folder.files(), <[&Path; 0]>::default(), "after {signal}");

        // A request that takes long keeps it from ending, until the second signal.
        let arguments = ["--fault", "slow=30", "--token", "k3y"];
        let mut program = folder.program("", &arguments);
        let url = BaseUrl::new(program.said("listening at")).unwrap();
        let ca_pem = std::fs::read_to_string(program.said("CA file")).unwrap();
        program.said("try:");
        let token = AuthToken::new("k3y").unwrap();
        let client = client(url, token, &ca_pem, HttpVersions::Negotiated);
        let call = tokio::spawn(async move { client.receive_codes().await });
        program.said("SMS to");
        program.signal("TERM");
        program.said("stopping");
        program.signal(signal);
        assert_eq!(program.ended_within(LONG).code(), Some(1), "{signal}");
        assert_eq!(folder.files(), <[&Path; 0]>::default(), "after TERM and {signal}");
        assert!(call.await.unwrap().is_err());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_is_to_outlive_its_terminal_does() {
    let folder = TemporaryFolder::new("nohup");
    let mut program = folder.program("trap '' HUP;", &["--plain"]);
    let (service, _, token) = program.introduction();
    program.signal("HUP");
    assert_eq!(call(service, "GET", CODES, &token).status, 200);
    program.signal("TERM");
    assert!(program.ended_within(LONG).success());
}

#[test]
fn it_listens_at_a_name_and_its_certificate_is_for_that_name() {
    let mut program =
        Program::start(&["--listen", "localhost:0", "--admin", "LOCALHOST:0", "--plain"]);
    let url = program.said("listening at");
    let port: u16 = url.split(':').nth(2).unwrap().split('/').next().unwrap().parse().unwrap();
    assert_eq!(url, format!("http://localhost:{port}/metal/v1"));
    let token = program.said("token");
    assert!(program.said("status page").starts_with("http://localhost:"));
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    let addresses = ["127.0.0.1", "[::1]"].into_iter().take(1 + usize::from(has_ipv6));
    for address in addresses {
        let address = format!("{address}:{port}").parse().unwrap();
        assert_eq!(call(address, "GET", CODES, &token).status, 200);
    }
}

#[test]
fn its_log_is_json_on_standard_error_if_that_is_asked_for() {
    let mut program = Program::start(&["--plain", "--log", "json", "--name", "ann"]);
    let (service, _, token) = program.introduction();
    let mut lines = program.complaints().lines();
    for (path, status) in [(CODES, 200), (SMS, 405)] {
        assert_eq!(call(service, "GET", path, &token).status, status);
        let line: serde_json::Value =
            serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&line["status"], &line["user"]), (&status.into(), &"ann".into()), "{line}");
    }
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
