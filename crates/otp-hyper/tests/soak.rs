//! A soak: one client in many runtimes, against servers that restart, refuse, drop connections, limit streams, go
//! away, go silent and answer late. What the servers received is compared with what the calls reported.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "it says what it did")]

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use otp_conformance::hostile::tls::acceptor;
use otp_conformance::hostile::{Certificate, Protocol};
use otp_core::bytes::Bytes;
use otp_core::http::{HeaderName, HeaderValue, Method, Response};
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{AuthToken, BaseUrl, Effect, Error, ErrorKind, Otp, OtpsClient, async_trait};
use otp_hyper::{Connector, HttpVersions, HyperTransport, Roots, Stream, Target};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

const MARKER: HeaderName = HeaderName::from_static("x-marker");

/// A call ends so long after its deadline at the latest, apart from what the scheduler adds.
const GRACE: Duration = Duration::from_millis(250);

/// A number below `below`, from a fixed seed: runs differ only in the order of events.
fn dice(below: u64) -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(42);
    // SplitMix64.
    let mut z = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

fn millis(from: u64, to: u64) -> Duration {
    Duration::from_millis(from + dice(to - from))
}

// The servers.

/// What all servers share with the test.
#[derive(Default)]
struct World {
    is_healthy: AtomicBool,
    /// Nobody listens just now.
    refuses: AtomicBool,
    /// How often each marker was received.
    received: Mutex<HashMap<String, usize>>,
    requests: AtomicUsize,
    connections: AtomicUsize,
    open: AtomicUsize,
    /// Streams that the client's connector opened and that are still open.
    client_open: AtomicUsize,
}

impl World {
    fn receive(&self, marker: Option<&str>) {
        let marker = marker.unwrap_or("none").to_owned();
        *self.received.lock().unwrap().entry(marker).or_default() += 1;
        self.requests.fetch_add(1, Ordering::SeqCst);
    }

    fn act(&self) -> Act {
        if self.is_healthy.load(Ordering::SeqCst) {
            return Act::Answer(Duration::ZERO);
        }
        match dice(100) {
            0..55 => Act::Answer(Duration::ZERO),
            55..75 => Act::Answer(millis(1, 60)),
            75..83 => Act::Answer(millis(300, 900)),
            83..88 => Act::AnswerAndLeave,
            88..93 => Act::Close,
            93..98 => Act::Silence,
            _ => Act::Deaf,
        }
    }
}

enum Act {
    Answer(Duration),
    /// Over HTTP/2 with a GOAWAY.
    AnswerAndLeave,
    Close,
    /// This request is never answered.
    Silence,
    /// Nothing is read any more, and nothing answered.
    Deaf,
}

/// So long a deaf connection stays open.
const DEAF: Duration = Duration::from_millis(2500);

fn answer(method: &Method, path: &str) -> (u16, &'static str) {
    match (method, path.ends_with("/recovery-codes")) {
        (_, true) => (200, r#"{"recovery_codes":["abcd-1234","efgh-5678"]}"#),
        _ => (204, ""),
    }
}

struct Open(Arc<World>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Origin {
    url: BaseUrl,
    roots: Option<String>,
}

/// Serves this protocol on a port of its own. A change of `kill` drops all connections.
async fn serve(
    world: &Arc<World>,
    protocol: Protocol,
    is_tls: bool,
    kill: &watch::Receiver<()>,
) -> Origin {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = is_tls.then(|| acceptor(protocol, Certificate::Good, false));
    let scheme = if is_tls { "https" } else { "http" };
    let url = BaseUrl::new(format!("{scheme}://127.0.0.1:{port}/metal/v1")).unwrap();
    let (tls, roots) = tls.unzip();
    let (world, kill) = (Arc::clone(world), kill.clone());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            world.connections.fetch_add(1, Ordering::SeqCst);
            world.open.fetch_add(1, Ordering::SeqCst);
            let open = Open(Arc::clone(&world));
            let mut kill = kill.clone();
            kill.mark_unchanged();
            let connection = connection(stream, tls.clone(), protocol, Arc::clone(&world));
            tokio::spawn(async move {
                let _open = open;
                tokio::select! {
                    _ = kill.changed() => {}
                    _ = connection => {}
                }
            });
        }
    });
    Origin { url, roots }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    protocol: Protocol,
    world: Arc<World>,
) -> io::Result<()> {
    if !world.is_healthy.load(Ordering::SeqCst) && dice(30) == 0 {
        return Ok(());
    }
    match (tls, protocol) {
        (Some(tls), Protocol::Http1) => http1(tls.accept(stream).await?, world).await,
        (Some(tls), _) => http2(tls.accept(stream).await?, world).await,
        (None, Protocol::Http1) => http1(stream, world).await,
        (None, _) => http2(stream, world).await,
    }
}

