//! The one place that reads a clock.
//!
//! The [exchange](crate::exchange) is told the time and never asks for it. A
//! [`Transport`](crate::Transport) answers [`now`](crate::Transport::now); by default that is
//! [`monotonic`]. A transport with a time of its own (a test's, a runtime's paused clock) answers
//! that instead, and every wait and deadline follows it.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The time since a fixed but arbitrary moment in this process; it never goes back.
pub fn monotonic() -> Duration {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed()
}
