//! The one engine that turns an operation into attempts, without any I/O.
//!
//! An [`Exchange`] is asked what to do [next](Exchange::next): send this, wait that long, or finished. It
//! is told what [came back](Exchange::received) and what time it is. Attempts, waits, the deadline, the
//! retry budget and the mapping of errors live here and nowhere else, so every flavour of client is the
//! same short loop around it and none can differ:
//!
//! ```
//! use std::time::Duration;
//! use otp_core::operation::ReceiveCodes;
//! use otp_core::{AuthToken, ClientConfig, Error, Exchange, Step};
//! # use otp_core::{Request, Response, TransportError, TransportErrorKind};
//! # struct Device;
//! # impl Device {
//! #     fn ticks(&self) -> Duration { Duration::ZERO }
//! #     fn delay(&self, _: Duration) {}
//! #     fn round_trip(&self, _: Request) -> Result<Response, TransportError> {
//! #         Ok(otp_core::http::Response::builder().status(204).body(Default::default()).unwrap())
//! #     }
//! # }
//!
//! fn text_me(device: &Device, config: &ClientConfig) -> Result<(), Error> {
//!     let options = config.options_for::<ReceiveCodes>();
//!     let mut exchange = Exchange::new(config, ReceiveCodes, options, device.ticks());
//!     loop {
//!         match exchange.next(device.ticks()) {
//!             Step::Send(request) => {
//!                 let outcome = device.round_trip(request);
//!                 exchange.received(outcome, device.ticks());
//!             }
//!             Step::Wait(duration) => device.delay(duration),
//!             // It comes only if the configuration has no token.
//!             Step::Authenticate(_) => exchange.authenticated(Err("the device has no token".into())),
//!             Step::Done(result) => return result.map(|answer| answer.value),
//!         }
//!     }
//! }
//! # let config = ClientConfig::builder(AuthToken::new("k3y")?).build()?;
//! # text_me(&Device, &config)
//! # ; Ok::<(), Error>(())
//! ```

mod body;
mod budget;
mod details;
mod engine;
pub(crate) mod failure;
mod history;
mod jitter;
mod messages;
mod options;
mod report;
pub(crate) mod retry_after;
mod retry_policy;
mod write;

pub(crate) use budget::RetryBudget;
pub(crate) use engine::Engine;
pub use options::CallOptions;
pub use retry_policy::RetryPolicy;
pub(crate) use write::write;

use std::time::Duration;

use crate::credentials::{ProviderError, Round, TokenRequest};
use crate::{Answer, AuthToken, ClientConfig, Error, Operation, Request, Response, TransportError};

/// One call of one operation: all its attempts, from start to end.
///
/// See the [module](self) for the loop that drives it. It always ends: each [`Step::Send`] and each
/// [`Step::Wait`] stays within the call's timeout, and the attempts are counted.
#[derive(Debug)]
pub struct Exchange<O: Operation> {
    operation: O,
    engine: Engine,
    /// What the operation has read, until the driver takes it.
    value: Option<O::Output>,
}

/// What the driver of an [`Exchange`] has to do.
#[derive(Debug)]
#[must_use]
pub enum Step<T> {
    /// Send this, then tell the exchange what [came back](Exchange::received).
    Send(Request),
    /// Wait that long.
    Wait(Duration),
    /// Get a token, then tell the exchange [what came of it](Exchange::authenticated).
    ///
    /// It comes only if the configuration has [no token](ClientConfig::new): before the first attempt, unless an
    /// earlier call got one, and at most once after a `401`.
    Authenticate(TokenRequest),
    /// The call is over.
    Done(Result<Answer<T>, Error>),
}

impl<O: Operation> Exchange<O> {
    /// Starts a call. `now` is the time since a moment of the driver's choice.
    ///
    /// Options that do not fit end it at the first [`next`](Self::next), before anything is sent.
    pub fn new(config: &ClientConfig, operation: O, options: CallOptions, now: Duration) -> Self {
        Self { operation, engine: Engine::new(O::ENDPOINT, config, options, now), value: None }
    }

    /// What to do now.
    pub fn next(&mut self, now: Duration) -> Step<O::Output> {
        match self.step(now) {
            Step::Send(request) => Step::Send(request),
            Step::Wait(duration) => Step::Wait(duration),
            Step::Authenticate(request) => Step::Authenticate(request),
            Step::Done(result) => Step::Done(self.answer(result)),
        }
    }

    /// The same without the value, which [`answer`](Self::answer) adds.
    pub(crate) fn step(&mut self, now: Duration) -> Step<()> {
        self.engine.next(now, &|draft| self.operation.write(draft))
    }

    pub(crate) fn answer(
        &mut self,
        result: Result<Answer<()>, Error>,
    ) -> Result<Answer<O::Output>, Error> {
        let metadata = result?.metadata;
        match self.value.take() {
            Some(value) => Ok(Answer { value, metadata }),
            None => Err(self.engine.misused("its driver took the value twice")),
        }
    }

    /// Takes what came back from the last [`Step::Send`].
    ///
    /// A response that comes after the deadline is still taken: it is better known than lost.
    pub fn received(&mut self, outcome: Result<Response, TransportError>, now: Duration) {
        self.engine.received(outcome, now, &mut |response, check| {
            let value = self.operation.read(response)?;
            check()?;
            self.value = Some(value);
            Ok(())
        });
    }

    /// Takes what came of the last [`Step::Authenticate`].
    ///
    /// A failure ends the call with [`ErrorKind::Credentials`](crate::ErrorKind::Credentials); a token that is the
    /// rejected one ends it with the `401`. Another token is used by the other calls of this configuration too.
    pub fn authenticated(&mut self, outcome: Result<AuthToken, ProviderError>) {
        self.engine.authenticated(outcome);
    }

    /// As [`authenticated`](Self::authenticated), for a token that is in the cache already.
    pub(crate) fn take_token(&mut self, outcome: Result<(AuthToken, Round), ProviderError>) {
        self.engine.take_token(outcome);
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The span of this call, for a driver to run the sending in.
    ///
    /// Requires the feature `tracing`.
    #[cfg(feature = "tracing")]
    pub fn span(&self) -> &tracing::Span {
        self.engine.span()
    }
}
