//! The programs where nothing can be printed.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

const PROGRAMS: [&str; 3] = [
    env!("CARGO_BIN_EXE_quickstart"),
    env!("CARGO_BIN_EXE_embed_in_sdk"),
    env!("CARGO_BIN_EXE_unit_tests_with_mocks"),
];

/// The device that is full takes no byte.
fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn a_full_disk_ends_each_with_a_sentence_and_a_status() {
    for program in PROGRAMS {
        let output = Command::new(program).stdin(Stdio::null()).stdout(full()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "cannot print: No space left on device (os error 28)\n", "{program}");
        assert_eq!(output.status.code(), Some(1), "{program}");
    }
}

#[test]
fn where_the_sentence_cannot_be_printed_either_the_status_says_it() {
    for program in PROGRAMS {
        let mut command = Command::new(program);
        let status = command.stdin(Stdio::null()).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{program}");
    }
}
