use std::sync::atomic::{AtomicU32, Ordering};

/// What a retry takes and what a call gives, in hundredths of a retry.
const RETRY: u32 = 100;
const CALL: u32 = 10;
const CAPACITY: u32 = 10 * RETRY;

/// A token bucket that all clones of a client share: it keeps retries to a tenth of the calls in the
/// long run, whatever fails.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicU32);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(AtomicU32::new(CAPACITY))
    }
}

impl RetryBudget {
    /// A call started.
    pub(crate) fn deposit(&self) {
        // The usual state is full, and a full bucket is only looked at, so callers do not contend.
        self.update(|left| (left < CAPACITY).then(|| (left + CALL).min(CAPACITY)));
    }

    /// Whether a retry may be made; it takes one if so.
    pub(crate) fn withdraw(&self) -> bool {
        self.update(|left| left.checked_sub(RETRY))
    }

    /// The count stands for nothing but itself, so no ordering with other memory is needed.
    fn update(&self, change: impl Fn(u32) -> Option<u32>) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_retries_to_start_with_then_one_for_every_ten_calls() {
        let budget = RetryBudget::default();
        assert_eq!((0..50).filter(|_| budget.withdraw()).count(), 10);
        for _ in 0..9 {
            budget.deposit();
        }
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    #[test]
    fn a_quiet_hour_saves_up_no_more_than_the_start() {
        let budget = RetryBudget::default();
        for _ in 0..100_000 {
            budget.deposit();
        }
        assert_eq!((0..50).filter(|_| budget.withdraw()).count(), 10);
    }
}
