//! `CONNECT` (RFC 9110 §9.3.6).
//!
//! hyper-util has this too. Its request leaves a copy of the credentials in memory, and its error does not tell
//! the proxy's status.

use std::io;

use httparse::Status;
use otp_core::http::HeaderValue;
use otp_core::secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::connector::Target;
use crate::error::{Refused, is_closing};

/// How long a proxy's answer may be, in bytes and in fields.
const LONGEST: usize = 8 * 1024;
const FIELDS: usize = 100;

/// How TLS begins to refuse what is not TLS (RFC 8446 §5.1).
const TLS_ALERT: u8 = 21;

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
