//! The admin API under requests that a machine makes of its document: valid ones, invalid ones, and sequences.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the run's figures")]

mod support;

use std::process::Command;

use support::Program;

/// Runs all checks of schemathesis; none may fail.
fn check(arguments: &[&str], options: &[&str]) {
    let always = ["--plain", "--standing-clock", "--seed", "7"];
    let mut program = Program::start(&[&always[..], arguments].concat());
    let admin = program.said("status page");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/languages/schemathesis.sh");
    let output = Command::new(script)
        .args(["schemathesis-admin.toml", &format!("{admin}/openapi.json")])
        .args(options)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    let summary = said.lines().skip_while(|line| !line.contains("SUMMARY"));
    println!("{}", summary.collect::<Vec<_>>().join("\n"));
}

/// One after the other: the first installs schemathesis if it is not there.
#[test]
#[ignore = "needs python3 and PyPI: .ci/run runs it"]
fn schemathesis_finds_nothing_with_and_without_a_token() {
    check(&[], &[]);
    check(&["--admin-token", "t0ken"], &["--header", "Authorization: Bearer t0ken"]);
}
