//! The one place that asks for a random number. It spreads waits; no secret hangs on it.

/// Anything from 0 to this, as likely as any other.
pub(super) fn up_to(most: u64) -> u64 {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    seed();
    fastrand::u64(0..=most)
}

/// There std has nothing to seed a generator with, and without a seed every browser that loses the
/// service at once would come back at once.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn seed() {
    std::thread_local! {
        static SEEDED: () = fastrand::seed(js_sys::Math::random().to_bits());
    }
    SEEDED.with(|()| ());
}

#[cfg(test)]
mod tests {
    use super::up_to;

    #[test]
    fn waits_differ_and_stay_in_bounds() {
        let waits: std::collections::HashSet<u64> = (0..100).map(|_| up_to(1_000_000)).collect();
        assert!(waits.len() > 50 && waits.iter().all(|wait| *wait <= 1_000_000), "{waits:?}");
    }
}
