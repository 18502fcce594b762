//! The program as a person has it, against an emulator of the service.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../program.rs"]
mod program;

use otp_emulator::Emulator;

const PROGRAM: &str = env!("CARGO_BIN_EXE_otp-example-by-hand");

fn emulator() -> (Emulator, [String; 2]) {
    let emulator = Emulator::builder().plain().start().unwrap();
    let arguments = [emulator.base_url().to_string(), emulator.local_addr().to_string()];
    (emulator, arguments)
}

#[test]
fn it_logs_in_and_replaces_the_codes() {
    let (emulator, [url, address]) = emulator();
    program::logs_in_and_replaces_the_codes(PROGRAM, &[&url, &address], &emulator);
}

/// From what Linux says of it while it waits for the code, with one call behind it.
#[cfg(target_os = "linux")]
#[test]
fn it_has_one_thread() {
    let (emulator, [url, address]) = emulator();
    let (looked, seen) = std::sync::mpsc::channel();
    let output = program::run(PROGRAM, &[&url, &address], &emulator, move |id| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        looked.send(status).unwrap();
    });
    program::succeeds(output);
    let status = seen.recv().unwrap();
    let threads = status.lines().find(|line| line.starts_with("Threads:")).unwrap();
    assert_eq!(threads.split_whitespace().last(), Some("1"), "{status}");
}

#[test]
fn what_asks_for_tls_is_refused_before_anything_is_sent() {
    let (emulator, [url, address]) = emulator();
    let failed = program::failure(PROGRAM, &[&url.replace("http:", "https:"), &address], &emulator);
    assert!(failed.contains("it has no TLS"), "{failed}");
    assert!(emulator.fake().sms_outbox().is_empty());
}

#[test]
fn where_nothing_listens_it_fails_and_says_so() {
    program::fails_where_nothing_listens(PROGRAM, |stopped| {
        [stopped.base_url().to_string(), stopped.local_addr().to_string()]
    });
}
