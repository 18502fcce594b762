//! What failed, and whether the request can have left, from the errors of hyper, rustls and the system.

use std::error::Error as StdError;
use std::io;

use h2::Reason;
use otp_core::{TransportError, TransportErrorKind as Kind};

use crate::connect::ProxyFailed;
use crate::stream::Flood;

/// The URL cannot be connected to.
pub(crate) fn no_origin() -> TransportError {
    TransportError::not_sent(Kind::Other).with_reason("the URL has no scheme or no host")
}

/// The time was up while the connection was not ready for the request.
pub(crate) fn no_time_to_send() -> TransportError {
    TransportError::not_sent(Kind::Timeout).with_reason("no connection was ready")
}

/// The connection was closed before it took a byte of the request, which hyper proves by giving the
/// request back.
pub(crate) fn not_taken() -> TransportError {
    TransportError::not_sent(Kind::ConnectionLost)
        .with_reason("it was closed before the request was written")
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
pub(crate) fn of_handing_over(error: &h2::Error) -> TransportError {
    if error.is_io() || error.is_go_away() || error.is_reset() || error.reason().is_some() {
        return not_taken();
    }
    TransportError::not_sent(Kind::Other).with_reason("HTTP/2 cannot send such a request")
}

/// The head is complete and larger than allowed.
pub(crate) fn large_head() -> TransportError {
    TransportError::unknown(Kind::ResponseTooLarge).with_reason("the headers")
}

/// The server sends and sends, and no head.
pub(crate) fn flood() -> TransportError {
    TransportError::unknown(Kind::ResponseTooLarge)
        .with_reason("too much was sent before the answer")
}

/// The connection was not made, so nothing was sent.
pub(crate) fn of_connecting(error: &(dyn StdError + 'static)) -> TransportError {
    let failed = TransportError::not_sent(Kind::Connect);
    let through_proxy = find::<ProxyFailed>(error).is_some();
    if let Some(error) = find::<rustls::Error>(error) {
        let whose = if through_proxy { "of the proxy: " } else { "" };
        return TransportError::not_sent(Kind::Tls)
            .with_reason(format!("{whose}{error}"))
            .with_source(error.clone());
    }
    match find::<io::Error>(error) {
        Some(error) if through_proxy => failed
            .with_reason(format!("through the proxy: {}", describe(error)))
            .with_source(copy(error)),
        Some(error) => failed.with_reason(describe(error)).with_source(copy(error)),
        None if through_proxy => failed.with_reason("the proxy refused the tunnel"),
        None => failed,
    }
}

/// The request was handed to a connection, and the exchange on it failed.
pub(crate) fn of_exchange(error: &hyper::Error) -> TransportError {
    if find::<Flood>(error).is_some() {
        return flood();
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
        return TransportError::unknown(Kind::ConnectionLost)
            .with_reason(error.to_string())
            .with_source(error.clone());
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

pub(crate) fn of_http2(error: &h2::Error) -> TransportError {
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

/// The first cause of this type, also inside of `io::Error`s, which do not show what they hold as
/// their source.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            // An `io::Error` that only wraps another error says less than what it wraps.
            let inner = found_inside::<E>(error);
            return inner.or(Some(found));
        }
        if let Some(found) = found_inside::<E>(error) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn found_inside<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    find::<E>(inner)
}

fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        // Fixed texts of the operating system.
        Some(_) => error.to_string(),
        // Others may quote anything: name resolution, for one, may quote the host.
        None => error.kind().to_string(),
    }
}

/// An error of the same kind that holds nothing of another's making.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::from(error.kind()),
    }
}
