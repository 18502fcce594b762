//! What a transport must do: send one request, and wait.

mod error;
mod request;

pub use error::{Progress, TransportError, TransportErrorKind};
pub use request::Request;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

/// A response whose body has arrived in full.
pub type Response = http::Response<Bytes>;

/// Sends exactly one request, and can wait.
///
/// Implement it to run the client over any HTTP stack. `otp-hyper` is one for tokio.
///
/// ```
/// use std::time::Duration;
/// use otp_core::{Request, Response, Transport, TransportError, TransportErrorKind, async_trait, clock};
/// # mod stack {
/// #     pub struct Stack;
/// #     impl Stack {
/// #         pub async fn run(&self, _: otp_core::http::Request<otp_core::bytes::Bytes>, _: std::time::Duration, _: usize)
/// #             -> Result<otp_core::Response, std::io::Error> { Err(std::io::ErrorKind::Other.into()) }
/// #         pub async fn sleep(&self, _: std::time::Duration) {}
/// #     }
/// # }
/// # use stack::Stack;
///
/// struct MyTransport(Stack);
///
/// #[async_trait]
/// impl Transport for MyTransport {
///     async fn send(&self, request: Request) -> Result<Response, TransportError> {
///         let (time, size) = (request.time_limit(), request.response_limit());
///         self.0.run(request.into_http(), time, size).await.map_err(|error| {
///             // This stack does not tell whether the request left, so say so.
///             TransportError::unknown(TransportErrorKind::ConnectionLost).with_source(error)
///         })
///     }
///
///     async fn sleep(&self, duration: Duration) {
///         self.0.sleep(duration).await;
///     }
///
///     fn now(&self) -> Duration {
///         clock::monotonic()
///     }
/// }
/// ```
///
/// # What a transport promises
///
/// 1. **One request.** `send` sends its request at most once, whatever comes back: it does not
///    retry, follow redirects, answer challenges or keep cookies. An attempt that provably did not
///    leave may be repeated inside.
/// 2. **Unchanged.** Method, path and query, header values and body arrive byte for byte. What
///    framing needs is added (`Host`, `Content-Length`) and nothing else; in particular no
///    `Accept-Encoding`, and no second copy of a secret.
/// 3. **Any status is an answer.** `401` and `500` are `Ok`. Status, headers and body are what the
///    server sent: informational responses (`1xx`) are skipped, and the body is not decompressed.
/// 4. **In time.** It ends within [`Request::time_limit`], whichever phase it is in: connecting,
///    writing, waiting for the head, reading the body, however slowly the bytes trickle.
/// 5. **In bounds.** A body may be as large as [`Request::response_limit`] and not a byte larger:
///    then it stops reading and answers [`TransportErrorKind::ResponseTooLarge`]. A head that never
///    ends is given up too. A send that failed leaves no connection, thread or memory behind.
/// 6. **Honest.** What is cut short, or is not HTTP, is never an answer, and the kind of the error
///    says what failed. A failure is [`TransportError::not_sent`] only if no byte of the request
///    can have reached the server, and [`TransportError::unknown`] in every other case. A head that
///    arrived before the failure comes with it ([`TransportError::with_head`]). A kept connection
///    that was closed meanwhile is replaced, and after a failure the next `send` gets its own answer.
/// 7. **Discreet.** Its errors, their sources, its log lines and spans hold no URL and no header
///    value. A request goes to the origin of its URL and to no other, and what is for an `https` URL
///    never leaves in the clear.
/// 8. **Cancellable.** Nothing is sent before the future of `send` is polled. Dropping it gives the
///    attempt up: nothing is sent again, and the next `send` gets its own answer.
/// 9. **Concurrent.** Sends at the same time do not wait for one another, and each gets its own
///    answer.
/// 10. **On the clock.** `sleep` waits as long as it is told, and `now` goes on with the time that
///     passes.
///
/// `otp-conformance` puts a transport to the test of each, in a test of one line.
///
/// # Cancellation
///
/// Dropping the future of `send` gives the attempt up. Whether the server received the request is then
/// unknown, and the next `send` must get its own answer.
#[async_trait]
pub trait Transport: Send + Sync {
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
    /// #[async_trait]
    /// impl<T: otp_core::Transport> otp_core::Transport for Wrapper<T> {
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

/// A future on the heap, as `async_trait` makes them.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Implements the flavour's `Transport` for what points to one, or wraps one.
macro_rules! forward_transport {
    ($flavour:tt: $($via:tt [$($generics:tt)*] $Type:ty),* $(,)?) => {$(
        impl<$($generics)*> Transport for $Type {
            $crate::__forward_method! {
                $flavour $via [send [, request: Request] Result<Response, TransportError>]
            }
            $crate::__forward_method! { $flavour $via [sleep [, duration: Duration] ()] }
            $crate::__forward_method! { [blocking] $via [now [] Duration] }
        }
    )*};
}
pub(crate) use forward_transport;

forward_transport!(
    [async BoxFuture]:
    [*] ['a, T: Transport + ?Sized] &'a T,
    [*] [T: Transport + ?Sized] Box<T>,
    [*] [T: Transport + ?Sized] Arc<T>,
);