async fn http1(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    world: Arc<World>,
) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        // No request of this client has a body.
        let head = String::from_utf8(read.drain(..end).collect()).unwrap();
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let marker = head.lines().find_map(|line| line.strip_prefix("x-marker: "));
        world.receive(marker);
        let (status, body) = answer(&method.parse().unwrap(), path);
        let length = if status == 204 {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let reply =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{length}\r\n{body}");
        match world.act() {
            Act::Answer(late) => {
                sleep(late).await;
                stream.write_all(reply.as_bytes()).await?;
            }
            Act::AnswerAndLeave => {
                stream.write_all(reply.as_bytes()).await?;
                return stream.shutdown().await;
            }
            Act::Close => return Ok(()),
            Act::Silence => while stream.read_buf(&mut read).await? > 0 {},
            Act::Deaf => {
                sleep(DEAF).await;
                return Ok(());
            }
        }
    }
}

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin, world: Arc<World>) -> io::Result<()> {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams([1, 3, 10, 100][dice(4) as usize]);
    let connection = builder.handshake::<_, Bytes>(stream).await;
    let mut connection = connection.map_err(io::Error::other)?;
    while let Some(accepted) = connection.accept().await {
        let (request, mut respond) = accepted.map_err(io::Error::other)?;
        let marker = request.headers().get(MARKER).map(|value| value.to_str().unwrap());
        world.receive(marker);
        let (status, body) = answer(request.method(), request.uri().path());
        let act = world.act();
        let late = match act {
            Act::Answer(late) => late,
            Act::AnswerAndLeave => {
                connection.graceful_shutdown();
                Duration::ZERO
            }
            Act::Close => return Ok(()),
            Act::Silence => {
                // Until the client resets the stream.
                tokio::spawn(
                    async move { std::future::poll_fn(|cx| respond.poll_reset(cx)).await },
                );
                continue;
            }
            Act::Deaf => {
                sleep(DEAF).await;
                return Ok(());
            }
        };
        tokio::spawn(async move {
            sleep(late).await;
            let response =
                Response::builder().status(status).header("content-type", "application/json");
            let response = response.body(()).unwrap();
            if let Ok(mut stream) = respond.send_response(response, body.is_empty()) {
                if !body.is_empty() {
                    let _ = stream.send_data(Bytes::from_static(body.as_bytes()), true);
                }
            }
        });
    }
    Ok(())
}

// The client.

/// Connects over TCP, unless nobody listens, and counts what is open.
#[derive(Clone)]
struct Dial(Arc<World>);

struct Dialled(TcpStream, Arc<World>);

#[async_trait]
impl Connector for Dial {
    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
        if self.0.refuses.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let to: SocketAddr = format!("{}:{}", target.host, target.port).parse().unwrap();
        let stream = TcpStream::connect(to).await?;
        self.0.client_open.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Dialled(stream, Arc::clone(&self.0))))
    }
}

