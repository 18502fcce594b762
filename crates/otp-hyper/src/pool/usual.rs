//! How long an answer usually takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An average in nanoseconds; zero before the first answer.
#[derive(Default)]
pub(super) struct Usual(AtomicU64);

impl Usual {
    pub(super) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// An answer took so long. Of answers at the same moment, one may not count.
    pub(super) fn add(&self, took: Duration) {
        let usual = self.get();
        // Weighted by an eighth, as TCP smooths its round trips (RFC 6298 §2).
        let usual = if usual.is_zero() { took } else { (usual * 7 + took) / 8 };
        self.0.store(usual.as_nanos().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_answer_counts_one_eighth() {
        let usual = Usual::default();
        assert_eq!(usual.get(), Duration::ZERO);
        usual.add(Duration::from_millis(80));
        assert_eq!(usual.get(), Duration::from_millis(80));
        usual.add(Duration::from_millis(160));
        assert_eq!(usual.get(), Duration::from_millis(90));
        usual.add(Duration::from_millis(10));
        assert_eq!(usual.get(), Duration::from_millis(80));
    }
}
