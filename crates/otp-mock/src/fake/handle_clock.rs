//! The clock, as a handle has it.

use std::time::{Duration, SystemTime};

use super::FakeOtps;
#[cfg(doc)]
use super::{JournalEntry, Sms};

impl FakeOtps {
    /// Advances the service's clock, by any time. Its [date](Self::date) stands at the end of 9998; expiry,
    /// limits and the journal's times go on.
    pub fn advance(&self, time: Duration) {
        self.service.clock().advance(time);
    }

    /// What the service's clock shows: the last second of 9998 at most, so that HTTP can write it.
    pub fn date(&self) -> SystemTime {
        self.service.clock().date()
    }

    /// What the service's clock shows or showed so long after the start, as for
    /// [`Sms::at`] and [`JournalEntry::at`].
    pub fn date_at(&self, since_start: Duration) -> SystemTime {
        self.service.clock().date_at(since_start)
    }
}
