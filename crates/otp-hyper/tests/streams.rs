//! Servers that take few HTTP/2 streams at a time, and the queue for these. Every server here counts what it received.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::operation::{ReceiveCodes, RegenerateCodes};
use otp_core::{BaseUrl, Effect, ErrorKind, OtpsApi, RetryPolicy};
use otp_hyper::{HttpVersions, HyperTransport};
use support::pool::{Busy, all, client_of, serve};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_server_of_ten_streams_answers_two_hundred_calls() {
    let server = Busy::start(10, Duration::from_millis(100));
    let client = server.client(|builder| builder);
    let results = all((0..200).map(|_| {
        let client = client.clone();
        async move { client.call(ReceiveCodes).send().await }
    }))
    .await;
    for result in results {
        assert_eq!(result.unwrap().metadata.attempts(), 1);
    }
    let (requests, connections) = server.counts();
    assert_eq!(requests, 200);
    assert!((2..=8).contains(&connections), "{connections} connections");
}

#[tokio::test]
async fn further_connections_are_bounded() {
    for most in [1, 3] {
        let server = Busy::start(5, Duration::from_millis(20));
        let client = server.client(|builder| builder.http2_max_connections(most));
        let results = all((0..100).map(|_| {
            let client = client.clone();
            async move { client.receive_codes().await }
        }))
        .await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(server.counts(), (100, most));
    }
}

#[tokio::test]
async fn a_server_that_takes_a_hundred_streams_gets_one_connection() {
    let server = Busy::start(100, Duration::from_millis(50));
    let client = server.client(|builder| builder);
    let results = all((0..100).map(|_| {
        let client = client.clone();
        async move { client.receive_codes().await }
    }))
    .await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server.counts(), (100, 1));
}

#[tokio::test]
async fn what_waits_for_a_stream_is_not_sent_when_its_time_is_up() {
    // Ten at a time, three times within the limit: more is never sent.
    let server = Busy::start(10, Duration::from_millis(400));
    let client = server.client(|builder| builder.http2_max_connections(1));
    let results = all((0..120).map(|_| {
        let client = client.clone();
        async move {
            client
                .call(RegenerateCodes)
                .attempt_timeout(Duration::from_millis(1_300))
                .retry(RetryPolicy::never())
                .send()
                .await
                .unwrap_err()
        }
    }))
    .await;
    let count =
        |what: &dyn Fn(&otp_core::Error) -> bool| results.iter().filter(|e| what(e)).count();
    // What the server received, it answered: a status that a regeneration does not have.
    let answered = count(&|error| error.kind() == ErrorKind::UnexpectedStatus);
    let waited =
        count(&|error| (error.kind(), error.effect()) == (ErrorKind::Timeout, Effect::NotApplied));
    assert_eq!(answered + waited, 120, "{:#?}", results.last());
    assert!((10..=30).contains(&answered), "{answered}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.counts(), (answered, 1), "nothing was sent late");
}

#[tokio::test]
async fn a_dropped_waiter_is_never_sent() {
    let server = Busy::start(1, Duration::from_millis(200));
    let client = server.client(|builder| builder.http2_max_connections(1));
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.receive_codes().await }
    });
    while server.counts().0 == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for _ in 0..10 {
        let waiting = tokio::time::timeout(Duration::from_millis(5), client.receive_codes());
        assert!(waiting.await.is_err());
    }
    first.await.unwrap().unwrap();
    client.receive_codes().await.unwrap();
    assert_eq!(server.counts(), (2, 1));
}

#[tokio::test]
async fn calls_that_wait_are_served_in_the_order_in_which_they_came() {
    let server = Busy::start(1, Duration::from_millis(10));
    let client = server.client(|builder| builder.http2_max_connections(1));
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut calls = Vec::new();
    for number in 0..10 {
        let (client, order) = (client.clone(), Arc::clone(&order));
        calls.push(tokio::spawn(async move {
            client.receive_codes().await.unwrap();
            order.lock().unwrap().push(number);
        }));
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), Vec::from_iter(0..10));
}

#[tokio::test]
async fn only_the_connection_that_broke_is_retired() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = BaseUrl::new(format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let counts = <[Arc<AtomicUsize>; 2]>::default();
    let [requests, connections] = counts.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let requests = Arc::clone(&requests);
            // The second one breaks at its first request.
            if connections.fetch_add(1, Ordering::SeqCst) == 1 {
                let mut builder = h2::server::Builder::new();
                let builder = builder.max_concurrent_streams(1);
                let handshake = builder.handshake::<_, otp_core::bytes::Bytes>(stream);
                drop(handshake.await.unwrap().accept().await);
            } else {
                tokio::spawn(serve(stream, 1, Duration::from_millis(300), requests));
            }
        }
    });
    let transport = HyperTransport::builder().http_versions(HttpVersions::Http2).build().unwrap();
    let client = client_of(transport, url);
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.receive_codes().await }
    });
    while counts[0].load(Ordering::SeqCst) < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let error = client.receive_codes().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::ConnectionLost, Effect::Unknown));
    first.await.unwrap().unwrap();
    client.receive_codes().await.unwrap();
    assert_eq!(counts.map(|count| count.load(Ordering::SeqCst)), [2, 2]);
}
