//! A name has several addresses, and some of them do not work.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_conformance::hostile::{Fault, Protocol, Reply, Server, Wire};
use otp_core::{
    AuthToken, BaseUrl, Effect, Error, ErrorKind, OtpsApi, OtpsClient, RetryPolicy, async_trait,
};
use otp_hyper::{
    HyperTransport, HyperTransportBuilder, Proxy, Resolver, SystemResolver, Target, TcpConnector,
};
use support::TOKEN;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;

/// The delay before the next address is tried.
const DELAY: Duration = Duration::from_millis(250);

/// Far more than anything here takes that does not have to wait.
const LONG: Duration = Duration::from_secs(20);

/// Answers this to every question, and remembers the questions.
#[derive(Clone)]
struct Answers {
    addresses: Arc<Vec<SocketAddr>>,
    asked: Arc<Mutex<Vec<Target>>>,
}

impl Answers {
    fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { addresses: Arc::new(Vec::from_iter(addresses)), asked: Arc::default() }
    }

    fn asked(&self) -> Vec<(String, u16)> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|target| (target.host.clone(), target.port)).collect()
    }
}

#[async_trait]
impl Resolver for Answers {
    async fn resolve(&self, target: &Target) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().unwrap().push(target.clone());
        Ok(self.addresses.to_vec())
    }
}

fn wire() -> Wire {
    Wire::from(Protocol::Http1).in_the_clear()
}

/// A server that answers.
fn good() -> Server {
    Server::start(wire(), Fault::Answer(Reply::status(204)))
}

/// An address that does not answer at all: what is sent to it is dropped.
fn silent() -> Server {
    Server::start(wire(), Fault::HangInConnect)
}

/// An address that refuses connections, for as long as it is kept.
fn refused() -> Server {
    Server::start(wire(), Fault::Refused)
}

/// An address of IPv6 that cannot be reached from this machine: a link that it does not have.
fn broken_ipv6() -> SocketAddr {
    std::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, u32::MAX).into()
}

fn client(transport: HyperTransportBuilder) -> OtpsClient {
    client_of(transport, "http://service.test/metal/v1")
}

/// A name that no resolver is asked for, since its label is longer than DNS has them (RFC 1035 §2.3.4).
fn no_such_host() -> String {
    format!("http://{}.invalid", "a".repeat(64))
}

fn client_of(transport: HyperTransportBuilder, url: &str) -> OtpsClient {
    OtpsClient::builder(transport.build().unwrap(), AuthToken::new(TOKEN).unwrap())
        .base_url(BaseUrl::dangerously_in_the_clear(url).unwrap())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// One call to a name with these addresses: how it ended, and after what time.
async fn call(addresses: &[SocketAddr]) -> (Result<(), Error>, Duration) {
    let transport = HyperTransport::builder()
        .resolver(Answers::new(addresses.iter().copied()))
        .connect_timeout(Duration::from_secs(10));
    let client = client(transport);
    let start = Instant::now();
    let outcome = tokio::time::timeout(LONG, client.receive_codes()).await.unwrap();
    (outcome, start.elapsed())
}

#[tokio::test]
async fn a_silent_address_costs_a_quarter_of_a_second() {
    let (silent, good) = (silent(), good());
    let (outcome, took) = call(&[silent.address(), good.address()]).await;
    outcome.unwrap();
    assert!(took >= DELAY && took < 3 * DELAY, "{took:?}");
    assert_eq!((good.connections(), good.requests()), (1, 1));
}

#[tokio::test]
async fn three_silent_addresses_cost_three_quarters_of_a_second() {
    let (silent, good) = ([silent(), silent(), silent()], good());
    let mut addresses = silent.each_ref().map(Server::address).to_vec();
    addresses.push(good.address());
    let (outcome, took) = call(&addresses).await;
    outcome.unwrap();
    assert!(took >= 3 * DELAY && took < 5 * DELAY, "{took:?}");
    assert_eq!((good.connections(), good.requests()), (1, 1));
}

#[tokio::test]
async fn an_address_that_refuses_costs_no_time() {
    let (refused, good) = (refused(), good());
    let (outcome, took) = call(&[refused.address(), good.address()]).await;
    outcome.unwrap();
    assert!(took < DELAY, "{took:?}");
    assert_eq!((good.connections(), good.requests()), (1, 1));
}

#[tokio::test]
async fn broken_ipv6_costs_no_time() {
    let good = good();
    let (outcome, took) = call(&[broken_ipv6(), good.address()]).await;
    outcome.unwrap();
    assert!(took < DELAY, "{took:?}");
    assert_eq!((good.connections(), good.requests()), (1, 1));
}

#[tokio::test]
async fn an_address_that_works_is_the_only_one_used() {
    let (good, other) = (good(), good());
    let (outcome, took) = call(&[good.address(), other.address()]).await;
    outcome.unwrap();
    assert!(took < DELAY, "{took:?}");
    assert_eq!((good.connections(), other.connections()), (1, 0));
}

#[tokio::test]
async fn an_address_that_is_named_twice_is_tried_once() {
    let (silent, good) = (silent(), good());
    let twice = [silent.address(), silent.address(), silent.address(), good.address()];
    let (outcome, took) = call(&twice).await;
    outcome.unwrap();
    assert!(took < 2 * DELAY, "{took:?}");
}

#[tokio::test]
async fn silent_addresses_end_at_the_connect_timeout_and_nothing_was_sent() {
    let silent = [silent(), silent(), silent()];
    let transport = HyperTransport::builder()
        .resolver(Answers::new(silent.each_ref().map(Server::address)))
        .connect_timeout(Duration::from_millis(600));
    let start = Instant::now();
    let error = client(transport).receive_codes().await.unwrap_err();
    let took = start.elapsed();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::NotApplied));
    assert!(error.to_string().contains("connecting took too long"), "{error}");
    assert!(took >= Duration::from_millis(600) && took < Duration::from_millis(900), "{took:?}");
}

