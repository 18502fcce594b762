//! What a person reads whose setup is wrong: host, port, scheme, CA, proxy, token, clock, network. Each is
//! provoked for real, and the whole sentence is a snapshot.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use otp_conformance::hostile::{Certificate, Fault, Protocol, Reply, Server, Wire};
use otp_core::{AuthToken, BaseUrl, Error, OtpsApi, OtpsClient, RetryPolicy, async_trait};
use otp_emulator::Emulator;
use otp_hyper::{
    Connector, HttpVersions, HyperTransport, HyperTransportBuilder, Identity, Proxy, Roots, Stream,
    Target,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A CA whose own certificate is good for `127.0.0.1`, and a server's certificate that it signed. They are of
/// this test alone, valid from 2020 for a hundred years.
const CA: [&str; 2] = [include_str!("data/ca.pem"), include_str!("data/ca.key.pem")];
const SERVER: [&str; 2] = [include_str!("data/server.pem"), include_str!("data/server.key.pem")];

/// No resolver is asked for a name whose label is longer than DNS has them (RFC 1035 §2.3.4).
const NO_SUCH_HOST: &str =
    "no-such-host-no-such-host-no-such-host-no-such-host-no-such-host.invalid";

fn builder() -> HyperTransportBuilder {
    HyperTransport::builder().roots(Roots::pem(CA[0]).unwrap())
}

fn trusting(server: &Server) -> HyperTransportBuilder {
    HyperTransport::builder().roots(Roots::pem(server.ca_pem()).unwrap())
}

fn client(transport: HyperTransportBuilder, url: BaseUrl) -> OtpsClient {
    OtpsClient::builder(transport.build().unwrap(), AuthToken::new("a-t0ken").unwrap())
        .base_url(url)
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// The sentence of a failed call.
async fn says(transport: HyperTransportBuilder, url: impl AsRef<str>) -> String {
    let url = url.as_ref();
    let error = client(transport, BaseUrl::new(url).unwrap()).receive_codes().await.unwrap_err();
    neutral(&error, url)
}

/// The sentence, with a mark in the place of the operating system's words. It names neither host nor path.
fn neutral(error: &Error, url: &str) -> String {
    let mut sentence = error.to_string();
    for forbidden in ["127.0.0.1", "localhost", "/metal", "a-t0ken", NO_SUCH_HOST, url] {
        assert!(!sentence.contains(forbidden), "{sentence}");
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(code) = cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            let words = io::Error::from_raw_os_error(code).to_string();
            sentence = sentence.replace(&words, "<the system's words>");
        }
        source = cause.source();
    }
    if let Some((before, after)) = sentence.split_once("could not be resolved: ") {
        let (words, rest) = after.split_once(';').unwrap();
        assert!(words.len() > 8 && !words.contains("uncategorized"), "{sentence}");
        sentence = format!("{before}could not be resolved: <the system's words>;{rest}");
    }
    sentence
}

/// A listener that reads something and answers this, on every connection.
async fn answering(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut some = [0; 4096];
                let _ = stream.read(&mut some).await;
                let _ = stream.write_all(answer).await;
                // Until the client has read it and leaves.
                let _ = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut some)).await;
            });
        }
    });
    port
}

/// Reads what comes, and closes in peace: unread bytes would make it a reset.
async fn hanging_up() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move { stream.read(&mut [0; 16 * 1024]).await });
        }
    });
    port
}

async fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Collects the sentences by what is wrong.
#[derive(Default)]
struct Told(String);

