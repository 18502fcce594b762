//! The clock, as a handle has it.

use std::time::{Duration, SystemTime};

use super::FakeOtps;
#[cfg(doc)]
use super::{JournalEntry, Sms};

impl FakeOtps {
    /// Advances the service's clock, at most to 9999-12-31 23:59:59, the last date that HTTP can write. The clock
    /// stops there: nothing expires any more, and the codes of apps stay the same. A [reset](Self::reset) brings it
    /// back to the start.
    pub fn advance(&self, time: Duration) {
        self.service.clock().advance(time);
    }

    /// What the service's clock shows: 9999-12-31 23:59:59 at most, so that HTTP can write it.
    pub fn date(&self) -> SystemTime {
        self.service.clock().date()
    }

    /// What the service's clock shows or showed so long after the start, as for
    /// [`Sms::at`] and [`JournalEntry::at`].
    pub fn date_at(&self, since_start: Duration) -> SystemTime {
        self.service.clock().date_at(since_start)
    }
}