#[tokio::test]
async fn if_all_refuse_the_error_says_so_at_once_and_how_many_there_were() {
    let refused = [refused(), refused(), refused()];
    let addresses = refused.each_ref().map(Server::address);
    let (outcome, took) = call(&addresses).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::NotApplied));
    assert!(took < DELAY, "{took:?}");
    let words = words_of(&error);
    assert_eq!(
        error.to_string(),
        format!(
            "receive_codes failed: no connection: none of 3 addresses could be connected to: {words}; the request \
             was not sent: check that the server runs, and the host and port of the base URL"
        )
    );

    // One address needs no count.
    let (outcome, _) = call(&addresses[..1]).await;
    assert!(!outcome.unwrap_err().to_string().contains("addresses"));
    // Unreachable says less than refused, in any order.
    for pair in [[broken_ipv6(), addresses[0]], [addresses[0], broken_ipv6()]] {
        let (outcome, _) = call(&pair).await;
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains("none of 2 addresses"), "{error}");
        assert!(error.to_string().contains(&words), "{error}");
    }
}

/// The system's words for "refused", of the error's source.
fn words_of(error: &Error) -> String {
    use std::error::Error as _;
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
            assert!(cause.raw_os_error().is_some(), "{cause:?}");
            return cause.to_string();
        }
        source = cause.source();
    }
    panic!("{error:?} has no cause");
}

