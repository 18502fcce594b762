//! Good clients beside a crowd of bad ones: they are answered, and at once.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a measurement is there to be read")]

mod support;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use otp_test_certificates::Provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use support::Program;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// When a good client gives up.
const LONG: Duration = Duration::from_secs(10);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Where the program listens, and how to get there.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

impl Target {
    /// Of a program that was just started, with this CA file unless it runs without TLS.
    fn of(program: &mut Program) -> Self {
        let url = program.said("listening at");
        let address = url.split('/').nth(2).unwrap().parse().unwrap();
        let tls = url.starts_with("https").then(|| {
            let mut roots = RootCertStore::empty();
            let ca = CertificateDer::from_pem_file(program.said("CA file")).unwrap();
            roots.add(ca).unwrap();
            let provider = Provider::of_this_program().unwrap().crypto();
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            TlsConnector::from(Arc::new(config))
        });
        Self { address, tls }
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some(tls) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                Ok(Box::new(tls.connect(name, stream).await?))
            }
        }
    }

    /// A bad client: it sends this, and then nothing, until it is let go.
    async fn hang(&self, said: &str) -> io::Result<()> {
        let mut stream = self.connect().await?;
        stream.write_all(said.as_bytes()).await?;
        while stream.read(&mut [0; 256]).await? > 0 {}
        Ok(())
    }

    /// A good client's calls, one after the other on a new connection, with a pause between them. How long each
    /// took, connecting included.
    async fn calls(&self, calls: usize, pause: Duration) -> io::Result<Vec<Duration>> {
        let mut took = Vec::new();
        let mut since = Instant::now();
        let mut stream = self.connect().await?;
        for call in 0..calls {
            if call > 0 {
                tokio::time::sleep(pause).await;
                since = Instant::now();
            }
            let status = codes(&mut stream).await?;
            if status != 200 {
                return Err(io::Error::other(format!("{status}")));
            }
            took.push(since.elapsed());
        }
        Ok(took)
    }

    async fn good(&self, calls: usize, pause: Duration) -> io::Result<Vec<Duration>> {
        let limit = LONG + pause * u32::try_from(calls).unwrap();
        match tokio::time::timeout(limit, self.calls(calls, pause)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Half a request: its body does not come.
const HALF: &str = "POST /metal/v1/user/otp/sms/receive HTTP/1.1\r\nHost: e\r\n\
                    X-Auth-Token: k3y\r\nContent-Length: 10\r\n\r\n1";

/// Reads the recovery codes; the answer's status.
async fn codes(stream: &mut Box<dyn Stream>) -> io::Result<u16> {
    let request =
        "GET /metal/v1/user/otp/recovery-codes HTTP/1.1\r\nHost: e\r\nX-Auth-Token: k3y\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cut off"));
        }
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Ok(head.split(' ').nth(1).unwrap().parse().unwrap());
        }
    }
}

/// What good clients met.
#[derive(Default)]
struct Met {
    took: Vec<Duration>,
    failed: Vec<String>,
}

impl Met {
    fn add(&mut self, outcome: io::Result<Vec<Duration>>) {
        match outcome {
            Ok(took) => self.took.extend(took),
            Err(error) => self.failed.push(error.to_string()),
        }
    }

    fn tell(&mut self, who: &str) {
        self.took.sort_unstable();
        let at = |of_hundred: usize| {
            let last = self.took.len().saturating_sub(1);
            self.took.get(last * of_hundred / 100).copied().unwrap_or_default()
        };
        println!(
            "{who}: {} calls, {} clients failed {:?}; half took {:?}, 99 of 100 {:?}, the slowest {:?}",
            self.took.len(),
            self.failed.len(),
            self.failed.first(),
            at(50),
            at(99),
            at(100)
        );
    }
}

