//! The one place that reads a clock.
//!
//! The [exchange](crate::exchange) is told the time and never asks for it. A
//! [`Transport`](crate::Transport) answers [`now`](crate::Transport::now), usually by [`monotonic`]. A
//! transport whose `sleep` follows another clock (a test's, a runtime's paused one) answers that
//! clock's time instead, and every wait and deadline follows it.

use std::sync::OnceLock;
use std::time::Duration;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use std::time::Instant;

// There std's `Instant` panics; this one asks JavaScript's `performance`.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use web_time::Instant;

/// The time since a fixed but arbitrary moment in this process; it never goes back.
///
/// On `wasm32-unknown-unknown` it is JavaScript's `performance.now()`, in a page or in a worker.
pub fn monotonic() -> Duration {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed()
}
