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
//!     let options = config.defaults().clone();
//!     let mut exchange = Exchange::new(config, ReceiveCodes, options, device.ticks());
//!     loop {
//!         match exchange.next(device.ticks()) {
//!             Step::Send(request) => {
//!                 let outcome = device.round_trip(request);
//!                 exchange.received(outcome, device.ticks());
//!             }
//!             Step::Wait(duration) => device.delay(duration),
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
pub(crate) mod failure;
mod history;
mod jitter;
mod messages;
mod options;
mod retry_after;
mod retry_policy;

pub(crate) use budget::RetryBudget;
pub use options::CallOptions;
pub(crate) use options::RESERVED;
pub use retry_policy::RetryPolicy;

use std::borrow::Cow;
use std::time::Duration;

use secrecy::ExposeSecret;

use self::body::Body;
use self::failure::Failure;
use self::history::History;
use crate::headers::{X_AUTH_TOKEN, X_REQUEST_ID};
use crate::operation::{RequestDraft, ResponseReader, Secrets};
use crate::secret::credentials;
use crate::telemetry::Telemetry;
use crate::{
    Answer, BaseUrl, ClientConfig, Effect, Error, ErrorKind, Metadata, Operation, Request,
    Response, Scrubber, TransportError,
};

/// One call of one operation: all its attempts, from start to end.
///
/// See the [module](self) for the loop that drives it. It always ends: each [`Step::Send`] and each
/// [`Step::Wait`] stays within the call's timeout, and the attempts are counted.
#[derive(Debug)]
pub struct Exchange<O: Operation> {
    operation: O,
    config: ClientConfig,
    options: CallOptions,
    history: History,
    /// What the operation called secret in the requests so far.
    secrets: Secrets,
    telemetry: Telemetry,
    state: State<O::Output>,
}

/// What the driver of an [`Exchange`] has to do.
#[derive(Debug)]
#[must_use]
pub enum Step<T> {
    /// Send this, then tell the exchange what [came back](Exchange::received).
    Send(Request),
    /// Wait that long.
    Wait(Duration),
    /// The call is over.
    Done(Result<Answer<T>, Error>),
}

#[derive(Debug)]
enum State<T> {
    /// The next thing to do is an attempt. After a failed one, this is what to report if the time
    /// is up before the next can start.
    Ready(Option<Box<Failure>>),
    Waiting(Duration, Box<Failure>),
    InFlight,
    Done(Result<Answer<T>, Error>),
    Over,
}

impl<O: Operation> Exchange<O> {
    /// Starts a call. `now` is the time since a moment of the driver's choice.
    ///
    /// Options that do not fit end it at the first [`next`](Self::next), before anything is sent.
    pub fn new(config: &ClientConfig, operation: O, options: CallOptions, now: Duration) -> Self {
        config.budget().deposit();
        Self {
            operation,
            config: config.clone(),
            history: History::new(O::ENDPOINT.is_idempotent(), &options, now),
            secrets: Secrets::default(),
            telemetry: Telemetry::start(O::ENDPOINT, config.base_url()),
            state: match options.validate() {
                Ok(()) => State::Ready(None),
                Err(error) => State::Done(Err(error)),
            },
            options,
        }
    }

