use std::borrow::Cow;
use std::fmt;

use http::response::Parts;

use crate::ErrorKind;

/// Why a [`Transport`](crate::Transport) has no response, and how far the request got.
///
/// A transport's author picks one of two constructors. If in doubt, it is [`unknown`](Self::unknown):
/// a wrong [`not_sent`](Self::not_sent) makes the client send an SMS twice.
///
/// ```
/// use std::io;
/// use otp_core::{Progress, TransportError, TransportErrorKind};
///
/// let refused = TransportError::not_sent(TransportErrorKind::Connect)
///     .with_reason("connection refused")
///     .with_source(io::Error::from(io::ErrorKind::ConnectionRefused));
/// assert_eq!(refused.progress(), Progress::NotSent);
/// assert_eq!(refused.to_string(), "no connection: connection refused");
/// ```
pub struct TransportError {
    kind: TransportErrorKind,
    progress: Progress,
    reason: Option<Cow<'static, str>>,
    advice: Option<&'static str>,
    head: Option<Box<Parts>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection: name resolution, refusal, time-out while connecting, a proxy that cannot be reached or
    /// does not reach the server.
    Connect,
    /// No connection, since a proxy does not accept its credentials or does not allow the destination. It is never
    /// retried: wrong credentials that are repeated can lock an account.
    ProxyRefused,
    /// The TLS handshake failed.
    Tls,
    /// [`Request::time_limit`](crate::Request::time_limit) was reached.
    Timeout,
    /// The connection was closed or reset.
    ConnectionLost,
    /// What came back is not valid HTTP.
    Protocol,
    /// The headers, or the body by [`Request::response_limit`](crate::Request::response_limit), are
    /// too large.
    ResponseTooLarge,
    /// Anything else, such as a worker that is gone. It is never retried.
    Other,
}

/// How far a request got before the transport failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// No byte of the request can have reached the server.
    NotSent,
    /// Some of it may have; also where the transport cannot tell.
    Unknown,
}

impl TransportError {
    fn new(kind: TransportErrorKind, progress: Progress) -> Self {
        Self { kind, progress, reason: None, advice: None, head: None, source: None }
    }

    /// The failure of a request of which provably no byte reached the server.
    pub fn not_sent(kind: TransportErrorKind) -> Self {
        Self::new(kind, Progress::NotSent)
    }

    /// The failure of a request that reached the server, or may have.
    pub fn unknown(kind: TransportErrorKind) -> Self {
        Self::new(kind, Progress::Unknown)
    }

    /// Adds what happened, in a few words. They must hold no secret and no URL.
    #[must_use]
    pub fn with_reason(self, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    /// Adds what a person should do about it, in place of the general advice for its kind.
    ///
    /// It completes the sentence "the request was not sent: …", such as "check that the port speaks TLS".
    #[must_use]
    pub fn with_advice(self, advice: &'static str) -> Self {
        Self { advice: Some(advice), ..self }
    }

    /// Adds the response head that arrived before the failure. Its status tells the client what the
    /// server did, even though the body is lost. It implies [`Progress::Unknown`].
    #[must_use]
    pub fn with_head(self, head: Parts) -> Self {
        Self { progress: Progress::Unknown, head: Some(Box::new(head)), ..self }
    }

    /// Adds the cause. It must hold no secret and no URL.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// What failed.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// How far the request got.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// What happened, in a few words.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What to do about it, if the transport has a better advice than the general one for its kind.
    pub fn advice(&self) -> Option<&'static str> {
        self.advice
    }

    /// The response head, if it arrived.
    pub fn head(&self) -> Option<&Parts> {
        self.head.as_deref()
    }

    pub(crate) fn take_reason(&mut self) -> Option<Cow<'static, str>> {
        self.reason.take()
    }

    pub(crate) fn take_head(&mut self) -> Option<Box<Parts>> {
        self.head.take()
    }

    pub(crate) fn take_source(&mut self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.source.take()
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ErrorKind::from(self.kind).describe())?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("kind", &self.kind)
            .field("progress", &self.progress)
            .field("reason", &self.reason)
            .field("advice", &self.advice)
            // A header of the response may hold a session token.
            .field("status", &self.head.as_ref().map(|head| head.status))
            .field("source", &self.source)
            .finish()
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
