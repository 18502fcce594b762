use std::time::Duration;

use super::jitter;
use crate::Error;

/// How often a call is tried, and how long it waits in between.
///
/// Whether an attempt may be repeated at all is not for the policy to say: a request that may have
/// reached the server is never repeated unless the operation is
/// [idempotent](crate::Endpoint::is_idempotent).
///
/// The wait before attempt *n* + 1 is chosen evenly between zero and `min(cap, base · 2ⁿ⁻¹)` ("full
/// jitter"), and is never shorter than what `Retry-After` asks for. A wait that does not fit into the
/// call's timeout ends the call at once.
///
/// ```
/// use std::time::Duration;
/// use otp_core::{CallOptions, RetryPolicy};
///
/// let patient = RetryPolicy::default()
///     .with_max_attempts(5)
///     .with_backoff(Duration::from_millis(200), Duration::from_secs(5));
/// let options = CallOptions::default().with_retry(patient);
/// # let _ = options;
/// ```
///
/// # The retry budget
///
/// All clones of a client share a budget, so that a failing service is not buried under retries. A client made by
/// [`with_token`](crate::OtpsClient::with_token) has its own, unless it
/// [shares](crate::ClientBuilder::share_retry_budget) it. A budget starts with 10 retries, each call adds a tenth of one
/// up to those 10, and a retry takes one. In the long run a failing service sees at most a tenth more traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    max_attempts: u32,
    base: Duration,
    cap: Duration,
}

impl Default for RetryPolicy {
    /// Three attempts; backoff from 100 ms to 2 s.
    fn default() -> Self {
        Self { max_attempts: 3, base: Duration::from_millis(100), cap: Duration::from_secs(2) }
    }
}

impl RetryPolicy {
    /// One attempt, whatever happens.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// How many attempts a call has at most: 1 to 10.
    #[must_use]
    pub fn with_max_attempts(self, max_attempts: u32) -> Self {
        Self { max_attempts, ..self }
    }

    /// The longest first wait and the longest of all: 1 ms ≤ `base` ≤ `cap` ≤ 60 s.
    #[must_use]
    pub fn with_backoff(self, base: Duration, cap: Duration) -> Self {
        Self { base, cap, ..self }
    }

    /// How many attempts a call has at most.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// A wait after this many failed attempts.
    pub(crate) fn backoff(&self, failed: u32) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        let longest = self.base.saturating_mul(1 << doublings).min(self.cap);
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(jitter::up_to(nanos))
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if !(1..=10).contains(&self.max_attempts) {
            return Err(Error::invalid_input(format!(
                "invalid retry policy: {} attempts; it is 1 to 10",
                self.max_attempts
            )));
        }
        let (least, most) = (Duration::from_millis(1), Duration::from_secs(60));
        if self.base < least || self.base > self.cap || self.cap > most {
            return Err(Error::invalid_input(format!(
                "invalid retry policy: backoff from {:?} to {:?}; it is 1 ms ≤ base ≤ cap ≤ 60 s",
                self.base, self.cap
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_the_cap_and_not_beyond() {
        let policy = RetryPolicy::default();
        for (failed, longest) in [(1, 100), (2, 200), (3, 400), (5, 1600), (6, 2000), (40, 2000)] {
            let longest = Duration::from_millis(longest);
            let waits: Vec<_> = (0..500).map(|_| policy.backoff(failed)).collect();
            assert!(waits.iter().all(|wait| *wait <= longest));
            assert!(waits.iter().any(|wait| *wait > longest / 2), "jitter is over the full range");
            assert!(waits.iter().any(|wait| *wait < longest / 2), "jitter is over the full range");
        }
    }

    #[test]
    fn a_policy_out_of_bounds_is_refused() {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        let ok = RetryPolicy::default();
        assert!(ok.validate().is_ok() && RetryPolicy::never().validate().is_ok());
        for bound in [ok.with_backoff(ms(1), ms(1)), ok.with_backoff(s(60), s(60))] {
            assert!(bound.validate().is_ok(), "{bound:?}");
        }
        assert!(ok.with_max_attempts(10).validate().is_ok());
        for bad in [
            ok.with_max_attempts(0),
            ok.with_max_attempts(11),
            ok.with_backoff(ms(0), s(1)),
            ok.with_backoff(s(2), s(1)),
            ok.with_backoff(s(1), s(61)),
        ] {
            assert!(bad.validate().is_err(), "{bad:?}");
        }
    }
}
