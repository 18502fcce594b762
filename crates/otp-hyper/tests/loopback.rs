//! A base URL of `http` on loopback means this machine: its cleartext requests never reach a proxy, whether the
//! proxy was configured or comes from the environment.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io;
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};

use otp_conformance::hostile::{Fault, Protocol, Reply, Server, Wire};
use otp_core::{AuthToken, BaseUrl, OtpsApi, OtpsClient, RetryPolicy, async_trait};
use otp_hyper::{Connector, HyperTransport, HyperTransportBuilder, Proxy, Stream, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The proxy that the child process finds in its environment.
const PROXY: &str = "http://user:password@proxy.test:3128";

/// Every way to write a base URL of `http` on loopback.
const LOOPBACK: [&str; 11] = [
    "http://localhost",
    "http://localhost:81/metal/v1",
    "http://LOCALHOST/metal/v1",
    "HTTP://LocalHost:8080",
    "http://127.0.0.1",
    "http://127.0.0.1:9/metal/v1",
    "http://127.0.0.0:99",
    "http://127.9.8.7:99/metal/v1",
    "http://127.255.255.255",
    "http://[::1]/metal/v1",
    "http://[0:0:0:0:0:0:0:1]:99/metal/v1",
];

/// Answers every request to this machine with `204`, refuses others, and remembers the targets.
#[derive(Clone, Default)]
struct Everywhere(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Connector for Everywhere {
    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
        self.0.lock().unwrap().push(target.host.clone());
        if target.host.ends_with(".test") {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, mut theirs) = tokio::io::duplex(4096);
        tokio::spawn(async move {
            let mut head = Vec::new();
            while theirs.read_buf(&mut head).await.is_ok_and(|read| read > 0) {
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    theirs.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                }
            }
        });
        Ok(Box::new(ours))
    }
}

fn client(transport: HyperTransportBuilder, url: BaseUrl) -> OtpsClient {
    OtpsClient::builder(transport.build().unwrap(), AuthToken::new("token").unwrap())
        .base_url(url)
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// Calls each of the URLs by a transport that this makes, and fails if any of them met the proxy.
async fn none_goes_through_a_proxy(builder: impl Fn() -> HyperTransportBuilder) {
    for url in LOOPBACK {
        let connector = Everywhere::default();
        let client = client(builder().connector(connector.clone()), BaseUrl::new(url).unwrap());
        client.receive_codes().await.unwrap();
        let targets = connector.0.lock().unwrap();
        assert_eq!(targets.len(), 1, "{url}: {targets:?}");
        assert_ne!(targets[0], "proxy.test", "{url} went through the proxy");
    }
}

#[tokio::test]
async fn a_configured_proxy_gets_no_request_for_loopback() {
    none_goes_through_a_proxy(|| {
        let proxy = Proxy::new("http://proxy.test:3128").unwrap();
        HyperTransport::builder().proxy(proxy.basic_auth("user", "password").unwrap())
    })
    .await;
}

#[tokio::test]
async fn a_proxy_of_the_environment_gets_no_request_for_loopback() {
    for names in
        [&["HTTP_PROXY"][..], &["http_proxy"], &["ALL_PROXY"], &["all_proxy", "HTTPS_PROXY"]]
    {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "child"]).env_remove("NO_PROXY").env_remove("no_proxy");
        for name in names {
            child.env(name, PROXY);
        }
        let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{names:?}: {said}");
    }
}

/// Runs in a process of its own, since the environment is one for all threads.
#[tokio::test]
#[ignore = "run by the test above, with its environment"]
async fn child() {
    none_goes_through_a_proxy(|| HyperTransport::builder().proxy_from_env()).await;
    // The environment is read, and what goes elsewhere does use it.
    let connector = Everywhere::default();
    let transport = HyperTransport::builder().proxy_from_env().connector(connector.clone());
    let elsewhere = client(transport, BaseUrl::new("https://service.test/metal/v1").unwrap());
    elsewhere.receive_codes().await.unwrap_err();
    let names_https = std::env::var("HTTP_PROXY").is_err() && std::env::var("http_proxy").is_err();
    let expected = if names_https { "proxy.test" } else { "service.test" };
    assert_eq!(connector.0.lock().unwrap()[0], expected);
}

/// The same over sockets: the proxy's listener is never connected to, and the server gets the request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_gets_the_request_and_the_proxy_no_connection() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let server = Server::start(
        Wire::from(Protocol::Http1).in_the_clear(),
        Fault::Answer(Reply::status(204)),
    );
    for host in ["127.0.0.1", "localhost", "LOCALHOST"] {
        let url = format!("http://{host}:{}/metal/v1", server.address().port());
        let through = Proxy::new(format!("http://{}", proxy.local_addr().unwrap())).unwrap();
        let client = client(HyperTransport::builder().proxy(through), BaseUrl::new(url).unwrap());
        client.receive_codes().await.unwrap();
    }
    assert_eq!(server.received().len(), 3);
    assert_eq!(proxy.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}
