//! The bytes of HTTP/1.1 (RFC 9112): writing a request, reading a response.

use httparse::{EMPTY_HEADER, Status, parse_chunk_size};
use otp_core::bytes::Bytes;
use otp_core::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use otp_core::http::response::Parts;
use otp_core::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use otp_core::secrecy::zeroize::Zeroizing;
use otp_core::{TransportError, TransportErrorKind};

use crate::wire::Wire;

/// The most that may come before the body, informational responses included.
const MAX_HEAD: usize = 64 * 1024;

/// The most fields of a head.
const MAX_FIELDS: usize = 100;

/// The most bytes that say how long a chunk is.
const MAX_CHUNK_HEAD: usize = 256;

/// The request up to its body. It holds the token, and perhaps an OTP, so it is wiped when it is dropped.
pub(crate) fn request_head(request: &Request<Bytes>) -> Result<Zeroizing<Vec<u8>>, TransportError> {
    let uri = request.uri();
    let (Some(host), Some(path)) = (uri.authority(), uri.path_and_query()) else {
        return Err(TransportError::not_sent(TransportErrorKind::Other)
            .with_reason("the URL has no host or no path"));
    };
    let length = request.body().len().to_string();

    let mut parts: Vec<&[u8]> = vec![
        request.method().as_str().as_bytes(),
        b" ",
        path.as_str().as_bytes(),
        b" HTTP/1.1\r\nhost: ",
        host.as_str().as_bytes(),
    ];
    // An empty `POST` says so too (RFC 9110 §8.6).
    let may_have_body = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    if may_have_body || !request.body().is_empty() {
        parts.extend([b"\r\ncontent-length: ", length.as_bytes()]);
    }
    for (name, value) in request.headers() {
        parts.extend([b"\r\n", name.as_str().as_bytes(), b": ", value.as_bytes()]);
    }
    parts.push(b"\r\n\r\n");

    // All at once: a vector that grows leaves copies of what it held behind.
    Ok(Zeroizing::new(parts.concat()))
}

/// The head of the response, after any number of informational ones that fits.
pub(crate) async fn head(wire: &mut Wire) -> Result<Parts, TransportError> {
    let mut consumed = 0;
    loop {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        let status = parsed.parse(wire.received());
        let complete = match status {
            Ok(Status::Complete(length)) => Some((length, owned(&parsed)?)),
            Ok(Status::Partial) => None,
            Err(httparse::Error::TooManyHeaders) => return Err(too_large("the headers")),
            Err(_) => return Err(protocol("its head cannot be read")),
        };
        if consumed + complete.as_ref().map_or(wire.received().len(), |(length, _)| *length)
            > MAX_HEAD
        {
            return Err(too_large("the headers"));
        }
        match complete {
            None => wire.receive_more().await?,
            Some((_, head)) if head.status == StatusCode::SWITCHING_PROTOCOLS => {
                return Err(protocol("it switches protocols, and nobody asked"));
            }
            Some((length, head)) => {
                wire.consume(length);
                consumed += length;
                if !head.status.is_informational() {
                    return Ok(head);
                }
            }
        }
    }
}

fn owned(parsed: &httparse::Response<'_, '_>) -> Result<Parts, TransportError> {
    let invalid = || protocol("its head cannot be read");
    let mut response = Response::new(());
    *response.status_mut() =
        StatusCode::from_u16(parsed.code.unwrap_or_default()).map_err(|_| invalid())?;
    for field in &*parsed.headers {
        response.headers_mut().append(
            HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| invalid())?,
            HeaderValue::from_bytes(field.value).map_err(|_| invalid())?,
        );
    }
    Ok(response.into_parts().0)
}

/// How a body ends (RFC 9112 §6.3).
enum Framing {
    Length(u64),
    Chunked,
    UntilClosed,
}

fn framing(method: &Method, head: &Parts) -> Result<Framing, TransportError> {
    if method == Method::HEAD
        || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&head.status)
    {
        return Ok(Framing::Length(0));
    }
    let encodings: Vec<_> = head.headers.get_all(TRANSFER_ENCODING).iter().collect();
    let lengths: Vec<_> = head.headers.get_all(CONTENT_LENGTH).iter().collect();
    match (encodings.as_slice(), lengths.as_slice()) {
        ([], []) => Ok(Framing::UntilClosed),
        ([coding], []) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            Ok(Framing::Chunked)
        }
        // Repeated, it must say the same.
        ([], [length, others @ ..]) if others.iter().all(|other| other == length) => length
            .to_str()
            .ok()
            .filter(|length| length.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|length| length.parse().ok())
            .map(Framing::Length)
            .ok_or_else(|| protocol("its length is no number")),
        _ => Err(protocol("it says more than one thing about its length")),
    }
}

/// The body, of no more than `limit` bytes.
pub(crate) async fn body(
    wire: &mut Wire,
    method: &Method,
    head: &Parts,
    limit: usize,
) -> Result<Vec<u8>, TransportError> {
    match framing(method, head)? {
        Framing::Length(length) => {
            let length = within(length, limit)?;
            while wire.received().len() < length {
                wire.receive_more().await?;
            }
            let mut body = wire.take();
            body.truncate(length);
            Ok(body)
        }
        Framing::Chunked => chunked(wire, limit).await,
        Framing::UntilClosed => {
            while wire.receive().await? {
                within(wire.received().len() as u64, limit)?;
            }
            within(wire.received().len() as u64, limit)?;
            Ok(wire.take())
        }
    }
}

async fn chunked(wire: &mut Wire, limit: usize) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    loop {
        // httparse takes an empty line for a chunk of no bytes, which would be the last.
        if wire.received().first().is_some_and(|byte| !byte.is_ascii_hexdigit()) {
            return Err(protocol("its chunks cannot be read"));
        }
        let (start, size) = match parse_chunk_size(wire.received()) {
            Ok(Status::Complete(chunk)) => chunk,
            Ok(Status::Partial) if wire.received().len() < MAX_CHUNK_HEAD => {
                wire.receive_more().await?;
                continue;
            }
            _ => return Err(protocol("its chunks cannot be read")),
        };
        // The last one. What may follow it is not needed, and the connection is not used again.
        if size == 0 {
            return Ok(body);
        }
        let end = start + within(size, limit - body.len())?;
        while wire.received().len() < end + 2 {
            wire.receive_more().await?;
        }
        if &wire.received()[end..end + 2] != b"\r\n" {
            return Err(protocol("its chunks cannot be read"));
        }
        body.extend_from_slice(&wire.received()[start..end]);
        wire.consume(end + 2);
    }
}

fn within(size: u64, limit: usize) -> Result<usize, TransportError> {
    usize::try_from(size).ok().filter(|size| *size <= limit).ok_or_else(|| too_large("the body"))
}

fn too_large(what: &'static str) -> TransportError {
    TransportError::unknown(TransportErrorKind::ResponseTooLarge).with_reason(what)
}

fn protocol(what: &'static str) -> TransportError {
    TransportError::unknown(TransportErrorKind::Protocol).with_reason(what)
}
