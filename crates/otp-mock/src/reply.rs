//! What comes back for one request.

use std::sync::Arc;
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::StatusCode;
use otp_core::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Progress, Response, TransportError, TransportErrorKind};
use serde_json::{Value, json};

use crate::in_memory;

/// What a service and the network between make of one request: an answer, a part of it, or none.
///
/// [`FakeOtps::handle`](crate::FakeOtps::handle) gives it, and
/// [`ScriptedTransport`](crate::ScriptedTransport) takes it. In memory, a
/// slow one turns the double's clock and takes no time.
///
/// ```
/// use std::time::Duration;
/// use otp_core::http::HeaderName;
/// use otp_mock::Reply;
///
/// let codes = Reply::recovery_codes(["abcde-fghij", "klmno-pqrst"]);
/// let busy = Reply::error(429, "Too many requests").with_header("retry-after", "30");
/// let slow = Reply::no_content().after(Duration::from_secs(20));
/// let cut = Reply::recovery_codes(["abcde-fghij"]).cut();
/// # let _ = (codes, busy, slow, cut);
/// ```
///
/// A copy is the same reply. Only the [source](std::error::Error::source) of a
/// [failure](Self::failed) is copied as its text.
#[derive(Clone, Debug)]
#[must_use]
pub struct Reply {
    delay: Duration,
    // In a box, since handlers return a `Result<Reply, Reply>`.
    outcome: Box<Outcome>,
    about: Option<Box<About>>,
}

/// What the service says about the request that it made the reply to.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) user: Option<String>,
    pub(crate) faults: Vec<String>,
}

/// How a [`Reply`] ends.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The answer arrives in full.
    Answered(Answered),
    /// The head of the answer arrives, and the connection is lost before the end of the body. `otp-emulator` sends the first
    /// half of the body.
    Cut(Answered),
    /// The connection is lost before any answer. Whether the service acted, the client cannot know.
    Lost,
    /// The connection was dead before the request was written, which the client can know.
    NotSent,
    /// No answer arrives within the attempt's time limit.
    Never,
    /// The future of `send` never completes: for a test that drops it. A blocking transport cannot be
    /// dropped, and reports a time-out instead.
    Pending,
    /// The transport fails in this way.
    Failed(TransportError),
}

/// A response whose `Debug` shows its status alone: its headers and body may hold secrets.
#[derive(Clone)]
pub struct Answered(pub Response);

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Answered").field(&self.0.status()).finish()
    }
}

impl Reply {
    fn new(outcome: Outcome) -> Self {
        Self { delay: Duration::ZERO, outcome: Box::new(outcome), about: None }
    }

    /// This response.
    pub fn response(response: Response) -> Self {
        Self::new(Outcome::Answered(Answered(response)))
    }

    /// An empty response with this status.
    ///
    /// # Panics
    ///
    /// If it is no status: 100 to 999.
    #[track_caller]
    pub fn status(status: u16) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = valid(StatusCode::from_u16(status), "status");
        Self::response(response)
    }

    /// A response with this status and this JSON: a text, or a `serde_json::Value`.
    ///
    /// # Panics
    ///
    /// If it is no status: 100 to 999.
    #[track_caller]
    pub fn json(status: u16, body: impl ToString) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self::status(status).set_header(CONTENT_TYPE, json).with_body(body.to_string())
    }

    /// `204`: what `receive_codes` and `find_ensure_otp` answer when they succeed.
    pub fn no_content() -> Self {
        Self::status(204)
    }

    /// `204` with this session token: what `find_ensure_otp` may answer.
    pub fn verified_with_session(token: &AuthToken) -> Self {
        Self::no_content().set_header(crate::X_AUTH_TOKEN, token.to_header_value())
    }

    /// `200` with these recovery codes.
    pub fn recovery_codes<S: Into<String>>(codes: impl IntoIterator<Item = S>) -> Self {
        let codes: Vec<Value> = codes.into_iter().map(|code| Value::String(code.into())).collect();
        Self::json(200, json!({ "recovery_codes": codes }))
    }

    /// This status and the document's error body with this message.
    ///
    /// # Panics
    ///
    /// If it is no status: 100 to 999.
    #[track_caller]
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, json!({ "error": message }))
    }

    /// No connection is made, so nothing is sent. A server that plays it can only close the connection.
    pub fn connection_refused() -> Self {
        let refused = TransportError::not_sent(TransportErrorKind::Connect);
        Self::failed(refused.with_reason("connection refused"))
    }

    /// The connection is lost before any answer.
    pub fn lost() -> Self {
        Self::new(Outcome::Lost)
    }

    /// The connection was dead before the request was written.
    pub fn not_sent() -> Self {
        Self::new(Outcome::NotSent)
    }

    /// No answer arrives within the attempt's time limit.
    pub fn never() -> Self {
        Self::new(Outcome::Never)
    }

    /// The future of `send` never completes: for a test that drops it.
    pub fn pending() -> Self {
        Self::new(Outcome::Pending)
    }

    /// The transport fails in this way.
    pub fn failed(error: TransportError) -> Self {
        Self::new(Outcome::Failed(error))
    }

    /// The same, this much later. Beyond the attempt's time limit, the client sees a time-out.
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same response, but the connection is lost after the head and a part of the body.
    pub fn cut(self) -> Self {
        match *self.outcome {
            Outcome::Answered(answered) => {
                Self { outcome: Box::new(Outcome::Cut(answered)), ..self }
            }
            outcome => Self { outcome: Box::new(outcome), ..self },
        }
    }

    /// Sets a header of the response; nothing, if it is none.
    ///
    /// # Panics
    ///
    /// If HTTP does not allow such a name or value.
    #[track_caller]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        let name = valid(name.parse::<HeaderName>(), "header name");
        self.set_header(name, valid(HeaderValue::from_str(value), "header value"))
    }

    pub(crate) fn set_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Outcome::Answered(response) | Outcome::Cut(response) = &mut *self.outcome {
            response.0.headers_mut().insert(name, value);
        }
        self
    }

    /// Sets the body of the response.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        if let Outcome::Answered(response) | Outcome::Cut(response) = &mut *self.outcome {
            *response.0.body_mut() = body.into();
        }
        self
    }

    /// The name of the user who made the request: whose token, or session, it had. None if the service knows
    /// no such user, or if the reply is not of a [service](crate::FakeOtps::handle).
    pub fn user(&self) -> Option<&str> {
        self.about.as_ref()?.user.as_deref()
    }

    /// The faults that struck the request, as each is [written](crate::Fault), and those of a test's own by
    /// their names. There are none if the reply is not of a [service](crate::FakeOtps::handle).
    pub fn faults(&self) -> &[String] {
        self.about.as_ref().map_or(&[], |about| &about.faults)
    }

    pub(crate) fn about(self, about: About) -> Self {
        Self { about: Some(Box::new(about)), ..self }
    }

    /// How much later than at once it happens.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// The status, if a head arrives.
    pub(crate) fn answer_status(&self) -> Option<StatusCode> {
        match &*self.outcome {
            Outcome::Answered(answered) | Outcome::Cut(answered) => Some(answered.0.status()),
            _ => None,
        }
    }

    /// Whether a response with a body arrives in full.
    pub(crate) fn has_body(&self) -> bool {
        matches!(&*self.outcome, Outcome::Answered(answered) if !answered.0.body().is_empty())
    }

    /// The response, if it arrives in full, however late.
    pub fn into_response(self) -> Option<Response> {
        match *self.outcome {
            Outcome::Answered(answered) => Some(answered.0),
            _ => None,
        }
    }

    /// What happens.
    pub fn into_outcome(self) -> Outcome {
        *self.outcome
    }

    /// What a transport gives to its client, at once: for
    /// `MockTransport`, or a transport of your own. A reply that never comes is a
    /// time-out.
    ///
    /// # Errors
    ///
    /// If the reply is no complete answer.
    pub fn into_result(self) -> Result<Response, TransportError> {
        in_memory::arrived(*self.outcome, usize::MAX)
    }
}

