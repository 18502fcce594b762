//! The emulator as its users have it: in a test, and as a program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use otp_core::{AuthToken, BaseUrl, ErrorKind, Otp, OtpsApi, OtpsClient};
use otp_emulator::Emulator;
use otp_hyper::HttpVersions;
use otp_test_certificates::Leaf;
use support::{Program, ask, client};

async fn story(client: &OtpsClient, otp: impl FnOnce() -> Otp) {
    client.receive_codes().await.unwrap();
    let otp = otp();
    let session = client.find_ensure_otp(&otp).await.unwrap().into_session_token().unwrap();
    let before = client.find_recovery_codes().await.unwrap();
    let new = client.with_token(session).regenerate_codes().await.unwrap();
    assert_eq!((before.len(), new.len()), (10, 10));
    assert_ne!(before, new);
    assert_eq!(client.find_recovery_codes().await.unwrap(), new);
    let error = client.find_ensure_otp(&otp).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn the_four_operations_work_with_and_without_tls_in_both_versions() {
    for plain in [false, true] {
        for versions in [HttpVersions::Negotiated, HttpVersions::Http1, HttpVersions::Http2] {
            let mut emulator = Emulator::builder();
            if plain {
                emulator = emulator.plain();
            }
            let emulator = emulator.start().unwrap();
            let client = client(emulator.base_url(), emulator.token(), emulator.ca_pem(), versions);
            story(&client, || emulator.fake().last_sms().unwrap().otp).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_its_ca_sends_nothing() {
    let emulator = Emulator::start().unwrap();
    let other = Emulator::start().unwrap();
    let versions = HttpVersions::Negotiated;
    let client = client(emulator.base_url(), emulator.token(), other.ca_pem(), versions);
    let error = client.receive_codes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert_eq!(error.attempts().len(), 1);
    assert!(emulator.fake().sms_outbox().is_empty());
}

#[tokio::test]
async fn dropping_it_stops_it() {
    let emulator = Emulator::start().unwrap();
    let address = emulator.local_addr();
    let client =
        client(emulator.base_url(), emulator.token(), emulator.ca_pem(), HttpVersions::Http1);
    client.receive_codes().await.unwrap();
    drop(emulator);
    assert!(TcpStream::connect(address).is_err());
    let error = client.find_recovery_codes().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Connect | ErrorKind::ConnectionLost), "{error}");
}

#[test]
fn it_needs_no_runtime_of_the_test() {
    let emulator = Emulator::builder().plain().start().unwrap();
    assert!(TcpStream::connect(emulator.local_addr()).is_ok());
    let shown = format!("{emulator:?}");
    assert!(shown.contains(&emulator.base_url().to_string()), "{shown}");
    let token = emulator.token();
    let token = otp_core::secrecy::ExposeSecret::expose_secret(&token);
    assert!(!shown.contains(token), "{shown}");
}

/// A folder of this test's own, removed when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("otp-emulator-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn the_program_says_all_that_a_client_needs_and_prints_each_sms() {
    let folder = Folder::new("says");
    let ca_file = folder.file("ca.pem");
    let mut program = Program::start(&["--seed", "7", "--ca-file", &ca_file]);
    let url = BaseUrl::new(program.said("listening at")).unwrap();
    assert_eq!(program.said("CA file"), ca_file);
    let token = AuthToken::new(program.said("token")).unwrap();
    assert!(program.said("status page").starts_with("http://127.0.0.1:"));
    assert!(program.said("try:").starts_with("curl --cacert"));

    let ca_pem = std::fs::read_to_string(&ca_file).unwrap();
    let client = client(url, token, &ca_pem, HttpVersions::Negotiated);
    story(&client, || {
        let sms = program.said("SMS to");
        Otp::new(sms.rsplit_once(": ").unwrap().1).unwrap()
    })
    .await;
}

#[tokio::test]
async fn the_program_takes_faults_limits_and_an_app_by_flags() {
    let mut program = Program::start(&[
        "--plain",
        "--app",
        "--rate-limit",
        "3/60",
        "--fault",
        "lost-regenerate",
        "--fault",
        "sunset",
        "--log",
    ]);
    let url = BaseUrl::new(program.said("listening at")).unwrap();
    let token = AuthToken::new(program.said("token")).unwrap();
    assert_eq!(program.said("app secret").len(), 32);
    let admin = program.said("status page");
    assert!(program.said("fault").starts_with("lost-regenerate: the codes change"));
    assert!(program.said("fault").starts_with("sunset"));

    let client = client(url, token, "", HttpVersions::Http1);
    let error = client.regenerate_codes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost);
    let admin = admin.trim_start_matches("http://").parse().unwrap();
    let code = ask(admin, "GET", "/users/user-1/app-code", "", "").json();
    client.find_ensure_otp(&Otp::new(code["otp"].as_str().unwrap()).unwrap()).await.unwrap();
    let answer = client.call(otp_core::operation::FindRecoveryCodes).send().await.unwrap();
    assert!(answer.metadata.sunset().is_some());
    assert_eq!(answer.metadata.rate_limit().unwrap().remaining, Some(0));
    let error = client.receive_codes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
}

