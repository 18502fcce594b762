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
    /// By `407`.
    Credentials {
        /// It was given some.
        given: bool,
        /// It takes them in the scheme that is spoken here.
        basic: bool,
    },
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
    stream.write_all(&request(target, auth)).await.map_err(closed)?;
    stream.flush().await.map_err(closed)?;
    let mut answer = Vec::with_capacity(256);
    // Byte by byte: what follows the head is the server's.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.first() == Some(&TLS_ALERT) {
            return Err(io::Error::other(Refused::Tls));
        }
        if answer.len() == LONGEST || !may_be_http(&answer) {
            return Err(io::Error::other(Refused::NotHttp));
        }
        answer.push(stream.read_u8().await.map_err(closed)?);
    }
    match refusal(&answer, auth.is_some()) {
        None => Ok(()),
        Some(refused) => Err(io::Error::other(refused)),
    }
}

fn closed(error: io::Error) -> io::Error {
    if is_closing(&error) { io::Error::other(Refused::Closed) } else { error }
}

/// The other side closed the connection. Whether that is seen as an end or as a reset depends on which side is
/// faster.
pub(crate) fn is_closing(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
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

/// What a complete head says, unless it grants the tunnel.
fn refusal(answer: &[u8], given: bool) -> Option<Refused> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    let Ok(Status::Complete(_)) = head.parse(answer) else { return Some(Refused::NotHttp) };
    match head.code {
        None => Some(Refused::NotHttp),
        Some(200..=299) => None,
        Some(407) => Some(Refused::Credentials { given, basic: takes_basic(head.headers) }),
        Some(status) => Some(Refused::Status(status)),
    }
}

/// Whether `Proxy-Authenticate` offers `Basic`, alone or among others (RFC 9110 §11.7.1). A proxy that offers nothing
/// may take it.
fn takes_basic(fields: &[httparse::Header<'_>]) -> bool {
    let mut offers = fields
        .iter()
        .filter(|field| field.name.eq_ignore_ascii_case("proxy-authenticate"))
        .flat_map(|field| field.value.split(|&byte| byte == b','))
        .filter_map(|offer| offer.trim_ascii().split(|&byte| byte == b' ').next())
        .peekable();
    offers.peek().is_none() || offers.any(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
}

impl Refused {
    /// Whether the same again can help. What is wrong with credentials, with rules and with a server that is no
    /// proxy, stays wrong; and a proxy may lock the account after a few wrong attempts.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Closed | Self::Status(408 | 500 | 502..=504))
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Credentials { basic: false, .. } => {
                "only 'Basic' is spoken here: let the proxy take it, or run a local proxy that speaks its scheme"
            }
            Self::Credentials { given: true, .. } => {
                "check the proxy's user name and password before the account is locked: they were sent once"
            }
            Self::Credentials { .. } => {
                "give the proxy its credentials by 'basic_auth', or in its URL if that comes from the \
                 environment"
            }
            Self::Tls => "write the proxy's URL with 'https', or with the port that speaks HTTP",
            Self::Status(403) => "let the proxy allow the host and port of the base URL",
            Self::Status(503) => "look at the proxy's load and log, or repeat it later",
            Self::Status(500 | 502 | 504) => {
                "check the host and port of the base URL as the proxy sees them, or repeat it later"
            }
            Self::Status(511) => "log in to this network first, by a browser",
            _ => "check that the proxy's URL leads to an HTTP proxy",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials { basic: false, .. } => {
                f.write_str("the proxy wants credentials of another scheme (HTTP 407)")
            }
            Self::Credentials { given: true, .. } => {
                f.write_str("the proxy does not accept the credentials (HTTP 407)")
            }
            Self::Credentials { .. } => f.write_str("the proxy wants credentials (HTTP 407)"),
            Self::Status(403) => f.write_str("the proxy does not allow it (HTTP 403)"),
            Self::Status(502) => {
                f.write_str("the proxy could not connect to the server (HTTP 502)")
            }
            Self::Status(503) => f.write_str("the proxy is not available (HTTP 503)"),
            Self::Status(504) => {
                f.write_str("the proxy got no connection to the server in time (HTTP 504)")
            }
            Self::Status(status) => write!(f, "the proxy made no tunnel (HTTP {status})"),
            Self::Tls => f.write_str("the proxy speaks TLS"),
            Self::NotHttp => f.write_str("what answers in the proxy's place is not an HTTP proxy"),
            Self::Closed => f.write_str("the proxy closed the connection and made no tunnel"),
        }
    }
}

impl std::error::Error for Refused {}
