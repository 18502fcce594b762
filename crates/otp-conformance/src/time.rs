//! Time and futures on any executor: the timers run on the servers' threads and wake whoever waits.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::guard::message;
use crate::hostile::runtime;
use crate::mismatch::{Mismatch, Symptom};

/// Ends after this time.
pub(crate) async fn wait(duration: Duration) {
    let (done, over) = oneshot::channel();
    runtime().spawn(async move {
        tokio::time::sleep(duration).await;
        // Whoever waited may have gone.
        let _ = done.send(());
    });
    let _ = over.await;
}

/// Waits until it holds, at most three seconds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        if holds() {
            return true;
        }
        wait(Duration::from_millis(10)).await;
    }
    holds()
}

/// How a future ended.
pub(crate) enum Ended<T> {
    Returned(T),
    /// With what it said.
    Panicked(String),
    Late,
}

/// Drives a future for so long at most; a panic within is caught.
pub(crate) async fn within<F: Future>(duration: Duration, future: F) -> Ended<F::Output> {
    let mut future = pin!(future);
    let mut late = pin!(wait(duration));
    poll_fn(|cx| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Err(panic) => return Poll::Ready(Ended::Panicked(message(&*panic))),
            Ok(Poll::Ready(value)) => return Poll::Ready(Ended::Returned(value)),
            Ok(Poll::Pending) => {}
        }
        late.as_mut().poll(cx).map(|()| Ended::Late)
    })
    .await
}

/// Drives a future; a panic within is a mismatch.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Mismatch> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Err(panic) => {
            let seen = format!("a panic: {}", message(&*panic));
            Poll::Ready(Err(Mismatch::new("no panic", seen).of(Symptom::Panics)))
        }
        Ok(polled) => polled.map(Ok),
    })
    .await
}

/// Drives all of them at the same time.
///
/// The first to be polled is another one each time. A runtime lets a task do so much in a turn and no more: with a
/// fixed order, those that are flooded would take all of it, and the last ones would hear of nothing, not even of
/// their time limits.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> =
        futures.into_iter().map(|future| (Some(Box::pin(future)), None)).collect();
    let mut first = 0;
    poll_fn(|cx| {
        let mut pending = false;
        first = (first + 1) % running.len().max(1);
        let (before, from) = running.split_at_mut(first);
        for (future, output) in from.iter_mut().chain(before) {
            if let Some(running) = future {
                match running.as_mut().poll(cx) {
                    Poll::Ready(value) => (*future, *output) = (None, Some(value)),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

/// Drives a future so many polls far and drops it; what it gave, if it ended before.
pub(crate) async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future: Option<Pin<Box<F>>> = Some(Box::pin(future));
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            future = None;
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().map(|future| future.as_mut().poll(cx)) {
            Some(Poll::Ready(value)) => Poll::Ready(Some(value)),
            _ if left == 0 => {
                future = None;
                Poll::Ready(None)
            }
            _ => Poll::Pending,
        }
    })
    .await
}
