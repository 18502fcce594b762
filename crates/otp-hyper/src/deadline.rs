//! The time limit of a call.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// When a call must be over. All of its phases share one timer, which is set when the first of them must wait.
pub(crate) struct Deadline<'a> {
    at: Instant,
    timer: Pin<&'a mut Option<Sleep>>,
}

/// The time was up.
pub(crate) struct Elapsed;

impl<'a> Deadline<'a> {
    pub(crate) fn new(at: Instant, timer: Pin<&'a mut Option<Sleep>>) -> Self {
        Self { at, timer }
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// What the future returns before the deadline.
    ///
    /// It is pinned by the caller: taken by value, it would be in the caller's future twice.
    pub(crate) fn limit<F: Future>(
        &mut self,
        future: Pin<&mut F>,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> {
        self.limit_until(self.at, future)
    }

    /// What the future returns within `limit`, and before the deadline.
    pub(crate) fn limit_within<F: Future>(
        &mut self,
        limit: Duration,
        future: Pin<&mut F>,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> {
        self.limit_until(self.at.min(Instant::now() + limit), future)
    }

    fn limit_until<F: Future>(
        &mut self,
        at: Instant,
        mut future: Pin<&mut F>,
    ) -> impl Future<Output = Result<F::Output, Elapsed>> {
        poll_fn(move |cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            let mut timer = self.timer.as_mut();
            if timer.is_none() {
                timer.set(Some(sleep_until(at)));
            }
            let Some(mut timer) = timer.as_pin_mut() else { return Poll::Pending };
            if timer.deadline() != at {
                timer.as_mut().reset(at);
            }
            // The time is up even if the future has used up the task's turn.
            pin!(unconstrained(timer)).poll(cx).map(|()| Err(Elapsed))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn all_phases_share_one_deadline() {
        let started = Instant::now();
        let mut timer = pin!(None);
        let mut deadline = Deadline::new(started + 10 * SECOND, timer.as_mut());
        assert!(deadline.limit(pin!(ready(()))).await.is_ok());
        assert!(deadline.limit(pin!(tokio::time::sleep(3 * SECOND))).await.is_ok());
        // A phase with a limit of its own, and one after it.
        assert!(deadline.limit_within(2 * SECOND, pin!(pending::<()>())).await.is_err());
        assert_eq!((started.elapsed(), deadline.remaining()), (5 * SECOND, 5 * SECOND));
        assert!(deadline.limit(pin!(tokio::time::sleep(SECOND))).await.is_ok());
        assert!(deadline.limit_within(20 * SECOND, pin!(pending::<()>())).await.is_err());
        assert_eq!((started.elapsed(), deadline.remaining()), (10 * SECOND, Duration::ZERO));
        assert!(deadline.limit(pin!(pending::<()>())).await.is_err());
        // What is ready is taken, even late.
        assert!(deadline.limit(pin!(ready(()))).await.is_ok());
        assert_eq!(started.elapsed(), 10 * SECOND);
    }

    #[tokio::test]
    async fn a_future_that_always_uses_up_the_turn_of_its_task_is_limited_too() {
        let mut timer = pin!(None);
        let mut deadline = Deadline::new(Instant::now() + SECOND / 100, timer.as_mut());
        let greedy = async {
            loop {
                tokio::task::consume_budget().await;
            }
        };
        let limited = tokio::time::timeout(10 * SECOND, deadline.limit(pin!(greedy))).await;
        assert!(limited.unwrap().is_err());
    }
}
