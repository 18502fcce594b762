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
pub(crate) mod failure;
mod history;
mod jitter;
mod messages;
mod options;
pub(crate) mod retry_after;
mod retry_policy;

pub(crate) use budget::RetryBudget;
pub use options::CallOptions;
pub use retry_policy::RetryPolicy;

use std::borrow::Cow;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use self::body::Body;
use self::failure::Failure;
use self::history::History;
use crate::client::{KeptHeaders, RateLimit, TokenSource};
use crate::credentials::{ProviderError, Round, TokenRequest};
use crate::headers::{X_AUTH_TOKEN, X_REQUEST_ID};
use crate::operation::{AuthScheme, RequestDraft, ResponseReader, WriteError};
use crate::scrub::Secrets;
use crate::telemetry::Telemetry;
use crate::{
    Answer, AuthToken, BaseUrl, ClientConfig, Effect, Endpoint, Error, ErrorKind, Metadata,
    Operation, Request, Response, Scrubber, TransportError,
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
    token: Option<AuthToken>,
    /// When the token was taken from the configuration's cache.
    round: Round,
    /// Whether a `401` has led to another token already.
    refreshed: bool,
    /// What the operation called secret in the requests so far, and the tokens before this one.
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
    /// Get a token, then tell the exchange [what came of it](Exchange::authenticated).
    ///
    /// It comes only if the configuration has [no token](ClientConfig::new): before the first attempt, unless an
    /// earlier call got one, and at most once after a `401`.
    Authenticate(TokenRequest),
    /// The call is over.
    Done(Result<Answer<T>, Error>),
}

#[derive(Debug)]
enum State<T> {
    /// The next thing to do is an attempt. After a failed one, this is what to report if the time
    /// is up before the next can start.
    Ready(Option<Box<Failure>>),
    Waiting(Duration, Box<Failure>),
    /// The next thing to do is to get another token. The failure is the `401`, if there was one.
    NoToken(Option<Box<Failure>>),
    Authenticating(Option<Box<Failure>>),
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
        let (token, round) = match (options.token(), config.token()) {
            (Some(token), _) | (None, TokenSource::Fixed(token)) => {
                (Some(token.clone()), Round::default())
            }
            (None, TokenSource::Provided(cache)) => cache.current(),
        };
        let needs_token = token.is_none() && uses_token(O::ENDPOINT, &options);
        Self {
            operation,
            config: config.clone(),
            token,
            round,
            refreshed: false,
            history: History::new(O::ENDPOINT.is_idempotent(), &options, now),
            secrets: Secrets::default(),
            telemetry: Telemetry::start(O::ENDPOINT, config.base_url()),
            state: match options.validate() {
                Ok(()) if needs_token => State::NoToken(None),
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
            State::NoToken(last) => self.get_token(last, now),
            State::Done(result) => self.done(result),
            State::InFlight | State::Authenticating(_) => {
                let reason = "its driver did not say what came of the last step";
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
                self.telemetry.attempt_failed(
                    self.history.attempts().len(),
                    failure.kind,
                    failure.effect,
                    failure.status,
                );
                self.telemetry.announcements(failure.announcements(), self.config.announced());
                match self.history.failed(&failure, self.config.budget(), now) {
                    _ if self.may_refresh(&failure) => State::NoToken(Some(failure)),
                    Some(wait) => State::Waiting(wait, failure),
                    None => State::Done(Err(self.error(*failure))),
                }
            }
        };
    }

    /// Takes what came of the last [`Step::Authenticate`].
    ///
    /// A failure ends the call with [`ErrorKind::Credentials`]; a token that is the rejected one ends it with the
    /// `401`. Another token is used by the other calls of this configuration too.
    pub fn authenticated(&mut self, outcome: Result<AuthToken, ProviderError>) {
        if let (State::Authenticating(_), TokenSource::Provided(cache)) =
            (&self.state, self.config.token())
        {
            let outcome = outcome.map(|token| {
                let round = cache.store(&token);
                (token, round)
            });
            self.take_token(outcome);
        }
    }

    /// As [`authenticated`](Self::authenticated), for a token that is in the cache already.
    pub(crate) fn take_token(&mut self, outcome: Result<(AuthToken, Round), ProviderError>) {
        let State::Authenticating(last) = &mut self.state else { return };
        let last = last.take();
        self.state = match (outcome, last) {
            (Ok((token, _)), Some(failure)) if self.token.as_ref() == Some(&token) => {
                State::Done(Err(self.error(*failure)))
            }
            (Ok((token, round)), last) => {
                self.round = round;
                if let Some(rejected) = self.token.replace(token) {
                    self.secrets.add(rejected.expose_secret());
                }
                State::Ready(last)
            }
            (Err(error), _) => State::Done(Err(self.no_token(error))),
        };
    }

