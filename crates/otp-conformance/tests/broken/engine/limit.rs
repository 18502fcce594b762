//! The time limit of a send, phase by phase.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use otp_core::TransportErrorKind::{self, ConnectionLost, Timeout};
use tokio::time::Instant;

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connect,
    Handshake,
    Write,
    BeforeTheHead,
    Head,
    Body,
}

pub struct Limit {
    /// When the time is up; never, if so much time cannot pass.
    deadline: Option<Instant>,
    pub whole: Duration,
    flaw: &'static str,
    /// When the request was written.
    written: OnceLock<Instant>,
}

/// What a flaw makes of a limit.
fn changed(whole: Duration, flaw: &str) -> Duration {
    match flaw {
        "a limit is half a second at least" => whole.max(Duration::from_millis(500)),
        "a limit of nothing panics" => {
            assert!(!whole.is_zero(), "a limit must not be zero");
            whole
        }
        "a limit has 32 bits of milliseconds" => {
            Duration::from_millis(u64::from(whole.as_millis() as u32))
        }
        "a limit has 32 bits of microseconds" => {
            Duration::from_micros(u64::from(whole.as_micros() as u32))
        }
        "a limit has 32 bits of seconds" => Duration::from_secs(u64::from(whole.as_secs() as u32)),
        "a limit is rounded down to seconds" => Duration::from_secs(whole.as_secs().max(1)),
        "a limit is rounded up to seconds" => Duration::from_secs(whole.as_secs() + 1),
        _ => whole,
    }
}

/// How long a flawed phase may last: long, but not for ever.
const LONG: Duration = Duration::from_secs(6);

impl Limit {
    pub fn new(whole: Duration, flaw: &'static str) -> Self {
        let whole = changed(whole, flaw);
        let deadline = match flaw {
            "0 is no limit" if whole.is_zero() => None,
            "less than a millisecond is no limit" if whole.as_millis() == 0 => None,
            "a huge limit panics" => Some(Instant::now() + whole),
            "a huge limit is over at once" => {
                Instant::now().checked_add(whole).or(Some(Instant::now()))
            }
            _ => Instant::now().checked_add(whole),
        };
        Self { deadline, whole, flaw, written: OnceLock::new() }
    }

    /// When this phase must have ended. `goes_on` is whether a part of it has arrived.
    fn deadline_of(&self, phase: Phase, goes_on: bool) -> Option<Instant> {
        let unlimited = match self.flaw {
            "a handshake is waited for, and then it is sent" => {
                matches!(phase, Phase::Handshake | Phase::Write)
            }
            "no limit while connecting" => matches!(phase, Phase::Connect | Phase::Handshake),
            "no limit while writing" => phase == Phase::Write,
            "no limit before the head" => phase == Phase::BeforeTheHead,
            "no limit within the head" => phase == Phase::Head,
            "no limit within the body" => phase == Phase::Body && goes_on,
            _ => false,
        };
        let starts_again = match self.flaw {
            "each byte of a head starts the limit again"
            | "each line of a head has a limit of its own" => phase == Phase::Head,
            "each byte of a body starts the limit again" => phase == Phase::Body && goes_on,
            _ => false,
        };
        match (unlimited, starts_again) {
            (true, _) => Some(Instant::now() + LONG),
            (_, true) => Some(Instant::now() + Duration::from_millis(300)),
            _ => match (self.flaw, self.written.get()) {
                ("writing has a limit of its own", Some(written)) => {
                    written.checked_add(self.whole)
                }
                _ => self.deadline,
            },
        }
    }

    /// The request is written.
    pub fn is_written(&self) {
        let _ = self.written.set(Instant::now());
    }

    /// Does this within the limit of the phase.
    pub async fn run<T>(
        &self,
        phase: Phase,
        goes_on: bool,
        doing: impl Future<Output = io::Result<T>>,
    ) -> Result<T, Failure> {
        match self.deadline_of(phase, goes_on) {
            None => doing.await.map_err(Failure::Io),
            Some(deadline) => match tokio::time::timeout_at(deadline, doing).await {
                Ok(done) => done.map_err(Failure::Io),
                Err(_) => Err(Failure::Late),
            },
        }
    }
}

/// What may happen to a phase.
#[derive(Debug)]
pub enum Failure {
    Late,
    Io(io::Error),
}

impl Failure {
    /// Whether TLS says that the other side has ended it.
    pub fn is_alert(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::InvalidData)
    }

    /// Whether the connection has ended, and TLS has not.
    pub fn is_cut(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof)
    }

    pub fn kind(&self) -> TransportErrorKind {
        match self {
            Self::Late => Timeout,
            Self::Io(_) => ConnectionLost,
        }
    }
}
