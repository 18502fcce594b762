//! One client in many runtimes, and runtimes that end. Every server here counts what it received.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use otp_conformance::hostile::{Fault, Protocol, Reply, Server};
use otp_core::operation::ReceiveCodes;
use otp_core::{BaseUrl, Effect, ErrorKind, OtpsApi, OtpsClient, async_trait};
use otp_hyper::{
    Connector, HttpVersions, HyperTransport, HyperTransportBuilder, Roots, Stream, Target,
};
use support::counted::Counted;
use support::pool::{Busy, client_of, current_thread, trusting};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

#[test]
fn one_client_works_in_twenty_runtimes_on_four_threads() {
    static SERVERS: LazyLock<[Server; 2]> = LazyLock::new(|| {
        [Protocol::Http1, Protocol::Http2]
            .map(|protocol| Server::start(protocol, Fault::Answer(Reply::status(204))))
    });
    static CLIENTS: LazyLock<[OtpsClient; 2]> = LazyLock::new(|| SERVERS.each_ref().map(trusting));

    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                for _ in 0..5 {
                    current_thread().block_on(async {
                        for client in CLIENTS.iter().cycle().take(10) {
                            let answer = client.call(ReceiveCodes).send().await.unwrap();
                            assert_eq!(answer.metadata.attempts(), 1);
                        }
                    });
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    for server in SERVERS.iter() {
        assert_eq!(server.requests(), 100);
        // One in each runtime.
        assert_eq!(server.connections(), 20);
    }
}

#[test]
fn a_runtime_that_is_alive_and_not_driven_holds_up_no_other() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let client = trusting(&server);
        let (first, second) = (current_thread(), current_thread());
        first.block_on(client.receive_codes()).unwrap();
        let started = Instant::now();
        second.block_on(client.receive_codes()).unwrap();
        assert!(started.elapsed() < Duration::from_secs(5));
        // The first one's own connection is still there.
        first.block_on(client.receive_codes()).unwrap();
        assert_eq!((server.requests(), server.connections()), (3, 2), "{protocol:?}");
    }
}

#[test]
fn a_call_that_a_runtime_left_unfinished_holds_up_no_other() {
    let server = Server::start(Protocol::Http2, Fault::Answer(Reply::status(204)));
    let client = trusting(&server);
    let first = current_thread();
    // It begins to connect, and its runtime is never driven again.
    let call = client.clone();
    first.block_on(async {
        let mut call = Box::pin(async move { call.receive_codes().await });
        assert!(futures_poll_once(call.as_mut()).await.is_none());
        std::mem::forget(call);
    });
    current_thread().block_on(client.receive_codes()).unwrap();
    assert_eq!(server.requests(), 1);
}

async fn futures_poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

/// Counts the streams that are open.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

#[async_trait]
impl Connector for Counting {
    async fn connect(&self, target: &Target) -> std::io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((&*target.host, target.port)).await?;
        Ok(Box::new(Counted::new(stream, &self.0)))
    }
}

/// Makes a call in each of so many runtimes, one after the other.
fn in_runtimes(runtimes: usize, builder: HyperTransportBuilder, url: BaseUrl) {
    let open = Counting::default();
    let transport = builder.connector(open.clone()).build().unwrap();
    let client = client_of(transport.clone(), url);
    for _ in 0..runtimes {
        current_thread().block_on(client.receive_codes()).unwrap();
    }
    // Every runtime's end closed its connection, and the transport has forgotten it.
    assert_eq!(open.0.load(Ordering::SeqCst), 0);
    assert!(format!("{transport:?}").contains("runtimes: 0"), "{transport:?}");
}

#[test]
fn a_thousand_runtimes_leave_nothing_behind() {
    let server = Busy::start(100, Duration::ZERO);
    let builder = HyperTransport::builder().http_versions(HttpVersions::Http2);
    in_runtimes(1000, builder, server.url());
    assert_eq!(server.counts(), (1000, 1000));

    for protocol in [Protocol::Http1, Protocol::Http2] {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let roots = Roots::pem(server.ca_pem()).unwrap();
        in_runtimes(50, HyperTransport::builder().roots(roots), server.base_url());
        assert_eq!(server.requests(), 50);
    }
}

