//! A person at the keyboard of an example's program: types the token, waits for the SMS, types the code.

#![allow(dead_code, reason = "each test uses its own part of it")]

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::Emulator;
use tempfile::{NamedTempFile, TempPath};

/// Runs the program with these arguments until it ends by itself. `meanwhile` is told its process id while it
/// waits for the code.
///
/// Its environment names a proxy. A transport that connects to it, unasked, fails the test.
pub fn run(
    program: &str,
    arguments: &[&str],
    emulator: &Emulator,
    meanwhile: impl FnOnce(u32) + Send + 'static,
) -> Output {
    let (phone, screen) = mpsc::channel();
    emulator.fake().on_sms(move |sms| {
        let _ = phone.send(sms.otp.clone());
    });
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());
    let mut command = Command::new(program);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, &proxy_url).env(name.to_lowercase(), &proxy_url);
    }
    let mut child = command
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let mut keyboard = child.stdin.take().unwrap();
    writeln!(keyboard, "{}", emulator.token().expose_secret()).unwrap();
    let typing = std::thread::spawn(move || {
        // No SMS comes if the program fails before it asks for one. Then the keyboard is let go, which ends
        // a program that waits for it.
        if let Ok(otp) = screen.recv_timeout(Duration::from_secs(10)) {
            meanwhile(id);
            let _ = writeln!(keyboard, "{}", otp.expose_secret());
        }
    });
    let output = child.wait_with_output().unwrap();
    assert!(proxy.accept().is_err(), "{program} connected to the proxy of its environment");
    // The phone is put away: nobody waits for an SMS any more.
    emulator.fake().on_sms(|_| {});
    typing.join().unwrap();
    output
}

/// The file of the CA to trust, for as long as the test needs it.
pub fn ca_file(emulator: &Emulator) -> TempPath {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(emulator.ca_pem().as_bytes()).unwrap();
    file.into_temp_path()
}

/// The story that all of these programs tell.
pub fn logs_in_and_replaces_the_codes(program: &str, arguments: &[&str], emulator: &Emulator) {
    succeeds(run(program, arguments, emulator, |_| {}));
}

/// The same of an output.
pub fn succeeds(output: Output) {
    let said = String::from_utf8(output.stdout).unwrap();
    let failed = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}{failed}");
    assert!(said.contains("you are in; 10 recovery codes are left"), "{said}{failed}");
    assert!(said.contains("they are replaced by 10 new ones"), "{said}{failed}");
}

/// What the program says when it fails.
pub fn failure(program: &str, arguments: &[&str], emulator: &Emulator) -> String {
    let output = run(program, arguments, emulator, |_| {});
    assert!(!output.status.success(), "it did not fail");
    String::from_utf8(output.stderr).unwrap()
}

/// A service that is not running: the program fails, and its last sentence says so.
pub fn fails_where_nothing_listens(
    program: &str,
    arguments: impl FnOnce(&Emulator) -> [String; 2],
) {
    let stopped = Emulator::builder().plain().start().unwrap();
    let arguments = arguments(&stopped);
    drop(stopped);
    // What is typed is this one's token. Nothing must reach it.
    let other = Emulator::start().unwrap();
    let failed = failure(program, &arguments.each_ref().map(String::as_str), &other);
    let last = failed.lines().last().unwrap();
    assert!(last.starts_with("receive_codes failed: no connection: "), "{failed}");
    assert!(last.contains("the request was not sent: check the base URL"), "{failed}");
    assert!(other.fake().sms_outbox().is_empty());
}
