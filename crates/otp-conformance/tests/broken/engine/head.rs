//! The head of an answer (RFC 9112 §4 and §5).

use std::sync::OnceLock;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use otp_core::TransportError;
use otp_core::TransportErrorKind::{ConnectionLost, Protocol, ResponseTooLarge, Timeout, Tls};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Inner;
use super::limit::{Failure, Limit, Phase};
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
        let mut in_one_piece = true;
        let mut last = 0;
        loop {
            let start = match self.is("the end of a head is looked for in the last piece") {
                true => last,
                false => 0,
            };
            last = from.buffer.len();
            if let Some(at) = end_of_head(&from.buffer[start..]).map(|at| start + at) {
                let head: Vec<u8> = from.buffer.drain(..at).collect();
                if let Some(error) = self.quote(&head) {
                    return Err(error);
                }
                return match self.parse(&head) {
                    None if self.is(not_http) => {
                        Ok((http::Response::new(()).into_parts().0, false))
                    }
                    parsed => {
                        if self.is("a head comes in one piece") && !in_one_piece {
                            return Err(TransportError::unknown(Protocol));
                        }
                        let parts = parsed.ok_or_else(|| TransportError::unknown(Protocol))?;
                        let stays_open = self.stays_open(&parts);
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
            in_one_piece &= is_first;
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
                    let proof = lost.as_ref().err().is_some_and(|failure| {
                        let kept = from.kept;
                        failure.is_alert() && self.is("an alert proves that nothing was sent")
                            || failure.is_alert()
                                && kept
                                && self.is("an alert on a kept connection proves it")
                            || failure.is_cut() && self.is("an end without a farewell proves it")
                    });
                    let again = lost.as_ref().err().is_some_and(Failure::is_alert);
                    let kind = lost.err().map_or(ConnectionLost, |failure| failure.kind());
                    let unsent = is_first
                        && !from.kept
                        && kind != Timeout
                        && self.is("a connection lost before the head has sent nothing");
                    let written = from.written.get() == Some(&true);
                    let unsent = unsent
                        || proof
                        || (!written && self.is("a write that fails has sent nothing"));
                    if again && self.is("what ended by an alert is sent again") {
                        return Err(TransportError::unknown(Tls));
                    }
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

impl Inner {
    fn parse(&self, head: &[u8]) -> Option<Parts> {
        let mut lines =
            head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let status_line = lines.next()?;
        let version = match status_line.get(..9)? {
            b"HTTP/1.1 " => Version::HTTP_11,
            b"HTTP/1.0 " if !self.is("HTTP/1.0 is not HTTP") => Version::HTTP_10,
            _ => return None,
        };
        let status = status_line.get(9..12)?;
        // The space may be missing where the reason is (RFC 9112 §4).
        if !matches!(status_line.get(12), None | Some(b' ')) {
            return None;
        }
        if !self.likes_the_reason(status_line.get(13..).unwrap_or_default()) {
            return None;
        }
        let mut response = http::Response::new(());
        *response.version_mut() = version;
        *response.status_mut() = StatusCode::from_bytes(status).ok()?;
        for line in lines.take_while(|line| !line.is_empty()) {
            if line.starts_with(b" ") {
                match self.flaw {
                    "the rest of a folded value is dropped" => continue,
                    "the rest of a folded value is a field" if !line.contains(&b':') => continue,
                    _ => {}
                }
            }
            let line = match self.is("the rest of a folded value is a field") {
                true => line.trim_ascii_start(),
                false => line,
            };
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = self.name(&line[..colon])?;
            let Some(value) = self.value(&line[colon + 1..])? else { continue };
            if line.len() > 8192 && self.is("a line of a head is 8 KiB at most") {
                return None;
            }
            response.headers_mut().append(name, value);
        }
        match self.flaw {
            "64 fields are enough" if response.headers().len() > 64 => return None,
            "a head is 16 KiB at most" if head.len() > 16 * 1024 => return None,
            "fields after the 64th are dropped" => {
                let first = response.headers().iter().take(64);
                *response.headers_mut() =
                    first.map(|(name, value)| (name.clone(), value.clone())).collect();
            }
            _ => {}
        }
        Some(response.into_parts().0)
    }

    fn likes_the_reason(&self, reason: &[u8]) -> bool {
        match self.flaw {
            "a reason is ASCII" => reason.is_ascii(),
            "a reason is a word" => reason.iter().all(u8::is_ascii_alphanumeric),
            "a reason is 100 characters at most" => reason.len() <= 100,
            "a reason is not empty" => !reason.is_empty(),
            _ => true,
        }
    }

    fn name(&self, name: &[u8]) -> Option<HeaderName> {
        let shouted = !name.iter().any(u8::is_ascii_lowercase);
        match self.flaw {
            "names in capitals are not known" if shouted && name.len() > 9 => {
                Some(HeaderName::from_static("x-unknown"))
            }
            "names are letters and dashes"
                if name.iter().any(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-') =>
            {
                None
            }
            _ => HeaderName::from_bytes(name).ok(),
        }
    }

    /// The value of a field. None inside if the field is to be left out.
    fn value(&self, value: &[u8]) -> Option<Option<HeaderValue>> {
        let trimmed = value.trim_ascii();
        let value = match self.flaw {
            "a value is UTF-8" => std::str::from_utf8(trimmed).ok()?.as_bytes().to_vec(),
            "a value that is not UTF-8 is mended" => {
                String::from_utf8_lossy(trimmed).into_owned().into_bytes()
            }
            "a space follows a colon" => value.strip_prefix(b" ")?.trim_ascii().to_vec(),
            "white space after a value is a part of it" => {
                // Of a value alone, so that framing is read as ever.
                let only_after = value.trim_ascii_start();
                let framing = trimmed.iter().all(u8::is_ascii_digit);
                if framing { trimmed.to_vec() } else { only_after.to_vec() }
            }
            "a field without a value is left out" if trimmed.is_empty() => return Some(None),
            "a value ends at the next colon" => {
                trimmed.split(|byte| *byte == b':').next()?.to_vec()
            }
            _ => trimmed.to_vec(),
        };
        HeaderValue::from_bytes(&value).ok().map(Some)
    }

    /// An error with what it should not hold.
    fn quote(&self, head: &[u8]) -> Option<TransportError> {
        if self.parse(head).is_some() {
            return None;
        }
        let text = String::from_utf8_lossy(head);
        let error = TransportError::unknown(Protocol);
        match self.flaw {
            "a head that cannot be read is quoted" => Some(error.with_source(text)),
            "a head that cannot be read is quoted as numbers" => {
                Some(error.with_source(format!("{head:?}")))
            }
            "a head that cannot be read is quoted in capitals" => {
                Some(error.with_reason(text.to_uppercase()))
            }
            "a head that cannot be read is quoted in hexadecimal" => {
                let hex: String = head.iter().map(|byte| format!("{byte:02X}")).collect();
                Some(error.with_source(hex))
            }
            "a head that cannot be read is logged" => {
                tracing::debug!(?head, "no HTTP");
                None
            }
            _ => None,
        }
    }
}

/// The members of a list, in lower case (RFC 9110 §5.6.1).
pub fn tokens(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let text = values.collect::<Vec<_>>().join(",").to_ascii_lowercase();
    text.split(',').map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()).collect()
}

impl Inner {
    /// Whether it may carry another request (RFC 9112 §9.3), as far as its head tells.
    fn stays_open(&self, parts: &Parts) -> bool {
        let connection = tokens(&parts.headers, &CONNECTION);
        let has = |option: &str| connection.iter().any(|own| own == option);
        let values = || parts.headers.get_all(CONNECTION).iter();
        let closes = match self.flaw {
            "what a server says of closing is not heard" => false,
            "close is written in lower case" => values().any(|value| value == "close"),
            "close stands alone" => connection == ["close"],
            "only the first Connection field counts" => {
                values().next().is_some_and(|value| value.as_bytes().ends_with(b"close"))
            }
            "an answer without content closes nothing" if parts.status == 204 => false,
            _ => has("close"),
        };
        let ambiguous = parts.headers.contains_key(TRANSFER_ENCODING)
            && parts.headers.contains_key(CONTENT_LENGTH);
        match parts.version {
            _ if closes || ambiguous => false,
            Version::HTTP_10 if self.is("HTTP/1.0 keeps its connections") => true,
            Version::HTTP_10 => has("keep-alive"),
            _ => parts.status != StatusCode::SWITCHING_PROTOCOLS,
        }
    }
}
