//! HTTP/1.1 over TLS by hand, blocking: a transport that keeps every promise, or all but one.
//!
//! What can go wrong only while bytes are read and written goes wrong here, at the line that names the
//! case. What can go wrong around a transport is in `wrapper.rs`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use otp_conformance::Case;
use otp_conformance::hostile::Server;
use otp_core::TransportErrorKind::{Connect, ConnectionLost, Protocol, ResponseTooLarge, Tls};
use otp_core::{Request, Response, TransportError, TransportErrorKind, blocking};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{trust_common_names, trust_everybody};

const MOST_HEAD: usize = 64 * 1024;

pub struct Plain {
    tls: Arc<ClientConfig>,
    address: SocketAddr,
    kept: Mutex<Vec<Connection>>,
    /// The case that it fails, if any.
    flaw: Option<Case>,
}

struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    buffer: Vec<u8>,
    /// Whether it has carried a request before.
    kept: bool,
}

/// What may take time.
#[derive(Clone, Copy)]
struct Limit {
    deadline: Instant,
    whole: Duration,
    flaw: Option<Case>,
}

impl Limit {
    /// The time left in this phase. Who fails its case waits long, but not for ever.
    fn left(&self, phase: Case) -> Result<Duration, TransportErrorKind> {
        if self.flaw == Some(phase) { Ok(Duration::from_secs(6)) } else { self.strictly() }
    }

    fn strictly(&self) -> Result<Duration, TransportErrorKind> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(TransportErrorKind::Timeout) } else { Ok(left) }
    }
}

fn kind(error: &io::Error) -> TransportErrorKind {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => TransportErrorKind::Timeout,
        io::ErrorKind::InvalidData => Tls,
        _ => ConnectionLost,
    }
}

impl Plain {
    pub fn new(server: &Server, flaw: Option<Case>) -> Self {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap();
        roots.add(ca).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = match flaw {
            Some(Case::ABadCertificateGetsNoRequest) => trust_everybody(config, provider),
            Some(Case::ACommonNameIsNotEnough) => trust_common_names(config, roots, provider),
            _ => config.with_root_certificates(roots),
        };
        let tls = Arc::new(config.with_no_client_auth());
        Self { tls, address: server.address(), kept: Mutex::default(), flaw }
    }

    fn fails(&self, case: Case) -> bool {
        self.flaw == Some(case)
    }

    fn connect(&self, limit: Limit) -> Result<Connection, TransportError> {
        let failed = |kind, error: io::Error| TransportError::not_sent(kind).with_source(error);
        let late = |kind| TransportError::not_sent(kind);
        let left = limit.left(Case::WhileConnecting).map_err(late)?;
        let tcp = TcpStream::connect_timeout(&self.address, left)
            .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
            .map_err(|error| failed(Connect, error))?;
        let name = ServerName::IpAddress(self.address.ip().into());
        let tls = ClientConnection::new(Arc::clone(&self.tls), name)
            .map_err(|error| failed(Tls, io::Error::other(error)))?;
        let mut stream = StreamOwned::new(tls, tcp);
        while stream.conn.is_handshaking() {
            let left = limit.left(Case::WhileConnecting).map_err(late)?;
            stream.sock.set_read_timeout(Some(left)).map_err(|error| failed(Connect, error))?;
            stream.conn.complete_io(&mut stream.sock).map_err(|error| match kind(&error) {
                Tls => failed(Tls, error),
                _ => failed(Connect, error),
            })?;
        }
        Ok(Connection { stream, buffer: Vec::new(), kept: false })
    }

