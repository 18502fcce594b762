use std::time::Duration;

use otp_core::{Request, Response, Transport, TransportError, async_trait, blocking, local};

use self::mocked::MockTransport as Mockall;
use super::expecting::Expecting;

/// A [mockall](https://docs.rs/mockall) mock of [`Transport`], in every flavour, where
/// [`ScriptedTransport`](crate::ScriptedTransport) does not say enough.
///
/// ```
/// use std::time::Duration;
/// use otp_core::{AuthToken, OtpsApi, OtpsClient, Response};
/// use otp_mock::MockTransport;
///
/// let mut transport = MockTransport::new();
/// transport.expect_now().return_const(Duration::ZERO);
/// transport
///     .expect_send()
///     .withf(|request| request.endpoint().name() == "receive_codes")
///     .once()
///     .returning(|_| {
///         let mut response = Response::default();
///         *response.status_mut() = otp_core::http::StatusCode::NO_CONTENT;
///         Ok(response)
///     });
/// let client = OtpsClient::new(transport, AuthToken::new("k3y")?);
/// pollster::block_on(client.receive_codes())?;
/// # Ok::<(), otp_core::Error>(())
/// ```
///
/// Requires the feature `mockall`, which is on by default.
///
/// # Panics
///
/// As [`MockOtpsApi`](crate::MockOtpsApi) does. What is secret in a request is redacted.
#[derive(Debug)]
pub struct MockTransport(Expecting<Mockall>);

impl MockTransport {
    /// A mock that expects no call.
    pub fn new() -> Self {
        Self(Expecting::new("MockTransport", Mockall::new()))
    }

    /// Expects that a request is sent.
    #[track_caller]
    pub fn expect_send(&mut self) -> &mut expectation::Send {
        self.0.expect("send").expect_send()
    }

    /// Expects a wait before the next attempt.
    #[track_caller]
    pub fn expect_sleep(&mut self) -> &mut expectation::Sleep {
        self.0.expect("sleep").expect_sleep()
    }

    /// Expects that the time is asked, which each call does.
    #[track_caller]
    pub fn expect_now(&mut self) -> &mut expectation::Now {
        self.0.expect("now").expect_now()
    }

    /// Verifies that all that was expected came, and begins anew: the mock expects nothing more.
    ///
    /// Dropping the mock verifies it too. But behind an `Arc` that something else holds, such as a task that
    /// ends with its runtime, it is dropped too late, or where no test sees it fail: there, call this at the
    /// end. Not within an answer, which it would wait for.
    ///
    /// # Panics
    ///
    /// If a call is missing.
    pub fn checkpoint(&self) {
        self.0.settle(Mockall::checkpoint);
    }
}

impl Default for MockTransport {
    fn default() -> Self {
        Self::new()
    }
}

/// As [`checkpoint`](MockTransport::checkpoint) does, unless the test fails already.
impl Drop for MockTransport {
    fn drop(&mut self) {
        self.checkpoint();
    }
}

impl blocking::Transport for MockTransport {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.ask("send", |mock| mock.send(request))
    }

    fn sleep(&self, duration: Duration) {
        self.0.ask("sleep", |mock| mock.sleep(duration));
    }

    fn now(&self) -> Duration {
        self.0.ask("now", Mockall::now)
    }
}

#[async_trait]
impl Transport for MockTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        blocking::Transport::send(self, request)
    }

    async fn sleep(&self, duration: Duration) {
        blocking::Transport::sleep(self, duration);
    }

    fn now(&self) -> Duration {
        blocking::Transport::now(self)
    }
}

#[async_trait(?Send)]
impl local::Transport for MockTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        blocking::Transport::send(self, request)
    }

    async fn sleep(&self, duration: Duration) {
        blocking::Transport::sleep(self, duration);
    }

    fn now(&self) -> Duration {
        blocking::Transport::now(self)
    }
}

pub(super) mod expectation {
    use super::mocked::__mock_MockTransport as mocked;

    pub use mocked::__now::Expectation as Now;
    pub use mocked::__send::Expectation as Send;
    pub use mocked::__sleep::Expectation as Sleep;
}

/// What mockall makes: no trait, so that one serves all flavours.
mod mocked {
    #![allow(missing_docs, reason = "the macro writes most of these items")]

    use std::time::Duration;

    use super::{Request, Response, TransportError};

    mockall::mock! {
        #[derive(Debug)]
        pub Transport {
            pub fn send(&self, request: Request) -> Result<Response, TransportError>;
            pub fn sleep(&self, duration: Duration);
            pub fn now(&self) -> Duration;
        }
    }
}