/// A certificate for `localhost` and its key, signed by itself.
fn certificate() -> (String, String) {
    let leaf = Leaf::new("a test's own").names(["localhost", "127.0.0.1"]);
    let made = leaf.self_signed().unwrap();
    (made.pem().unwrap(), made.key_pem().unwrap().to_string())
}

#[tokio::test]
async fn a_certificate_of_one_s_own_is_used_by_the_program_and_in_a_test() {
    let (chain, key) = certificate();
    let folder = Folder::new("certificate");
    let (cert_file, key_file) = (folder.file("cert.pem"), folder.file("key.pem"));
    std::fs::write(&cert_file, &chain).unwrap();
    std::fs::write(&key_file, &key).unwrap();

    let mut program = Program::start(&["--cert", &cert_file, "--key", &key_file, "--no-admin"]);
    let url = BaseUrl::new(program.said("listening at")).unwrap();
    let token = AuthToken::new(program.said("token")).unwrap();
    client(url, token, &chain, HttpVersions::Http2).receive_codes().await.unwrap();

    let emulator = Emulator::builder().certificate(&*chain, &*key).start().unwrap();
    assert_eq!(emulator.ca_pem(), "");
    let client = client(emulator.base_url(), emulator.token(), &chain, HttpVersions::Negotiated);
    client.receive_codes().await.unwrap();
}

#[test]
fn a_certificate_that_is_none_is_refused_without_quoting_the_key() {
    let (chain, key) = certificate();
    let (_, other_key) = certificate();
    for (chain, key, told) in [
        ("", key.as_str(), "no certificate"),
        (chain.as_str(), "canary", "no private key"),
        (chain.as_str(), other_key.as_str(), "keys may not be consistent"),
    ] {
        let error = Emulator::builder().certificate(chain, key).start().unwrap_err();
        let sentence = format!("{error} {error:?}");
        assert!(sentence.to_lowercase().contains(told), "{sentence}");
        assert!(!sentence.contains("canary") && !sentence.contains("BEGIN"), "{sentence}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_the_program_after_what_it_is_answering() {
    for signal in ["-TERM", "-INT"] {
        let mut program = Program::start(&["--plain", "--fault", "slow=0.3"]);
        let url = BaseUrl::new(program.said("listening at")).unwrap();
        let token = AuthToken::new(program.said("token")).unwrap();
        let client = client(url, token, "", HttpVersions::Http1);
        let call = tokio::spawn(async move { client.receive_codes().await });
        // It is being answered from here on.
        program.said("SMS to");
        let id = program.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        call.await.unwrap().unwrap();
        program.said("stopping");
        assert!(program.child.wait().unwrap().success(), "{signal}");
    }
}

/// No name is that long (RFC 1035 §2.3.4), so nobody is asked for its address.
const LONG_NAME: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80";

#[test]
fn the_program_refuses_what_it_cannot_do_with_a_sentence() {
    for (arguments, told) in [
        (["--token", "a b"], "visible ASCII"),
        (["--listen", "nowhere"], "such as localhost:8080"),
        (["--listen", LONG_NAME], "cannot find the address of"),
        (["--admin", "localhost:http"], "such as localhost:8080"),
        (["--fault", "slow=-1"], "must not be below 0"),
        (["--log", "xml"], "possible values: off, text, json"),
        (["--max-connections", "0"], "a whole number from 1"),
        (["--listen", "192.0.2.1:1"], "cannot listen on 192.0.2.1:1"),
        (["--admin", "192.0.2.1:1"], "cannot listen on 192.0.2.1:1"),
        (["--fault", "lost"], "lost-regenerate, cut-regenerate"),
        (["--rate-limit", "60"], "two numbers, such as 60/60"),
        (["--cert", "/nowhere"], "--key"),
        (["--cors", "nowhere"], "--cors: an origin is"),
        (["--wrong-otps", "0/60"], "such as 5/900"),
        (["--app-step", "0"], "a whole number from 1"),
        (["--starts-at", "1767225600"], "--standing-clock"),
        (["--starts-at", "253402300800"], "the last is in the year 9999"),
        (["--starts-at", "today"], "seconds since 1970"),
        (["--two-factor-off", "--app"], "cannot be used with"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_otp-emulator"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_token_that_is_none_is_not_quoted() {
    let output = Command::new(env!("CARGO_BIN_EXE_otp-emulator"))
        .args(["--token", "canary with blanks"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = format!("{output:?}");
    assert!(said.contains("--token") && !said.contains("canary"), "{said}");
}
