//! What failed, and whether the request can have left, from the errors of hyper, rustls and the system.

use std::error::Error as StdError;
use std::io;

use otp_core::{TransportError, TransportErrorKind as Kind};

use crate::connect::ConnectTimeout;

/// There is no response head.
///
/// Their texts stay outside: only causes whose words are known to hold neither URL nor header go on as
/// the source.
pub(crate) fn of_request(error: hyper_util::client::legacy::Error) -> TransportError {
    if error.is_connect() {
        return of_connecting(&error);
    }
    match find::<hyper::Error>(&error) {
        Some(error) => of_exchange(error),
        None => TransportError::unknown(Kind::Other).with_reason("hyper refused the request"),
    }
}

/// The head is there, the rest of the body is not.
pub(crate) fn of_body(error: &hyper::Error) -> TransportError {
    of_exchange(error)
}

/// The connection was not made, so nothing was sent.
fn of_connecting(error: &(dyn StdError + 'static)) -> TransportError {
    if find::<ConnectTimeout>(error).is_some() {
        return TransportError::not_sent(Kind::Connect).with_reason("connecting took too long");
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return TransportError::not_sent(Kind::Tls)
            .with_reason(error.to_string())
            .with_source(error.clone());
    }
    match find::<io::Error>(error) {
        Some(error) => TransportError::not_sent(Kind::Connect)
            .with_reason(describe(error))
            .with_source(copy(error)),
        None => TransportError::not_sent(Kind::Connect),
    }
}

/// The request was handed to a connection, and the exchange on it failed.
fn of_exchange(error: &hyper::Error) -> TransportError {
    if error.is_canceled() {
        // hyper gives the request back: the connection was closed before it took a byte of it.
        return TransportError::not_sent(Kind::ConnectionLost)
            .with_reason("the connection was closed before the request was written");
    }
    if let Some(error) = find::<h2::Error>(error) {
        return of_http2(error);
    }
    if error.is_parse_too_large() {
        return TransportError::unknown(Kind::ResponseTooLarge).with_reason("the headers");
    }
    if error.is_parse() || error.is_parse_status() {
        return TransportError::unknown(Kind::Protocol);
    }
    if error.is_incomplete_message() {
        return TransportError::unknown(Kind::ConnectionLost)
            .with_reason("it was closed before the answer was complete");
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

fn of_http2(error: &h2::Error) -> TransportError {
    // RFC 9113 §8.7: a stream refused by the server was not processed.
    if error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM) {
        return TransportError::not_sent(Kind::ConnectionLost)
            .with_reason("the stream was refused");
    }
    if let Some(error) = error.get_io() {
        return TransportError::unknown(Kind::ConnectionLost)
            .with_reason(describe(error))
            .with_source(copy(error));
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
