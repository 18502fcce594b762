//! The time limit of a send, phase by phase.

use std::io;
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
}

/// How long a flawed phase may last: long, but not for ever.
const LONG: Duration = Duration::from_secs(6);

impl Limit {
    pub fn new(whole: Duration, flaw: &'static str) -> Self {
        Self { deadline: Instant::now().checked_add(whole), whole, flaw }
    }

    /// When this phase must have ended. `goes_on` is whether a part of it has arrived.
    fn deadline_of(&self, phase: Phase, goes_on: bool) -> Option<Instant> {
        let unlimited = match self.flaw {
            "no limit while connecting" => matches!(phase, Phase::Connect | Phase::Handshake),
            "no limit while writing" => phase == Phase::Write,
            "no limit before the head" => phase == Phase::BeforeTheHead,
            "no limit within the head" => phase == Phase::Head,
            "no limit within the body" => phase == Phase::Body && goes_on,
            _ => false,
        };
        let starts_again = match self.flaw {
            "each byte of a head starts the limit again" => phase == Phase::Head,
            "each byte of a body starts the limit again" => phase == Phase::Body && goes_on,
            _ => false,
        };
        match (unlimited, starts_again) {
            (true, _) => Some(Instant::now() + LONG),
            (_, true) => Some(Instant::now() + Duration::from_millis(300)),
            _ => self.deadline,
        }
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
    pub fn kind(&self) -> TransportErrorKind {
        match self {
            Self::Late => Timeout,
            Self::Io(_) => ConnectionLost,
        }
    }
}
