//! The attempts of one call and the gates between them: pure, and driven by nothing but times.

use std::time::Duration;

use super::failure::{Failure, Repeat};
use super::{CallOptions, RetryBudget, RetryPolicy};
use crate::{Attempt, Effect};

#[derive(Debug)]
pub(super) struct History {
    idempotent: bool,
    retry: RetryPolicy,
    attempt_timeout: Duration,
    started: Duration,
    deadline: Duration,
    attempt_started: Duration,
    attempts: Vec<Attempt>,
    effect: Effect,
}

impl History {
    pub(super) fn new(idempotent: bool, options: &CallOptions, now: Duration) -> Self {
        Self {
            idempotent,
            retry: options.retry(),
            attempt_timeout: options.attempt_timeout(),
            started: now,
            deadline: now.saturating_add(options.timeout()),
            attempt_started: now,
            attempts: Vec::new(),
            effect: Effect::NotApplied,
        }
    }

    /// How long an attempt that starts now may take; none if the call's time is up.
    pub(super) fn start_attempt(&mut self, now: Duration) -> Option<Duration> {
        self.attempt_started = now;
        Some(self.left(now)?.min(self.attempt_timeout))
    }

    /// What is left of the call's time; none if it is up.
    pub(super) fn left(&self, now: Duration) -> Option<Duration> {
        let left = self.deadline.saturating_sub(now);
        (!left.is_zero()).then_some(left)
    }

    /// Writes a failed attempt down. Gives the wait before the next one, or none if there is none.
    pub(super) fn failed(
        &mut self,
        failure: &Failure,
        budget: &RetryBudget,
        now: Duration,
    ) -> Option<Duration> {
        self.attempts.push(Attempt {
            cause: failure.kind,
            effect: failure.effect,
            status: failure.status,
            started: self.attempt_started.saturating_sub(self.started),
            duration: now.saturating_sub(self.attempt_started),
        });
        self.effect = self.effect.max(failure.effect);

        let allowed = match failure.repeat {
            Repeat::Always => true,
            Repeat::IfIdempotent => self.idempotent,
            Repeat::Never => false,
        };
        let failed = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        if !allowed || failed >= self.retry.max_attempts() {
            return None;
        }
        let wait = self.wait(failure, failed);
        // The budget comes last: only a retry that is going to happen takes from it.
        (wait < self.deadline.saturating_sub(now) && budget.withdraw()).then_some(wait)
    }

    fn wait(&self, failure: &Failure, failed: u32) -> Duration {
        failure.retry_after.unwrap_or_default().max(self.retry.backoff(failed))
    }

    /// The failed attempts so far.
    pub(super) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The most that the server may have done, over all attempts.
    pub(super) fn effect(&self) -> Effect {
        self.effect
    }
}
