//! For which host a request is: every request of HTTP/1.1 and HTTP/2 must say so.

use std::net::Ipv6Addr;

use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, Version};

/// Says why a request is to be refused with `400`, if it is, by RFC 9112 §3.2 and RFC 9113 §8.3.1. HTTP/1.0
/// needs no host.
pub(crate) fn refuse<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Some("The request has two Host headers");
    }
    let authority = request.uri().authority().map(hyper::http::uri::Authority::as_str);
    let is_http2 = request.version() == Version::HTTP_2;
    // `GET name`: a host and no path, which only CONNECT has.
    if authority.is_some()
        && request.uri().scheme().is_none()
        && request.method() != Method::CONNECT
    {
        return Some("The target of the request is no path and no URL");
    }
    match host.map(HeaderValue::to_str) {
        Some(Ok(host)) if !is_valid(host) => Some("The Host header is no host"),
        Some(Err(_)) => Some("The Host header is no host"),
        Some(Ok(host))
            if is_http2
                && authority.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) =>
        {
            Some("The Host header and :authority differ")
        }
        None if is_http2 && authority.is_none() => Some("The request has no :authority"),
        None if request.version() == Version::HTTP_11 => Some("The request has no Host header"),
        _ if authority.is_some_and(|authority| !is_valid(authority)) => {
            Some("The host of the request is no host")
        }
        _ => None,
    }
}

/// Whether this is a host and maybe a port (RFC 3986 §3.2.2).
fn is_valid(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    !name.is_empty() && is_port(port) && is_name(name)
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let is_allowed = match byte {
            b'%' => {
                let digits = [bytes.next(), bytes.next()];
                digits.iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte),
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

/// It may be missing after the colon (RFC 3986 §3.2.3).
fn is_port(port: &str) -> bool {
    port.is_empty()
        || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_maybe_a_port() {
        for host in [
            "a",
            "localhost:8080",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:80",
            "a:",
            "a_b",
            "%41",
            "a.:65535",
        ] {
            assert!(is_valid(host), "{host}");
        }
        for host in [
            "", ":80", "a b", "a:b", "a:65536", "a:+1", "a@b", "a/b", "http://a", "a:1:2", "::1",
            "[::1", "[x]", "[::1]80", "%4", "%zz", "a\"", "ä",
        ] {
            assert!(!is_valid(host), "{host}");
        }
    }
}