    /// A kept connection that nobody has closed or written to meanwhile.
    fn kept(&self) -> Option<Connection> {
        let connection = self.kept.lock().unwrap().pop()?;
        let tcp = &connection.stream.sock;
        tcp.set_nonblocking(true).ok()?;
        let mut heard = [0; 64];
        let quiet = match tcp.peek(&mut heard) {
            // The farewell of TLS is shorter than an answer.
            Ok(heard) => heard < 64 && self.fails(Case::AClosedConnectionIsReplaced),
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        tcp.set_nonblocking(false).ok()?;
        quiet.then_some(connection)
    }

    fn exchange(
        &self,
        connection: &mut Connection,
        request: &http::Request<otp_core::bytes::Bytes>,
        size: usize,
        mut limit: Limit,
    ) -> Result<Response, TransportError> {
        connection.write(request, limit)?;
        let mut informational = 0;
        let mut parts = loop {
            let parts = connection.head(self, limit)?;
            if !parts.status.is_informational()
                || self.fails(Case::InformationalResponsesAreSkipped)
            {
                break parts;
            }
            informational += 1;
            if self.fails(Case::UnderInformationalResponses) {
                limit.deadline = Instant::now() + Duration::from_secs(6);
            } else if informational > 64 {
                return Err(TransportError::unknown(ResponseTooLarge));
            }
        };
        if self.fails(Case::AcrossPhases) {
            limit.deadline = Instant::now() + limit.whole;
        }
        let body = connection.body(self, &parts, size, limit);
        match body {
            Ok(body) => Ok(Response::from_parts(parts, body.into())),
            Err(kind) => {
                parts.extensions.clear();
                Err(TransportError::unknown(kind).with_head(parts))
            }
        }
    }
}

impl Connection {
    fn write(
        &mut self,
        request: &http::Request<otp_core::bytes::Bytes>,
        limit: Limit,
    ) -> Result<(), TransportError> {
        let uri = request.uri();
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let host = match limit.flaw {
            Some(Case::TheHostIsTold) => "localhost",
            _ => uri.authority().map_or("", |authority| authority.as_str()),
        };
        let mut bytes =
            format!("{} {target} HTTP/1.1\r\nhost: {host}\r\n", request.method()).into_bytes();
        for (name, value) in request.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", request.body().len()).bytes());
        bytes.extend_from_slice(request.body());
        for piece in bytes.chunks(16 * 1024) {
            let left = limit.left(Case::WhileWriting).map_err(TransportError::unknown)?;
            self.stream
                .sock
                .set_write_timeout(Some(left))
                .and_then(|()| self.stream.write_all(piece))
                .map_err(|error| TransportError::unknown(kind(&error)))?;
        }
        let flushed = self.stream.flush();
        flushed.map_err(|error| TransportError::unknown(kind(&error)))
    }

    /// More bytes; none at the end of the connection.
    fn more(&mut self, left: Duration) -> Result<usize, TransportErrorKind> {
        self.stream.sock.set_read_timeout(Some(left)).map_err(|error| kind(&error))?;
        let mut bytes = [0; 16 * 1024];
        let read = match self.stream.read(&mut bytes) {
            // The end, though without the farewell of TLS.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read.map_err(|error| kind(&error))?,
        };
        self.buffer.extend_from_slice(&bytes[..read]);
        Ok(read)
    }

