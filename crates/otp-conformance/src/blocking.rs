use std::sync::Arc;
use std::time::Duration;

use otp_core::{
    Request, Response, TransportError, TransportErrorKind, async_trait, blocking, local,
};
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
        let panicked = |_| TransportError::unknown(TransportErrorKind::Other);
        over.await.map_err(panicked).map_err(|error| error.with_reason("it panicked"))?
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
