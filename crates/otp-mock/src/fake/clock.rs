use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

/// The system's monotonic clock, plus what a test added.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<Duration>);

impl Clock {
    pub(super) fn now(&self) -> Duration {
        let ahead = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        otp_core::clock::monotonic().saturating_add(ahead)
    }

    pub(super) fn advance(&self, time: Duration) {
        let mut ahead = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(time);
    }
}
