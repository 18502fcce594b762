//! What the program does if it cannot write the file of its CA.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::process::Command;

use support::{Program, ask};

const NOWHERE: (&str, &str) = ("TMPDIR", "/no-such-folder");

/// What it says on standard error when it does not start.
fn refusal(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otp-emulator"));
    let output = command.args(arguments).env(NOWHERE.0, NOWHERE.1).output().unwrap();
    assert!(!output.status.success(), "{arguments:?} was taken");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn without_a_temporary_folder_a_note_names_the_url_of_the_certificate() {
    let mut program = Program::start_with(&[], &[NOWHERE]);
    let (_, admin, _) = program.introduction();
    let note = program.complained("note: there is no CA file");
    assert!(note.contains("cannot write /no-such-folder/otp-emulator-"), "{note}");
    assert!(note.ends_with(&format!("take the certificate from http://{admin}/ca.pem")), "{note}");
    assert!(ask(admin, "GET", "/ca.pem", "", "").body.starts_with("-----BEGIN CERTIFICATE"));
}

#[test]
fn without_a_temporary_folder_and_an_admin_port_it_refuses_to_start_and_lists_the_ways_out() {
    let said = refusal(&["--no-admin"]);
    for way in ["--ca-file", "TMPDIR", "admin port"] {
        assert!(said.contains(way), "{said}");
    }
}

#[test]
fn it_refuses_to_start_if_the_chosen_ca_file_cannot_be_written() {
    let said = refusal(&["--ca-file", "/no-such-folder/ca.pem"]);
    assert!(
        said.starts_with("otp-emulator: --ca-file: cannot write /no-such-folder/ca.pem"),
        "{said}"
    );
}
