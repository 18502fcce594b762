//! From the last failure of a call to its error.

use std::borrow::Cow;

use http::header::HeaderName;
use secrecy::zeroize::Zeroizing;

use super::failure::Failure;
use super::history::History;
use super::{details, messages};
use crate::client::{KeptHeaders, RateLimit};
use crate::headers::X_REQUEST_ID;
use crate::{BaseUrl, Endpoint, Error, ErrorKind, Scrubber};

/// The error of a call that ends with this failure.
pub(super) fn error(
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
