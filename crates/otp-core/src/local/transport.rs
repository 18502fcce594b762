use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::FromSend;
use crate::transport::forward_transport;
use crate::{Request, Response, TransportError};

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

    /// The time since a fixed but arbitrary moment; it never goes back. It is the clock that `sleep`
    /// follows: without a clock of your own, that is [`clock::monotonic`](crate::clock::monotonic).
    ///
    /// It is required, since the deadline of a call is measured by it: a wrapper that forwarded the other
    /// two methods and kept a default here would measure by another clock than the transport inside.
    ///
    /// ```compile_fail,E0046
    /// use std::time::Duration;
    /// use otp_core::{Request, Response, TransportError, async_trait};
    ///
    /// struct Wrapper<T>(T);
    ///
    /// #[async_trait(?Send)]
    /// impl<T: otp_core::local::Transport> otp_core::local::Transport for Wrapper<T> {
    ///     async fn send(&self, request: Request) -> Result<Response, TransportError> {
    ///         self.0.send(request).await
    ///     }
    ///     async fn sleep(&self, duration: Duration) {
    ///         self.0.sleep(duration).await;
    ///     }
    ///     // It forgets `now`.
    /// }
    /// ```
    fn now(&self) -> Duration;
}

forward_transport!(
    [async LocalBoxFuture]:
    [*] ['a, T: Transport + ?Sized] &'a T,
    [*] [T: Transport + ?Sized] Box<T>,
    [*] [T: Transport + ?Sized] Rc<T>,
    [*] [T: Transport + ?Sized] Arc<T>,
    [.0] [T: crate::Transport] FromSend<T>,
);