impl Clone for Outcome {
    fn clone(&self) -> Self {
        match self {
            Self::Answered(answered) => Self::Answered(answered.clone()),
            Self::Cut(answered) => Self::Cut(answered.clone()),
            Self::Lost => Self::Lost,
            Self::NotSent => Self::NotSent,
            Self::Never => Self::Never,
            Self::Pending => Self::Pending,
            Self::Failed(error) => Self::Failed(copy(error)),
        }
    }
}

fn copy(error: &TransportError) -> TransportError {
    let mut copy = match error.progress() {
        Progress::NotSent => TransportError::not_sent(error.kind()),
        Progress::Unknown => TransportError::unknown(error.kind()),
    };
    if let Some(reason) = error.reason() {
        copy = copy.with_reason(reason.to_owned());
    }
    if let Some(advice) = error.advice() {
        copy = copy.with_advice(advice);
    }
    if let Some(head) = error.head() {
        copy = copy.with_head(head.clone());
    }
    match std::error::Error::source(error) {
        Some(source) => copy.with_source(source.to_string()),
        None => copy,
    }
}

impl From<TransportError> for Reply {
    fn from(error: TransportError) -> Self {
        Self::failed(error)
    }
}

/// A reply that can be given many times. It is made from a [`Reply`] or a [`TransportError`], which is copied
/// each time, or from a closure that returns one.
///
/// Methods take `impl Into<Replies>`, so a test rarely writes this name.
#[derive(Clone)]
pub struct Replies(Arc<dyn Fn() -> Reply + Send + Sync>);

impl Replies {
    pub(crate) fn next(&self) -> Reply {
        (self.0)()
    }
}

impl From<Reply> for Replies {
    fn from(reply: Reply) -> Self {
        Self(Arc::new(move || reply.clone()))
    }
}

impl From<TransportError> for Replies {
    fn from(error: TransportError) -> Self {
        Reply::failed(error).into()
    }
}

impl<R: Into<Reply>, F: Fn() -> R + Send + Sync + 'static> From<F> for Replies {
    fn from(make: F) -> Self {
        Self(Arc::new(move || make().into()))
    }
}

impl std::fmt::Debug for Replies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replies").finish_non_exhaustive()
    }
}

/// A test that does not say what it means must not pass.
#[track_caller]
#[allow(clippy::panic, reason = "this is how a test fails")]
fn valid<T, E: std::fmt::Display>(value: Result<T, E>, what: &str) -> T {
    value.unwrap_or_else(|error| panic!("a reply with an invalid {what}: {error}"))
}

/// The document's success with these recovery codes.
pub(crate) fn list(codes: &[otp_core::RecoveryCode]) -> Reply {
    Reply::recovery_codes(codes.iter().map(ExposeSecret::expose_secret))
}

/// What somebody else answers who stands in the service's place.
pub(crate) fn portal() -> Reply {
    Reply::status(200)
        .set_header(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))
        .with_body("<!DOCTYPE html><title>Welcome</title><p>Accept the terms to use this network.")
}
