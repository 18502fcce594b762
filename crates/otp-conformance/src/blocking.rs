use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otp_core::{Request, Response, TransportError, async_trait, blocking, local};
use tokio::sync::oneshot;

/// A blocking transport, each call on a thread of its own, so that the kit can watch it hang.
pub(crate) struct OnThreads<T>(pub(crate) Arc<T>);

#[async_trait(?Send)]
impl<T: blocking::Transport + 'static> local::Transport for OnThreads<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let transport = Arc::clone(&self.0);
        on_a_thread(move || transport.send(request)).await
    }

    async fn sleep(&self, duration: Duration) {
        let transport = Arc::clone(&self.0);
        on_a_thread(move || transport.sleep(duration)).await;
    }

    fn now(&self) -> Duration {
        self.0.now()
    }
}

/// How many threads calls have now.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads of this process are the kit's, and not the transport's.
pub(crate) fn threads() -> usize {
    THREADS.load(Ordering::SeqCst)
}

/// Does this on a thread of its own. A panic there is one here.
async fn on_a_thread<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, over) = oneshot::channel();
    THREADS.fetch_add(1, Ordering::SeqCst);
    std::thread::spawn(move || {
        // Whoever waited may have gone.
        let _ = done.send(catch_unwind(AssertUnwindSafe(act)));
        THREADS.fetch_sub(1, Ordering::SeqCst);
    });
    match over.await.expect("the thread tells whatever happens") {
        Ok(value) => value,
        Err(panic) => resume_unwind(panic),
    }
}
