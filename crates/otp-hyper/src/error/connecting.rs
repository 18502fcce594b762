//! There is no connection, so nothing was sent.

use std::error::Error as StdError;
use std::io;

use otp_core::{TransportError, TransportErrorKind as Kind};

use super::cause::{NoSocket, NoneConnected, NotResolved, ProxyFailed, Unreached, Unusable};
use super::find::{copy, describe, find, is_closing};
use super::refused::Refused;
use super::tls;

/// The URL cannot be connected to.
pub(crate) fn no_origin() -> TransportError {
    TransportError::not_sent(Kind::Other).with_reason("the URL has no scheme or no host")
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
        .with_advice(tls::HTTP_VERSIONS)
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
        if !is_closing(cause) {
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