    /// What to do now.
    pub fn next(&mut self, now: Duration) -> Step<O::Output> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ready(last) => self.start_attempt(last, now),
            State::Waiting(wait, failure) => {
                self.state = State::Ready(Some(failure));
                Step::Wait(wait)
            }
            State::Done(result) => self.done(result),
            State::InFlight => {
                let reason = "its driver did not say what came back from the last attempt";
                self.done(Err(self.misused(reason)))
            }
            State::Over => {
                Step::Done(Err(self.misused("its driver asked on after the call was over")))
            }
        }
    }

    /// Takes what came back from the last [`Step::Send`].
    ///
    /// A response that comes after the deadline is still taken: it is better known than lost.
    pub fn received(&mut self, outcome: Result<Response, TransportError>, now: Duration) {
        if !matches!(self.state, State::InFlight) {
            return;
        }
        let result = match outcome {
            Ok(response) => self.read(response),
            Err(error) => Err(Box::new(Failure::of_transport(O::ENDPOINT, error))),
        };
        self.state = match result {
            Ok(answer) => {
                self.telemetry.attempt_succeeded(&answer.metadata);
                let announced = (answer.metadata.sunset(), answer.metadata.deprecation());
                self.telemetry.announcements(announced, self.config.announced());
                State::Done(Ok(answer))
            }
            Err(failure) => {
                self.telemetry.attempt_failed(self.history.attempts().len(), &failure);
                self.telemetry.announcements(failure.announcements(), self.config.announced());
                match self.history.failed(&failure, self.config.budget(), now) {
                    Some(wait) => State::Waiting(wait, failure),
                    None => State::Done(Err(self.error(*failure))),
                }
            }
        };
    }

    fn start_attempt(&mut self, last: Option<Box<Failure>>, now: Duration) -> Step<O::Output> {
        let Some(time_limit) = self.history.start_attempt(now) else {
            let error = match last {
                Some(failure) => self.error(*failure),
                None => Error::builder(ErrorKind::Timeout)
                    .endpoint(O::ENDPOINT)
                    .effect(Effect::NotApplied)
                    .reason("the call's time was up before it was sent")
                    .build(),
            };
            return self.done(Err(error));
        };
        match write(&self.config, &self.operation, &self.options) {
            Ok((request, secrets)) => {
                self.state = State::InFlight;
                self.secrets.extend(&secrets);
                Step::Send(
                    Request::new(O::ENDPOINT, request)
                        .with_secrets(secrets)
                        .with_time_limit(time_limit)
                        .with_response_limit(self.config.response_limit()),
                )
            }
            Err(reason) => self.done(Err(Error::builder(ErrorKind::InvalidInput)
                .endpoint(O::ENDPOINT)
                .reason(reason)
                // An operation that writes another request the second time.
                .effect(self.history.effect())
                .attempts(self.history.attempts().iter().cloned())
                .build())),
        }
    }

    fn done(&mut self, result: Result<Answer<O::Output>, Error>) -> Step<O::Output> {
        match &result {
            Ok(answer) => self.telemetry.call_succeeded(&answer.metadata),
            Err(error) => self.telemetry.call_failed(error),
        }
        Step::Done(result)
    }

    /// The span of this call, for a driver to run the sending in.
    ///
    /// Requires the feature `tracing`.
    #[cfg(feature = "tracing")]
    pub fn span(&self) -> &tracing::Span {
        self.telemetry.span()
    }

    fn read(&self, response: Response) -> Result<Answer<O::Output>, Box<Failure>> {
        let limit = self.config.response_limit();
        let response = Failure::of_response(O::ENDPOINT, response, limit)?;
        let scrubber = self.scrubber();
        match self.operation.read(&ResponseReader::with_scrubber(&response, &scrubber)) {
            Ok(value) => {
                let metadata = Metadata::new(&response, self.history.attempts(), &scrubber);
                drop(Body::of(response));
                Ok(Answer { value, metadata })
            }
            Err(error) => Err(Box::new(Failure::of_reading(O::ENDPOINT, error, response))),
        }
    }

    /// Knows every secret that a request of this call has carried.
    fn scrubber(&self) -> Scrubber<'_> {
        let token = self.config.token().expose_secret();
        let headers = self.options.headers().values().filter(|value| value.is_sensitive());
        let headers = headers.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
        let headers = headers.flat_map(credentials);
        Scrubber::new(std::iter::once(token).chain(headers).chain(self.secrets.iter()))
    }

    /// The error of a call that ends with this failure.
    fn error(&self, failure: Failure) -> Error {
        let scrubber = self.scrubber();
        let request_id = failure.headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        let error = Error::builder(failure.kind)
            .endpoint(O::ENDPOINT)
            .effect(self.history.effect())
            .advice(failure.advice)
            .note(self.note(failure.kind))
            .status(failure.status)
            .messages(messages::read(failure.body.bytes(), &scrubber))
            .request_id(request_id.map(|id| scrubber.one_line(id, messages::MAX_BYTES)))
            .retry_after(failure.retry_after)
            .attempts(self.history.attempts().iter().cloned());
        let error = match failure.reason {
            // What is written in a program's text cannot hold a secret of a request.
            Some(reason @ Cow::Borrowed(_)) => error.reason(reason),
            Some(reason) => error.reason(scrubber.one_line(&reason, messages::MAX_BYTES)),
            None => error,
        };
        match failure.source {
            Some(source) => error.source(scrubber.source(source)),
            None => error,
        }
        .build()
    }

    /// Nobody who forgot to set the base URL finds the service at its default any more.
    fn note(&self, kind: ErrorKind) -> Option<&'static str> {
        let not_there = matches!(kind, ErrorKind::Connect | ErrorKind::Tls);
        (not_there && self.config.base_url().is_public()).then_some(BaseUrl::PUBLIC_HAS_ENDED)
    }

    fn misused(&self, reason: &'static str) -> Error {
        Error::builder(ErrorKind::Transport)
            .endpoint(O::ENDPOINT)
            .effect(Effect::Unknown)
            .reason(reason)
            .attempts(self.history.attempts().iter().cloned())
            .build()
    }
}

/// The request of an attempt, and what the operation called secret in it.
pub(crate) fn write<O: Operation>(
    config: &ClientConfig,
    operation: &O,
    options: &CallOptions,
) -> Result<(http::Request<bytes::Bytes>, Secrets), String> {
    let base = config.base_url();
    let mut headers = config.headers().clone();
    headers.insert(X_AUTH_TOKEN, config.token().to_header_value());
    let mut draft = RequestDraft::new(O::ENDPOINT, base, headers);
    operation.write(&mut draft);
    for (name, value) in options.headers() {
        draft.set_header(name, value);
    }
    let secrets = draft.take_secrets();
    Ok((draft.finish(O::ENDPOINT, base)?, secrets))
}
