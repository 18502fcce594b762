//! The quickstart against a service that is not there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};

use otp_emulator::Emulator;

#[test]
fn where_nothing_listens_it_fails_and_says_so() {
    let stopped = Emulator::builder().plain().start().unwrap();
    let url = stopped.base_url().to_string();
    drop(stopped);
    let output = Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .args(["--base-url", &url])
        .env("METAL_AUTH_TOKEN", "token")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}{failed}");
    assert!(!said.contains("That is the whole API"), "{said}");
    assert!(failed.starts_with("receive_codes failed: no connection: "), "{failed}");
    assert!(failed.contains("check that the server runs"), "{failed}");
}