impl Drop for Dialled {
    fn drop(&mut self) {
        self.1.client_open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncRead for Dialled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Dialled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// How a call ended.
struct Ended {
    marker: String,
    /// With the number of attempts; none if the caller gave up.
    result: Option<Result<usize, Error>>,
    /// How long after its deadline.
    late: Duration,
}

async fn call(client: OtpsClient, operation: usize, limit: Duration, gives_up: bool) -> Ended {
    static MARKERS: AtomicUsize = AtomicUsize::new(0);
    let kind = if operation == 3 { "get" } else { "post" };
    let marker = format!("{kind}-{}", MARKERS.fetch_add(1, Ordering::SeqCst));
    let value = HeaderValue::from_str(&marker).unwrap();
    let attempt = limit * 2 / 3;
    macro_rules! make {
        ($operation:expr) => {{
            let call = client.call($operation).header(MARKER, value);
            let answer = call.timeout(limit).attempt_timeout(attempt).send().await;
            answer.map(|answer| answer.metadata.attempts())
        }};
    }
    let started = Instant::now();
    let call = async {
        match operation {
            0 => make!(FindEnsureOtp::new(Otp::new("123456").unwrap())),
            1 => make!(ReceiveCodes),
            2 => make!(RegenerateCodes),
            _ => make!(FindRecoveryCodes),
        }
    };
    let result =
        if gives_up { tokio::time::timeout(limit / 4, call).await.ok() } else { Some(call.await) };
    let late = started.elapsed().saturating_sub(limit);
    Ended { marker, result, late }
}

/// How much later than asked a task of this runtime is woken, at most.
async fn delay() -> Duration {
    let before = Instant::now();
    let nap = Duration::from_millis(5);
    sleep(nap).await;
    before.elapsed().saturating_sub(nap)
}

#[derive(Default)]
struct Tally {
    ended: Vec<Ended>,
    /// The latest, and what the scheduler added at worst.
    worst: (Duration, Duration),
}

/// Makes the calls of a share, so many of each operation, all at once.
async fn batch(clients: &[OtpsClient], each: usize) -> Tally {
    let is_over = Arc::new(AtomicBool::new(false));
    let ticker = tokio::spawn({
        let is_over = Arc::clone(&is_over);
        async move {
            let mut worst = Duration::ZERO;
            while !is_over.load(Ordering::SeqCst) {
                worst = worst.max(delay().await);
            }
            worst
        }
    });
    let mut calls = Vec::new();
    for number in 0..each * 4 {
        let client = clients[dice(clients.len() as u64) as usize].clone();
        let start = millis(0, 50);
        calls.push(tokio::spawn(async move {
            sleep(start).await;
            call(client, number % 4, millis(200, 1200), dice(20) == 0).await
        }));
    }
    let mut ended = Vec::new();
    for call in calls {
        ended.push(call.await.unwrap());
    }
    is_over.store(true, Ordering::SeqCst);
    let delay = ticker.await.unwrap();
    let late = ended.iter().map(|ended| ended.late).max().unwrap_or_default();
    assert!(late <= GRACE + delay, "a call ended {late:?} after its deadline; delay {delay:?}");
    Tally { ended, worst: (late, delay) }
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// So many calls of each operation, over these protocols.
fn soak(versions: HttpVersions, protocols: &[(Protocol, bool)], each: usize) {
    // Alone in this process, for the sake of its descriptors.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // What tokio opens once for the whole process is open then.
    drop(multi_thread());
    let descriptors_before = descriptors();
    let started = Instant::now();

    let world = Arc::new(World::default());
    let servers = multi_thread();
    let (killer, kill) = watch::channel(());
    let killer = Arc::new(killer);
    let origins: Vec<_> = protocols
        .iter()
        .map(|(protocol, is_tls)| servers.block_on(serve(&world, *protocol, *is_tls, &kill)))
        .collect();
    // Restarts: what is open is lost, and for a while nobody listens.
    let restarts = servers.spawn({
        let (world, killer) = (Arc::clone(&world), Arc::clone(&killer));
        async move {
            loop {
                sleep(millis(200, 600)).await;
                world.refuses.store(true, Ordering::SeqCst);
                killer.send(()).unwrap();
                sleep(millis(10, 80)).await;
                world.refuses.store(false, Ordering::SeqCst);
            }
        }
    });

    let mut builder = HyperTransport::builder()
        .http_versions(versions)
        .connector(Dial(Arc::clone(&world)))
        .pool_idle_timeout(Duration::from_secs(2));
    if let Some(roots) = origins.iter().find_map(|origin| origin.roots.as_ref()) {
        builder = builder.roots(Roots::pem(roots).unwrap());
    }
    let transport = builder.build().unwrap();
    let clients: Vec<OtpsClient> = origins
        .iter()
        .map(|origin| {
            OtpsClient::builder(transport.clone(), AuthToken::new("t").unwrap())
                .base_url(origin.url.clone())
                .build()
                .unwrap()
        })
        .collect();

    // Alive and not driven, until the end.
    let undriven = current_thread();
    let tally = Mutex::new(undriven.block_on(batch(&clients, 5)));
    let left = AtomicUsize::new(each.saturating_sub(5));
    let share = || {
        let share = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(15)));
        Some(share.unwrap().min(15)).filter(|share| *share > 0)
    };
    let count = |more: Tally| {
        let mut tally = tally.lock().unwrap();
        tally.ended.extend(more.ended);
        tally.worst = tally.worst.max(more.worst);
    };
    let runtimes = AtomicUsize::new(3);
    let lasting = [current_thread(), multi_thread()];
    std::thread::scope(|scope| {
        for runtime in &lasting {
            scope.spawn(|| {
                while let Some(share) = share() {
                    count(runtime.block_on(batch(&clients, share)));
                }
            });
        }
        for kind in [current_thread as fn() -> Runtime, multi_thread] {
            let (clients, runtimes, share, count) = (&clients, &runtimes, &share, &count);
            scope.spawn(move || {
                while let Some(share) = share() {
                    let runtime = kind();
                    runtimes.fetch_add(1, Ordering::SeqCst);
                    count(runtime.block_on(batch(clients, share)));
                    // It ends with calls under way.
                    runtime.block_on(async {
                        for operation in 0..4 {
                            let client = clients[operation % clients.len()].clone();
                            tokio::spawn(call(client, operation, Duration::from_secs(1), false));
                        }
                        tokio::task::yield_now().await;
                    });
                }
            });
        }
    });

    // Healthy from now on: each call succeeds at once, as with a fresh client, also where all that happened.
    restarts.abort();
    assert!(servers.block_on(restarts).unwrap_err().is_cancelled());
    world.refuses.store(false, Ordering::SeqCst);
    world.is_healthy.store(true, Ordering::SeqCst);
    let all = || lasting.iter().chain([&undriven]);
    let mut healthy = 0;
    for runtime in all() {
        runtime.block_on(async {
            let calls: Vec<_> = (0..40)
                .map(|number| {
                    let client = clients[number % clients.len()].clone();
                    tokio::spawn(call(client, number / 10, Duration::from_secs(20), false))
                })
                .collect();
            for call in calls {
                let ended = call.await.unwrap();
                assert!(matches!(ended.result, Some(Ok(1))), "call {healthy}: {:?}", ended.result);
                healthy += 1;
            }
        });
    }

    // Nothing is left over.
    drop((clients, transport));
    for runtime in all() {
        let tasks = || {
            runtime.block_on(async { sleep(Duration::from_millis(5)).await });
            runtime.metrics().num_alive_tasks()
        };
        eventually("tasks are left over", || tasks() == 0);
    }
    eventually("connections are left over", || world.client_open.load(Ordering::SeqCst) == 0);
    eventually("the servers have open connections", || world.open.load(Ordering::SeqCst) == 0);
    drop((lasting, undriven));
    servers.shutdown_timeout(Duration::from_secs(5));
    if descriptors_before.is_some() {
        eventually("descriptors are left over", || descriptors() == descriptors_before);
    }

    // What the servers received is what the calls reported.
    let tally = tally.into_inner().unwrap();
    let received = world.received.lock().unwrap();
    for (marker, times) in received.iter() {
        assert!(*times == 1 || marker.starts_with("get-"), "{marker} was received {times} times");
    }
    let (mut succeeded, mut not_sent, mut unknown, mut given_up) = (0, 0, 0, 0);
    let (mut retried, mut refused) = (0, 0);
    for ended in &tally.ended {
        let times = received.get(&ended.marker).copied().unwrap_or_default();
        match &ended.result {
            Some(Ok(attempts)) => {
                succeeded += 1;
                retried += usize::from(*attempts > 1);
                assert!(times >= 1);
            }
            Some(Err(error)) if error.effect() == Effect::NotApplied => {
                not_sent += 1;
                refused += usize::from(error.kind() == ErrorKind::Connect);
                assert_eq!(times, 0, "{error:?}");
            }
            Some(Err(_)) => unknown += 1,
            None => given_up += 1,
        }
    }
    println!(
        "{protocols:?}: {} calls in {} runtimes in {:?}: {succeeded} succeeded ({retried} after a retry), {not_sent} \
         not sent ({refused} refused), {unknown} unknown, {given_up} given up; then {healthy} of {healthy}; {} requests on {} connections; \
         at worst {:?} late, the scheduler {:?}",
        tally.ended.len(),
        runtimes.load(Ordering::SeqCst),
        started.elapsed(),
        world.requests.load(Ordering::SeqCst),
        world.connections.load(Ordering::SeqCst),
        tally.worst.0,
        tally.worst.1,
    );
    assert_eq!(tally.ended.len(), each * 4);
    assert!(succeeded > 0);
    // The servers are hostile, but not so much that little succeeds, and each way to fail is seen.
    if each >= 500 {
        assert!(succeeded * 4 > tally.ended.len() && not_sent > 0 && unknown > 0 && given_up > 0);
    }
}

const NEGOTIATED: &[(Protocol, bool)] =
    &[(Protocol::Http1, false), (Protocol::Http1, true), (Protocol::Http2, true)];
const BY_PRIOR_KNOWLEDGE: &[(Protocol, bool)] = &[(Protocol::Http2, false)];

#[test]
fn a_short_soak_sends_no_post_twice_and_leaves_nothing_behind() {
    soak(HttpVersions::Negotiated, NEGOTIATED, 65);
    soak(HttpVersions::Http2, BY_PRIOR_KNOWLEDGE, 35);
}

#[test]
#[ignore = "takes about a minute"]
fn a_long_soak_sends_no_post_twice_and_leaves_nothing_behind() {
    soak(HttpVersions::Negotiated, NEGOTIATED, 2000);
    soak(HttpVersions::Http2, BY_PRIOR_KNOWLEDGE, 500);
}
