//! What failed, and whether the request can have left, from the errors of hyper, rustls and the system.

mod tls;

use std::error::Error as StdError;
use std::io;

use h2::Reason;
use otp_core::{TransportError, TransportErrorKind as Kind};

use crate::connect::{ProxyFailed, Unreached};
use crate::connector::{NoSocket, NoneConnected, NotResolved};
use crate::proxy::{self, Refused, Unusable};
use crate::stream::{Flood, SpeaksTls};
use crate::watched::End;

const SPEAKS_TLS: &str = "it is TLS";
const WITH_HTTPS: &str = "write the base URL with 'https', or with the port that speaks HTTP";

const HTTP_VERSIONS: &str =
    "let 'http_versions' allow what the server offers, or let the server offer what is allowed";

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
pub(crate) fn of_handing_over(error: &h2::Error) -> TransportError {
    if error.is_io() || error.is_go_away() || error.is_reset() || error.reason().is_some() {
        return not_taken(None);
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

/// There is no runtime to send anything on.
pub(crate) fn no_runtime() -> TransportError {
    TransportError::not_sent(Kind::Other)
        .with_reason("it was called outside of a tokio runtime")
        .with_advice("call it inside of one that has I/O and time enabled")
}

/// The runtime cannot wait.
pub(crate) fn no_timer() -> TransportError {
    TransportError::not_sent(Kind::Other)
        .with_reason("the tokio runtime has no timer")
        .with_advice("build the runtime with 'enable_all'")
}

/// The runtime was shut down.
pub(crate) fn runtime_ended() -> TransportError {
    TransportError::not_sent(Kind::Other)
        .with_reason("the tokio runtime was shut down")
        .with_advice("call it inside of one that runs")
}

/// The connector panicked.
pub(crate) fn connector_ended() -> TransportError {
    TransportError::not_sent(Kind::Other).with_reason("the connector panicked").with_advice(
        "if the runtime has no I/O, build it with 'enable_all'; otherwise see the panic's message",
    )
}

/// The same failure for another call that waited for the same connection.
pub(crate) fn again(error: &TransportError) -> TransportError {
    let again = TransportError::not_sent(error.kind());
    let again = match error.reason() {
        Some(reason) => again.with_reason(reason.to_owned()),
        None => again,
    };
    let again = match error.advice() {
        Some(advice) => again.with_advice(advice),
        None => again,
    };
    let source = error.source();
    if let Some(error) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
        again.with_source(copy(error))
    } else if let Some(error) = source.and_then(|source| source.downcast_ref::<rustls::Error>()) {
        again.with_source(error.clone())
    } else {
        again
    }
}

/// There is no connection within its time.
pub(crate) fn too_slow() -> TransportError {
    TransportError::not_sent(Kind::Connect).with_reason("connecting took too long").with_advice(
        "check the host and port of the base URL, firewall and proxy, allow more 'connect_timeout', or repeat it \
         later",
    )
}

/// The server does not offer HTTP/2, and nothing else is allowed.
pub(crate) fn no_http2() -> TransportError {
    TransportError::not_sent(Kind::Tls)
        .with_reason("the server does not offer HTTP/2, and nothing else is allowed")
        .with_advice(HTTP_VERSIONS)
}

/// The connection was not made, so nothing was sent.
pub(crate) fn of_connecting(error: &(dyn StdError + 'static)) -> TransportError {
    let through_proxy = find::<ProxyFailed>(error).is_some();
    let failed_as = |kind, reason: String, advice| {
        let failed = TransportError::not_sent(kind).with_reason(reason).with_advice(advice);
        match find::<io::Error>(error) {
            Some(error) => failed.with_source(copy(error)),
            None => failed,
        }
    };
    let failed = |reason, advice| failed_as(Kind::Connect, reason, advice);
    if let Some(refused) = find::<Refused>(error) {
        let kind = if refused.may_pass() { Kind::Connect } else { Kind::ProxyRefused };
        return failed_as(kind, refused.to_string(), refused.advice());
    }
    if let Some(unusable) = find::<Unusable>(error) {
        return failed_as(
            Kind::ProxyRefused,
            unusable.to_string(),
            "correct that variable of the environment, or unset it",
        );
    }
    if let Some(NotResolved(words)) = find::<NotResolved>(error) {
        return if through_proxy {
            failed(
                format!("the proxy's host name could not be resolved: {words}"),
                "check the URL of the proxy, and DNS",
            )
        } else {
            failed(
                format!("the host name could not be resolved: {words}"),
                "check the host of the base URL, and DNS",
            )
        };
    }
    if find::<rustls::pki_types::InvalidDnsNameError>(error).is_some() {
        return failed(
            "TLS needs a valid host name".to_owned(),
            "check the host of the base URL, or the proxy's if that speaks TLS",
        );
    }
    if let Some(error) = find::<rustls::Error>(error) {
        let tls::Told { reason, advice } = tls::told_of(error);
        let failed = TransportError::not_sent(Kind::Tls).with_source(error.clone());
        return if through_proxy {
            failed
                .with_reason(reason.replace("the server", "the proxy"))
                .with_advice("check the URL of the proxy, its certificate, and the trusted roots")
        } else {
            failed.with_reason(reason).with_advice(advice)
        };
    }
    let Some(cause) = find::<io::Error>(error) else {
        return TransportError::not_sent(Kind::Connect);
    };
    let words = match find::<NoneConnected>(error) {
        Some(NoneConnected { tried, .. }) => {
            format!("none of {tried} addresses could be connected to: {}", describe(cause))
        }
        None => describe(cause),
    };
    if through_proxy {
        return if find::<Unreached>(error).is_some() {
            failed(
                format!("the proxy cannot be reached: {words}"),
                "check the URL of the proxy, and that it runs",
            )
        } else {
            failed(
                format!("the connection to the proxy was lost: {words}"),
                "check the URL of the proxy: its host, its port and its scheme",
            )
        };
    }
    if find::<Unreached>(error).is_none() {
        let mut reason = "the server ended the connection within the TLS handshake".to_owned();
        if !proxy::is_closing(cause) {
            reason = format!("{reason}: {words}");
        }
        return failed(
            reason,
            "check the port and the scheme of the base URL, and that no firewall intervenes",
        );
    }
    if find::<NoSocket>(error).is_some() {
        return failed(
            format!("the Unix socket: {words}"),
            "check the path of the socket, its permissions, and that the server runs",
        );
    }
    let advice = match cause.kind() {
        io::ErrorKind::ConnectionRefused => {
            "check that the server runs, and the host and port of the base URL"
        }
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown => {
            "check this machine's network, VPN and firewall, and the host of the base URL"
        }
        _ => "check the base URL, DNS and proxy, or repeat it later",
    };
    failed(words, advice)
}

/// HTTP/2 did not start, so nothing was sent.
pub(crate) fn of_starting_http2(error: &h2::Error) -> TransportError {
    match error.get_io() {
        Some(error) => TransportError::not_sent(Kind::Connect)
            .with_reason(format!("it was lost before HTTP/2 began: {}", describe(error)))
            .with_source(copy(error)),
        None => TransportError::not_sent(Kind::Connect).with_reason("HTTP/2 did not begin"),
    }
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

/// In words that hold nothing of another's making.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        // Fixed texts of the operating system.
        Some(_) => error.to_string(),
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
