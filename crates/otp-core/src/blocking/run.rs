use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::clock;

/// How often a thread that waits for another one's token looks at the time.
const TICK: Duration = Duration::from_millis(20);

/// Runs a future of this crate on this thread. It is ready when it is first polled, unless it waits for a token that
/// another thread asks for.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return value;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park_timeout(TICK);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Is ready when its time is up. [`run`] looks after each tick.
pub(super) struct Timer {
    end: Duration,
}

impl Timer {
    pub(super) fn new(duration: Duration) -> Self {
        Self { end: clock::monotonic().saturating_add(duration) }
    }
}

impl Future for Timer {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if clock::monotonic() < self.end { Poll::Pending } else { Poll::Ready(()) }
    }
}