    fn head(&mut self, plain: &Plain, limit: Limit) -> Result<Parts, TransportError> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..at + 4).collect();
                return match parse(&head) {
                    None if plain.fails(Case::WhatIsNotHttpIsNoAnswer) => Ok(anything()),
                    parsed => parsed.ok_or_else(|| TransportError::unknown(Protocol)),
                };
            }
            if !b"HTTP/1.1 ".starts_with(&self.buffer[..self.buffer.len().min(9)])
                && !plain.fails(Case::WhatIsNotHttpIsNoAnswer)
            {
                return Err(TransportError::unknown(Protocol));
            }
            if self.buffer.len() > MOST_HEAD {
                if !plain.fails(Case::AnEndlessHeadIsRefused) {
                    return Err(TransportError::unknown(ResponseTooLarge));
                }
                self.buffer.truncate(MOST_HEAD);
            }
            let first = self.buffer.is_empty();
            let phase = if first { Case::BeforeTheHead } else { Case::WithinTheHead };
            let left = match limit.flaw {
                // It starts again with each read.
                Some(Case::UnderATricklingHead) if !first => Duration::from_millis(300),
                // It counts only when something arrives.
                Some(Case::WithinTheHead) if Instant::now() >= limit.deadline => {
                    return Err(TransportError::unknown(TransportErrorKind::Timeout));
                }
                _ => limit.left(phase).map_err(TransportError::unknown)?,
            };
            match self.more(left) {
                Ok(0) if !first && plain.fails(Case::AHeadCutOffIsNoAnswer) => {
                    self.buffer.extend(b"\r\n\r\n");
                }
                Ok(0) | Err(ConnectionLost)
                    if first && !self.kept && plain.fails(Case::ALostConnectionIsUnknown) =>
                {
                    return Err(TransportError::not_sent(ConnectionLost));
                }
                Ok(0) => return Err(TransportError::unknown(ConnectionLost)),
                Ok(_) => {}
                Err(kind) => return Err(TransportError::unknown(kind)),
            }
        }
    }

    fn body(
        &mut self,
        plain: &Plain,
        head: &Parts,
        size: usize,
        limit: Limit,
    ) -> Result<Vec<u8>, TransportErrorKind> {
        if head.status == StatusCode::NO_CONTENT || head.status.is_informational() {
            return Ok(Vec::new());
        }
        if head.headers.contains_key(TRANSFER_ENCODING) {
            return self.chunks(plain, size, limit);
        }
        let mut lengths = head.headers.get_all(CONTENT_LENGTH).iter();
        let length = lengths.next().map(|length| {
            length.to_str().ok().and_then(|length| length.parse().ok()).ok_or(Protocol)
        });
        let disagrees = lengths.next().is_some();
        if disagrees && !plain.fails(Case::ConflictingLengthsAreNoAnswer) {
            return Err(Protocol);
        }
        let length: usize = length.transpose()?.unwrap_or(usize::MAX);
        if plain.fails(Case::AClaimedLengthIsNotAllocated) && length != usize::MAX {
            self.buffer.reserve(length);
        }
        if length > size && length != usize::MAX {
            return Err(ResponseTooLarge);
        }
        while self.buffer.len() < length {
            if self.buffer.len() > size {
                return Err(ResponseTooLarge);
            }
            let ends_here = length == usize::MAX || plain.fails(Case::ABodyCutOffIsNoAnswer);
            match self.body_bytes(limit)? {
                0 if ends_here => return Ok(std::mem::take(&mut self.buffer)),
                0 => return Err(ConnectionLost),
                _ => {}
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn body_bytes(&mut self, limit: Limit) -> Result<usize, TransportErrorKind> {
        let left = match limit.flaw {
            // The limit counts only when something arrives.
            Some(Case::WithinTheBody)
                if Instant::now() < limit.deadline && !self.buffer.is_empty() =>
            {
                Duration::from_secs(6)
            }
            // It starts again with each piece.
            Some(Case::UnderATrickle) if !self.buffer.is_empty() => Duration::from_millis(300),
            _ => limit.strictly()?,
        };
        self.more(left)
    }

    fn chunks(
        &mut self,
        plain: &Plain,
        size: usize,
        limit: Limit,
    ) -> Result<Vec<u8>, TransportErrorKind> {
        let mut body = Vec::new();
        let mut too_large = false;
        let cut = |this: &mut Self| match this.body_bytes(limit) {
            Ok(0) if plain.fails(Case::AChunkedBodyCutOffIsNoAnswer) => Ok(true),
            Ok(0) => Err(ConnectionLost),
            Ok(_) => Ok(false),
            Err(kind) => Err(kind),
        };
        loop {
            let line = loop {
                if let Some(at) = find(&self.buffer, b"\r\n") {
                    break self.buffer.drain(..at + 2).take(at).collect::<Vec<_>>();
                }
                if cut(self)? {
                    return Ok(body);
                }
            };
            let length = std::str::from_utf8(&line).ok();
            let length = match length.and_then(|length| usize::from_str_radix(length, 16).ok()) {
                Some(length) => length,
                None if plain.fails(Case::AWrongChunkIsNoAnswer) => return Ok(body),
                None => return Err(Protocol),
            };
            while self.buffer.len() < length + 2 {
                if cut(self)? {
                    return Ok(body);
                }
            }
            body.extend(self.buffer.drain(..length + 2).take(length));
            if body.len() > size {
                // Whoever reads to the end and measures then reads for ever.
                if !plain.fails(Case::AnEndlessBodyIsRefused) {
                    return Err(ResponseTooLarge);
                }
                too_large = true;
                body.truncate(size);
            }
            if length == 0 {
                return if too_large { Err(ResponseTooLarge) } else { Ok(body) };
            }
        }
    }
}

impl blocking::Transport for Plain {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        let whole = match self.flaw {
            Some(Case::AnAnswerInTimeIsAwaited) => {
                request.time_limit().min(Duration::from_millis(800))
            }
            _ => request.time_limit(),
        };
        let limit = Limit { deadline: Instant::now() + whole, whole, flaw: self.flaw };
        let size = request.response_limit();
        let request = request.into_http();
        let mut connection = match self.kept() {
            Some(connection) => connection,
            None => self.connect(limit)?,
        };
        let response = self.exchange(&mut connection, &request, size, limit)?;
        let closes = response.headers().get(CONNECTION).is_some_and(|value| value == "close");
        let unasked = !connection.buffer.is_empty() && !self.fails(Case::AnUnaskedAnswerIsNobodys);
        if !closes && !unasked {
            connection.kept = true;
            self.kept.lock().unwrap().push(connection);
        }
        Ok(response)
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// For what was no HTTP.
fn anything() -> Parts {
    http::Response::new(()).into_parts().0
}

fn parse(head: &[u8]) -> Option<Parts> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.trim_end().split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.split(' ').next()?;
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::from_bytes(status.as_bytes()).ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        response.headers_mut().append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(response.into_parts().0)
}
