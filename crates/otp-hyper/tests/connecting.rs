//! Making connections: for calls that wait, give up or are served otherwise. Every server here counts what it received.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use otp_conformance::hostile::{Fault, Protocol, Reply, Server};
use otp_core::operation::ReceiveCodes;
use otp_core::{BaseUrl, Effect, ErrorKind, OtpsApi, RetryPolicy, async_trait};
use otp_hyper::{Connector, HyperTransport, Roots, Stream, Target};
use support::pool::{Busy, address, all, client_of};
use tokio::net::TcpStream;

/// Connects when it is told to, and counts how often it was asked.
#[derive(Clone)]
struct Gate {
    asked: Arc<AtomicUsize>,
    open: Arc<tokio::sync::Semaphore>,
    to: SocketAddr,
}

#[async_trait]
impl Connector for Gate {
    async fn connect(&self, _: &Target) -> std::io::Result<Box<dyn Stream>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _open = self.open.acquire().await;
        Ok(Box::new(TcpStream::connect(self.to).await?))
    }
}

impl Gate {
    fn to(server: &Busy) -> Self {
        let open = Arc::new(tokio::sync::Semaphore::new(0));
        Self { asked: Arc::default(), open, to: server.address }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn when_the_first_caller_gives_up_the_others_use_the_connection_that_it_asked_for() {
    let server = Busy::start(100, Duration::ZERO);
    let gate = Gate::to(&server);
    let client = server.client(|builder| builder.connector(gate.clone()));
    let mut calls: Vec<_> = (0..51)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.receive_codes().await })
        })
        .collect();
    while gate.asked() == 0 {
        tokio::task::yield_now().await;
    }
    calls.remove(0).abort();
    gate.open.add_permits(100);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((gate.asked(), server.counts()), (1, (50, 1)));
}

#[tokio::test]
async fn the_connect_timeout_is_counted_once_for_all_who_wait() {
    let server = Busy::start(100, Duration::ZERO);
    let gate = Gate::to(&server);
    let limit = Duration::from_millis(300);
    let client = server.client(|builder| builder.connector(gate.clone()).connect_timeout(limit));
    let started = Instant::now();
    let results = all((0..20).map(|_| {
        let client = client.clone();
        async move { client.call(ReceiveCodes).retry(RetryPolicy::never()).send().await }
    }))
    .await;
    assert!(started.elapsed() < limit * 2, "{:?}", started.elapsed());
    for error in results.into_iter().map(Result::unwrap_err) {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::NotApplied));
        assert!(error.to_string().contains("connecting took too long"), "{error}");
    }
    assert_eq!((gate.asked(), server.counts()), (1, (0, 0)));
}

#[tokio::test]
async fn nobody_connects_for_calls_that_gave_up() {
    let server = Busy::start(100, Duration::ZERO);
    let gate = Gate::to(&server);
    let client = server.client(|builder| builder.connector(gate.clone()));
    for asked in 1..=5 {
        assert!(
            tokio::time::timeout(Duration::from_millis(20), client.receive_codes()).await.is_err()
        );
        assert_eq!(gate.asked(), asked);
    }
    // Those attempts are over: opening the gate now lets none of them through.
    tokio::task::yield_now().await;
    gate.open.add_permits(100);
    client.receive_codes().await.unwrap();
    assert_eq!(server.counts(), (1, 1));
}

/// A connector that panics.
struct Panics;

#[async_trait]
impl Connector for Panics {
    async fn connect(&self, _: &Target) -> std::io::Result<Box<dyn Stream>> {
        panic!("no stream here");
    }
}

#[tokio::test]
async fn a_connector_that_panics_fails_the_call_and_nothing_else() {
    let transport = HyperTransport::builder().connector(Panics).build().unwrap();
    let client = client_of(transport, BaseUrl::new("http://127.0.0.1:9").unwrap());
    for _ in 0..2 {
        let error = client.receive_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, Effect::NotApplied));
        assert!(error.to_string().contains("the connector panicked"), "{error}");
    }
}

