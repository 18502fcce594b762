//! The engine of an exchange: everything about a call but the types of its operation. So it is compiled once, and
//! not for each operation.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::body::Body;
use super::failure::{self, Failure};
use super::history::History;
use super::write::{self, Write, uses_token};
use super::{Step, messages, report};
use crate::client::TokenSource;
use crate::credentials::{ProviderError, Round, TokenRequest};
use crate::operation::{ReadError, ResponseReader};
use crate::scrub::Secrets;
use crate::telemetry::Telemetry;
use crate::{
    Answer, AuthToken, CallOptions, ClientConfig, Effect, Endpoint, Error, ErrorKind, Metadata,
    Response, Scrubber, TransportError,
};

#[derive(Debug)]
pub(crate) struct Engine {
    endpoint: &'static Endpoint,
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
    state: State,
}

/// What an operation reads of a response, and keeps if the check after it passes.
pub(super) type Read<'o> = &'o mut dyn FnMut(
    &ResponseReader<'_>,
    &dyn Fn() -> Result<(), ReadError>,
) -> Result<(), ReadError>;

#[derive(Debug)]
enum State {
    /// The next thing to do is an attempt. After a failed one, this is what to report if the time
    /// is up before the next can start.
    Ready(Option<Box<Failure>>),
    Waiting(Duration, Box<Failure>),
    /// The next thing to do is to get another token. The failure is the `401`, if there was one.
    NoToken(Option<Box<Failure>>),
    Authenticating(Option<Box<Failure>>),
    InFlight,
    Done(Result<Metadata, Error>),
    Over,
}

impl Engine {
    pub(super) fn new(
        endpoint: &'static Endpoint,
        config: &ClientConfig,
        options: CallOptions,
        now: Duration,
    ) -> Self {
        config.budget().deposit();
        let (token, round) = match (options.token(), config.token()) {
            (Some(token), _) | (None, TokenSource::Fixed(token)) => {
                (Some(token.clone()), Round::default())
            }
            (None, TokenSource::Provided(cache)) => cache.current(),
        };
        let needs_token = token.is_none() && uses_token(endpoint, &options);
        Self {
            endpoint,
            config: config.clone(),
            token,
            round,
            refreshed: false,
            history: History::new(endpoint.is_idempotent(), &options, now),
            secrets: Secrets::default(),
            telemetry: Telemetry::start(endpoint, config.base_url()),
            state: match options.validate() {
                Ok(()) if needs_token => State::NoToken(None),
                Ok(()) => State::Ready(None),
                Err(error) => State::Done(Err(error)),
            },
            options,
        }
    }

    /// What to do now.
    pub(super) fn next(&mut self, now: Duration, write: Write<'_>) -> Step<()> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ready(last) => self.start_attempt(last, now, write),
            State::Waiting(wait, failure) => {
                self.state = State::Ready(Some(failure));
                Step::Wait(wait)
            }
            State::NoToken(last) => self.get_token(last, now, write),
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
    pub(super) fn received(
        &mut self,
        outcome: Result<Response, TransportError>,
        now: Duration,
        read: Read<'_>,
    ) {
        if !matches!(self.state, State::InFlight) {
            return;
        }
        let result = match outcome {
            Ok(response) => self.read(response, read),
            Err(error) => Err(Box::new(Failure::of_transport(self.endpoint, error))),
        };
        self.state = match result {
            Ok(metadata) => {
                self.telemetry.attempt_succeeded(&metadata);
                let announced = (metadata.sunset(), metadata.deprecation());
                self.telemetry.announcements(announced, self.config.announced());
                State::Done(Ok(metadata))
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
    pub(super) fn authenticated(&mut self, outcome: Result<AuthToken, ProviderError>) {
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
    pub(super) fn take_token(&mut self, outcome: Result<(AuthToken, Round), ProviderError>) {
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
            && uses_token(self.endpoint, &self.options)
            && matches!(self.config.token(), TokenSource::Provided(_))
    }

    fn get_token(
        &mut self,
        last: Option<Box<Failure>>,
        now: Duration,
        write: Write<'_>,
    ) -> Step<()> {
        self.refreshed |= last.is_some();
        let Some(time_limit) = self.history.left(now) else {
            return self.start_attempt(last, now, write);
        };
        self.state = State::Authenticating(last);
        let TokenSource::Provided(cache) = self.config.token() else {
            return Step::Authenticate(TokenRequest::new(None, time_limit));
        };
        // Another call may have got one meanwhile.
        if let Some(newer) = cache.reject(self.round) {
            self.take_token(Ok(newer));
            return self.next(now, write);
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
        .endpoint(self.endpoint)
        .effect(self.history.effect())
        .status(self.history.attempts().last().and_then(|attempt| attempt.status))
        .attempts(self.history.attempts().iter().cloned())
        .source(scrubber.source(error))
        .build()
    }

    fn start_attempt(
        &mut self,
        last: Option<Box<Failure>>,
        now: Duration,
        write: Write<'_>,
    ) -> Step<()> {
        let Some(time_limit) = self.history.start_attempt(now) else {
            let error = match last {
                Some(failure) => self.error(*failure),
                None => Error::builder(ErrorKind::Timeout)
                    .endpoint(self.endpoint)
                    .effect(Effect::NotApplied)
                    .reason("the call's time was up before it was sent")
                    .build(),
            };
            return self.done(Err(error));
        };
        let token = self.token.as_ref();
        match write::write(&self.config, token, self.endpoint, &self.options, write) {
            Ok(request) => {
                self.state = State::InFlight;
                self.secrets.extend(request.added_secrets());
                Step::Send(request.with_time_limit(time_limit))
            }
            Err(reason) => self.done(Err(Error::builder(ErrorKind::InvalidInput)
                .endpoint(self.endpoint)
                .reason(reason)
                // An operation that writes another request the second time.
                .effect(self.history.effect())
                .attempts(self.history.attempts().iter().cloned())
                .build())),
        }
    }

    fn done(&mut self, result: Result<Metadata, Error>) -> Step<()> {
        match &result {
            Ok(metadata) => self.telemetry.call_succeeded(metadata),
            Err(error) => self.telemetry.call_failed(error),
        }
        Step::Done(result.map(|metadata| Answer { value: (), metadata }))
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn span(&self) -> &tracing::Span {
        self.telemetry.span()
    }

    fn read(&self, response: Response, read: Read<'_>) -> Result<Metadata, Box<Failure>> {
        let limit = self.config.response_limit();
        let response = Failure::of_response(self.endpoint, response, limit)?;
        let scrubber = self.scrubber();
        let reader = ResponseReader::with_scrubber(&response, &scrubber);
        let check = || failure::check_success(self.endpoint, &response);
        match read(&reader, &check) {
            Ok(()) => {
                let kept = self.options.kept_headers();
                let metadata = Metadata::new(&response, self.history.attempts(), kept, &scrubber);
                drop(Body::of(response));
                Ok(metadata)
            }
            Err(error) => Err(Box::new(Failure::of_reading(self.endpoint, error, response))),
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
        let scrubber = self.scrubber();
        report::error(
            self.endpoint,
            self.config.base_url(),
            kept,
            &self.history,
            &scrubber,
            failure,
        )
    }

    pub(super) fn misused(&self, reason: &'static str) -> Error {
        Error::builder(ErrorKind::Transport)
            .endpoint(self.endpoint)
            .effect(Effect::Unknown)
            .reason(reason)
            .attempts(self.history.attempts().iter().cloned())
            .build()
    }
}
