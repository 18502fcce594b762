//! What the program explains.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use otp_emulator::Fault;

fn run(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_otp-emulator"));
    program.args(arguments);
    for secret in ["TOKEN", "OTP", "RECOVERY_CODES", "ADMIN_TOKEN"] {
        program.env(format!("OTP_EMULATOR_{secret}"), "canary-7c1f");
    }
    program.output().unwrap()
}

fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("canary"), "{arguments:?}: {said}");
    said
}

const TOPICS: [&str; 7] = ["api", "admin", "faults", "values", "tls", "containers", "environment"];

#[test]
fn help_lists_the_options_and_the_topics_and_no_value_of_the_environment() {
    for help in ["-h", "--help"] {
        let said = said(&[help]);
        for told in [
            "--rate-limit",
            "--standing-clock",
            "--admin-token-file",
            "OTP_EMULATOR_LISTEN",
            "help TOPIC",
        ] {
            assert!(said.contains(told), "{told} is not in {said}");
        }
        for topic in TOPICS {
            assert!(said.contains(&format!("\n  {topic} ")), "{topic} is not in {said}");
        }
    }
    assert!(said(&["--help"]).contains("one second to finish"));
    assert!(said(&["-h"]).lines().count() < 110, "it is no longer short");
}

#[test]
fn every_topic_has_a_text_and_an_unknown_one_is_answered_with_those_there_are() {
    for (topic, told) in [
        ("api", &["/user/otp/sms/receive", "curl --cacert", "429"][..]),
        (
            "admin",
            &["/sms/next?user=NAME", "DELETE /users/NAME/token", "POST   /reset", "openapi.json"],
        ),
        (
            "faults",
            &["times=always", "operation=NAME", "unavailable=3      3 times", "until disarmed"],
        ),
        ("values", &["--otp 123456", "session_token"]),
        ("tls", &["NODE_EXTRA_CA_CERTS", "--host-name"]),
        ("containers", &["0.0.0.0:9000", "/readyz"]),
        ("environment", &["OTP_EMULATOR_FAULT=lost-sms,slow"]),
    ] {
        let said = said(&["help", topic]);
        for told in told {
            assert!(said.contains(told), "{told} is not in {said}");
        }
        assert!(said.lines().all(|line| line.chars().count() <= 120), "{topic} has a long line");
    }
    let faults = said(&["help", "faults"]);
    for fault in Fault::ALL {
        assert!(faults.contains(&format!("  {fault} ")), "{fault} is not in {faults}");
    }
    assert!(said(&["help"]).contains("containers"));
    let unknown = run(&["help", "cooking"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("'cooking'") && said.contains("containers"), "{said}");
}

#[test]
fn the_admin_topic_has_every_path_of_the_document() {
    let document = include_str!("../src/admin/openapi.json");
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    let help = said(&["help", "admin"]);
    for path in document["paths"].as_object().unwrap().keys() {
        let path = path.replace("{name}", "NAME").replace("{fault}", "FAULT");
        assert!(help.contains(&path), "{path} is not in {help}");
    }
}

#[test]
fn the_json_in_the_help_is_json() {
    for topic in TOPICS {
        let text = said(&["help", topic]);
        for (start, _) in text.match_indices("{\"") {
            let mut values =
                serde_json::Deserializer::from_str(&text[start..]).into_iter::<serde_json::Value>();
            values.next().unwrap().unwrap_or_else(|error| panic!("{topic}: {error}"));
        }
    }
}
