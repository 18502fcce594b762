use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::LocalBoxFuture;
use crate::pointers::delegate_transport;
use crate::{Request, Response, TransportError, clock};

/// Sends exactly one request, and can wait: [`Transport`](crate::Transport) without `Send` and `Sync`.
///
/// What it promises is what [`Transport`](crate::Transport#what-a-transport-promises) lists, word for
/// word. For a transport that is `Send`, implement that trait and wrap it in
/// [`FromSend`](super::FromSend) where this one is wanted.
///
/// A cause that stays on its thread, such as a JavaScript value, does not fit into a
/// [`TransportError`]'s source, which is `Send`: tell what it says in
/// [`with_reason`](TransportError::with_reason).
///
/// # Cancellation
///
/// As there: dropping the future of `send` gives the attempt up, and the next `send` gets its own
/// answer.
#[async_trait(?Send)]
pub trait Transport {
    /// Sends the request once and reads the response in full.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] that says what failed and whether the request may have left.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;

    /// Waits. It is required, since a client that cannot wait cannot retry.
    async fn sleep(&self, duration: Duration);

    /// The time since a fixed but arbitrary moment; it never goes back.
    ///
    /// Override it if this transport's `sleep` follows another clock than the system's.
    fn now(&self) -> Duration {
        clock::monotonic()
    }
}

// A pointer to a transport is a transport.
delegate_transport!(
    Transport, LocalBoxFuture:
    ['a, T: Transport + ?Sized] &'a T,
    [T: Transport + ?Sized] Box<T>,
    [T: Transport + ?Sized] Rc<T>,
    [T: Transport + ?Sized] Arc<T>,
);