#[tokio::test]
async fn a_name_without_addresses_is_a_clear_error() {
    let (outcome, _) = call(&[]).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::NotApplied));
    assert_eq!(
        error.to_string(),
        "receive_codes failed: no connection: the host name could not be resolved: it has no address; the request \
         was not sent: check the host of the base URL, and DNS"
    );
    let none = TcpConnector::connect_any([]).await.unwrap_err();
    assert_eq!(none.kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_resolver_that_fails_says_nothing_of_its_own_text() {
    struct Fails;

    #[async_trait]
    impl Resolver for Fails {
        async fn resolve(&self, _: &Target) -> io::Result<Vec<SocketAddr>> {
            Err(io::Error::new(io::ErrorKind::TimedOut, "s3cret"))
        }
    }

    struct Asks;

    #[async_trait]
    impl Resolver for Asks {
        async fn resolve(&self, target: &Target) -> io::Result<Vec<SocketAddr>> {
            SystemResolver.resolve(target).await
        }
    }

    let error =
        client(HyperTransport::builder().resolver(Fails)).receive_codes().await.unwrap_err();
    let sentence = format!("{error} {error:?}");
    assert!(error.to_string().contains("could not be resolved: timed out;"), "{sentence}");
    assert!(!sentence.contains("s3cret"), "{sentence}");
    // A resolver may pass the system's words on.
    let asking = client_of(HyperTransport::builder().resolver(Asks), &no_such_host());
    let error = asking.receive_codes().await.unwrap_err();
    let sentence = error.to_string();
    assert!(sentence.contains("could not be resolved: "), "{sentence}");
    assert!(!sentence.contains("other error") && !sentence.contains("uncategorized"), "{sentence}");
}

#[tokio::test]
async fn the_resolver_is_asked_for_names_only_and_for_the_proxy_s_name_instead_of_the_server_s() {
    let good = good();
    let resolver = Answers::new([good.address()]);
    client(HyperTransport::builder().resolver(resolver.clone())).receive_codes().await.unwrap();
    assert_eq!(resolver.asked(), [("service.test".to_owned(), 80)]);

    // An address needs no resolver.
    let resolver = Answers::new([]);
    let transport = HyperTransport::builder().resolver(resolver.clone());
    client_of(transport, &good.base_url().to_string()).receive_codes().await.unwrap();
    assert!(resolver.asked().is_empty());

    // The server's name is the proxy's business. All addresses of the proxy are tried.
    let (refused, silent) = (refused(), silent());
    let resolver = Answers::new([refused.address(), silent.address(), good.address()]);
    let proxied = HyperTransport::builder()
        .resolver(resolver.clone())
        .proxy(Proxy::new("http://proxy.test:3128").unwrap());
    let start = Instant::now();
    // The server plays the proxy too: its 204 to CONNECT makes a tunnel to itself.
    client(proxied).receive_codes().await.unwrap();
    assert!(start.elapsed() < 3 * DELAY);
    assert_eq!(resolver.asked(), [("proxy.test".to_owned(), 3128)]);
    assert_eq!(good.connections(), 3);
}

/// A listener of this test's own whose queue is full, with what fills it.
struct Full {
    listener: TcpListener,
    _fillers: Vec<std::net::TcpStream>,
}

impl Full {
    fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let listener = socket.listen(1).unwrap();
        let mut fillers = Vec::new();
        while let Ok(filler) =
            std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50))
        {
            fillers.push(filler);
            assert!(fillers.len() < 64, "the queue has an end");
        }
        Self { listener, _fillers: fillers }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// How many sockets are connecting to it, by the kernel's table.
    #[cfg(target_os = "linux")]
    fn attempts(&self) -> usize {
        let port = format!(":{:04X}", self.address().port());
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        fields.filter(|fields| fields[2].ends_with(&port) && fields[3] == "02").count()
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn when_one_connects_all_other_attempts_are_closed() {
    let silent = [Full::new(), Full::new()];
    let good = good();
    let addresses = [silent[0].address(), silent[1].address(), good.address()];
    let connecting = TcpConnector::connect_any(addresses);
    let stream = tokio::time::timeout(LONG, connecting).await.unwrap().unwrap();
    assert_eq!(stream.peer_addr().unwrap(), good.address());
    assert!(stream.nodelay().unwrap());
    assert_eq!(silent.each_ref().map(Full::attempts), [0, 0]);
    assert_eq!(good.connections(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn when_the_future_is_dropped_all_attempts_are_closed() {
    let silent = [Full::new(), Full::new(), Full::new()];
    let addresses = silent.each_ref().map(Full::address);
    let mut connecting = Box::pin(TcpConnector::connect_any(addresses));
    // Until all three are on their way.
    let all = std::future::poll_fn(|cx| {
        assert!(connecting.as_mut().poll(cx).is_pending());
        match silent.each_ref().map(Full::attempts) {
            [1, 1, 1] => std::task::Poll::Ready(()),
            _ => std::task::Poll::Pending,
        }
    });
    tokio::time::timeout(LONG, all).await.unwrap();
    drop(connecting);
    assert_eq!(silent.each_ref().map(Full::attempts), [0, 0, 0]);
}
