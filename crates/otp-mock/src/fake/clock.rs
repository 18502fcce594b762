use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use otp_core::clock::monotonic;

/// The last second of 9998, well within what HTTP can write as a date.
const LATEST: Duration = Duration::from_secs(253_370_764_799);

/// As far as it can be turned: what is added to that for a deadline must still fit.
const FARTHEST: Duration = Duration::from_secs(u64::MAX / 2);

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
        let start = start.clamp(SystemTime::UNIX_EPOCH, latest());
        Self { start, running_since: None, turned: Mutex::default() }
    }

    /// It begins now, with this date, and runs.
    pub(super) fn running_from(start: SystemTime) -> Self {
        Self { running_since: Some(monotonic()), ..Self::standing_at(start) }
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
        let latest = latest();
        self.start.checked_add(self.now()).map_or(latest, |date| date.min(latest))
    }

    /// Seconds since 1970, as RFC 6238 counts them.
    pub(super) fn unix_seconds(&self) -> u64 {
        self.date().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    pub(super) fn advance(&self, time: Duration) {
        let mut turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        *turned = turned.saturating_add(time).min(FARTHEST);
    }
}

fn latest() -> SystemTime {
    SystemTime::UNIX_EPOCH + LATEST
}