#[test]
fn outside_of_a_runtime_or_in_one_without_a_timer_a_call_is_an_error() {
    let server = Server::start(Protocol::Http1, Fault::Answer(Reply::status(204)));
    let client = trusting(&server);
    let error = pollster::block_on(client.receive_codes()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, Effect::NotApplied));
    assert!(error.to_string().contains("outside of a tokio runtime"), "{error}");

    let without = Builder::new_current_thread().enable_io().build().unwrap();
    let error = without.block_on(client.receive_codes()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, Effect::NotApplied));
    assert!(error.to_string().contains("enable_all"), "{error}");

    let without = Builder::new_current_thread().enable_time().build().unwrap();
    let error = without.block_on(client.receive_codes()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, Effect::NotApplied));
    assert!(error.to_string().contains("enable_all"), "{error}");
    assert_eq!(server.requests(), 0);
}

/// Runs this on a thread of its own, and fails if it does not end.
fn ends(what: impl FnOnce() + Send + 'static) {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        what();
        let _ = done.send(());
    });
    is_done.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[test]
fn a_runtime_can_end_while_calls_wait() {
    let kinds: [fn() -> Runtime; 2] = [current_thread, || {
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    }];
    for runtime in kinds {
        for most in [1, 2] {
            let server = Busy::start(1, Duration::from_secs(10));
            let client = server.client(|builder| builder.http2_max_connections(most));
            ends(move || {
                let runtime = runtime();
                runtime.block_on(async {
                    for _ in 0..20 {
                        let client = client.clone();
                        tokio::spawn(async move { client.receive_codes().await });
                    }
                    while server.counts().0 < most {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                });
                // It drops connections, calls and waiters in any order, and each looks after the others.
                drop(runtime);
            });
        }
    }
}

#[test]
fn in_a_runtime_that_has_ended_a_call_is_an_error() {
    let server = Server::start(Protocol::Http1, Fault::Answer(Reply::status(204)));
    let client = trusting(&server);
    ends(move || {
        let runtime = current_thread();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _entered = handle.enter();
        let error = pollster::block_on(client.receive_codes()).unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, Effect::NotApplied));
        assert!(error.to_string().contains("the tokio runtime was shut down"), "{error}");
        assert_eq!(server.requests(), 0);
    });
}

#[tokio::test]
async fn a_dropped_client_leaves_no_task() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let client = trusting(&server);
        client.receive_codes().await.unwrap();
        drop(client);
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        for _ in 0..200 {
            if tasks() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(tasks(), 0, "{protocol:?}");
    }
}

/// Answers one request on each connection, and closes it when it is told to.
fn answer_and_close_later() -> (BaseUrl, Arc<AtomicUsize>, std::sync::mpsc::Sender<()>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = BaseUrl::new(format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (close, closes) = std::sync::mpsc::channel();
    let closed = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&closed);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                read.push(byte[0]);
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            if closes.recv().is_err() {
                return;
            }
            drop(stream);
            counts.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, closed, close)
}

#[test]
fn a_connection_that_was_closed_while_its_runtime_was_not_driven_is_replaced() {
    let (url, closed, close) = answer_and_close_later();
    let client = client_of(HyperTransport::new().unwrap(), url);
    // As in a program without async: nothing runs between the calls.
    let runtime = current_thread();
    for calls in 1..=5 {
        let answer = runtime.block_on(client.call(ReceiveCodes).send()).unwrap();
        assert_eq!(answer.metadata.attempts(), 1);
        close.send(()).unwrap();
        while closed.load(Ordering::SeqCst) < calls {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Until it counts as idle.
        std::thread::sleep(Duration::from_millis(5));
    }
}
