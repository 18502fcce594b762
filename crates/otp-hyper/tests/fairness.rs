//! A server that always has more to say takes its turns like everybody else: a connection gives its thread back
//! after so many bytes, so that deadlines hold and other tasks run, also on one thread, and also over a stream
//! that is never empty.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use otp_conformance::hostile::frames;
use otp_core::{
    AuthToken, BaseUrl, Effect, ErrorKind, OtpsApi, OtpsClient, RetryPolicy, async_trait,
};
use otp_hyper::{Connector, HttpVersions, HyperTransport, Stream, Target};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So much may be read between two turns of another task: 8 KiB and a buffer of hyper's more, and as much again
/// where the tasks change places.
const MOST: usize = 2 * (8 + 64) * 1024;

/// Opens streams that are never empty, and counts what was read of them.
struct Endless {
    flood: &'static [u8],
    read: Arc<AtomicUsize>,
}

#[async_trait]
impl Connector for Endless {
    async fn connect(&self, _: &Target) -> io::Result<Box<dyn Stream>> {
        let (flood, read) = (self.flood, Arc::clone(&self.read));
        Ok(Box::new(Flood { flood, read, asked: false, reader: None }))
    }
}

/// Silent until it is written to.
struct Flood {
    flood: &'static [u8],
    read: Arc<AtomicUsize>,
    asked: bool,
    reader: Option<Waker>,
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.asked {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let at = self.read.load(Ordering::Relaxed) % self.flood.len();
        let rest = &self.flood[at..];
        for byte in rest.iter().chain(self.flood.iter().cycle()).take(buf.remaining()) {
            buf.put_slice(&[*byte]);
        }
        self.read.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.asked = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A call to a server that floods, on one thread, beside a task that takes each turn it gets. Says how the call
/// ended and how much was read at most between two turns.
fn flooded(flood: Vec<u8>, versions: HttpVersions, limit: Duration) -> (otp_core::Error, usize) {
    let (done, outcome) = mpsc::channel();
    // On a thread of its own: one that never gives back must not hold the test too.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = Arc::new(AtomicUsize::new(0));
        let transport = HyperTransport::builder()
            .connector(Endless { flood: flood.leak(), read: Arc::clone(&read) })
            .http_versions(versions)
            .build()
            .unwrap();
        let client = OtpsClient::builder(transport, AuthToken::new("k3y").unwrap())
            .base_url(BaseUrl::new("http://127.0.0.1:1").unwrap())
            .attempt_timeout(limit)
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let most = Arc::new(AtomicUsize::new(0));
        let longest = Arc::clone(&most);
        runtime.spawn(async move {
            let mut before = read.load(Ordering::Relaxed);
            loop {
                tokio::task::yield_now().await;
                let now = read.load(Ordering::Relaxed);
                longest.fetch_max(now - before, Ordering::Relaxed);
                before = now;
            }
        });
        let error = runtime.block_on(client.find_recovery_codes()).unwrap_err();
        let _ = done.send((error, most.load(Ordering::Relaxed)));
    });
    outcome
        .recv_timeout(Duration::from_secs(20))
        .unwrap_or_else(|_| panic!("the call must end by its deadline"))
}

#[test]
fn endless_frames_hold_nobody_else_up() {
    for frame in [frames::settings(), frames::ping(), frames::headers(1, 103, &[], false)] {
        // A connection begins with settings.
        let flood = [frames::settings().encode(), frame.encode().repeat(999)].concat();
        let (error, most) = flooded(flood, HttpVersions::Http2, Duration::from_secs(1));
        // A head that nobody asked for ends the connection, perhaps before the request is on it.
        assert_ne!(error.effect(), Effect::Applied, "{frame:?}: {error:?}");
        assert!(most <= MOST, "{frame:?}: {most} bytes were read at a stretch");
    }
}

#[test]
fn an_endless_body_holds_nobody_else_up() {
    let mut flood = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    // One byte of a body for six on the wire.
    flood.extend(b"1\r\n \r\n".repeat(100_000));
    let (error, most) = flooded(flood, HttpVersions::Http1, Duration::from_secs(10));
    assert_eq!(error.kind(), ErrorKind::ResponseTooLarge, "{error:?}");
    assert!(most <= MOST, "{most} bytes were read at a stretch");
}

/// With a subscriber that writes every line of h2's log, each frame costs a hundred times as much.
#[test]
fn endless_frames_are_bounded_in_time_also_under_a_trace_subscriber() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(std::io::sink)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for frame in [frames::settings(), frames::ping(), frames::data(1, b"", false)] {
        let flood = [frames::settings().encode(), frame.encode().repeat(999)].concat();
        let limit = Duration::from_millis(800);
        let started = std::time::Instant::now();
        let (error, _) = flooded(flood, HttpVersions::Http2, limit);
        let took = started.elapsed();
        assert_ne!(error.effect(), Effect::Applied, "{frame:?}: {error:?}");
        // Starting a thread and a runtime is in it.
        assert!(took < limit + Duration::from_millis(500), "{frame:?}: {took:?}");
    }
}

/// Answers the first request on a connection, then sends 200 kB of PINGs, and waits for the end.
fn answer_and_ping(mut stream: std::net::TcpStream) {
    use std::io::{Read, Write};
    stream.write_all(&frames::settings().encode()).unwrap();
    stream.read_exact(&mut [0; 24]).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        stream.read_exact(&mut vec![0; length]).unwrap();
        if head[3] == frames::HEADERS {
            break;
        }
    }
    stream.write_all(&frames::headers(1, 204, &[], true).encode()).unwrap();
    let pings = frames::ping().encode().repeat(1000);
    // Less than a call that waits for its answer would allow.
    for _ in 0..12 {
        if stream.write_all(&pings).is_err() {
            return;
        }
    }
    while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
}

#[test]
fn a_flood_of_pings_on_an_idle_connection_ends_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (ended, has_ended) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer_and_ping(stream.unwrap());
            let _ = ended.send(());
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let transport =
            HyperTransport::builder().http_versions(HttpVersions::Http2).build().unwrap();
        let client = OtpsClient::builder(transport, AuthToken::new("k3y").unwrap())
            .base_url(BaseUrl::new(format!("http://{address}")).unwrap())
            .build()
            .unwrap();
        for _ in 0..3 {
            client.receive_codes().await.unwrap();
            // Nobody asks for anything, and the connection is closed all the same.
            let mut over = false;
            for _ in 0..2_000 {
                over = has_ended.try_recv().is_ok();
                if over {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert!(over, "the connection is still read");
        }
    });
}
