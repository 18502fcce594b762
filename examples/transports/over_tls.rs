//! What every program does that takes a base URL and the file of the CA to trust.

use otp_emulator::Emulator;
use tempfile::TempPath;

use super::{PROGRAM, program};

fn arguments<'a>(url: &'a str, ca_file: &'a TempPath) -> [&'a str; 2] {
    [url, ca_file.to_str().unwrap()]
}

#[test]
fn it_logs_in_and_replaces_the_codes() {
    let emulator = Emulator::start().unwrap();
    let (url, ca_file) = (emulator.base_url().to_string(), program::ca_file(&emulator));
    program::logs_in_and_replaces_the_codes(PROGRAM, &arguments(&url, &ca_file), &emulator);
}

/// On this machine, and so never by a proxy, which would see the token.
#[test]
fn it_does_so_in_the_clear_too() {
    let (emulator, other) =
        (Emulator::builder().plain().start().unwrap(), Emulator::start().unwrap());
    let (url, ca_file) = (emulator.base_url().to_string(), program::ca_file(&other));
    program::logs_in_and_replaces_the_codes(PROGRAM, &arguments(&url, &ca_file), &emulator);
}

#[test]
fn a_service_that_it_does_not_trust_gets_nothing() {
    let (emulator, other) = (Emulator::start().unwrap(), Emulator::start().unwrap());
    let (url, ca_file) = (emulator.base_url().to_string(), program::ca_file(&other));
    let failed = program::failure(PROGRAM, &arguments(&url, &ca_file), &emulator);
    assert!(failed.contains("no trusted TLS connection"), "{failed}");
    assert!(emulator.fake().sms_outbox().is_empty());
}

#[test]
fn where_nothing_listens_it_fails_and_says_so() {
    let other = Emulator::start().unwrap();
    let ca_file = program::ca_file(&other);
    program::fails_where_nothing_listens(PROGRAM, |stopped| {
        let url = stopped.base_url().to_string().replace("http:", "https:");
        arguments(&url, &ca_file).map(str::to_owned)
    });
}

/// RFC 6761 §6.4: no resolver has a name below `invalid`.
#[test]
fn a_host_that_does_not_exist_is_named_as_the_cause() {
    let emulator = Emulator::start().unwrap();
    let ca_file = program::ca_file(&emulator);
    let arguments = arguments("https://no.such-host.invalid", &ca_file);
    let failed = program::failure(PROGRAM, &arguments, &emulator);
    assert!(failed.contains("no connection: "), "{failed}");
    assert!(failed.contains("resolve") || cfg!(windows), "{failed}");
    assert!(!failed.contains("no.such-host"), "{failed}");
}