    pub(crate) fn token_source(&self) -> (&TokenSource, Round) {
        (self.config.token(), self.round)
    }

    /// A `401` says that nothing was processed, so another token may be tried, once.
    fn may_refresh(&self, failure: &Failure) -> bool {
        failure.kind == ErrorKind::Unauthorized
            && !self.refreshed
            && self.options.token().is_none()
            && uses_token(O::ENDPOINT, &self.options)
            && matches!(self.config.token(), TokenSource::Provided(_))
    }

    fn get_token(&mut self, last: Option<Box<Failure>>, now: Duration) -> Step<O::Output> {
        self.refreshed |= last.is_some();
        let Some(time_limit) = self.history.left(now) else {
            return self.start_attempt(last, now);
        };
        self.state = State::Authenticating(last);
        let TokenSource::Provided(cache) = self.config.token() else {
            return Step::Authenticate(TokenRequest::new(None, time_limit));
        };
        // Another call may have got one meanwhile.
        if let Some(newer) = cache.reject(self.round) {
            self.take_token(Ok(newer));
            return self.next(now);
        }
        Step::Authenticate(TokenRequest::new(cache.rejected(), time_limit))
    }

    fn no_token(&self, error: ProviderError) -> Error {
        let scrubber = self.scrubber();
        let failed = Error::builder(ErrorKind::Credentials);
        match scrubber.message(&*error, messages::MAX_BYTES) {
            Some(reason) => failed.reason(reason),
            None => failed,
        }
        .endpoint(O::ENDPOINT)
        .effect(self.history.effect())
        .status(self.history.attempts().last().and_then(|attempt| attempt.status))
        .attempts(self.history.attempts().iter().cloned())
        .source(scrubber.source(error))
        .build()
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
        match write(&self.config, self.token.as_ref(), &self.operation, &self.options) {
            Ok(request) => {
                self.state = State::InFlight;
                self.secrets.extend(request.added_secrets());
                Step::Send(request.with_time_limit(time_limit))
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
        let reader = ResponseReader::with_scrubber(&response, &scrubber);
        let value = self.operation.read(&reader).and_then(|value| {
            failure::check_success(O::ENDPOINT, &response)?;
            Ok(value)
        });
        match value {
            Ok(value) => {
                let kept = self.options.kept_headers();
                let metadata = Metadata::new(&response, self.history.attempts(), kept, &scrubber);
                drop(Body::of(response));
                Ok(Answer { value, metadata })
            }
            Err(error) => Err(Box::new(Failure::of_reading(O::ENDPOINT, error, response))),
        }
    }

    /// Knows every secret that a request of this call has carried.
    fn scrubber(&self) -> Scrubber<'_> {
        let token = self.token.iter().map(ExposeSecret::expose_secret);
        Scrubber::new(token.chain(self.secrets.iter()))
    }

    /// The error of a call that ends with this failure.
    fn error(&self, failure: Failure) -> Error {
        let kept = self.options.kept_headers();
        error(O::ENDPOINT, self.config.base_url(), kept, &self.history, &self.scrubber(), failure)
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

/// The error of a call that ends with this failure. It is compiled once, not for each operation.
fn error(
    endpoint: &'static Endpoint,
    base: &BaseUrl,
    kept: &[HeaderName],
    history: &History,
    scrubber: &Scrubber<'_>,
    failure: Failure,
) -> Error {
    let request_id = failure.headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    let error = Error::builder(failure.kind)
        .endpoint(endpoint)
        .effect(history.effect())
        .advice(failure.advice)
        .note(note(base, failure.kind))
        .status(failure.status)
        .messages(match failure.status {
            // What a success says are recovery codes, perhaps.
            Some(status) if status.is_success() => Vec::new(),
            _ => messages::read(failure.body.bytes(), scrubber),
        })
        .request_id(request_id.map(|id| scrubber.one_line(id, messages::MAX_BYTES)))
        .retry_after(failure.retry_after)
        .rate_limit(RateLimit::read(&failure.headers))
        .headers(KeptHeaders::new(&failure.headers, kept, scrubber))
        .body(match failure.status {
            Some(status) if !status.is_success() => details::read(failure.body.bytes(), scrubber),
            _ => None,
        })
        .attempts(history.attempts().iter().cloned());
    let error = match failure.reason {
        // What is written in a program's text cannot hold a secret of a request.
        Some(reason @ Cow::Borrowed(_)) => error.reason(reason),
        Some(Cow::Owned(reason)) => {
            let reason = Zeroizing::new(reason);
            error.reason(scrubber.one_line(&reason, messages::MAX_BYTES))
        }
        None => error,
    };
    match failure.source {
        Some(source) => error.source(scrubber.source(source)),
        None => error,
    }
    .build()
}

/// Nobody who forgot to set the base URL finds the service at its default any more.
fn note(base: &BaseUrl, kind: ErrorKind) -> Option<&'static str> {
    use ErrorKind::{
        Connect, Decode, NotFound, Protocol, Server, Tls, Unauthorized, UnexpectedStatus,
    };
    let not_there = matches!(
        kind,
        Connect | Tls | NotFound | Unauthorized | UnexpectedStatus | Decode | Protocol | Server
    );
    (not_there && base.is_public()).then_some(BaseUrl::PUBLIC_HAS_ENDED)
}

/// Whether a request carries the client's token: its endpoint wants one, and the caller set no credentials.
fn uses_token(endpoint: &Endpoint, options: &CallOptions) -> bool {
    match endpoint.auth_scheme() {
        AuthScheme::XAuthToken => true,
        AuthScheme::Bearer => !options.headers().contains_key(AUTHORIZATION),
        AuthScheme::None => false,
    }
}

/// The request of an attempt, which knows what is secret in it.
pub(crate) fn write<O: Operation>(
    config: &ClientConfig,
    token: Option<&AuthToken>,
    operation: &O,
    options: &CallOptions,
) -> Result<Request, Cow<'static, str>> {
    write_by(config, token, O::ENDPOINT, options, &|draft| operation.write(draft))
}

/// It is compiled once, not for each operation.
fn write_by(
    config: &ClientConfig,
    token: Option<&AuthToken>,
    endpoint: &'static Endpoint,
    options: &CallOptions,
    write: &dyn Fn(&mut RequestDraft) -> Result<(), WriteError>,
) -> Result<Request, Cow<'static, str>> {
    let base = config.base_url();
    let mut headers = config.headers().clone();
    if endpoint.accepted_type() != Endpoint::JSON {
        headers.insert(ACCEPT, HeaderValue::from_static(endpoint.accepted_type()));
    }
    let mut draft = RequestDraft::new(endpoint, base, headers);
    match (endpoint.auth_scheme(), token) {
        (AuthScheme::XAuthToken, Some(token)) => {
            draft.set_header(&X_AUTH_TOKEN, &token.to_header_value());
        }
        (AuthScheme::Bearer, Some(token)) => {
            draft.secret(token);
            draft.set_header(&AUTHORIZATION, &token.to_bearer());
        }
        (AuthScheme::None, _) | (_, None) => {}
    }
    if let Err(error) = write(&mut draft) {
        let secrets = draft.take_secrets();
        let token = token.map(ExposeSecret::expose_secret);
        return Err(refused(error, &Scrubber::new(token.into_iter().chain(secrets.iter()))));
    }
    for (name, value) in options.headers() {
        draft.set_header(name, value);
    }
    let secrets = draft.take_secrets();
    let mut request = Request::new(endpoint, draft.finish(base)?)
        .with_secrets(secrets)
        .with_response_limit(config.response_limit());
    for edit in config.edits() {
        if let Err(error) = edit(&mut request) {
            return Err(refused(error, &request.scrubber()));
        }
    }
    let mut secrets = request.take_secrets();
    let own = token.filter(|_| endpoint.auth_scheme() == AuthScheme::XAuthToken);
    for (name, value) in request.as_http().headers() {
        let is_own = name == X_AUTH_TOKEN
            && own.is_some_and(|token| value.as_bytes() == token.expose_secret().as_bytes());
        if value.is_sensitive() && !is_own {
            secrets.add_header(value);
        }
    }
    Ok(request.with_secrets(secrets))
}

/// Why a request was not written. It must hold no secret, and that is checked.
fn refused(error: WriteError, scrubber: &Scrubber<'_>) -> Cow<'static, str> {
    match error.into_reason() {
        Cow::Owned(reason) => {
            let reason = Zeroizing::new(reason);
            Cow::Owned(scrubber.one_line(&reason, messages::MAX_BYTES))
        }
        reason @ Cow::Borrowed(_) => reason,
    }
}