#[tokio::test]
async fn an_origin_that_cannot_be_reached_leaves_nothing_behind() {
    let transport = HyperTransport::builder().build().unwrap();
    for port in [1, 2, 3] {
        let url = BaseUrl::new(format!("http://127.0.0.1:{port}")).unwrap();
        let call = client_of(transport.clone(), url);
        let error = call.call(ReceiveCodes).retry(RetryPolicy::never()).send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
    }
    assert!(format!("{transport:?}").contains("origins: 0"), "{transport:?}");
}

#[tokio::test]
async fn a_server_that_learns_http2_is_spoken_to_in_http2() {
    // The first connections speak HTTP/1.1, the later ones HTTP/2: two servers behind one address.
    #[derive(Clone)]
    struct Switch(Arc<Mutex<SocketAddr>>);
    #[async_trait]
    impl Connector for Switch {
        async fn connect(&self, _: &Target) -> std::io::Result<Box<dyn Stream>> {
            let to = *self.0.lock().unwrap();
            Ok(Box::new(TcpStream::connect(to).await?))
        }
    }
    let old = Server::start(Protocol::Http1, Fault::Answer(Reply::status(204)));
    let new = Server::start(Protocol::Http2, Fault::Answer(Reply::status(204)));
    let address = |server: &Server| {
        format!("127.0.0.1:{}", server.base_url().port()).parse::<SocketAddr>().unwrap()
    };
    let switch = Switch(Arc::new(Mutex::new(address(&old))));
    let transport = HyperTransport::builder()
        .roots(Roots::pem(old.ca_pem()).unwrap())
        .connector(switch.clone())
        .pool_idle_timeout(Duration::ZERO)
        .build()
        .unwrap();
    let client = client_of(transport, old.base_url());
    client.receive_codes().await.unwrap();
    *switch.0.lock().unwrap() = address(&new);
    let burst = || {
        all((0..20).map(|_| {
            let client = client.clone();
            async move { client.receive_codes().await.unwrap() }
        }))
    };
    burst().await;
    let before = new.connections();
    burst().await;
    assert!(new.connections() - before <= 1, "it was forgotten that connections can be shared");
    assert_eq!((old.requests(), new.requests()), (1, 40));
}

/// Connects to where it is told, or refuses, and counts how often it was asked.
#[derive(Clone)]
struct Switched {
    asked: Arc<AtomicUsize>,
    to: Arc<Mutex<Option<SocketAddr>>>,
}

#[async_trait]
impl Connector for Switched {
    async fn connect(&self, _: &Target) -> std::io::Result<Box<dyn Stream>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let to = *self.to.lock().unwrap();
        let to = to.ok_or(std::io::ErrorKind::ConnectionRefused)?;
        Ok(Box::new(TcpStream::connect(to).await?))
    }
}

impl Switched {
    fn to(address: SocketAddr) -> Self {
        Self { asked: Arc::default(), to: Arc::new(Mutex::new(Some(address))) }
    }

    fn turn(&self, to: Option<SocketAddr>) {
        *self.to.lock().unwrap() = to;
    }

