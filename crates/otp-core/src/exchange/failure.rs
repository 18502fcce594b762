//! What one failed attempt means: its kind, its effect, and whether it may be repeated.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::body::Body;
use super::retry_after;
use crate::client::{Announcements, announcements};
use crate::operation::{ReadError, is_markup, reads_json, says_it_is_not};
use crate::{Effect, Endpoint, ErrorKind, Progress, Response, TransportError, TransportErrorKind};

pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) effect: Effect,
    pub(super) repeat: Repeat,
    pub(crate) status: Option<StatusCode>,
    pub(super) retry_after: Option<Duration>,
    pub(super) reason: Option<Cow<'static, str>>,
    pub(super) advice: Option<&'static str>,
    pub(super) source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Of the response, if there was one. Read only when the call ends with this failure.
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest is the server's and the transport's, and not scrubbed yet.
        f.debug_struct("Failure")
            .field("kind", &self.kind)
            .field("effect", &self.effect)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// When an attempt may be followed by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Trying again cannot help.
    Never,
    /// The server may have acted, or asks for patience.
    IfIdempotent,
    /// The request provably was not sent.
    Always,
}

impl Failure {
    fn new(kind: ErrorKind, effect: Effect, repeat: Repeat) -> Self {
        Self {
            kind,
            effect,
            repeat,
            status: None,
            retry_after: None,
            reason: None,
            advice: None,
            source: None,
            headers: HeaderMap::new(),
            body: Body::default(),
        }
    }

    /// The transport has no response.
    pub(super) fn of_transport(endpoint: &Endpoint, mut error: TransportError) -> Self {
        let failure = match error.take_head() {
            Some(head) if head.status.is_success() => {
                Self::of_lost_body(endpoint, error.kind(), *head)
            }
            // The status says it all; what became of the rest of the response does not matter.
            Some(head) => {
                let failure = Self::of_status(endpoint, head.status, &head.headers);
                return Self { status: Some(head.status), headers: head.headers, ..failure };
            }
            None => Self::without_head(error.kind(), error.progress()),
        };
        Self {
            reason: error.take_reason(),
            advice: error.advice(),
            source: error.take_source(),
            ..failure
        }
    }

    fn without_head(kind: TransportErrorKind, progress: Progress) -> Self {
        use TransportErrorKind::{Connect, ConnectionLost, Protocol, Timeout};
        let (effect, repeat) = match (progress, kind) {
            (Progress::NotSent, Connect | ConnectionLost | Timeout) => {
                (Effect::NotApplied, Repeat::Always)
            }
            (Progress::NotSent, _) => (Effect::NotApplied, Repeat::Never),
            (Progress::Unknown, Connect | ConnectionLost | Timeout | Protocol) => {
                (Effect::Unknown, Repeat::IfIdempotent)
            }
            (Progress::Unknown, _) => (Effect::Unknown, Repeat::Never),
        };
        Self::new(kind.into(), effect, repeat)
    }

    /// The head of a success arrived, the body did not: the status still tells what the server did.
    fn of_lost_body(
        endpoint: &Endpoint,
        kind: TransportErrorKind,
        head: http::response::Parts,
    ) -> Self {
        Self {
            effect: effect_of_head(endpoint, head.status, &head.headers),
            status: Some(head.status),
            headers: head.headers,
            ..Self::without_head(kind, Progress::Unknown)
        }
    }

    /// The response, unless something is wrong with it that the operation need not be asked about.
    pub(super) fn of_response(
        endpoint: &Endpoint,
        response: Response,
        limit: usize,
    ) -> Result<Response, Box<Self>> {
        let status = response.status();
        let too_large = response.body().len() > limit;
        let failure = match (is_answer(endpoint, &response), too_large) {
            (true, false) => return Ok(response),
            (true, true) if status.is_success() => Self::new(
                ErrorKind::ResponseTooLarge,
                effect_of_success(endpoint, &response),
                Repeat::Never,
            ),
            _ => Self::of_status(endpoint, status, response.headers()),
        };
        let failure = failure.with_response(response);
        Err(Box::new(if too_large { Self { body: Body::default(), ..failure } } else { failure }))
    }

