//! There is a connection, and the exchange on it failed.

use std::io;

use h2::Reason;
use otp_core::{TransportError, TransportErrorKind as Kind};

use super::cause::{End, Flood, SpeaksTls};
use super::find::{copy, describe, find};
use super::tls;

const SPEAKS_TLS: &str = "it is TLS";
const WITH_HTTPS: &str = "write the base URL with 'https', or with the port that speaks HTTP";

/// The time was up while the connection was not ready for the request.
pub(crate) fn no_time_to_send() -> TransportError {
    TransportError::not_sent(Kind::Timeout).with_reason("no connection was ready")
}

/// The connection was closed before it took a byte of the request, which hyper proves by giving the
/// request back.
pub(crate) fn not_taken(end: Option<&End>) -> TransportError {
    match end {
        Some(End::Tls(error)) => {
            let tls::Told { reason, advice } = tls::told_of(error);
            TransportError::not_sent(Kind::Tls)
                .with_reason(reason)
                .with_advice(advice)
                .with_source(error.clone())
        }
        Some(End::SpeaksTls) => {
            TransportError::not_sent(Kind::Protocol).with_reason(SPEAKS_TLS).with_advice(WITH_HTTPS)
        }
        Some(End::Flood) | None => TransportError::not_sent(Kind::ConnectionLost)
            .with_reason("it was closed before the request was written"),
    }
}

/// The request was handed over, and the time was up before a head came.
pub(crate) fn no_head() -> TransportError {
    TransportError::unknown(Kind::Timeout).with_reason("no response head arrived")
}

/// The head came, and the time was up before the body was complete.
pub(crate) fn no_body() -> TransportError {
    TransportError::unknown(Kind::Timeout).with_reason("the body did not arrive in full")
}

/// h2 did not queue the request: the connection is closed, or the request is none that HTTP/2 has.
pub(crate) fn of_handing_over(error: &h2::Error, end: Option<&End>) -> TransportError {
    if error.is_io() || error.is_go_away() || error.is_reset() || error.reason().is_some() {
        return not_taken(end);
    }
    TransportError::not_sent(Kind::Other).with_reason("HTTP/2 cannot send such a request")
}

/// The head is complete and larger than allowed.
pub(crate) fn large_head() -> TransportError {
    // hyper takes a hundred of them, and does not tell the one limit from the other.
    TransportError::unknown(Kind::ResponseTooLarge)
        .with_reason("the headers: more than 100, or more bytes than 'max_header_bytes'")
}

/// The server sends and sends, and no head.
pub(crate) fn flood() -> TransportError {
    TransportError::unknown(Kind::ResponseTooLarge)
        .with_reason("too much was sent before the answer")
}

/// What of this ended the connection, if it is worth telling.
pub(crate) fn end_of(error: &io::Error) -> Option<End> {
    match find::<rustls::Error>(error) {
        Some(error) => Some(End::Tls(error.clone())),
        None if find::<Flood>(error).is_some() => Some(End::Flood),
        None => find::<SpeaksTls>(error).map(|_| End::SpeaksTls),
    }
}

/// The connection ended while it was in use.
fn of_end(end: &End) -> TransportError {
    match end {
        End::Tls(error) => {
            let tls::Told { reason, advice } = tls::told_of(error);
            TransportError::unknown(Kind::ConnectionLost)
                .with_reason(reason)
                .with_advice(advice)
                .with_source(error.clone())
        }
        End::Flood => flood(),
        End::SpeaksTls => {
            TransportError::unknown(Kind::Protocol).with_reason(SPEAKS_TLS).with_advice(WITH_HTTPS)
        }
    }
}

/// The request was handed to a connection, and the exchange on it failed.
pub(crate) fn of_exchange(error: &hyper::Error) -> TransportError {
    if find::<Flood>(error).is_some() {
        return of_end(&End::Flood);
    }
    if find::<SpeaksTls>(error).is_some() {
        return of_end(&End::SpeaksTls);
    }
    if error.is_parse_too_large() {
        return large_head();
    }
    if error.is_parse() || error.is_parse_status() {
        return TransportError::unknown(Kind::Protocol);
    }
    if error.is_incomplete_message() {
        return TransportError::unknown(Kind::ConnectionLost)
            .with_reason("it was closed before the answer was complete");
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return of_end(&End::Tls(error.clone()));
    }
    match find::<io::Error>(error) {
        // What a chunked body is broken by is reported as one of these.
        Some(error)
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) =>
        {
            TransportError::unknown(Kind::Protocol).with_reason("the body is not framed correctly")
        }
        Some(error) => TransportError::unknown(Kind::ConnectionLost)
            .with_reason(describe(error))
            .with_source(copy(error)),
        None => TransportError::unknown(Kind::ConnectionLost),
    }
}

/// HTTP/2 failed, and `end` is what ended the connection, if that is known.
pub(crate) fn of_http2(error: &h2::Error, end: Option<&End>) -> TransportError {
    // RFC 9113 §8.7: a refused stream was not processed, nor was one above the last id of a GOAWAY. h2
    // gives a remote GOAWAY as the cause to those streams only; others end with what ended them.
    if error.is_remote() && error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM) {
        return TransportError::not_sent(Kind::ConnectionLost)
            .with_reason("the stream was refused");
    }
    if error.is_remote() && error.is_go_away() {
        return TransportError::not_sent(Kind::ConnectionLost)
            .with_reason("the server was going away and did not take the request");
    }
    if let Some(error) = error.get_io() {
        if let Some(end) = end {
            return of_end(end);
        }
        return TransportError::unknown(Kind::ConnectionLost)
            .with_reason(describe(error))
            .with_source(copy(error));
    }
    if error.is_library() && error.reason() == Some(Reason::ENHANCE_YOUR_CALM) {
        return flood();
    }
    let kind = if error.is_remote() { Kind::ConnectionLost } else { Kind::Protocol };
    match error.reason() {
        Some(reason) => TransportError::unknown(kind).with_reason(format!("HTTP/2 {reason:?}")),
        None => TransportError::unknown(kind),
    }
}