impl Told {
    fn add(&mut self, what: &str, sentence: impl AsRef<str>) {
        writeln!(self.0, "{what}:\n    {}", sentence.as_ref()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_port_and_scheme() {
    let mut told = Told::default();
    let url = BaseUrl::dangerously_in_the_clear(format!("http://{NO_SUCH_HOST}/metal/v1")).unwrap();
    let error = client(builder(), url).receive_codes().await.unwrap_err();
    told.add("the host does not exist", neutral(&error, "http:"));
    told.add("the host cannot exist", says(builder(), "https://a..b/metal/v1").await);
    told.add(
        "nothing listens there",
        says(builder(), format!("https://127.0.0.1:{}", nobody().await)).await,
    );

    let server = Server::start(Protocol::Http1, Fault::Answer(Reply::status(204)));
    let port = server.address().port();
    told.add(
        "http where https is spoken",
        says(builder(), format!("http://127.0.0.1:{port}")).await,
    );
    let http2 = builder().http_versions(HttpVersions::Http2);
    // Whether the request was handed over before the alert came depends on which side is faster.
    let sentence = says(http2, format!("http://127.0.0.1:{port}")).await;
    assert!(sentence.contains("the answer is not valid HTTP: it is TLS; "), "{sentence}");
    assert!(
        sentence.ends_with("write the base URL with 'https', or with the port that speaks HTTP")
    );
    assert!(server.received().is_empty());

    let emulator = Emulator::builder().plain().start().unwrap();
    let port = emulator.local_addr().port();
    told.add(
        "https where http is spoken",
        says(builder(), format!("https://127.0.0.1:{port}")).await,
    );
    let port = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    told.add(
        "the same with another server",
        says(builder(), format!("https://127.0.0.1:{port}")).await,
    );
    let port = hanging_up().await;
    told.add(
        "the port belongs to something else",
        says(builder(), format!("https://127.0.0.1:{port}")).await,
    );
    let port = answering(b"SSH-2.0-OpenSSH_9.9\r\n").await;
    told.add("the same, in the clear", says(builder(), format!("http://127.0.0.1:{port}")).await);

    let emulator = Emulator::start().unwrap();
    let roots = || HyperTransport::builder().roots(Roots::pem(emulator.ca_pem()).unwrap());
    let port = emulator.local_addr().port();
    told.add("no path in the base URL", says(roots(), format!("https://127.0.0.1:{port}")).await);
    told.add("another token", says(roots(), emulator.base_url().to_string()).await);
    insta::assert_snapshot!(told.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_tls() {
    let mut told = Told::default();
    for (what, certificate) in [
        ("the certificate has expired", Certificate::Expired),
        ("the certificate is not valid yet, or the clock is wrong", Certificate::NotYetValid),
        ("the certificate is for another host", Certificate::WrongHost),
        ("the certificate has the host as its common name only", Certificate::CommonNameOnly),
        ("the certificate is self-signed", Certificate::SelfSigned),
    ] {
        let server = Server::start(Protocol::Http1, Fault::Certificate(certificate));
        told.add(what, says(trusting(&server), server.base_url().to_string()).await);
        assert!(server.received().is_empty());
    }
    told.add("a CA's certificate is the server's", says(builder(), tls_server(CA).await).await);
    let stranger = HyperTransport::builder().roots(Roots::pem(SERVER[0]).unwrap());
    told.add("the CA is missing", says(stranger, tls_server(SERVER).await).await);

    let namesake = Roots::pem(include_str!("data/namesake_ca.pem")).unwrap();
    let namesake = HyperTransport::builder().roots(namesake);
    told.add("the CA was made anew", says(namesake, tls_server(SERVER).await).await);

    for (what, alert) in [
        ("the server speaks old TLS", &[21, 3, 1, 0, 2, 2, 70]),
        ("no cipher suite in common", &[21, 3, 1, 0, 2, 2, 40]),
        ("the server does not know the host name", &[21, 3, 1, 0, 2, 2, 112]),
        ("the server offers no HTTP that is allowed", &[21, 3, 3, 0, 2, 2, 120]),
        ("the server wants a client certificate at once", &[21, 3, 3, 0, 2, 2, 116]),
    ] {
        let server = Server::start(Protocol::Http1, Fault::NotTls(alert));
        told.add(what, says(trusting(&server), server.base_url().to_string()).await);
    }
    let http2 = || builder().http_versions(HttpVersions::Http2);
    told.add(
        "HTTP/2 alone is allowed, and not offered",
        says(http2(), tls_server(SERVER).await).await,
    );

    for protocol in [Protocol::Http1, Protocol::Http2] {
        let wire = Wire::from(protocol).with_client_certificates();
        let server = Server::start(wire, Fault::Answer(Reply::status(204)));
        let url = server.base_url().to_string();
        // The server refuses after its side of the handshake, so the request may be on its way.
        let sentence = says(trusting(&server), &url).await;
        assert_refused(&sentence, "the server wants a client certificate", "give the builder");
        let stranger = trusting(&server).identity(Identity::pem(CA[0], CA[1]).unwrap());
        let sentence = says(stranger, &url).await;
        assert_refused(
            &sentence,
            "the server refuses this client's certificate",
            "check the client",
        );
        assert!(server.received().is_empty());
    }
    insta::assert_snapshot!(told.0);
}

/// Which of two sentences it is depends on which side is faster. Both say what is wrong and what to do.
fn assert_refused(sentence: &str, reason: &str, advice: &str) {
    let known_unsent = format!("receive_codes failed: no trusted TLS connection: {reason}");
    let unknown = format!("receive_codes failed: the connection was lost: {reason}");
    // The server's alert may be overtaken by the end of its connection, and then nobody can know.
    let overtaken = ["broken pipe", "connection reset", "it was closed before"]
        .map(|words| format!("receive_codes failed: the connection was lost: {words}"));
    if overtaken.iter().any(|overtaken| sentence.to_lowercase().starts_with(overtaken)) {
        return;
    }
    assert!(
        (sentence.starts_with(&known_unsent) && sentence.contains("; the request was not sent: "))
            || (sentence.starts_with(&unknown)
                && sentence.contains("; the server may have acted: ")),
        "{sentence}"
    );
    assert!(sentence.contains(advice), "{sentence}");
}

/// A TLS server with this certificate and key, which answers nothing.
async fn tls_server([certificate, key]: [&str; 2]) -> String {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = acceptor.accept(stream).await;
        }
    });
    format!("https://127.0.0.1:{port}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxies() {
    let mut told = Told::default();
    let server = Server::start(Protocol::Http1, Fault::Answer(Reply::status(204)));
    let through = async |proxy: String| {
        let transport = trusting(&server).proxy(Proxy::new(proxy).unwrap());
        says(transport, server.base_url().to_string()).await
    };
    told.add("its host does not exist", through(format!("http://{NO_SUCH_HOST}:3128")).await);
    told.add(
        "nothing listens there",
        through(format!("http://127.0.0.1:{}", nobody().await)).await,
    );
    for (what, answer) in [
        ("it wants credentials", &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..]),
        ("it does not allow it", b"HTTP/1.1 403 Forbidden\r\n\r\n"),
        (
            "it wants credentials of another scheme",
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n",
        ),
        ("it does not reach the server", b"HTTP/1.1 502 Bad Gateway\r\n\r\n"),
        ("it is overloaded", b"HTTP/1.1 503 Service Unavailable\r\n\r\n"),
        ("it waits for the server", b"HTTP/1.1 504 Gateway Timeout\r\n\r\n"),
        ("it is a hotel's network", b"HTTP/1.1 511 Network Authentication Required\r\n\r\n"),
        ("it is a web server", b"HTTP/1.1 405 Method Not Allowed\r\n\r\n"),
        ("it is something else", b"SSH-2.0-OpenSSH_9.9\r\n"),
    ] {
        told.add(what, through(format!("http://127.0.0.1:{}", answering(answer).await)).await);
    }
    let port = answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    let known = Proxy::new(format!("http://127.0.0.1:{port}")).unwrap();
    let known = trusting(&server).proxy(known.basic_auth("user", "wrong").unwrap());
    told.add("it refuses the credentials", says(known, server.base_url().to_string()).await);
    let close = Server::start(Protocol::Http1, Fault::CloseInHandshake);
    told.add("it hangs up", through(format!("http://127.0.0.1:{}", close.address().port())).await);
    told.add(
        "it speaks TLS",
        through(format!("http://127.0.0.1:{}", server.address().port())).await,
    );
    let port = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    told.add("it does not speak TLS", through(format!("https://127.0.0.1:{port}")).await);
    told.add("its CA is missing", through(tls_server(CA).await).await);
    assert!(server.received().is_empty());
    insta::assert_snapshot!(told.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network() {
    struct Failing(io::ErrorKind);

    #[async_trait]
    impl Connector for Failing {
        async fn connect(&self, _: &Target) -> io::Result<Box<dyn Stream>> {
            Err(io::Error::new(self.0, "https://127.0.0.1/metal"))
        }
    }

    let mut told = Told::default();
    let unreachable = builder().connector(Failing(io::ErrorKind::NetworkUnreachable));
    told.add("there is no network", says(unreachable, "https://service.test").await);
    let other = builder().connector(Failing(io::ErrorKind::PermissionDenied));
    told.add("a connector fails in its own way", says(other, "https://service.test").await);
    let silent = Server::start(Protocol::Http1, Fault::HangInHandshake);
    let impatient = trusting(&silent).connect_timeout(Duration::from_millis(50));
    told.add("a firewall swallows it all", says(impatient, silent.base_url().to_string()).await);
    insta::assert_snapshot!(told.0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_that_is_not_there() {
    let missing = builder().connector(otp_hyper::UnixSocket::new("/no/such/metal.sock"));
    insta::assert_snapshot!(says(missing, "http://localhost").await);
}

/// Without a runtime it is an error, not a panic.
#[test]
fn no_runtime() {
    let client = client(builder(), BaseUrl::new("https://service.test").unwrap());
    let error = pollster::block_on(client.receive_codes()).unwrap_err();
    insta::assert_snapshot!(neutral(&error, "https:"));
}

#[test]
fn settings() {
    let mut told = Told::default();
    let mut refused = |what: &str, error: Option<Error>| told.add(what, error.unwrap().to_string());
    refused("no PEM", Roots::pem("/etc/ssl/ca.pem").err());
    refused("a key in the place of the CA", Roots::pem(CA[1]).err());
    refused("an identity without a key", Identity::pem(CA[0], CA[0]).err());
    refused("a proxy of another kind", Proxy::new("socks5://127.0.0.1:1080").err());
    refused("a proxy without a scheme", Proxy::new("proxy:3128").err());
    refused("credentials in the proxy's URL", Proxy::new("http://user:password@proxy:3128").err());
    insta::assert_snapshot!(told.0);
}
