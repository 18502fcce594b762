//! What comes back for one request, and what a client sees of it.

use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use otp_core::http::{StatusCode, response};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Request, Response, TransportError, TransportErrorKind};
use serde_json::{Value, json};

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
#[derive(Debug)]
#[must_use]
pub struct Reply {
    delay: Duration,
    outcome: Outcome,
}

/// How a [`Reply`] ends.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The answer arrives in full.
    Answered(Answered),
    /// The head of the answer arrives, and the connection is lost before the body.
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
pub struct Answered(pub Response);

impl std::fmt::Debug for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Answered").field(&self.0.status()).finish()
    }
}

impl Reply {
    fn new(outcome: Outcome) -> Self {
        Self { delay: Duration::ZERO, outcome }
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

    /// A response with this status and this JSON.
    ///
    /// # Panics
    ///
    /// If it is no status: 100 to 999.
    #[track_caller]
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::status(status).with_header("content-type", "application/json").with_body(body.into())
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
        Self::json(200, json!({ "recovery_codes": codes }).to_string())
    }

    /// This status and the document's error body with this message.
    ///
    /// # Panics
    ///
    /// If it is no status: 100 to 999.
    #[track_caller]
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, json!({ "error": message }).to_string())
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

    /// The same response, of which only the head arrives.
    pub fn cut(self) -> Self {
        match self.outcome {
            Outcome::Answered(answered) => Self { outcome: Outcome::Cut(answered), ..self },
            _ => self,
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
        if let Outcome::Answered(response) | Outcome::Cut(response) = &mut self.outcome {
            response.0.headers_mut().insert(name, value);
        }
        self
    }

    /// Sets the body of the response.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        if let Outcome::Answered(response) | Outcome::Cut(response) = &mut self.outcome {
            *response.0.body_mut() = body.into();
        }
        self
    }

    /// How much later than at once it happens.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// The response, if it arrives in full, however late.
    pub fn into_response(self) -> Option<Response> {
        match self.outcome {
            Outcome::Answered(answered) => Some(answered.0),
            _ => None,
        }
    }

    /// What happens.
    pub fn into_outcome(self) -> Outcome {
        self.outcome
    }

    /// What a client sees of it. The time that this takes is told to `turn`.
    pub(crate) fn play(self, request: &Request, turn: impl FnOnce(Duration)) -> Played {
        let limit = request.time_limit();
        let outcome = match self.outcome {
            Outcome::NotSent => {
                return Played::Done(Err(TransportError::not_sent(
                    TransportErrorKind::ConnectionLost,
                )
                .with_reason("it was closed before the request was written")));
            }
            Outcome::Pending => return Played::Pending,
            Outcome::Never => Err(limit),
            _ if self.delay >= limit => Err(limit),
            outcome => Ok(outcome),
        };
        turn(match &outcome {
            Ok(_) => self.delay,
            Err(limit) => *limit,
        });
        Played::Done(match outcome {
            Ok(outcome) => arrived(outcome, request.response_limit()),
            Err(_) => Err(timed_out()),
        })
    }
}

/// A test that does not say what it means must not pass.
#[track_caller]
#[allow(clippy::panic, reason = "this is how a test fails")]
fn valid<T, E: std::fmt::Display>(value: Result<T, E>, what: &str) -> T {
    value.unwrap_or_else(|error| panic!("a reply with an invalid {what}: {error}"))
}

/// What a client sees of a [`Reply`].
pub(crate) enum Played {
    Done(Result<Response, TransportError>),
    Pending,
}

pub(crate) fn timed_out() -> TransportError {
    TransportError::unknown(TransportErrorKind::Timeout).with_reason("no response head arrived")
}

fn arrived(outcome: Outcome, limit: usize) -> Result<Response, TransportError> {
    let head = |Answered(response): Answered| -> response::Parts { response.into_parts().0 };
    match outcome {
        Outcome::Answered(answered) if answered.0.body().len() > limit => {
            Err(TransportError::unknown(TransportErrorKind::ResponseTooLarge)
                .with_reason("the body")
                .with_head(head(answered)))
        }
        Outcome::Answered(Answered(response)) => Ok(response),
        Outcome::Cut(answered) => Err(TransportError::unknown(TransportErrorKind::ConnectionLost)
            .with_reason("it was closed before the answer was complete")
            .with_head(head(answered))),
        Outcome::Failed(error) => Err(error),
        _ => Err(TransportError::unknown(TransportErrorKind::ConnectionLost)
            .with_reason("it was closed before the answer")),
    }
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
