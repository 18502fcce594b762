//! `otp-emulator healthcheck`, as container engines run it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use support::Program;

fn healthcheck(arguments: &[&str], variable: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otp-emulator"));
    command.arg("healthcheck").args(arguments).env_remove("OTP_EMULATOR_ADMIN");
    if let Some(address) = variable {
        command.env("OTP_EMULATOR_ADMIN", address);
    }
    command.output().unwrap()
}

#[track_caller]
fn fails_with(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("otp-emulator: not healthy: ") && said.contains(why), "{said}");
}

#[test]
fn it_succeeds_while_the_emulator_is_ready_and_fails_after() {
    let mut program = Program::start(&["--plain", "--admin", "0.0.0.0:0"]);
    let admin = program.said("status page");
    let port = admin.rsplit(':').next().unwrap().to_owned();
    let listens = format!("0.0.0.0:{port}");

    for output in [
        healthcheck(&[&listens], None),
        healthcheck(&[], Some(&listens)),
        healthcheck(&[&format!("localhost:{port}")], Some("127.0.0.1:1")),
    ] {
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    }

    drop(program);
    fails_with(&healthcheck(&[&listens], None), &listens);
}

#[test]
fn it_needs_no_token_and_uses_up_no_fault() {
    let arguments = ["--plain", "--admin-token", "a-token", "--fault", "unavailable=1"];
    let mut program = Program::start(&arguments);
    let (_, admin, _) = program.introduction();
    assert!(healthcheck(&[&admin.to_string()], None).status.success());
    let armed = support::ask(admin, "GET", "/faults", "Authorization: Bearer a-token\r\n", "");
    assert_eq!(armed.json()["armed"][0]["times"], 1, "{armed:?}");
}

#[test]
fn without_a_usable_address_it_fails_and_says_why() {
    fails_with(&healthcheck(&[], None), "set OTP_EMULATOR_ADMIN");
    fails_with(&healthcheck(&["127.0.0.1:0"], None), "port 0");
    fails_with(&healthcheck(&["9000"], None), "9000");
}

#[test]
fn its_help_shows_how_an_image_uses_it() {
    let output = healthcheck(&["--help"], None);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("HEALTHCHECK CMD"), "{output:?}");
}

#[test]
fn it_fails_if_another_program_answers() {
    for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "220 mail ready\r\n", ""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let other = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            let _ = stream.read(&mut [0; 1024]);
        });
        let output = healthcheck(&[&address], None);
        fails_with(&output, &format!("answered '{}'", answer.lines().next().unwrap_or_default()));
        other.join().unwrap();
    }
}

#[test]
fn it_gives_up_in_time_if_no_answer_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let since = Instant::now();
    let output = healthcheck(&[&listener.local_addr().unwrap().to_string()], None);
    fails_with(&output, "no answer in time");
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}
