//! The body of an answer (RFC 9112 §6 and §7).

use http::StatusCode;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use otp_core::TransportErrorKind::{self, ConnectionLost, Protocol, ResponseTooLarge};
use tokio::io::AsyncReadExt;

use super::Inner;
use super::head::tokens;
use super::limit::{Limit, Phase};
use super::pool::Connection;

/// How a body ends.
enum Framing {
    Nothing,
    Length(u64),
    Chunks,
    Close,
}

/// The longest line of a chunked body: a size and its extensions.
const MOST_LINE: usize = 4 * 1024;

impl Inner {
    pub async fn body(
        &self,
        connection: &mut Connection,
        head: &Parts,
        size: usize,
        limit: &Limit,
    ) -> Result<Vec<u8>, TransportErrorKind> {
        match self.framing(head)? {
            Framing::Nothing => Ok(Vec::new()),
            Framing::Length(length) => self.length(connection, length, size, limit).await,
            Framing::Chunks => self.chunks(connection, size, limit).await,
            Framing::Close => {
                connection.stays_open = false;
                self.until_close(connection, size, limit).await
            }
        }
    }

    /// RFC 9112 §6.3.
    fn framing(&self, head: &Parts) -> Result<Framing, TransportErrorKind> {
        if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Ok(Framing::Nothing);
        }
        let codings = tokens(&head.headers, &TRANSFER_ENCODING);
        if !codings.is_empty() {
            // Another coding would have to be undone, and none was asked for.
            return if codings == ["chunked"] { Ok(Framing::Chunks) } else { Err(Protocol) };
        }
        let mut lengths = tokens(&head.headers, &CONTENT_LENGTH);
        if !self.is("the first of two lengths is the length") {
            lengths.dedup();
        } else {
            lengths.truncate(1);
        }
        match &lengths[..] {
            [] if head.headers.contains_key(CONTENT_LENGTH) => Err(Protocol),
            [] => Ok(Framing::Close),
            [length] if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.parsed(length).map(Framing::Length).ok_or(Protocol)
            }
            _ => Err(Protocol),
        }
    }

    fn parsed(&self, length: &str) -> Option<u64> {
        if self.is("a length wraps at 2^64") {
            let digits = length.bytes().map(|byte| u64::from(byte - b'0'));
            return Some(digits.fold(0, |sum, digit| sum.wrapping_mul(10).wrapping_add(digit)));
        }
        length.parse().ok()
    }

    /// Reads more; whether there was any.
    async fn more(
        &self,
        connection: &mut Connection,
        goes_on: bool,
        limit: &Limit,
    ) -> Result<bool, TransportErrorKind> {
        let mut bytes = [0; 16 * 1024];
        let reading = connection.stream.read(&mut bytes);
        let read = limit.run(Phase::Body, goes_on, reading).await;
        let read = read.map_err(|failure| failure.kind())?;
        connection.buffer.extend_from_slice(&bytes[..read]);
        Ok(read > 0)
    }

    async fn length(
        &self,
        connection: &mut Connection,
        length: u64,
        size: usize,
        limit: &Limit,
    ) -> Result<Vec<u8>, TransportErrorKind> {
        if self.is("room is made for what is announced") {
            connection.buffer.reserve(usize::try_from(length).unwrap());
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= size);
        let length = length.ok_or(ResponseTooLarge)?;
        while connection.buffer.len() < length {
            let goes_on = !connection.buffer.is_empty();
            match self.more(connection, goes_on, limit).await {
                Ok(true) => {}
                Ok(false) | Err(ConnectionLost) if self.is("a body cut off is complete") => {
                    connection.stays_open = false;
                    return Ok(std::mem::take(&mut connection.buffer));
                }
                Ok(false) => return Err(ConnectionLost),
                Err(kind) => return Err(kind),
            }
        }
        Ok(connection.buffer.drain(..length).collect())
    }

    async fn until_close(
        &self,
        connection: &mut Connection,
        size: usize,
        limit: &Limit,
    ) -> Result<Vec<u8>, TransportErrorKind> {
        loop {
            if connection.buffer.len() > size {
                return Err(ResponseTooLarge);
            }
            let goes_on = !connection.buffer.is_empty();
            if !self.more(connection, goes_on, limit).await? {
                return Ok(std::mem::take(&mut connection.buffer));
            }
        }
    }

    async fn chunks(
        &self,
        connection: &mut Connection,
        size: usize,
        limit: &Limit,
    ) -> Result<Vec<u8>, TransportErrorKind> {
        let mut body = Vec::new();
        let mut too_large = false;
        loop {
            let Some(line) = self.line(connection, limit).await? else { return Ok(body) };
            let length = match chunk_size(&line) {
                Some(length) => length,
                None if self.is("a chunk without a size is the end") => return Ok(body),
                None => return Err(Protocol),
            };
            if length == 0 {
                self.trailers(connection, limit).await?;
                return if too_large { Err(ResponseTooLarge) } else { Ok(body) };
            }
            // Who reads to the end and measures then reads for ever.
            let measures_late = self.is("a body is measured when it has ended");
            let left = size.saturating_sub(body.len());
            if length > left as u64 && !measures_late {
                return Err(ResponseTooLarge);
            }
            let length = usize::try_from(length).map_err(|_| ResponseTooLarge)?;
            while connection.buffer.len() < length + 2 {
                if !self.chunk_goes_on(connection, limit).await? {
                    return Ok(body);
                }
            }
            body.extend(connection.buffer.drain(..length));
            if connection.buffer.drain(..2).ne(*b"\r\n") {
                return Err(Protocol);
            }
            if body.len() > size {
                too_large = true;
                body.truncate(size);
            }
        }
    }

    /// Reads more of a chunked body; whether it goes on.
    async fn chunk_goes_on(
        &self,
        connection: &mut Connection,
        limit: &Limit,
    ) -> Result<bool, TransportErrorKind> {
        match self.more(connection, true, limit).await {
            Ok(false) | Err(ConnectionLost) if self.is("a chunked body cut off is complete") => {
                connection.stays_open = false;
                Ok(false)
            }
            Ok(false) => Err(ConnectionLost),
            more => more,
        }
    }

    /// The next line; none if the body ends here.
    async fn line(
        &self,
        connection: &mut Connection,
        limit: &Limit,
    ) -> Result<Option<Vec<u8>>, TransportErrorKind> {
        loop {
            if let Some(at) = connection.buffer.windows(2).position(|two| two == b"\r\n") {
                return Ok(Some(connection.buffer.drain(..at + 2).take(at).collect()));
            }
            if connection.buffer.len() > MOST_LINE {
                return Err(ResponseTooLarge);
            }
            if !self.chunk_goes_on(connection, limit).await? {
                return Ok(None);
            }
        }
    }

    /// Reads what follows the last chunk, and believes none of it (RFC 9110 §6.5.1).
    async fn trailers(
        &self,
        connection: &mut Connection,
        limit: &Limit,
    ) -> Result<(), TransportErrorKind> {
        let mut left = 64 * 1024_usize;
        while let Some(line) = self.line(connection, limit).await? {
            if line.is_empty() {
                return Ok(());
            }
            left = left.checked_sub(line.len()).ok_or(ResponseTooLarge)?;
        }
        Ok(())
    }
}

/// The size of a chunk; what follows a semicolon is an extension (RFC 9112 §7.1.1).
fn chunk_size(line: &[u8]) -> Option<u64> {
    let size = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let size = std::str::from_utf8(size).ok()?;
    if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(size, 16).ok()
}
