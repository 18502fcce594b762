//! Ways to the service other than TCP: proxies, Unix sockets, memory; and showing a client certificate.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use otp_conformance::hostile::{Fault, Reply, Server, Wire, tls};
use otp_core::{AuthToken, BaseUrl, Effect, ErrorKind, OtpsApi, OtpsClient, async_trait};
use otp_hyper::{
    Connector, HyperTransport, HyperTransportBuilder, Identity, Proxy, Roots, Stream, Target,
};
use support::{Outcome, PROTOCOLS, TOKEN, call};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn client(transport: HyperTransportBuilder, url: BaseUrl) -> OtpsClient {
    OtpsClient::builder(transport.build().unwrap(), AuthToken::new(TOKEN).unwrap())
        .base_url(url)
        .build()
        .unwrap()
}

/// A proxy that answers this to `CONNECT`, and tunnels if that is a `200`; with the heads it received.
async fn proxy(answer: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    tokio::spawn(async move {
        loop {
            let (mut inward, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let head = read_head(&mut inward).await;
                let target = head.split(' ').nth(1).unwrap().to_owned();
                log.lock().unwrap().push(head);
                inward.write_all(answer.as_bytes()).await.unwrap();
                if answer.contains(" 200 ") {
                    let mut outward = TcpStream::connect(target).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut inward, &mut outward).await;
                }
            });
        }
    });
    (address, heads)
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_proxy_gets_its_credentials_and_sees_nothing_else() {
    for protocol in PROTOCOLS {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let (address, heads) = proxy("HTTP/1.1 200 Established\r\n\r\n").await;
        let proxy = Proxy::new(format!("http://{address}")).unwrap();
        let proxy = proxy.basic_auth("user", "pa:ss").unwrap();
        let transport =
            HyperTransport::builder().roots(Roots::pem(server.ca_pem()).unwrap()).proxy(proxy);
        let client = client(transport, server.base_url());
        assert_eq!(call(&client, "receive_codes").await.unwrap(), Outcome::Sent);

        let heads = heads.lock().unwrap();
        let to = server.address();
        assert_eq!(heads.len(), 1);
        assert_eq!(
            heads[0],
            format!(
                "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\
                 Proxy-Authorization: Basic dXNlcjpwYTpzcw==\r\n\r\n"
            )
        );
        let received = server.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].header("proxy-authorization"), None);
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_no_connection_and_nothing_is_sent() {
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\n\r\n",
        "nonsense\r\n\r\n",
        "",
    ] {
        let server = Server::start(PROTOCOLS[0], Fault::Answer(Reply::status(204)));
        let (address, _) = proxy(answer).await;
        let transport = HyperTransport::builder()
            .roots(Roots::pem(server.ca_pem()).unwrap())
            .proxy(Proxy::new(format!("http://{address}")).unwrap());
        let error = client(transport, server.base_url()).receive_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::NotApplied));
        assert!(error.to_string().contains("proxy"), "{error}");
        assert!(server.received().is_empty());
    }
}

/// A proxy may lock the account after a few wrong attempts.
#[tokio::test]
async fn what_a_proxy_refuses_is_asked_once_and_what_it_could_not_do_three_times() {
    let server = Server::start(PROTOCOLS[0], Fault::Answer(Reply::status(204)));
    for (answer, asked, told) in [
        ("HTTP/1.1 407 Needed\r\n\r\n", 1, "(HTTP 407)"),
        ("HTTP/1.1 407 Needed\r\nProxy-Authenticate: Basic\r\n\r\n", 1, "(HTTP 407)"),
        ("HTTP/1.1 407 Needed\r\nproxy-authenticate: NTLM, Negotiate\r\n\r\n", 1, "another scheme"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", 1, "does not allow it (HTTP 403)"),
        ("HTTP/1.1 401 Unauthorized\r\n\r\n", 1, "(HTTP 401)"),
        ("HTTP/1.1 405 Method Not Allowed\r\n\r\n", 1, "(HTTP 405)"),
        ("HTTP/1.1 429 Too Many Requests\r\n\r\n", 1, "(HTTP 429)"),
        ("HTTP/1.1 302 Found\r\n\r\n", 1, "(HTTP 302)"),
        ("HTTP/1.1 501 Not Implemented\r\n\r\n", 1, "(HTTP 501)"),
        ("HTTP/1.1 511 Network Authentication Required\r\n\r\n", 1, "(HTTP 511)"),
        ("nonsense\r\n\r\n", 1, "not an HTTP proxy"),
        ("HTTP/1.1 500 Internal Server Error\r\n\r\n", 3, "(HTTP 500)"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 3, "could not connect to the server (HTTP 502)"),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", 3, "not available (HTTP 503)"),
        ("HTTP/1.1 504 Gateway Timeout\r\n\r\n", 3, "in time (HTTP 504)"),
        ("", 3, "closed the connection"),
    ] {
        for operation in ["receive_codes", "find_recovery_codes"] {
            for credentials in [false, true] {
                let (address, heads) = proxy(answer).await;
                let mut proxy = Proxy::new(format!("http://{address}")).unwrap();
                if credentials {
                    proxy = proxy.basic_auth("user", "wrong").unwrap();
                }
                let roots = Roots::pem(server.ca_pem()).unwrap();
                let transport = HyperTransport::builder().roots(roots).proxy(proxy);
                let error =
                    call(&client(transport, server.base_url()), operation).await.unwrap_err();
                assert_eq!(
                    (error.kind(), error.effect()),
                    (ErrorKind::Connect, Effect::NotApplied)
                );
                assert_eq!(heads.lock().unwrap().len(), asked, "{answer} {operation}");
                assert_eq!(error.attempts().len(), asked);
                assert!(error.to_string().contains(told), "{error}");
            }
        }
    }
    assert_eq!((server.connections(), server.requests()), (0, 0));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_as_the_cause() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = Server::start(PROTOCOLS[0], Fault::Answer(Reply::status(204)));
    let transport = HyperTransport::builder()
        .roots(Roots::pem(server.ca_pem()).unwrap())
        .proxy(Proxy::new(format!("http://{nobody}")).unwrap());
    let error = client(transport, server.base_url()).receive_codes().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::NotApplied));
    let sentence = error.to_string();
    let (_, cause) = sentence.split_once("the proxy cannot be reached: ").unwrap();
    assert!(cause.contains("refused"), "{error}");
    assert!(server.received().is_empty());
}

