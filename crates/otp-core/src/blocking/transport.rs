use std::sync::Arc;
use std::time::Duration;

use crate::transport::forward_transport;
use crate::{Request, Response, TransportError};

/// Sends exactly one request and waits for its response: [`Transport`](crate::Transport) without
/// async.
///
/// What it promises is what [`Transport`](crate::Transport#what-a-transport-promises) lists, except what
/// concerns futures: since nobody can drop a call that blocks, [`Request::time_limit`] is the only thing
/// that ends one, so keep it in every phase.
///
/// A device with one line behind a `Mutex` makes calls wait for one another, and the wait counts: subtract
/// it from the limit. Say so to your users, and to the kit by an exception. A stack that cannot be shared
/// between threads at all drives an [`Exchange`](crate::Exchange) itself.
pub trait Transport: Send + Sync {
    /// Sends the request once and reads the response in full.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] that says what failed and whether the request may have left.
    fn send(&self, request: Request) -> Result<Response, TransportError>;

    /// Waits: with threads, [`std::thread::sleep`]. It is required, since a client that cannot wait
    /// cannot retry.
    fn sleep(&self, duration: Duration);

    /// The time since a fixed but arbitrary moment; it never goes back. It is the clock that `sleep`
    /// follows: without a clock of your own, that is [`clock::monotonic`](crate::clock::monotonic).
    ///
    /// It is required, since the deadline of a call is measured by it: a wrapper that forwarded the other
    /// two methods and kept a default here would measure by another clock than the transport inside.
    ///
    /// ```compile_fail,E0046
    /// use std::time::Duration;
    /// use otp_core::{Request, Response, TransportError};
    ///
    /// struct Wrapper<T>(T);
    ///
    /// impl<T: otp_core::blocking::Transport> otp_core::blocking::Transport for Wrapper<T> {
    ///     fn send(&self, request: Request) -> Result<Response, TransportError> {
    ///         self.0.send(request)
    ///     }
    ///     fn sleep(&self, duration: Duration) {
    ///         self.0.sleep(duration);
    ///     }
    ///     // It forgets `now`.
    /// }
    /// ```
    fn now(&self) -> Duration;
}

forward_transport!(
    [blocking]:
    [*] ['a, T: Transport + ?Sized] &'a T,
    [*] [T: Transport + ?Sized] Box<T>,
    [*] [T: Transport + ?Sized] Arc<T>,
);