    async fn asked(&self, times: usize) {
        while self.asked.load(Ordering::SeqCst) < times {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn a_further_connection_is_tried_again_while_the_first_one_is_busy() {
    let server = Busy::start(1, Duration::from_secs(3));
    let switched = Switched::to(server.address);
    let client = server.client(|builder| builder.connector(switched.clone()));
    let call = || {
        let client = client.clone();
        tokio::spawn(async move { client.receive_codes().await })
    };
    let first = call();
    while server.counts().0 < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    switched.turn(None);
    let second = call();
    switched.asked(2).await;
    switched.turn(Some(server.address));
    while server.counts().0 < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Before, the second call waited for the first one's stream.
    assert!(!first.is_finished());
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!((server.counts(), switched.asked.load(Ordering::SeqCst)), ((2, 2), 3));
}

#[tokio::test]
async fn beside_a_working_connection_a_failing_one_is_not_tried_without_a_pause() {
    let answer = Fault::Answer(Reply::status(204));
    let old = Server::sequence(Protocol::Http2, vec![answer, Fault::Deaf]);
    let reply = Reply::status(204).header("keep-alive", "timeout=1");
    let new = Server::start(Protocol::Http1, Fault::Answer(reply));
    let switched = Switched::to(address(&old));
    let builder = HyperTransport::builder().roots(Roots::pem(old.ca_pem()).unwrap());
    let client = client_of(builder.connector(switched.clone()).build().unwrap(), old.base_url());
    // The first call reads all that the server says at the start. The second one is dropped without an answer, so
    // the connection may be dead.
    client.receive_codes().await.unwrap();
    let mut dropped = Box::pin(client.receive_codes());
    while old.requests() < 2 {
        tokio::select! {
            biased;
            _ = &mut dropped => panic!("nothing is answered"),
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
    }
    drop(dropped);
    // Then the origin speaks HTTP/1.1, and then it is gone.
    switched.turn(Some(address(&new)));
    client.receive_codes().await.unwrap();
    switched.turn(None);
    let patience = Duration::from_millis(600);
    let _ = tokio::time::timeout(patience, client.receive_codes()).await;
    let asked = switched.asked.load(Ordering::SeqCst);
    assert!((3..=4).contains(&asked), "{asked}");
}

/// The first and the second connection go where they are told at once; each further one waits for a permit.
#[derive(Clone)]
struct Scripted {
    asked: Arc<AtomicUsize>,
    to: [SocketAddr; 2],
    open: Arc<tokio::sync::Semaphore>,
}

#[async_trait]
impl Connector for Scripted {
    async fn connect(&self, _: &Target) -> std::io::Result<Box<dyn Stream>> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        if number >= 2 {
            self.open.acquire().await.unwrap().forget();
        }
        Ok(Box::new(TcpStream::connect(self.to[number.min(1)]).await?))
    }
}

#[tokio::test]
async fn connections_that_nobody_needs_any_more_are_given_up() {
    let old = Server::start(Protocol::Http1, Fault::Answer(Reply::status(204)));
    let new = Server::start(Protocol::Http2, Fault::Answer(Reply::status(204)));
    let open = Arc::new(tokio::sync::Semaphore::new(0));
    let to = [&old, &new].map(address);
    let connector = Scripted { asked: Arc::default(), to, open: Arc::clone(&open) };
    let builder = HyperTransport::builder().roots(Roots::pem(old.ca_pem()).unwrap());
    let builder = builder.connector(connector.clone()).pool_idle_timeout(Duration::ZERO);
    let client = client_of(builder.build().unwrap(), old.base_url());
    client.receive_codes().await.unwrap();
    // Each call wants a connection of its own, until the first one can be shared.
    let results = all((0..20).map(|_| {
        let client = client.clone();
        async move { client.receive_codes().await }
    }));
    for result in results.await {
        result.unwrap();
    }
    assert_eq!(connector.asked.load(Ordering::SeqCst), 21);
    open.add_permits(100);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(open.available_permits(), 100);
    assert_eq!((new.requests(), new.connections()), (20, 1));
}

#[tokio::test]
async fn a_connection_on_its_way_for_a_call_that_got_another_one_serves_a_later_call() {
    let server = Server::start(Protocol::Http1, Fault::Late(Duration::from_millis(100)));
    let open = Arc::new(tokio::sync::Semaphore::new(0));
    let to = [address(&server); 2];
    let connector = Scripted { asked: Arc::default(), to, open: Arc::clone(&open) };
    let asked = || connector.asked.load(Ordering::SeqCst);
    let builder = HyperTransport::builder().roots(Roots::pem(server.ca_pem()).unwrap());
    let client =
        client_of(builder.connector(connector.clone()).build().unwrap(), server.base_url());
    let call = || {
        let client = client.clone();
        async move { client.find_recovery_codes().await.map(drop) }
    };
    let first = [tokio::spawn(call()), tokio::spawn(call())];
    while server.requests() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The third connection waits at the gate, and its call gets one of the others.
    let _ = call().await;
    for call in first {
        let _ = call.await.unwrap();
    }
    assert_eq!((asked(), server.requests(), server.connections()), (3, 3, 2));
    open.add_permits(1);
    all((0..3).map(|_| call())).await;
    assert_eq!((asked(), server.requests(), server.connections()), (3, 6, 3));
}