#[test]
fn a_proxy_s_password_is_not_shown() {
    let proxy = Proxy::new("http://proxy.test:3128").unwrap().basic_auth("u", "hunter2").unwrap();
    let shown = format!("{proxy:?} {:?}", HyperTransport::builder().proxy(proxy.clone()));
    assert!(!shown.contains("hunter2") && !shown.contains("dTpodW50ZXIy"), "{shown}");
    for (bad, told) in [
        ("proxy:3128", "http"),
        ("socks5://proxy", "scheme"),
        ("http://u:hunter2@proxy", "basic_auth"),
        ("http://proxy/path", "path"),
        ("http://proxy:99999", "port"),
        ("http://proxy:0", "port"),
        ("http://proxy:", "port"),
        ("", "URL"),
    ] {
        let sentence = Proxy::new(bad).unwrap_err().to_string();
        assert!(sentence.contains(told) && !sentence.contains("hunter2"), "{bad}: {sentence}");
    }
    assert!(proxy.basic_auth("a:b", "c").is_err());
}

/// Answers one request after another with `204`, and remembers their heads.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, heads: Arc<Mutex<Vec<String>>>) {
    loop {
        let head = read_head(&mut stream).await;
        heads.lock().unwrap().push(head);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    }
}

#[tokio::test]
async fn in_memory() {
    struct InMemory(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<Target>>>);

    #[async_trait]
    impl Connector for InMemory {
        async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
            self.1.lock().unwrap().push(target.clone());
            let (ours, theirs) = tokio::io::duplex(1024);
            tokio::spawn(answer(theirs, Arc::clone(&self.0)));
            Ok(Box::new(ours))
        }
    }

    for (url, host, port) in [
        ("http://localhost/metal/v1", "localhost", 80),
        ("http://localhost:8080/metal/v1", "localhost", 8080),
        ("http://[::1]:99/metal/v1", "::1", 99),
    ] {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let targets = Arc::new(Mutex::new(Vec::new()));
        let connector = InMemory(Arc::clone(&heads), Arc::clone(&targets));
        let transport = HyperTransport::builder().connector(connector);
        let client = client(transport, BaseUrl::new(url).unwrap());
        client.receive_codes().await.unwrap();
        client.receive_codes().await.unwrap();
        assert_eq!(heads.lock().unwrap().len(), 2);
        let targets = targets.lock().unwrap();
        assert_eq!(targets.len(), 1, "the connection is kept");
        assert_eq!((targets[0].host.as_str(), targets[0].port), (host, port));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn over_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("otp-hyper-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        answer(stream, log).await;
    });
    let transport = HyperTransport::builder().connector(otp_hyper::UnixSocket::new(&path));
    let client = client(transport, BaseUrl::new("http://localhost/metal/v1").unwrap());
    client.receive_codes().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let heads = heads.lock().unwrap();
    assert!(heads[0].contains("\r\nhost: localhost\r\n"), "{}", heads[0]);
}

#[tokio::test]
async fn a_server_that_asks_who_is_calling_is_told() {
    let (certificate, key) = tls::client_identity();
    for protocol in PROTOCOLS {
        let server = Server::start(
            Wire::from(protocol).with_client_certificates(),
            Fault::Answer(Reply::status(204)),
        );
        let roots = Roots::pem(server.ca_pem()).unwrap();
        let identity = Identity::pem(&certificate, &key).unwrap();
        let known = HyperTransport::builder().roots(roots.clone()).identity(identity);
        client(known, server.base_url()).receive_codes().await.unwrap();
        assert_eq!(server.received().len(), 1);

        let unknown = HyperTransport::builder().roots(roots);
        assert!(client(unknown, server.base_url()).receive_codes().await.is_err());
        assert_eq!(server.received().len(), 1, "nobody unknown gets through");
    }
}

#[test]
fn an_identity_that_cannot_be_is_refused_when_it_is_built() {
    let (certificate, key) = tls::client_identity();
    let (_, other_key) = tls::client_identity();
    assert!(Identity::pem("", &key).is_err());
    assert!(Identity::pem(&certificate, "").is_err());
    assert!(Identity::pem(&key, &certificate).is_err());
    let mixed = Identity::pem(&certificate, &other_key).unwrap();
    let error = HyperTransport::builder().identity(mixed).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let shown = format!("{:?}", Identity::pem(&certificate, &key).unwrap());
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
