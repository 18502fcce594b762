//! Who may use the admin port, and under which names the emulator is reached.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use otp_core::{BaseUrl, ErrorKind, OtpsApi, OtpsClient};
use otp_emulator::{Emulator, EmulatorBuilder};
use otp_hyper::{HyperTransport, Resolver, Roots, Target};
use otp_test_certificates::Provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use support::{Program, Raw, ask, raw};

const CANARY: &str = "canary-8d21";

fn start(set: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> (Emulator, SocketAddr) {
    let emulator = set(Emulator::builder().plain().admin("127.0.0.1:0".parse().unwrap()));
    let emulator = emulator.start().unwrap();
    let admin = emulator.admin_addr().unwrap();
    (emulator, admin)
}

fn get_by(admin: SocketAddr, path: &str, host: &str) -> Raw {
    raw(admin, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
}

#[test]
fn it_answers_to_localhost_to_addresses_and_to_the_names_it_was_given() {
    let (_emulator, admin) = start(|emulator| {
        emulator.admin_host("Emulator").admin_host("fake.test.").host_name("otps")
    });
    for host in [
        "localhost",
        "LocalHost:9000",
        "localhost.:9000",
        "127.0.0.1:1",
        "[::1]:9000",
        "172.17.0.2",
        "emulator",
        "EMULATOR:9000",
        "emulator.",
        "fake.test",
        "otps:9000",
    ] {
        assert_eq!(get_by(admin, "/sms", host).status, 200, "{host}");
    }
    for host in ["emulator.evil.example", "evil.example", "localhost.evil.example", "fake"] {
        assert_eq!(get_by(admin, "/sms", host).status, 403, "{host}");
    }
}

#[test]
fn a_refusal_says_which_host_it_saw_and_which_flag_admits_it() {
    let (_emulator, admin) = start(|emulator| emulator);
    let refused = get_by(admin, "/users", "Emulator:9000");
    assert_eq!(refused.status, 403);
    let why = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(why.contains("'emulator'") && why.contains("--admin-host emulator"), "{why}");
    let cross = ask(admin, "GET", "/users", "Sec-Fetch-Site: cross-site\r\n", "");
    assert!(cross.json()["error"].as_str().unwrap().contains("page of another site"));
}

#[test]
fn the_origin_of_a_page_of_this_port_is_its_own_under_each_of_its_names() {
    let (_emulator, admin) = start(|emulator| emulator.admin_host("emulator"));
    let port = admin.port();
    for (host, origin, status) in [
        (format!("emulator:{port}"), format!("http://emulator:{port}"), 204),
        (format!("Emulator:{port}"), format!("http://emulator:{port}"), 204),
        (format!("emulator:{port}"), "http://emulator".to_owned(), 403),
        (format!("emulator:{port}"), format!("https://emulator:{port}"), 403),
        (format!("emulator:{port}"), format!("http://localhost:{port}"), 403),
    ] {
        let answer = raw(
            admin,
            &format!(
                "POST /reset HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            ),
        );
        assert_eq!(answer.status, status, "{host} {origin}");
    }
}

#[test]
fn with_a_token_only_those_who_have_it_are_answered() {
    let (_emulator, admin) = start(|emulator| emulator.admin_token(CANARY.parse().unwrap()));
    // user:canary-8d21, user:canary-8d22, canary-8d21
    let (right, wrong, bare) =
        ("dXNlcjpjYW5hcnktOGQyMQ==", "dXNlcjpjYW5hcnktOGQyMg==", "Y2FuYXJ5LThkMjE=");
    for (header, status) in [
        (format!("Authorization: Bearer {CANARY}\r\n"), 200),
        (format!("authorization: bearer  {CANARY}\r\n"), 200),
        (format!("Authorization: Basic {right}\r\n"), 200),
        (String::new(), 401),
        ("Authorization: Bearer\r\n".to_owned(), 401),
        ("Authorization: Bearer canary-8d22\r\n".to_owned(), 401),
        (format!("Authorization: Bearer {CANARY}x\r\n"), 401),
        (format!("Authorization: {CANARY}\r\n"), 401),
        (format!("Authorization: Basic {wrong}\r\n"), 401),
        (format!("Authorization: Basic {bare}\r\n"), 401),
        ("Authorization: Basic %%%\r\n".to_owned(), 401),
        (format!("Authorization: Bearer x\r\nAuthorization: Bearer {CANARY}\r\n"), 401),
        (format!("X-Auth-Token: {CANARY}\r\n"), 401),
        (format!("Authorization: Bearer {CANARY}\r\nOrigin: http://evil.example\r\n"), 403),
    ] {
        for path in ["/users", "/", "/openapi.json", "/style.css"] {
            let answer = ask(admin, "GET", path, &header, "");
            assert_eq!(answer.status, status, "{path} {header}");
            if status == 401 {
                let head = &answer.head;
                assert!(head.contains("www-authenticate: bearer\r\n"), "{head}");
                assert!(head.contains("www-authenticate: basic realm="), "{head}");
            }
            assert!(!format!("{answer:?}").contains(CANARY), "{answer:?}");
        }
    }
    // What does not exist is not told either.
    assert_eq!(ask(admin, "GET", "/nothing", "", "").status, 401);
    assert_eq!(ask(admin, "PATCH", "/users", "", "").status, 401);
    let document =
        ask(admin, "GET", "/openapi.json", &format!("Authorization: Bearer {CANARY}\r\n"), "");
    assert!(document.json()["security"][0].get("bearer").is_some());
}

#[test]
fn health_and_the_certificate_need_neither_a_token_nor_a_known_host() {
    let emulator = Emulator::builder()
        .admin("127.0.0.1:0".parse().unwrap())
        .admin_token(CANARY.parse().unwrap())
        .start()
        .unwrap();
    let admin = emulator.admin_addr().unwrap();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get_by(admin, path, "10-0-0-7.pods.cluster.local:9000").status, 200, "{path}");
    }
    assert_eq!(get_by(admin, "/readyz", "x").json()["base_url"], emulator.base_url().to_string());
    let pem = get_by(admin, "/ca.pem", "emulator");
    assert!(pem.head.contains("content-type: application/x-pem-file"), "{}", pem.head);
    assert_eq!(pem.body, emulator.ca_pem());
    for path in ["/", "/users", "/openapi.json"] {
        assert_eq!(ask(admin, "GET", path, "", "").status, 401, "{path}");
    }
}

#[test]
fn the_debug_of_a_builder_has_no_admin_token() {
    let builder = Emulator::builder().admin_token(CANARY.parse().unwrap());
    assert!(!format!("{builder:?}").contains(CANARY));
}

#[test]
fn on_all_addresses_the_program_prints_urls_that_work_and_warns() {
    let mut program = Program::start(&[
        "--listen",
        "0.0.0.0:0",
        "--admin",
        "0.0.0.0:0",
        "--host-name",
        "emulator,::1",
        "--host-name",
        "otps",
    ]);
    let url = program.said("listening at");
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let port = url.split([':', '/']).nth(4).unwrap().to_owned();
    for name in ["emulator", "[::1]", "otps"] {
        assert_eq!(program.said("also at"), format!("https://{name}:{port}/metal/v1"));
    }
    let admin = program.said("status page");
    assert!(admin.starts_with("http://127.0.0.1:"), "{admin}");
    let address = admin.trim_start_matches("http://").parse().unwrap();
    assert_eq!(get_by(address, "/users", "otps").status, 200);
    let warning = program.complained("warning");
    assert!(
        warning.contains("not on loopback") && warning.contains("--admin-token-file"),
        "{warning}"
    );
}

#[test]
fn the_admin_token_comes_from_a_file_or_the_environment_and_is_told_nowhere() {
    let file =
        std::env::temp_dir().join(format!("otp-emulator-admin-token-{}", std::process::id()));
    std::fs::write(&file, format!("{CANARY}\n")).unwrap();
    let by_file =
        ["--plain", "--log", "--admin", "0.0.0.0:0", "--admin-token-file", file.to_str().unwrap()];
    let by_variable = ["--plain", "--log", "--admin", "0.0.0.0:0"];
    for (arguments, variable) in
        [(&by_file[..], None), (&by_variable[..], Some(("OTP_EMULATOR_ADMIN_TOKEN", CANARY)))]
    {
        let mut program = Program::start_with(arguments, variable.as_slice());
        let (_, admin, _) = program.introduction();
        assert_eq!(ask(admin, "GET", "/users", "", "").status, 401);
        let header = format!("Authorization: Bearer {CANARY}\r\n");
        assert_eq!(ask(admin, "GET", "/users", &header, "").status, 200);
        let warning = program.complained("warning");
        assert!(warning.contains("has no TLS"), "{warning}");
        assert!(!program.end().contains(CANARY));
    }
    std::fs::remove_file(&file).unwrap();
    let refused = Program::refusal(&["--plain", "--admin-token-file", "/nowhere/canary-file"]);
    assert!(refused.contains("cannot read /nowhere"), "{refused}");
    let refused = Program::refusal(&["--plain", "--admin-token", "canary 8d21"]);
    assert!(refused.contains("--admin-token: ") && !refused.contains("canary"), "{refused}");
}

/// Finds every name on this machine.
struct Loopback;

#[otp_core::async_trait]
impl Resolver for Loopback {
    async fn resolve(&self, target: &Target) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![(Ipv4Addr::LOCALHOST, target.port).into()])
    }
}

