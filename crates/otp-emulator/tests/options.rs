//! Options of the command line and of the environment: which one counts, and what a wrong one is answered with.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use support::{Program, ask};

type Variables<'a> = [(&'a str, &'a str)];

/// No resolver looks this name up.
const TOO_LONG: &str =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid:1";

/// What it says when it does not start.
fn refused(arguments: &[&str], variables: &Variables<'_>) -> String {
    let variables = variables.iter().map(|(name, value)| (*name, OsString::from(value)));
    let mut command = Command::new(env!("CARGO_BIN_EXE_otp-emulator"));
    let command = command.args(arguments).envs(variables).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that starts prints a line, and runs until it is ended.
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if !line.is_empty() {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("{arguments:?} was taken");
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_option_of_the_command_line_wins_over_variables_that_exclude_it() {
    let folder = std::env::temp_dir().join(format!("otp-emulator-options-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let token = folder.join("token");
    std::fs::write(&token, "by-file\n").unwrap();
    let token = token.to_str().unwrap();
    for (arguments, variables) in [
        (
            &["--plain", "--no-admin"][..],
            &[("ADMIN", "127.0.0.1:0"), ("ADMIN_TOKEN", "x"), ("SHOW_OTPS", "1")][..],
        ),
        (&["--plain", "--admin", "127.0.0.1:0"], &[("NO_ADMIN", "1")]),
        (&["--plain", "--admin-token-file", token], &[("ADMIN_TOKEN", "by-variable")]),
        (&["--plain", "--admin-token", "by-option"], &[("ADMIN_TOKEN_FILE", "/nowhere")]),
        (
            &["--plain"],
            &[("CERT", "/nowhere"), ("KEY", "/nowhere"), ("CA_FILE", "/nowhere/ca.pem")],
        ),
        (&["--app"], &[("PHONE", "+1 555 0100"), ("PLAIN", "true")]),
        (&["--two-factor-off"], &[("APP", "true"), ("PLAIN", "yes")]),
    ] {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (format!("OTP_EMULATOR_{name}"), *value))
            .collect();
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let mut program = Program::start_with(arguments, &variables);
        let url = program.said("listening at");
        assert!(url.starts_with("http://"), "{arguments:?}: {url}");
        if arguments.contains(&"--no-admin") {
            assert!(!program.end().contains("status page"));
        } else if let [_, option, value] = arguments {
            let admin = program.said("status page");
            let admin = admin.trim_start_matches("http://").parse().unwrap();
            let token = match *option {
                "--admin-token-file" => "by-file",
                _ => value,
            };
            let header = format!("Authorization: Bearer {token}\r\n");
            assert_eq!(ask(admin, "GET", "/users", &header, "").status, 200, "{arguments:?}");
        }
    }
    let said = refused(&["--cert", "/c", "--key", "/k"], &[("OTP_EMULATOR_PLAIN", "true")]);
    assert!(said.contains("cannot read /c"), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn two_variables_that_exclude_each_other_are_both_named() {
    for (one, other) in [
        (("OTP_EMULATOR_ADMIN", "127.0.0.1:0"), ("OTP_EMULATOR_NO_ADMIN", "1")),
        (("OTP_EMULATOR_ADMIN_TOKEN", "x"), ("OTP_EMULATOR_ADMIN_TOKEN_FILE", "/f")),
        (("OTP_EMULATOR_PLAIN", "on"), ("OTP_EMULATOR_CA_FILE", "/f")),
        (("OTP_EMULATOR_APP", "true"), ("OTP_EMULATOR_PHONE", "+1")),
    ] {
        let said = refused(&[], &[one, other]);
        assert!(said.contains(one.0) && said.contains(other.0), "{said}");
    }
    let said = refused(&[], &[("OTP_EMULATOR_CERT", "/c")]);
    assert!(said.contains("OTP_EMULATOR_CERT needs --key or OTP_EMULATOR_KEY"), "{said}");
}

#[test]
fn a_variable_that_is_empty_or_off_counts_as_not_set() {
    const NAMES: &[&str] = &[
        "LISTEN",
        "ADMIN",
        "NO_ADMIN",
        "ADMIN_HOST",
        "ADMIN_TOKEN",
        "ADMIN_TOKEN_FILE",
        "SHOW_OTPS",
        "PLAIN",
        "HOST_NAME",
        "CERT",
        "KEY",
        "CORS",
        "CA_FILE",
        "TOKEN",
        "NAME",
        "PHONE",
        "APP",
        "TWO_FACTOR_OFF",
        "OTP",
        "RECOVERY_CODES",
        "SEED",
        "STANDING_CLOCK",
        "STARTS_AT",
        "OTP_LIFETIME",
        "WRONG_OTPS",
        "DOCUMENTED_LOCKOUT",
        "APP_STEP",
        "APP_SKEW",
        "TOKEN_LIFETIME",
        "WITHOUT_SESSION_TOKENS",
        "RATE_LIMIT",
        "FAULT",
        "LOG",
        "MAX_CONNECTIONS",
    ];
    let names: Vec<_> = NAMES.iter().map(|name| format!("OTP_EMULATOR_{name}")).collect();
    let empty: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    let mut program = Program::start_with(&["--plain"], &empty);
    program.said("status page");
    let off = [("OTP_EMULATOR_NO_ADMIN", "false"), ("OTP_EMULATOR_PLAIN", "off")];
    let mut program = Program::start_with(&["--admin", "127.0.0.1:0"], &off);
    assert!(program.said("listening at").starts_with("https://"));
    program.said("status page");
}

#[test]
fn an_error_about_a_variable_names_it_and_says_what_it_takes() {
    for (variable, value, told) in [
        ("PLAIN", "maybe", "true, yes, on or 1"),
        ("SEED", "x", "0 to 18446744073709551615"),
        ("LOG", "xml", "possible values: off, text, json"),
        ("FAULT", "lost", "lost-regenerate"),
        ("TOKEN", "canary 1", "visible ASCII"),
        ("ADMIN_TOKEN", "canary 1", "visible ASCII"),
        ("ADMIN_TOKEN_FILE", "/nowhere", "cannot read /nowhere"),
        ("OTP", "canary!", "1 to 64 ASCII letters"),
        ("RECOVERY_CODES", "canary!", "1 to 64 ASCII letters"),
        ("CORS", "nowhere", "an origin is"),
        ("CA_FILE", "/nowhere/ca.pem", "cannot write /nowhere"),
        ("LISTEN", "localhost", "such as localhost:8080"),
        ("ADMIN", "localhost", "such as localhost:8080"),
        ("LISTEN", TOO_LONG, "cannot find the address of"),
        ("ADMIN", "192.0.2.1:1", "cannot listen on"),
        ("HOST_NAME", "http://x", "is not a host name"),
    ] {
        let name = format!("OTP_EMULATOR_{variable}");
        let said = refused(&[], &[(&name, value)]);
        assert!(said.contains(&name) && said.contains(told), "{name}: {said}");
        assert!(!said.contains("nothing was sent") && !said.contains("canary"), "{name}: {said}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_otp-emulator"))
        .env("OTP_EMULATOR_TOKEN", OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("OTP_EMULATOR_TOKEN is not UTF-8"), "{said}");
}

#[test]
fn values_that_the_admin_api_refuses_or_that_cannot_work_are_refused() {
    for (arguments, told) in [
        (&["--name", ""][..], "1 to 256 characters"),
        (&["--phone", ""], "1 to 256 characters"),
        (&["--host-name", "http://x"], "'http://x' is not a host name"),
        (&["--host-name", ""], "is not a host name"),
        (&["--host-name", "a b"], "'a b' is not a host name"),
        (&["--admin-host", "http://x"], "'http://x' is not a host name"),
        (&["--fault", "lost-sms:times=0"], "'lost-sms:times=0'"),
        (&["--fault", "unavailable=0"], "'unavailable=0'"),
        (&["--rate-limit", "0/60"], "1 or more"),
        (&["--rate-limit", "60/0"], "1 or more"),
        (&["--otp", "1 2"], "--otp: an OTP or recovery code is"),
        (&["--recovery-codes", "a b"], "--recovery-codes: an OTP or recovery code is"),
        (&["--no-admin", "--admin-token", "x"], "cannot be used with"),
        (&["--no-admin", "--admin-host", "x"], "cannot be used with"),
        (&["--seed", "-1"], "a whole number from 0"),
        (&["--otp-lifetime", "-1"], "a whole number from 0"),
        (&["--app-skew", "256"], "from 0 to 255"),
        (&["--max-connections", "-1"], "a whole number from 1"),
        (
            &["--starts-at", "Fri, 01 Jan 2026 00:00:00 GMT", "--standing-clock"],
            "the day of the week is wrong",
        ),
        (&["help", "faults", "extra"], "'extra'"),
        (&["healthcheck", "127.0.0.1:9000", "extra"], "'extra'"),
    ] {
        let said = refused(arguments, &[]);
        assert!(said.contains(told), "{arguments:?}: {said}");
        assert!(!said.contains("nothing was sent"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_url_is_printed_once_and_only_if_it_can_work() {
    let names = ["--host-name", "emulator,127.0.0.1,x.localhost,192.0.2.1"];
    let mut program = Program::start(&[&["--plain"][..], &names].concat());
    program.said("listening at");
    assert!(program.said("also at").starts_with("http://x.localhost:"));
    program.said("status page");
    assert!(program.said("    ").starts_with("http://x.localhost:"));
    program.signal("TERM");
    program.said("stopping");
    let rest = program.end();
    assert!(!rest.contains("also at") && !rest.contains("192.0.2.1"), "{rest}");
}

#[test]
fn the_clock_is_not_advanced_beyond_the_last_date() {
    let mut program =
        Program::start(&["--plain", "--standing-clock", "--starts-at", "253402300790"]);
    let (service, admin, _) = program.introduction();
    for (seconds, status, date) in [
        ("8.5", 204, "Fri, 31 Dec 9999 23:59:58 GMT"),
        ("0.6", 409, "Fri, 31 Dec 9999 23:59:58 GMT"),
        ("0.5", 204, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("1", 409, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("0", 204, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        let path = format!("/clock/advance?seconds={seconds}");
        assert_eq!(ask(admin, "POST", &path, "", "").status, status, "{seconds}");
        assert_eq!(ask(admin, "GET", "/clock", "", "").json()["date"], date, "{seconds}");
        let answer = ask(service, "GET", "/nowhere", "", "");
        assert!(answer.head.contains(&date.to_lowercase()), "{answer:?}");
    }
}

#[test]
fn with_too_few_open_files_it_says_what_to_do() {
    let script = "ulimit -n 8; exec \"$0\" --plain";
    let program = env!("CARGO_BIN_EXE_otp-emulator");
    let output = Command::new("sh").args(["-c", script, program]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("raise the limit of open files") && said.contains("ulimit -n"), "{said}");
}

#[test]
fn what_others_choose_cannot_act_on_the_terminal() {
    let phone = "\u{1b}[2J\nSMS to bob: 000000\u{202e}\u{200b}";
    let arguments = ["--plain", "--log", "json", "--phone", phone, "--name", phone, "--fault"];
    let fault = "lost-verify:user=\u{1b}[2J\u{202e}".to_owned();
    let mut program = Program::start(&[&arguments[..], &[&fault]].concat());
    let (service, _, token) = program.introduction();
    let fault = program.said("fault");
    assert!(fault.starts_with("lost-verify:user=\\u{1b}[2J\\u{202e}:"), "{fault}");
    let header = format!("X-Auth-Token: {token}\r\n");
    assert_eq!(ask(service, "POST", "/metal/v1/user/otp/sms/receive", &header, "").status, 204);
    let sms = program.said("SMS to");
    assert!(sms.starts_with("\\u{1b}[2J\\u{a}SMS to bob: 000000\\u{202e}\\u{200b}: "), "{sms}");
    let line = program.complained("{");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["user"], phone);
    assert!(line.is_ascii(), "{line}");
    program.signal("TERM");
    program.said("stopping");
    let text = "\u{1b}[2J\u{202e}shown";
    let option = format!("--{text}");
    for arguments in [["--fault", text], ["help", text], [&option, ""], ["--listen", text]] {
        let said = refused(&arguments, &[]);
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{arguments:?}: {said:?}");
        assert!(said.contains("shown"), "{arguments:?}: {said:?}");
    }
}
