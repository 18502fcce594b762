use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use otp_core::clock::monotonic;

/// Time as a test turns it, or as it passes outside plus what a test added.
#[derive(Debug)]
pub(super) struct Clock {
    start: SystemTime,
    /// The system's clock at the start, if this one runs along with it.
    running_since: Option<Duration>,
    turned: Mutex<Duration>,
}

impl Clock {
    /// It stands still until it is turned.
    pub(super) fn standing_at(start: SystemTime) -> Self {
        Self { start, running_since: None, turned: Mutex::default() }
    }

    /// It begins now and runs.
    pub(super) fn running() -> Self {
        let running_since = Some(monotonic());
        Self { start: SystemTime::now(), running_since, turned: Mutex::default() }
    }

    /// Since the start.
    pub(super) fn now(&self) -> Duration {
        let turned = *self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        match self.running_since {
            Some(since) => monotonic().saturating_sub(since).saturating_add(turned),
            None => turned,
        }
    }

    pub(super) fn date(&self) -> SystemTime {
        self.start.checked_add(self.now()).unwrap_or(self.start)
    }

    /// Seconds since 1970, as RFC 6238 counts them.
    pub(super) fn unix_seconds(&self) -> u64 {
        self.date().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    pub(super) fn advance(&self, time: Duration) {
        let mut turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        *turned = turned.saturating_add(time);
    }
}
