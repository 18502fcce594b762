use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
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
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        bell.wait();
    }
}

/// Wakes a thread that waits here. `std::thread::park` would also take a wake-up that is for an executor of this
/// thread.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ring: Condvar,
}

impl Bell {
    fn wait(&self) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ring.wait_timeout_while(rung, TICK, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ring.notify_one();
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
