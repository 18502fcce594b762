//! The head of an answer (RFC 9112 §4 and §5).

use std::sync::OnceLock;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use otp_core::TransportError;
use otp_core::TransportErrorKind::{ConnectionLost, Protocol, ResponseTooLarge, Timeout};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Inner;
use super::limit::{Limit, Phase};
use super::pool::Connection;

const MOST_HEAD: usize = 64 * 1024;

/// Where a head is read from.
pub struct Reading<'r, R> {
    pub reader: R,
    pub buffer: &'r mut Vec<u8>,
    pub kept: bool,
    pub limit: &'r Limit,
    /// Whether the request was written: not yet, in vain, or in full.
    pub written: &'r OnceLock<bool>,
}

impl Inner {
    /// The next head on a connection whose request is written.
    pub async fn head(
        &self,
        connection: &mut Connection,
        limit: &Limit,
    ) -> Result<Parts, TransportError> {
        let written = OnceLock::from(true);
        let (parts, stays_open) = self
            .read_head(Reading {
                reader: &mut connection.stream,
                buffer: &mut connection.buffer,
                kept: connection.kept,
                limit,
                written: &written,
            })
            .await?;
        connection.stays_open = stays_open;
        Ok(parts)
    }

    /// A head, and whether the connection stays open after it.
    pub async fn read_head<R: AsyncRead + Unpin>(
        &self,
        mut from: Reading<'_, R>,
    ) -> Result<(Parts, bool), TransportError> {
        let not_http = "what is not HTTP is a 200";
        loop {
            if let Some(at) = end_of_head(from.buffer) {
                let head: Vec<u8> = from.buffer.drain(..at).collect();
                return match parse(&head) {
                    None if self.is(not_http) => {
                        Ok((http::Response::new(()).into_parts().0, false))
                    }
                    parsed => {
                        let parts = parsed.ok_or_else(|| TransportError::unknown(Protocol))?;
                        let stays_open = stays_open(&parts);
                        Ok((parts, stays_open))
                    }
                };
            }
            let start = &from.buffer[..from.buffer.len().min(7)];
            if !b"HTTP/1.".starts_with(start) && !self.is(not_http) {
                return Err(TransportError::unknown(Protocol));
            }
            if from.buffer.len() > MOST_HEAD {
                if !self.is("a head may be endless") {
                    return Err(TransportError::unknown(ResponseTooLarge));
                }
                from.buffer.truncate(MOST_HEAD);
            }
            let is_first = from.buffer.is_empty();
            let phase = match from.written.get() {
                None => Phase::Write,
                Some(_) if is_first => Phase::BeforeTheHead,
                Some(_) => Phase::Head,
            };
            let mut bytes = [0; 16 * 1024];
            let read = from.limit.run(phase, !is_first, from.reader.read(&mut bytes)).await;
            match read {
                Ok(0) if !is_first && self.is("a head cut off is complete") => {
                    from.buffer.extend(b"\r\n\r\n");
                }
                Ok(read) if read > 0 => from.buffer.extend_from_slice(&bytes[..read]),
                lost => {
                    let kind = lost.err().map_or(ConnectionLost, |failure| failure.kind());
                    let unsent = is_first
                        && !from.kept
                        && kind != Timeout
                        && self.is("a connection lost before the head has sent nothing");
                    return Err(match unsent {
                        true => TransportError::not_sent(kind),
                        false => TransportError::unknown(kind),
                    });
                }
            }
        }
    }
}

/// Where the head ends. A single LF ends a line too (RFC 9112 §2.2).
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let mut line = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' {
            if at > 0 && bytes[line..at].trim_ascii().is_empty() {
                return Some(at + 1);
            }
            line = at + 1;
        }
    }
    None
}

fn parse(head: &[u8]) -> Option<Parts> {
    let mut lines =
        head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let status_line = lines.next()?;
    let version = match status_line.get(..9)? {
        b"HTTP/1.1 " => Version::HTTP_11,
        b"HTTP/1.0 " => Version::HTTP_10,
        _ => return None,
    };
    let status = status_line.get(9..12)?;
    // The space may be missing where the reason is (RFC 9112 §4).
    if !matches!(status_line.get(12), None | Some(b' ')) {
        return None;
    }
    let mut response = http::Response::new(());
    *response.version_mut() = version;
    *response.status_mut() = StatusCode::from_bytes(status).ok()?;
    for line in lines.take_while(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        response.headers_mut().append(name, value);
    }
    Some(response.into_parts().0)
}

/// The members of a list, in lower case (RFC 9110 §5.6.1).
pub fn tokens(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let text = values.collect::<Vec<_>>().join(",").to_ascii_lowercase();
    text.split(',').map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()).collect()
}

/// Whether it may carry another request (RFC 9112 §9.3), as far as its head tells.
fn stays_open(parts: &Parts) -> bool {
    let connection = tokens(&parts.headers, &CONNECTION);
    let has = |option: &str| connection.iter().any(|own| own == option);
    let ambiguous =
        parts.headers.contains_key(TRANSFER_ENCODING) && parts.headers.contains_key(CONTENT_LENGTH);
    match parts.version {
        _ if has("close") || ambiguous => false,
        Version::HTTP_10 => has("keep-alive"),
        _ => parts.status != StatusCode::SWITCHING_PROTOCOLS,
    }
}
