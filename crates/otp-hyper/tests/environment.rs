//! Nothing in the environment changes whom the client trusts or whom it talks to, unless asked for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use otp_conformance::hostile::{Fault, Protocol, Reply, Server};
use otp_core::{AuthToken, BaseUrl, ErrorKind, OtpsApi, OtpsClient, RetryPolicy};
use otp_hyper::{HyperTransport, HyperTransportBuilder, Roots};

/// What the child process is told.
const URL: &str = "OTP_TEST_URL";
const CA: &str = "OTP_TEST_CA";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_asked_for_is_taken_from_the_environment() {
    let server = Server::start(Protocol::Http1, Fault::Answer(Reply::status(204)));
    // Whoever connects here wants a proxy.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());
    let folder = std::env::temp_dir().join(format!("otp-hyper-env-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ca_file = folder.join("ca.pem");
    std::fs::write(&ca_file, server.ca_pem()).unwrap();

    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "child"]).env(URL, server.base_url().to_string());
    child.env(CA, &ca_file);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, &proxy_url).env(name.to_lowercase(), &proxy_url);
    }
    child.env("SSL_CERT_FILE", &ca_file).env("SSL_CERT_DIR", &folder);
    child
        .env("METAL_AUTH_TOKEN", "token-of-the-environment")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::remove_dir_all(&folder).unwrap();

    let received = server.received();
    assert_eq!(received.len(), 1, "only the client that was told whom to trust gets through");
    assert_eq!(received[0].header("x-auth-token"), Some("token-of-the-caller"));
    // One connection to the proxy: of the client that asked for it.
    proxy.set_nonblocking(true).unwrap();
    assert!(proxy.accept().is_ok());
    assert!(proxy.accept().is_err());
}

/// Runs in a process of its own, since the environment is one for all threads.
#[tokio::test]
#[ignore = "run by the test above, with its environment"]
async fn child() {
    let url = BaseUrl::new(std::env::var(URL).unwrap()).unwrap();
    let client = |transport: HyperTransportBuilder| {
        let transport = transport.connect_timeout(Duration::from_millis(500)).build()?;
        OtpsClient::builder(transport, AuthToken::new("token-of-the-caller")?)
            .base_url(url.clone())
            .retry(RetryPolicy::never())
            .build()
    };

    // SSL_CERT_FILE and SSL_CERT_DIR name the server's CA. It must not be trusted all the same.
    match client(HyperTransport::builder()) {
        Ok(client) => {
            assert_eq!(client.receive_codes().await.unwrap_err().kind(), ErrorKind::Tls);
        }
        // A machine without a CA store trusts nobody.
        Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidInput),
    }

    let roots = Roots::pem(std::fs::read(std::env::var(CA).unwrap()).unwrap()).unwrap();
    let direct = client(HyperTransport::builder().roots(roots.clone())).unwrap();
    direct.receive_codes().await.unwrap();

    let proxied = client(HyperTransport::builder().roots(roots).proxy_from_env()).unwrap();
    assert_eq!(proxied.receive_codes().await.unwrap_err().kind(), ErrorKind::Connect);
}

/// A value that cannot be followed is not the same as none.
#[tokio::test]
async fn a_proxy_of_the_environment_that_is_none_is_refused() {
    for value in ["socks5://proxy:1080", "ftp://proxy", "http://", "not a url"] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "child_with_a_wrong_proxy"]).env("HTTPS_PROXY", value);
        child.env_remove("https_proxy");
        let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{value}: {said}");
    }
}

#[test]
#[ignore = "run by the test above, with its environment"]
fn child_with_a_wrong_proxy() {
    let error = HyperTransport::builder().proxy_from_env().build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    assert!(!error.to_string().contains("proxy:1080"), "{error}");
}
