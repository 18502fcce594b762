//! The request on its way, and the head of the answer, which may come before all of it is written.

use std::io;
use std::pin::pin;
use std::sync::OnceLock;

use http::header::{CONTENT_LENGTH, HOST};
use http::response::Parts;
use otp_core::TransportError;
use otp_core::TransportErrorKind::Protocol;
use otp_core::bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Inner;
use super::head::Reading;
use super::limit::{Failure, Limit, Phase};
use super::pool::Connection;

impl Inner {
    pub async fn write_and_read_a_head(
        &self,
        connection: &mut Connection,
        http: &http::Request<Bytes>,
        limit: &Limit,
    ) -> Result<Parts, TransportError> {
        let bytes = self.encode(http);
        let (reader, mut writer) = tokio::io::split(&mut connection.stream);
        let written = OnceLock::new();
        let mut writing = pin!(write(&mut writer, &bytes, limit));
        let mut reading = pin!(self.read_head(Reading {
            reader,
            buffer: &mut connection.buffer,
            kept: connection.kept,
            limit,
            written: &written,
        }));
        let head = loop {
            tokio::select! {
                biased;
                outcome = &mut writing, if written.get().is_none() => match outcome {
                    // The answer may be there all the same.
                    Ok(()) | Err(Failure::Io(_)) => {
                        limit.is_written();
                        let _ = written.set(outcome.is_ok());
                    }
                    Err(failure) => return Err(TransportError::unknown(failure.kind())),
                },
                head = &mut reading => break head,
            }
        };
        if written.get().is_none() && self.is("nothing is answered before it was asked in full") {
            return Err(TransportError::unknown(Protocol));
        }
        let whole = written.get() == Some(&true);
        let (parts, stays_open) = head?;
        let whole = whole
            || self.is("a connection is kept while a request is being written")
            || self.is("a connection is kept though the request is not written");
        connection.stays_open = stays_open && whole;
        Ok(parts)
    }

    fn encode(&self, http: &http::Request<Bytes>) -> Vec<u8> {
        let uri = http.uri();
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let host = match self.is("the host is always localhost") {
            true => "localhost",
            false => uri.authority().map_or("", |authority| authority.as_str()),
        };
        let host = match self.flaw {
            "the host of an IPv6 address is told without brackets" => host.replace(['[', ']'], ""),
            "the host is told by its address" => host.replace("localhost", "127.0.0.1"),
            "the host is that of the first request" => {
                let mut first = self.memory.host.lock().unwrap();
                first.get_or_insert_with(|| host.to_owned()).clone()
            }
            _ => host.to_owned(),
        };
        let mut bytes = format!("{} {target} HTTP/1.1\r\n", http.method()).into_bytes();
        if !http.headers().contains_key(HOST) {
            bytes.extend(format!("host: {host}\r\n").bytes());
        }
        for (name, value) in self.fields(http.headers()) {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        // Only a method that defines a body announces an empty one (RFC 9110 §8.6).
        let defines_a_body = ["POST", "PUT", "PATCH"].contains(&http.method().as_str());
        let body = self.spoiled_body(http);
        let length = body.len();
        if length > 0 && self.is("a length stands beside chunks") {
            bytes.extend(b"transfer-encoding: chunked\r\n");
            bytes.extend(format!("content-length: {length}\r\n\r\n{length:x}\r\n").bytes());
            bytes.extend_from_slice(&body);
            bytes.extend(b"\r\n0\r\n\r\n");
            return bytes;
        }
        if (length > 0 || defines_a_body) && !http.headers().contains_key(CONTENT_LENGTH) {
            bytes.extend(format!("content-length: {length}\r\n").bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend_from_slice(&body);
        if length > 0 && self.is("a line end follows a body") {
            bytes.extend(b"\r\n");
        }
        bytes
    }
}

async fn write<W>(writer: &mut W, bytes: &[u8], limit: &Limit) -> Result<(), Failure>
where
    W: AsyncWrite + Unpin,
{
    let writing = async {
        writer.write_all(bytes).await?;
        writer.flush().await?;
        io::Result::Ok(())
    };
    limit.run(Phase::Write, false, writing).await
}
