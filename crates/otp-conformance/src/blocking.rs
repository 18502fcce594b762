use std::sync::Arc;
use std::time::Duration;

use otp_core::{Request, Response, TransportError, async_trait, blocking, local};
use tokio::sync::oneshot;

/// A blocking transport, each call on a thread of its own, so that the kit can watch it hang.
pub(crate) struct OnThreads<T>(pub(crate) Arc<T>);

#[async_trait(?Send)]
impl<T: blocking::Transport + 'static> local::Transport for OnThreads<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (transport, (done, over)) = (Arc::clone(&self.0), oneshot::channel());
        std::thread::spawn(move || {
            let _ = done.send(transport.send(request));
        });
        // The thread is gone: its panic is this future's.
        over.await.unwrap_or_else(|_| std::panic::resume_unwind(Box::new("it panicked")))
    }

    async fn sleep(&self, duration: Duration) {
        let (transport, (done, over)) = (Arc::clone(&self.0), oneshot::channel());
        std::thread::spawn(move || {
            transport.sleep(duration);
            let _ = done.send(());
        });
        let _ = over.await;
    }

    fn now(&self) -> Duration {
        self.0.now()
    }
}
