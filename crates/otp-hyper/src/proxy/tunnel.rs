//! `CONNECT` (RFC 9110 §9.3.6).
//!
//! hyper-util has this too. Its request leaves a copy of the credentials in memory, and its error does not tell
//! the proxy's status.

use std::fmt;
use std::io;

use httparse::Status;
use otp_core::http::HeaderValue;
use otp_core::secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::connector::Target;

/// How long a proxy's answer may be, in bytes and in fields.
const LONGEST: usize = 8 * 1024;
const FIELDS: usize = 100;

/// How TLS begins to refuse what is not TLS (RFC 8446 §5.1).
const TLS_ALERT: u8 = 21;

/// The proxy answered, and there is no tunnel.
#[derive(Debug)]
pub(crate) enum Refused {
    /// By this status.
    Status(u16),
    /// By TLS.
    Tls,
    /// By something that is not HTTP, or is too long.
    NotHttp,
    /// By closing the connection.
    Closed,
}

/// Asks for a tunnel to this target. When this returns, the stream is that tunnel.
pub(crate) async fn open(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: &Target,
    auth: Option<&HeaderValue>,
) -> io::Result<()> {
    stream.write_all(&request(target, auth)).await?;
    stream.flush().await?;
    let mut answer = Vec::with_capacity(256);
    // Byte by byte: what follows the head is the server's.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.first() == Some(&TLS_ALERT) {
            return Err(io::Error::other(Refused::Tls));
        }
        if answer.len() == LONGEST || !may_be_http(&answer) {
            return Err(io::Error::other(Refused::NotHttp));
        }
        match stream.read_u8().await {
            Ok(byte) => answer.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(io::Error::other(Refused::Closed));
            }
            Err(error) => return Err(error),
        }
    }
    match status(&answer) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(io::Error::other(Refused::Status(status))),
        None => Err(io::Error::other(Refused::NotHttp)),
    }
}

fn request(target: &Target, auth: Option<&HeaderValue>) -> Zeroizing<Vec<u8>> {
    const AUTHORIZATION: &[u8] = b"Proxy-Authorization: ";
    let place = target.authority();
    let line = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
    let auth = auth.map(HeaderValue::as_bytes);
    // Its final size, since a buffer that grows leaves a copy behind.
    let size = line.len() + auth.map_or(0, |auth| AUTHORIZATION.len() + auth.len() + 2) + 2;
    let mut request = Zeroizing::new(Vec::with_capacity(size));
    request.extend_from_slice(line.as_bytes());
    if let Some(auth) = auth {
        for part in [AUTHORIZATION, auth, b"\r\n"] {
            request.extend_from_slice(part);
        }
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// So that nobody waits for the end of a head that never comes.
fn may_be_http(answer: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/1.";
    let length = answer.len().min(START.len());
    answer[..length] == START[..length]
}

fn status(answer: &[u8]) -> Option<u16> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    match head.parse(answer) {
        Ok(Status::Complete(_)) => head.code,
        _ => None,
    }
}

impl Refused {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Status(407) => {
                "give the proxy its credentials by 'basic_auth', or in its URL if that comes from the \
                 environment"
            }
            Self::Tls => "write the proxy's URL with 'https', or with the port that speaks HTTP",
            Self::Status(403) => "let the proxy allow the host and port of the base URL",
            Self::Status(500..=599) => {
                "check the host and port of the base URL as the proxy sees them, or repeat it later"
            }
            _ => "check that the proxy's URL leads to an HTTP proxy",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(407) => f.write_str("the proxy wants other credentials (HTTP 407)"),
            Self::Status(403) => f.write_str("the proxy does not allow it (HTTP 403)"),
            Self::Status(status @ 500..=599) => {
                write!(f, "the proxy could not connect to the server (HTTP {status})")
            }
            Self::Status(status) => write!(f, "the proxy made no tunnel (HTTP {status})"),
            Self::Tls => f.write_str("the proxy speaks TLS"),
            Self::NotHttp => f.write_str("what answers in the proxy's place is not an HTTP proxy"),
            Self::Closed => f.write_str("the proxy closed the connection and made no tunnel"),
        }
    }
}

impl std::error::Error for Refused {}
