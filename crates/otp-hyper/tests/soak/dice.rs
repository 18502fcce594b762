//! Chance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number below `below`, from a fixed seed: runs differ only in the order of events.
pub fn dice(below: u64) -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(42);
    // SplitMix64.
    let mut z = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

pub fn millis(from: u64, to: u64) -> Duration {
    Duration::from_millis(from + dice(to - from))
}
