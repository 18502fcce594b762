use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use otp_core::clock::monotonic;

use crate::in_memory::Passing;

/// 9999-12-31 23:59:59 UTC in seconds since 1970: the last date that HTTP can write. The clock stops there.
const LATEST: Duration = Duration::from_secs(253_402_300_799);

/// Time as a test turns it, on top of another clock's if there is one.
#[derive(Debug)]
pub(super) struct Clock {
    /// Where it starts; by default, at the system's date.
    date: Option<SystemTime>,
    other: Option<OtherClock>,
    since: Mutex<Since>,
}

/// What is so since it started.
#[derive(Debug)]
struct Since {
    start: SystemTime,
    /// What the other clock showed then.
    other: Duration,
    turned: Duration,
}

impl Since {
    /// From the start until the date at which the clock stops.
    fn longest(&self) -> Duration {
        latest().duration_since(self.start).unwrap_or_default()
    }
}

/// The clock that this one runs along with.
pub(super) struct OtherClock {
    now: Box<dyn Fn() -> Duration + Send + Sync>,
    /// Waits by it. The system's is not waited for.
    sleep: Option<Box<dyn Fn(Duration) -> Passing + Send + Sync>>,
}

impl OtherClock {
    pub(super) fn new<S: Future<Output = ()> + Send + 'static>(
        now: impl Fn() -> Duration + Send + Sync + 'static,
        sleep: impl Fn(Duration) -> S + Send + Sync + 'static,
    ) -> Self {
        let sleep = Box::new(move |time| -> Passing { Box::pin(sleep(time)) });
        Self { now: Box::new(now), sleep: Some(sleep) }
    }

    pub(super) fn system() -> Self {
        Self { now: Box::new(monotonic), sleep: None }
    }

    pub(super) fn is_system(&self) -> bool {
        self.sleep.is_none()
    }
}

impl fmt::Debug for OtherClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherClock").finish_non_exhaustive()
    }
}

impl Clock {
    /// It begins now, with this date or that of the system. Without another clock, it stands still until it is
    /// turned.
    pub(super) fn new(date: Option<SystemTime>, other: Option<OtherClock>) -> Self {
        let since =
            Since { start: SystemTime::UNIX_EPOCH, other: Duration::ZERO, turned: Duration::ZERO };
        let clock = Self { date, other, since: Mutex::new(since) };
        clock.restart();
        clock
    }

    /// Begins again.
    pub(super) fn restart(&self) {
        let other = self.other.as_ref().map_or(Duration::ZERO, |other| (other.now)());
        let start = self.date.unwrap_or_else(SystemTime::now);
        let start = start.clamp(SystemTime::UNIX_EPOCH, latest());
        *self.since() = Since { start, other, turned: Duration::ZERO };
    }

    /// Since the start.
    pub(super) fn now(&self) -> Duration {
        let shown = self.other.as_ref().map_or(Duration::ZERO, |other| (other.now)());
        let since = self.since();
        shown.saturating_sub(since.other).saturating_add(since.turned).min(since.longest())
    }

    /// Lets time pass: by the other clock, if that can be waited for, or else by turning this one.
    pub(super) fn pass(&self, time: Duration) -> Option<Passing> {
        let sleep = self.other.as_ref().and_then(|other| other.sleep.as_ref());
        match sleep {
            Some(sleep) => (!time.is_zero()).then(|| sleep(time)),
            None => {
                self.advance(time);
                None
            }
        }
    }

    pub(super) fn date(&self) -> SystemTime {
        self.date_at(self.now())
    }

    /// What it shows so long after the start.
    pub(super) fn date_at(&self, at: Duration) -> SystemTime {
        let latest = latest();
        self.since().start.checked_add(at).map_or(latest, |date| date.min(latest))
    }

    /// Seconds since 1970, as RFC 6238 counts them.
    pub(super) fn unix_seconds(&self) -> u64 {
        self.date().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    pub(super) fn advance(&self, time: Duration) {
        let mut since = self.since();
        since.turned = since.turned.saturating_add(time).min(since.longest());
    }

    fn since(&self) -> MutexGuard<'_, Since> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn latest() -> SystemTime {
    SystemTime::UNIX_EPOCH + LATEST
}