#[tokio::test]
async fn a_client_that_calls_it_by_its_host_name_trusts_its_certificate() {
    let emulator = Emulator::builder().host_name("emulator").start().unwrap();
    let port = emulator.local_addr().port();
    let client = |name: &str| {
        let transport = HyperTransport::builder()
            .roots(Roots::pem(emulator.ca_pem()).unwrap())
            .resolver(Loopback)
            .build()
            .unwrap();
        let url = BaseUrl::new(format!("https://{name}:{port}/metal/v1")).unwrap();
        OtpsClient::builder(transport, emulator.token()).base_url(url).build().unwrap()
    };
    client("emulator").receive_codes().await.unwrap();
    let error = client("other").receive_codes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
}

#[test]
fn a_host_name_that_is_an_address_in_brackets_is_an_address_in_the_certificate() {
    let emulator = Emulator::builder().host_name("[::2]").start().unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(emulator.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Provider::of_this_program().unwrap().crypto();
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = std::sync::Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let handshake = |name: &str| {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut tls = rustls::ClientConnection::new(config.clone(), name).unwrap();
        let mut stream = TcpStream::connect(emulator.local_addr()).unwrap();
        tls.complete_io(&mut stream)
    };
    handshake("::2").unwrap();
    handshake("::3").unwrap_err();
    for name in ["http://x", "", "a b"] {
        for builder in [Emulator::builder().host_name(name), Emulator::builder().admin_host(name)] {
            let error = builder.start().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}");
        }
    }
}
