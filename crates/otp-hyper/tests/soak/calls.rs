//! The calls, and how they ended.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use otp_core::http::HeaderValue;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{Error, Otp, OtpsClient, async_trait};
use otp_hyper::{Connector, Stream, Target};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::counted::Counted;
use super::dice::{dice, millis};
use super::servers::{MARKER, World};

/// A call ends so long after its deadline at the latest, apart from what the scheduler adds.
const GRACE: Duration = Duration::from_millis(250);

/// Connects over TCP, unless nobody listens, and counts what is open.
#[derive(Clone)]
pub struct Dial(pub Arc<World>);

#[async_trait]
impl Connector for Dial {
    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
        if self.0.refuses.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let to: SocketAddr = format!("{}:{}", target.host, target.port).parse().unwrap();
        let stream = TcpStream::connect(to).await?;
        Ok(Box::new(Counted::new(stream, &self.0.client_open)))
    }
}

/// How a call ended.
pub struct Ended {
    pub marker: String,
    /// With the number of attempts; none if the caller gave up.
    pub result: Option<Result<usize, Error>>,
    /// How long after its deadline.
    pub late: Duration,
}

pub async fn call(client: OtpsClient, operation: usize, limit: Duration, gives_up: bool) -> Ended {
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
pub struct Tally {
    pub ended: Vec<Ended>,
    /// The latest, and what the scheduler added at worst.
    pub worst: (Duration, Duration),
}

/// Makes the calls of a share, so many of each operation, all at once.
pub async fn batch(clients: &[OtpsClient], each: usize) -> Tally {
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
