//! What connectors, proxies and streams fail by.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use super::find::describe;

/// What ended a connection, if that is worth telling.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// TLS did.
    Tls(rustls::Error),
    /// TLS is spoken where the URL says `http`.
    SpeaksTls,
    /// The server sent more than allowed.
    Flood,
}

/// The server sent more than allowed before an answer.
#[derive(Debug)]
pub(crate) struct Flood;

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too much was sent before the answer")
    }
}

impl StdError for Flood {}

/// TLS is spoken where the URL says `http`.
#[derive(Debug)]
pub(crate) struct SpeaksTls;

impl fmt::Display for SpeaksTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is TLS")
    }
}

impl StdError for SpeaksTls {}

/// The connector opened no stream. What fails later, fails on one.
#[derive(Debug)]
pub(crate) struct Unreached(pub(crate) io::Error);

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no stream")
    }
}

impl StdError for Unreached {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// The proxy could not be reached, or refused the tunnel.
#[derive(Debug)]
pub(crate) struct ProxyFailed(pub(crate) Box<dyn StdError + Send + Sync>);

impl fmt::Display for ProxyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proxy failed")
    }
}

impl StdError for ProxyFailed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

/// None of several addresses could be connected to.
#[derive(Debug)]
pub(crate) struct NoneConnected {
    pub(crate) tried: usize,
    pub(crate) error: io::Error,
}

impl fmt::Display for NoneConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "none of {} addresses could be connected to", self.tried)
    }
}

impl StdError for NoneConnected {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}

/// A Unix socket cannot be connected to.
#[cfg_attr(not(unix), allow(dead_code, reason = "no connector here uses Unix sockets"))]
#[derive(Debug)]
pub(crate) struct NoSocket(pub(crate) io::Error);

impl fmt::Display for NoSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Unix socket cannot be connected to")
    }
}

impl StdError for NoSocket {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// A host name has no address that is known here, by the system's words.
#[derive(Debug)]
pub(crate) struct NotResolved(pub(crate) String);

impl NotResolved {
    pub(crate) fn of_system(error: &io::Error) -> Self {
        // std adds this to getaddrinfo's text, of which there is one for each code.
        const STD: &str = "failed to lookup address information: ";
        Self(match error.to_string().strip_prefix(STD) {
            Some(words) => words.to_owned(),
            None => describe(error),
        })
    }

    /// Of any resolver. Only the words of the system's are known to be fixed texts.
    pub(crate) fn of(error: io::Error) -> io::Error {
        match error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<Self>) {
            true => error,
            false => io::Error::new(error.kind(), Self(describe(&error))),
        }
    }

    pub(crate) fn no_address() -> io::Error {
        Self("it has no address".to_owned()).into()
    }
}

impl From<NotResolved> for io::Error {
    fn from(error: NotResolved) -> Self {
        io::Error::other(error)
    }
}

impl fmt::Display for NotResolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host name could not be resolved: {}", self.0)
    }
}

impl StdError for NotResolved {}

/// The variable of this name has a value that cannot be followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unusable(pub(crate) &'static str);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not the URL of an HTTP proxy", self.0)
    }
}

impl StdError for Unusable {}
