//! A proxy that makes no tunnel.

use std::fmt;

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
