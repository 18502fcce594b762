//! How long something has been idle, the time that the machine slept included.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The two clocks that tell it.
///
/// The monotonic clock stands still while the machine sleeps, on Linux and on Apple's systems. The time of
/// day does not, but it may be set. So the longer of the two counts: where the time of day is set forward, a
/// connection is made anew, which costs little; where it is set back, the monotonic clock holds.
#[derive(Clone)]
pub(crate) struct Clocks(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clocks {
    /// With this time of day.
    pub(crate) fn new(time_of_day: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(time_of_day))
    }

    pub(crate) fn now(&self) -> Moment {
        Moment { monotonic: Instant::now(), time_of_day: (self.0)() }
    }
}

impl Default for Clocks {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for Clocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clocks")
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    monotonic: Instant,
    time_of_day: SystemTime,
}

impl Moment {
    /// How long ago `earlier` was.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let awake = self.monotonic.saturating_duration_since(earlier.monotonic);
        let by_day = self.time_of_day.duration_since(earlier.time_of_day).unwrap_or_default();
        awake.max(by_day)
    }
}
