use http::StatusCode;

use super::Effect;
use crate::TransportErrorKind;

/// What happened to a call that failed.
///
/// Each kind says whether it is retried. "Retried" means: by the client itself, within the attempts,
/// the deadline and the retry budget of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value was refused when it was built, or a call's options do not fit. Nothing was sent.
    ///
    /// *Troubleshooting*: the sentence says what is allowed.
    InvalidInput,
    /// The [token provider](crate::credentials::TokenProvider) failed. Nothing was sent with that token. Not retried.
    ///
    /// *Troubleshooting*: the provider's own error is the [`source`](std::error::Error::source).
    Credentials,
    /// No connection: name resolution, refusal, time-out, proxy. The request was not sent. Retried, unless a proxy
    /// refused it ([`TransportErrorKind::ProxyRefused`]): wrong credentials that are repeated can lock an
    /// account.
    ///
    /// *Troubleshooting*: check the base URL, DNS, firewall and proxy; [`source`] has the cause.
    ///
    /// [`source`]: std::error::Error::source
    Connect,
    /// The TLS handshake failed. The request was not sent. Not retried: a certificate does not improve
    /// by being looked at again.
    ///
    /// *Troubleshooting*: check the clock, the host name in the base URL, and which roots the transport
    /// trusts.
    Tls,
    /// No complete answer in time, or a `408`. Retried if the operation is idempotent.
    ///
    /// *Troubleshooting*: [`attempts`](super::Error::attempts) shows where the time went; raise the
    /// timeout if the service is known to be slow.
    Timeout,
    /// The connection was closed or reset. Retried if the request provably was not sent, or if the
    /// operation is idempotent.
    ConnectionLost,
    /// What came back is not HTTP as it should be. Retried if the operation is idempotent.
    ///
    /// *Troubleshooting*: is it an HTTP server of the expected version, and is that port right?
    Protocol,
    /// The response's headers or body are larger than the limit. Not retried.
    ResponseTooLarge,
    /// The transport failed for a reason of its own. Not retried.
    Transport,
    /// A success whose body cannot be read. Not retried.
    ///
    /// *Troubleshooting*: is a proxy or a captive portal answering in the service's place?
    Decode,
    /// A status that this operation does not have: an undocumented `2xx`, or a redirect, which is never
    /// followed. Not retried.
    ///
    /// *Troubleshooting*: is the base URL right, with its scheme and path?
    UnexpectedStatus,
    /// `400`: the service does not accept the request; for `find_ensure_otp`, the OTP is wrong, expired or
    /// used. Not retried.
    BadRequest,
    /// `401`: the token is missing, unknown or revoked. Not retried, unless a
    /// [token provider](crate::credentials::TokenProvider) gives another token: then once.
    Unauthorized,
    /// `403`: the token may not do this. Not retried.
    Forbidden,
    /// `404`: the service does not have it; if even the path is unknown, check the base URL. Not retried.
    NotFound,
    /// `422`: the request is understood but the account's state does not allow it. Not retried.
    Unprocessable,
    /// Another `4xx`. Not retried.
    Rejected,
    /// `429`. An idempotent operation waits and is retried if the wait fits the deadline; otherwise see
    /// [`retry_after`](super::Error::retry_after).
    RateLimited,
    /// A `5xx`. `502`, `503` and `504` are retried if the operation is idempotent.
    Server,
    /// This implementation of the service does not have the method. Nothing was sent.
    ///
    /// *Troubleshooting*: a double was asked for something that the test did not prepare.
    Unimplemented,
}

impl ErrorKind {
    /// Every kind there is, for a test that wants to see them all.
    pub const ALL: &'static [Self] = &[
        Self::InvalidInput,
        Self::Credentials,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::ConnectionLost,
        Self::Protocol,
        Self::ResponseTooLarge,
        Self::Transport,
        Self::Decode,
        Self::UnexpectedStatus,
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::Unprocessable,
        Self::Rejected,
        Self::RateLimited,
        Self::Server,
        Self::Unimplemented,
    ];

    /// A name that does not change, such as `rate_limited`: fit for a metric's label or a log's field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Credentials => "credentials",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection_lost",
            Self::Protocol => "protocol",
            Self::ResponseTooLarge => "response_too_large",
            Self::Transport => "transport",
            Self::Decode => "decode",
            Self::UnexpectedStatus => "unexpected_status",
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Unprocessable => "unprocessable",
            Self::Rejected => "rejected",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Unimplemented => "unimplemented",
        }
    }

    /// The effect of an error of which nothing but its kind is known.
    pub(crate) fn usual_effect(self) -> Effect {
        match self {
            Self::InvalidInput
            | Self::Credentials
            | Self::Connect
            | Self::Tls
            | Self::BadRequest
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::Unprocessable
            | Self::RateLimited
            | Self::Unimplemented => Effect::NotApplied,
            Self::Timeout
            | Self::ConnectionLost
            | Self::Protocol
            | Self::ResponseTooLarge
            | Self::Transport
            | Self::Decode
            | Self::UnexpectedStatus
            | Self::Rejected
            | Self::Server => Effect::Unknown,
        }
    }

    /// The status that an error of this kind usually comes with.
    pub(crate) fn usual_status(self) -> Option<StatusCode> {
        match self {
            Self::BadRequest => Some(StatusCode::BAD_REQUEST),
            Self::Unauthorized => Some(StatusCode::UNAUTHORIZED),
            Self::Forbidden => Some(StatusCode::FORBIDDEN),
            Self::NotFound => Some(StatusCode::NOT_FOUND),
            Self::Unprocessable => Some(StatusCode::UNPROCESSABLE_ENTITY),
            Self::RateLimited => Some(StatusCode::TOO_MANY_REQUESTS),
            Self::Server => Some(StatusCode::INTERNAL_SERVER_ERROR),
            _ => None,
        }
    }

    /// What happened, in a few words; nothing for a refusal that says all of it itself.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::InvalidInput => "",
            Self::Credentials => "there is no token",
            Self::Connect => "no connection",
            Self::Tls => "no trusted TLS connection",
            Self::Timeout => "no complete answer in time",
            Self::ConnectionLost => "the connection was lost",
            Self::Protocol => "the answer is not valid HTTP",
            Self::ResponseTooLarge => "the answer is larger than the limit",
            Self::Transport => "the transport failed",
            Self::Decode => "the answer cannot be read",
            Self::UnexpectedStatus => "this operation has no such answer",
            Self::BadRequest => "the service does not accept the request",
            Self::Unauthorized => "the service does not accept the token",
            Self::Forbidden => "the service does not allow it",
            Self::NotFound => "the service does not find it",
            Self::Unprocessable => "the state of the account does not allow it",
            Self::Rejected => "the service rejects the request",
            Self::RateLimited => "too many requests",
            Self::Server => "the service has a fault",
            Self::Unimplemented => "this implementation does not have the method",
        }
    }
}

impl From<TransportErrorKind> for ErrorKind {
    fn from(kind: TransportErrorKind) -> Self {
        match kind {
            TransportErrorKind::Connect | TransportErrorKind::ProxyRefused => Self::Connect,
            TransportErrorKind::Tls => Self::Tls,
            TransportErrorKind::Timeout => Self::Timeout,
            TransportErrorKind::ConnectionLost => Self::ConnectionLost,
            TransportErrorKind::Protocol => Self::Protocol,
            TransportErrorKind::ResponseTooLarge => Self::ResponseTooLarge,
            TransportErrorKind::Other => Self::Transport,
        }
    }
}
