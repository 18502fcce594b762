//! The body of an answer (RFC 9112 §6 and §7).

use std::io;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{StatusCode, Version};
use otp_core::TransportErrorKind::{self, ConnectionLost, Protocol, ResponseTooLarge};
use tokio::io::AsyncReadExt;

use super::Inner;
use super::head::tokens;
use super::limit::{Failure, Limit, Phase};
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
        let size = self.spoiled_size(head, size);
        if self.is("a length over the limit is too large, whatever the status") {
            let lengths = tokens(&head.headers, &CONTENT_LENGTH);
            if lengths.iter().any(|length| length.parse().is_ok_and(|length: usize| length > size))
            {
                return Err(ResponseTooLarge);
            }
        }
        match self.framing(head)? {
            Framing::Nothing => {
                connection.trusted =
                    self.is("what follows a status without content is the next answer");
                Ok(Vec::new())
            }
            Framing::Length(length) => self.length(connection, length, size, limit).await,
            Framing::Chunks => self.chunks(connection, size, limit).await,
            Framing::Close => {
                connection.stays_open = false;
                let size = match self.is("a body until the connection closes has no limit") {
                    true => usize::MAX,
                    false => size,
                };
                self.until_close(connection, size, limit).await
            }
        }
    }

    /// The size limit, and what is made of it.
    fn spoiled_size(&self, head: &Parts, size: usize) -> usize {
        if self.is("room is made for all that is allowed") {
            drop(Vec::<u8>::with_capacity(size));
        }
        match self.flaw {
            "a limit of 0 is no limit" if size == 0 => usize::MAX,
            "the limit is compared with one more" => {
                assert!(size.checked_add(1).is_some(), "attempt to add with overflow");
                size
            }
            "the body of a failure has no limit" if !head.status.is_success() => usize::MAX,
            _ => size,
        }
    }

    /// RFC 9112 §6.3.
    fn framing(&self, head: &Parts) -> Result<Framing, TransportErrorKind> {
        let has_length = head.headers.contains_key(CONTENT_LENGTH);
        match head.status {
            StatusCode::NO_CONTENT
                if has_length && self.is("a 204 has the body that its length announces") => {}
            StatusCode::NOT_MODIFIED
                if has_length && self.is("a 304 has the body that its length announces") => {}
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
                if head.headers.contains_key(TRANSFER_ENCODING)
                    && self.is("what is said to be chunked has chunks, whatever the status") => {}
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => return Ok(Framing::Nothing),
            _ => {}
        }
        if head.headers.get(CONNECTION).is_some_and(|value| value == "close")
            && self.is("the close that is announced is waited for")
        {
            return Ok(Framing::Close);
        }
        if !has_length
            && !head.status.is_success()
            && self.is("a failure has a body if it has a length")
        {
            return Ok(Framing::Nothing);
        }
        let mut codings = tokens(&head.headers, &TRANSFER_ENCODING);
        if self.is("the chunked coding is written in lower case")
            && head.headers.get(TRANSFER_ENCODING).is_some_and(|coding| coding != "chunked")
        {
            codings.clear();
        }
        if has_length && self.is("a length overrules chunks") {
            codings.clear();
        }
        if self.is("whatever contains chunked is chunked")
            && codings.iter().any(|coding| coding.contains("chunked"))
        {
            return Ok(Framing::Chunks);
        }
        if !codings.is_empty() && codings != ["chunked"] && self.is("other codings end by close") {
            return Ok(Framing::Close);
        }
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
        if let Some(framing) = self.length_misread(&lengths, has_length) {
            return Ok(framing);
        }
        match &lengths[..] {
            [] if head.version == Version::HTTP_11
                && !has_length
                && self.is("without a length there is no body") =>
            {
                Ok(Framing::Nothing)
            }
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

    /// A length that is none, and what is made of it.
    fn length_misread(&self, lengths: &[String], has_length: bool) -> Option<Framing> {
        let Some(length) = lengths.first() else {
            let empty = has_length && self.is("an empty length is 0");
            return empty.then_some(Framing::Length(0));
        };
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        let number = match self.flaw {
            "a length may have a sign" => length.trim_start_matches(['+', '-']).parse().ok(),
            "a length is read as far as it is a number" => digits(length).parse().ok(),
            "a length is a number of C" => {
                let hexadecimal = length.strip_prefix("0x")?;
                u64::from_str_radix(hexadecimal, 16).ok()
            }
            "a length wraps around" => length.parse().ok().map(|number: u128| number as u64),
            "a length that is no number is left out" if length.parse::<u64>().is_err() => {
                return Some(Framing::Close);
            }
            "the last of two lengths is the length" => lengths.last()?.parse().ok(),
            _ => None,
        };
        number.map(Framing::Length)
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
        let read = match read {
            Err(Failure::Io(error))
                if error.kind() == io::ErrorKind::UnexpectedEof
                    && self.is("the end of TCP is the end of TLS") =>
            {
                0
            }
            read => read.map_err(|failure| {
                connection.has_alert = failure.is_alert();
                failure.kind()
            })?,
        };
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
        if connection.buffer.len() < length && self.is("a body comes with its head") {
            return Err(Protocol);
        }
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
        if self.is("a body is whatever has arrived") {
            return Ok(std::mem::take(&mut connection.buffer));
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
            let more = match self.more(connection, goes_on, limit).await {
                Err(ConnectionLost) if self.is("whatever ends a connection ends a body") => false,
                Err(ConnectionLost) if self.is("a reset is an end") => false,
                more => more?,
            };
            if !more {
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
            let length = match self.chunk_size(&line) {
                Some(length) => length,
                None if self.is("a chunk that cannot be read is quoted in a panic") => {
                    panic!("no chunk: {}", String::from_utf8_lossy(&line))
                }
                None if self.is("a chunk without a size is the end") => return Ok(body),
                None => return Err(Protocol),
            };
            if length == 0 {
                self.trailers(connection, limit).await?;
                connection.trusted = self.is("what follows the last chunk is the next answer");
                return if too_large { Err(ResponseTooLarge) } else { Ok(body) };
            }
            // Who reads to the end and measures then reads for ever.
            let measures_late = self.is("a body is measured when it has ended");
            let left = size.saturating_sub(body.len());
            let awaits = self.is("a chunk is measured when it is whole");
            if length > left as u64 && !measures_late && !awaits {
                return Err(ResponseTooLarge);
            }
            let length = usize::try_from(length).map_err(|_| ResponseTooLarge)?;
            if self.is("the data of a chunk ends with its line") {
                match self.line(connection, limit).await? {
                    Some(data) => body.extend(data),
                    None => return Ok(body),
                }
                continue;
            }
            if connection.buffer.len() < length + 2 && self.is("a chunk comes in one piece") {
                return Err(Protocol);
            }
            while connection.buffer.len() < length + 2 {
                if !self.chunk_goes_on(connection, limit).await? {
                    return Ok(body);
                }
            }
            body.extend(connection.buffer.drain(..length));
            let ends = connection.buffer.drain(..2).eq(*b"\r\n");
            if !ends && !self.is("two bytes after a chunk are skipped") {
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
            if self.is("nothing follows the last chunk") {
                return Err(Protocol);
            }
            if self.is("trailer fields are headers") {
                connection.trailers.push(line.clone());
            }
            left = left.checked_sub(line.len()).ok_or(ResponseTooLarge)?;
        }
        Ok(())
    }
}

impl Inner {
    /// The size of a chunk; what follows a semicolon is an extension (RFC 9112 §7.1.1).
    fn chunk_size(&self, line: &[u8]) -> Option<u64> {
        let extended = line.contains(&b';');
        if extended && self.is("a chunk has no extension") {
            return None;
        }
        let size = line.split(|byte| *byte == b';').next()?;
        if size.last() == Some(&b' ') && self.is("a semicolon follows a size at once") {
            return None;
        }
        let size = std::str::from_utf8(size.trim_ascii()).ok()?;
        let digits: String = size.chars().take_while(char::is_ascii_hexdigit).collect();
        let size = match self.flaw {
            "a chunk size is in lower case" if size.contains(|c: char| c.is_ascii_uppercase()) => {
                return None;
            }
            "a chunk size has four digits at most" if size.len() > 4 => return None,
            "a chunk size is read as far as it is a number" => digits.as_str(),
            "a chunk size is what strtol makes of it" => {
                let negative = size.starts_with('-');
                return if negative { Some(0) } else { u64::from_str_radix(size, 16).ok() };
            }
            "an empty chunk size is 0" if size.is_empty() => "0",
            _ => size,
        };
        if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let fails = !self.is("a chunk size is read as far as it is a number");
            return if fails { None } else { Some(0) };
        }
        if self.is("a chunk size wraps around") {
            return u128::from_str_radix(size, 16).ok().map(|size| size as u64);
        }
        u64::from_str_radix(size, 16).ok()
    }
}
