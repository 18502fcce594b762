//! What only a turned clock or a look inside shows.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use hyper_util::client::legacy::connect::Connection as _;
use otp_conformance::hostile::{Fault, Protocol, Reply, Server};
use otp_core::http::Extensions;
use otp_core::{AuthToken, OtpsApi, OtpsClient};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::oneshot::error::TryRecvError;

use super::state::{Given, STALL, State};
use super::{Clocks, Settings};
use crate::connect::Connection;
use crate::stream::Transported;
use crate::versions::HttpVersions;
use crate::{HyperTransport, HyperTransportBuilder, Roots, http2};

fn client(server: &Server, builder: HyperTransportBuilder) -> OtpsClient {
    let transport = builder.roots(Roots::pem(server.ca_pem()).unwrap()).build().unwrap();
    OtpsClient::builder(transport, AuthToken::new("t").unwrap())
        .base_url(server.base_url())
        .build()
        .unwrap()
}

/// A time of day that the test sets.
fn turned() -> (Arc<Mutex<SystemTime>>, Clocks) {
    let now = Arc::new(Mutex::new(SystemTime::now()));
    let clock = Arc::clone(&now);
    (now, Clocks::new(move || *clock.lock().unwrap()))
}

#[tokio::test]
async fn the_time_that_the_machine_slept_counts_as_idle() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let (now, clocks) = turned();
        let client = client(&server, HyperTransport::builder().clocks(clocks));
        client.receive_codes().await.unwrap();
        *now.lock().unwrap() += Duration::from_secs(19);
        client.receive_codes().await.unwrap();
        assert_eq!(server.connections(), 1, "{protocol:?}");
        *now.lock().unwrap() += Duration::from_secs(21);
        client.receive_codes().await.unwrap();
        assert_eq!(server.connections(), 2, "{protocol:?}");
        // Set back, it does not keep a connection longer, nor does it break one.
        *now.lock().unwrap() -= Duration::from_secs(3600);
        client.receive_codes().await.unwrap();
        assert_eq!((server.requests(), server.connections()), (4, 2), "{protocol:?}");
    }
}

#[test]
fn the_longer_of_two_clocks_counts() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (now, clocks) = turned();
        let before = clocks.now();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clocks.now().since(&before), Duration::from_secs(5));
        *now.lock().unwrap() += Duration::from_secs(7);
        assert_eq!(clocks.now().since(&before), Duration::from_secs(7));
        *now.lock().unwrap() -= Duration::from_secs(3600);
        assert_eq!(clocks.now().since(&before), Duration::from_secs(5));
    });
}

/// An HTTP/2 connection, and the server's end of it. The pool is not told of what changes.
async fn http2_connection() -> (http2::Connection, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let stream = Transported::in_the_clear(Box::new(ours));
    let mut extras = Extensions::new();
    stream.connected().get_extras(&mut extras);
    let allowance = extras.remove().unwrap();
    let connection = http2::Connection::start(stream, allowance, 64 * 1024, || {}).await.unwrap();
    (connection, theirs)
}

/// The server takes so many streams from now on (SETTINGS, RFC 9113 §6.5).
async fn allow(streams: u8, connection: &http2::Connection, server: &mut DuplexStream) {
    const MAX_CONCURRENT_STREAMS: u8 = 3;
    let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, MAX_CONCURRENT_STREAMS, 0, 0, 0, streams];
    server.write_all(&settings).await.unwrap();
    while !connection.is_settled() || connection.max_streams() != usize::from(streams) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_newcomer_does_not_overtake_a_call_that_waits_when_the_server_takes_more_streams() {
    let settings = Settings {
        versions: HttpVersions::Http2,
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(20),
        max_idle: 1,
        max_http2: 1,
        clocks: Clocks::default(),
    };
    let now = settings.clocks.now();
    let mut state = State::new(Arc::new(settings), false);
    let (connection, mut server) = http2_connection().await;
    allow(1, &connection, &mut server).await;
    state.connected(1, Ok(Connection::Http2(connection.clone())), now);
    assert!(matches!(state.take(now), Some(Given::Http2 { line: 1, is_used: false, .. })));
    let (_, mut waits) = state.wait();
    assert!(state.settle(now).is_empty());

    // The connection has heard of the second stream, and the queue was not served since.
    allow(2, &connection, &mut server).await;
    assert!(state.take(now).is_none());
    assert!(state.settle(now).is_empty());
    assert!(matches!(waits.try_recv(), Ok(Ok(Given::Http2 { line: 1, is_used: true, .. }))));
    assert!(state.take(now).is_none());

    // A third one is there, and no call waits.
    allow(3, &connection, &mut server).await;
    assert!(state.settle(now).is_empty());
    assert!(state.take(now).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_hangs_does_not_hold_up_the_calls_that_could_share_another() {
    let settings = Settings {
        versions: HttpVersions::Http2,
        connect_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(20),
        max_idle: 1,
        max_http2: 1,
        clocks: Clocks::default(),
    };
    let now = settings.clocks.now();
    let mut state = State::new(Arc::new(settings), true);
    let mut waiting = [state.wait(), state.wait(), state.wait()];
    let mut hangs = state.settle(now);
    assert_eq!(hangs.len(), 1);
    tokio::time::advance(STALL - Duration::from_millis(1)).await;
    assert!(state.settle(now).is_empty());

    tokio::time::advance(Duration::from_millis(1)).await;
    let mut another = state.settle(now);
    assert_eq!(another.len(), 1);
    assert!(state.settle(now).is_empty());

    // What hangs is given up first when a call leaves.
    state.leave(waiting[0].0);
    assert!(hangs[0].given_up.try_recv().is_err_and(|error| error == TryRecvError::Empty));
    state.leave(waiting[1].0);
    assert!(hangs[0].given_up.try_recv().is_err_and(|error| error == TryRecvError::Closed));
    assert!(another[0].given_up.try_recv().is_err_and(|error| error == TryRecvError::Empty));

    let (connection, mut server) = http2_connection().await;
    allow(1, &connection, &mut server).await;
    state.connected(another[0].id, Ok(Connection::Http2(connection)), now);
    assert!(state.settle(now).is_empty());
    assert!(matches!(waiting[2].1.try_recv(), Ok(Ok(Given::Http2 { .. }))));
}
