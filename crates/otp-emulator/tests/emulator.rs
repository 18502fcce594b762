//! The emulator as its users have it: in a test, and as a program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use otp_core::{AuthToken, BaseUrl, ErrorKind, Otp, OtpsApi, OtpsClient};
use otp_emulator::Emulator;
use otp_hyper::{HttpVersions, HyperTransport, Roots};

fn client(url: BaseUrl, token: AuthToken, ca_pem: &str, versions: HttpVersions) -> OtpsClient {
    let mut transport = HyperTransport::builder().http_versions(versions);
    if !ca_pem.is_empty() {
        transport = transport.roots(Roots::pem(ca_pem).unwrap());
    }
    OtpsClient::builder(transport.build().unwrap(), token).base_url(url).build().unwrap()
}

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

/// The binary, stopped when the test ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_program_says_all_that_a_client_needs_and_prints_each_sms() {
    let folder = std::env::temp_dir().join(format!("otp-emulator-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ca_file = folder.join("ca.pem");
    let mut program = Program(
        Command::new(env!("CARGO_BIN_EXE_otp-emulator"))
            .args(["--seed", "7", "--ca-file"])
            .arg(&ca_file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said = |what: &str| {
        let line = lines.find(|line| line.starts_with(what)).unwrap();
        line.strip_prefix(what).unwrap().trim().to_owned()
    };
    let url = BaseUrl::new(said("listening at")).unwrap();
    assert_eq!(said("CA file"), ca_file.display().to_string());
    let token = AuthToken::new(said("token")).unwrap();
    assert!(said("try:").starts_with("curl --cacert"));

    let ca_pem = std::fs::read_to_string(&ca_file).unwrap();
    let client = client(url, token, &ca_pem, HttpVersions::Negotiated);
    story(&client, || {
        let sms = said("SMS to");
        Otp::new(sms.rsplit_once(": ").unwrap().1).unwrap()
    })
    .await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_program_refuses_what_it_cannot_do_with_a_sentence() {
    for (arguments, told) in [
        (["--token", "a b"], "visible ASCII"),
        (["--listen", "nowhere"], "invalid socket address"),
        (["--listen", "192.0.2.1:1"], "cannot listen on 192.0.2.1:1"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_otp-emulator")).args(arguments).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(told), "{said}");
    }
}
