use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use secrecy::zeroize::Zeroizing;

use super::{Attempt, Effect, Error, ErrorKind, Inner};
use crate::client::KeptHeaders;
use crate::{Endpoint, RateLimit};

/// Builds an [`Error`], for those who implement [`OtpsApi`](crate::OtpsApi) without the client of this
/// crate: doubles, caches, gateways.
///
/// What is not set follows from the kind: `Connect`, `Tls` and the refusals of the service have the
/// effect [`Effect::NotApplied`], everything that may have reached the server [`Effect::Unknown`]; the
/// kinds named after a status have that status.
///
/// ```
/// use otp_core::operation::ReceiveCodes;
/// use otp_core::{Effect, Error, ErrorKind, Operation};
///
/// let error = Error::builder(ErrorKind::Timeout).endpoint(ReceiveCodes::ENDPOINT).build();
/// assert_eq!(error.effect(), Effect::Unknown);
/// assert_eq!(error.operation(), Some("receive_codes"));
/// ```
#[derive(Debug)]
#[must_use = "`build` makes the error"]
pub struct ErrorBuilder {
    error: Error,
    one_attempt: bool,
}

impl ErrorBuilder {
    pub(super) fn new(kind: ErrorKind) -> Self {
        let error = Error(Box::new(Inner {
            kind,
            effect: kind.usual_effect(),
            endpoint: None,
            reason: None,
            advice: None,
            note: None,
            status: kind.usual_status(),
            messages: Vec::new(),
            request_id: None,
            retry_after: None,
            rate_limit: None,
            headers: KeptHeaders::default(),
            body: None,
            attempts: Vec::new(),
            source: None,
        }));
        Self { error, one_attempt: false }
    }

    fn set(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(&mut self.error.0);
        self
    }

    /// Whether the server acted.
    pub fn effect(self, effect: Effect) -> Self {
        self.set(|error| error.effect = effect)
    }

    /// The operation that failed.
    pub fn endpoint(self, endpoint: &'static Endpoint) -> Self {
        self.set(|error| error.endpoint = Some(endpoint))
    }

    /// What happened, in a few words that complete "failed: …". It must hold no secret and no URL.
    pub fn reason(self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.set(|error| error.reason = Some(reason.into()))
    }

    /// What to do about it, in place of the general advice for its kind, such as "check that the port
    /// speaks TLS". It must hold no secret and no URL.
    pub fn advice(self, advice: impl Into<Option<&'static str>>) -> Self {
        self.set(|error| error.advice = advice.into())
    }

    /// What to know besides.
    pub(crate) fn note(self, note: Option<&'static str>) -> Self {
        self.set(|error| error.note = note)
    }

    /// The status of the response.
    pub fn status(self, status: impl Into<Option<StatusCode>>) -> Self {
        self.set(|error| error.status = status.into())
    }

    /// The server's messages.
    pub fn messages<S: Into<String>>(self, messages: impl IntoIterator<Item = S>) -> Self {
        self.set(|error| error.messages = messages.into_iter().map(Into::into).collect())
    }

    /// The server's id of the request.
    pub fn request_id(self, id: impl Into<Option<String>>) -> Self {
        self.set(|error| error.request_id = id.into())
    }

    /// How long the server asked to wait.
    pub fn retry_after(self, wait: impl Into<Option<Duration>>) -> Self {
        self.set(|error| error.retry_after = wait.into())
    }

    /// The rate limit.
    pub fn rate_limit(self, rate_limit: impl Into<Option<RateLimit>>) -> Self {
        self.set(|error| error.rate_limit = rate_limit.into())
    }

    pub(crate) fn headers(self, headers: KeptHeaders) -> Self {
        self.set(|error| error.headers = headers)
    }

    /// The server's body as JSON, for [`details`](Error::details). It must hold no secret.
    pub fn body(self, json: impl Into<Option<String>>) -> Self {
        self.set(|error| error.body = json.into().map(Zeroizing::new))
    }

    /// The failed attempts, in order.
    pub fn attempts(self, attempts: impl IntoIterator<Item = Attempt>) -> Self {
        self.set(|error| error.attempts = attempts.into_iter().collect())
    }

    /// The error is that of one attempt, which is the only one unless [`attempts`](Self::attempts) says
    /// otherwise: its cause, effect and status are the error's own.
    pub fn one_attempt(self) -> Self {
        Self { one_attempt: true, ..self }
    }

    /// The cause. It must hold no secret and no URL.
    pub fn source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.set(|error| error.source = Some(source.into()))
    }

    /// The error.
    pub fn build(self) -> Error {
        let Self { mut error, one_attempt } = self;
        if one_attempt && error.attempts().is_empty() {
            let attempt = Attempt {
                effect: error.effect(),
                status: error.status(),
                ..Attempt::new(error.kind())
            };
            error.0.attempts.push(attempt);
        }
        error
    }
}

impl From<ErrorBuilder> for Error {
    fn from(builder: ErrorBuilder) -> Self {
        builder.build()
    }
}