/// Lets this many bad clients come at once, each replaced when it is let go, and so many new ones a second. It
/// goes on until the set is dropped.
fn crowd(
    target: &Target,
    held: usize,
    new_per_second: u32,
    came: &Arc<AtomicUsize>,
) -> JoinSet<()> {
    let mut crowd = JoinSet::new();
    for _ in 0..held {
        let target = target.clone();
        crowd.spawn(async move {
            loop {
                let _ = target.hang(HALF).await;
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        });
    }
    let (target, came) = (target.clone(), Arc::clone(came));
    crowd.spawn(async move {
        let mut new = JoinSet::new();
        let mut tick = tokio::time::interval(Duration::from_secs(1) / new_per_second);
        loop {
            tick.tick().await;
            while new.try_join_next().is_some() {}
            let (target, came) = (target.clone(), Arc::clone(&came));
            new.spawn(async move {
                came.fetch_add(1, Ordering::Relaxed);
                let _ = target.hang(HALF).await;
            });
        }
    });
    crowd
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute, and measures: .ci/run runs it in release"]
async fn no_good_client_fails_beside_512_slow_bodies_and_400_new_ones_a_second() {
    // Without optimizations, handshakes alone take all of a machine.
    const SLOWER: usize = if cfg!(debug_assertions) { 10 } else { 1 };
    const FRESH: usize = 5000 / SLOWER;
    const KEPT: usize = 50;
    const CALLS_KEPT: usize = 100 / SLOWER;
    let mut program = Program::start(&["--token", "k3y", "--no-admin"]);
    let target = Target::of(&mut program);
    let came = Arc::new(AtomicUsize::new(0));
    let crowd = crowd(&target, 512, 400 / u32::try_from(SLOWER).unwrap(), &came);
    tokio::time::sleep(Duration::from_secs(3)).await;

    let since = Instant::now();
    let before = came.load(Ordering::Relaxed);
    let mut kept = JoinSet::new();
    for _ in 0..KEPT {
        let target = target.clone();
        kept.spawn(async move { target.good(CALLS_KEPT, Duration::from_millis(200)).await });
    }
    let next = Arc::new(AtomicUsize::new(0));
    let mut fresh = JoinSet::new();
    for _ in 0..8 {
        let (target, next) = (target.clone(), Arc::clone(&next));
        fresh.spawn(async move {
            let mut met = Met::default();
            while next.fetch_add(1, Ordering::Relaxed) < FRESH {
                met.add(target.good(1, Duration::ZERO).await);
            }
            met
        });
    }
    let (mut by_new, mut by_kept) = (Met::default(), Met::default());
    for met in fresh.join_all().await {
        by_new.took.extend(met.took);
        by_new.failed.extend(met.failed);
    }
    kept.join_all().await.into_iter().for_each(|outcome| by_kept.add(outcome));
    let took = since.elapsed();
    let rate = (came.load(Ordering::Relaxed) - before) as f64 / took.as_secs_f64();
    drop(crowd);
    println!("{took:.1?}, with {rate:.0} new bad clients a second");
    by_new.tell("on a new connection each");
    by_kept.tell("on 50 connections");
    assert_eq!((by_new.failed, by_kept.failed), (vec![], vec![]));
    assert_eq!(by_new.took.len() + by_kept.took.len(), FRESH + KEPT * CALLS_KEPT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_files_good_clients_are_answered_at_once_beside_a_crowd() {
    // Handshakes take a machine's time without optimizations, so fewer clients come over TLS.
    for (limit, security, held, new_per_second) in
        [(64, "--plain", 300, 50), (64, "--name=tls", 60, 10), (256, "--plain", 300, 50)]
    {
        let arguments = ["--token", "k3y", security];
        let mut program = Program::with_open_files(limit, &arguments);
        let target = Target::of(&mut program);
        let crowd = crowd(&target, held, new_per_second, &Arc::default());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut met = Met::default();
        for _ in 0..40 {
            met.add(target.good(1, Duration::ZERO).await);
        }
        drop(crowd);
        met.tell(&format!("{limit} files, {security}"));
        assert_eq!(met.failed, Vec::<String>::new());
        let slow = met.took.iter().filter(|took| **took > Duration::from_secs(2)).count();
        assert_eq!(slow, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_room_a_client_waits_for_those_that_are_being_answered() {
    let arguments = ["--plain", "--token", "k3y", "--max-connections", "4", "--fault", "slow=0.3"];
    let mut program = Program::start(&arguments);
    let target = Target::of(&mut program);
    let mut clients = JoinSet::new();
    for _ in 0..12 {
        let target = target.clone();
        clients.spawn(async move { target.good(1, Duration::ZERO).await });
    }
    let mut met = Met::default();
    clients.join_all().await.into_iter().for_each(|outcome| met.add(outcome));
    assert_eq!(met.failed, Vec::<String>::new());
    met.tell("12 clients in a room for 4");
    // Three rounds of answers that take 0.3 s each.
    assert!(met.took.iter().max() >= Some(&Duration::from_millis(900)), "{:?}", met.took);
}

#[test]
fn the_program_says_for_how_many_connections_it_has_room_if_files_are_few() {
    let mut program = Program::with_open_files(64, &["--plain"]);
    assert!(program.said("room for").starts_with("30 connections"));
    let mut program = Program::start(&["--plain", "--max-connections", "4000000000"]);
    assert!(program.said("room for").contains("ulimit -n"));
}