    /// The operation does not take the response.
    pub(super) fn of_reading(endpoint: &Endpoint, error: ReadError, response: Response) -> Self {
        let failure = |kind, effect| Self::new(kind, effect, Repeat::Never);
        match error {
            ReadError::UnexpectedStatus => failure(ErrorKind::UnexpectedStatus, Effect::Unknown),
            // Whatever its status says, it is not the service that says it.
            ReadError::NotFromService(reason) => {
                Self { reason: Some(reason), ..failure(ErrorKind::Decode, Effect::Unknown) }
            }
            ReadError::Decode(reason) => {
                let effect = effect_of_success(endpoint, &response);
                Self { reason: Some(reason), ..failure(ErrorKind::Decode, effect) }
            }
        }
        .with_response(response)
    }

    fn with_response(self, response: Response) -> Self {
        let status = Some(response.status());
        let (head, body) = response.into_parts();
        Self { status, headers: head.headers, body: Body::of(Response::new(body)), ..self }
    }

    /// Whether the response says that the service is going away.
    pub(super) fn announcements(&self) -> Announcements {
        announcements(&self.headers)
    }

    /// A status that is not a success.
    fn of_status(endpoint: &Endpoint, status: StatusCode, headers: &HeaderMap) -> Self {
        use Effect::{NotApplied, Unknown};
        use Repeat::{IfIdempotent, Never};
        let (kind, effect, repeat) = match status.as_u16() {
            0..=199 => (ErrorKind::Protocol, Unknown, Never),
            200..=399 => (ErrorKind::UnexpectedStatus, Unknown, Never),
            400 => (ErrorKind::BadRequest, NotApplied, Never),
            401 => (ErrorKind::Unauthorized, NotApplied, Never),
            403 => (ErrorKind::Forbidden, NotApplied, Never),
            404 => (ErrorKind::NotFound, NotApplied, Never),
            408 => (ErrorKind::Timeout, Unknown, IfIdempotent),
            422 => (ErrorKind::Unprocessable, NotApplied, Never),
            429 => (ErrorKind::RateLimited, NotApplied, IfIdempotent),
            // By their definitions (RFC 9110 §15.5, RFC 6585, RFC 7725, RFC 8470) the server declines
            // to process these. Other client errors, such as 409, leave open what it did before.
            405 | 406 | 410 | 411 | 413..=417 | 421 | 425 | 426 | 428 | 431 | 451 => {
                (ErrorKind::Rejected, NotApplied, Never)
            }
            402..=499 => (ErrorKind::Rejected, Unknown, Never),
            502..=504 => (ErrorKind::Server, Unknown, IfIdempotent),
            _ => (ErrorKind::Server, Unknown, Never),
        };
        let effect = if endpoint.is_declined_by(status) { NotApplied } else { effect };
        let retry_after = retry_after::read(headers);
        Self { retry_after, ..Self::new(kind, effect, repeat) }
    }
}

/// Whether the operation is asked to read the response. Another status than `2xx` counts only if the service said it.
fn is_answer(endpoint: &Endpoint, response: &Response) -> bool {
    let status = response.status();
    status.is_success()
        || endpoint.is_answer(status)
            && !says_it_is_not(endpoint.accepted_type(), response.headers())
            && !is_page(endpoint, response)
}

/// A success that has a body of a type that the operation does not accept is somebody else's, even if the operation
/// does not look at the body.
pub(super) fn check_success(endpoint: &Endpoint, response: &Response) -> Result<(), ReadError> {
    let has_body = response.status() != StatusCode::NO_CONTENT && !response.body().is_empty();
    if has_body && says_it_is_not(endpoint.accepted_type(), response.headers()) {
        return Err(ReadError::not_from_service("its content type is not the expected one"));
    }
    if has_body && is_page(endpoint, response) {
        return Err(ReadError::not_from_service("its body is a page"));
    }
    Ok(())
}

/// What a success status proves when the rest of the response is of no use. If it has a body of another type,
/// somebody else answered, such as a captive portal, and it proves nothing.
fn effect_of_head(endpoint: &Endpoint, status: StatusCode, headers: &HeaderMap) -> Effect {
    let has_no_content = status == StatusCode::NO_CONTENT;
    let is_of_service = has_no_content || !says_it_is_not(endpoint.accepted_type(), headers);
    if endpoint.is_acknowledged_by(status) && is_of_service {
        Effect::Applied
    } else {
        Effect::Unknown
    }
}

/// As [`effect_of_head`], with the body at hand.
fn effect_of_success(endpoint: &Endpoint, response: &Response) -> Effect {
    if is_page(endpoint, response) {
        return Effect::Unknown;
    }
    effect_of_head(endpoint, response.status(), response.headers())
}

fn is_page(endpoint: &Endpoint, response: &Response) -> bool {
    reads_json(endpoint.accepted_type()) && is_markup(response.body())
}
