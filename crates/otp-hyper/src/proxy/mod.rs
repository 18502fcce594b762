//! Which connections go through a proxy, which proxy, and the tunnel through it.

mod credentials;
mod no_proxy;
mod route;
mod tunnel;

pub(crate) use route::Route;
pub(crate) use tunnel::open;

use std::fmt;

use hyper::Uri;
use otp_core::Error;
use otp_core::http::HeaderValue;
use otp_core::http::uri::PathAndQuery;

use crate::error::invalid_input;

/// An HTTP proxy to tunnel through by `CONNECT` (RFC 9110 §9.3.6).
///
/// The proxy sees the host and port of the service, and nothing of what is sent over TLS. A base URL of
/// `http` on loopback is not sent through it: see
/// [`HyperTransportBuilder::proxy`](crate::HyperTransportBuilder::proxy).
///
/// ```
/// use otp_hyper::{HyperTransport, Proxy};
///
/// # fn example() -> Result<(), otp_core::Error> {
/// let proxy = Proxy::new("http://proxy.internal:3128")?.basic_auth("user", "password")?;
/// let transport = HyperTransport::builder().proxy(proxy).build()?;
/// # let _ = transport; Ok(()) }
/// ```
#[derive(Clone)]
pub struct Proxy {
    pub(crate) uri: Uri,
    pub(crate) auth: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy at this URL: `http://host:port` (80 if there is no port), or `https://host:port` if the proxy itself speaks TLS,
    /// whose certificate is then checked like the service's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) for anything else. Credentials in the URL are refused: they are for
    /// [`basic_auth`](Self::basic_auth).
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        let uri: Uri = url
            .as_ref()
            .parse()
            .map_err(|_| invalid("it is not a URL: write it as 'http://host:port'"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(invalid(
                "its scheme is not 'http' or 'https': write it as 'http://host:port'",
            ));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(invalid("it has user information ('…@'): use basic_auth"));
        }
        if !matches!(uri.path_and_query().map(PathAndQuery::as_str), None | Some("" | "/")) {
            return Err(invalid("it has a path: write it as 'http://host:port'"));
        }
        if port_of(&uri).is_none() {
            return Err(invalid("its port is not a number from 1 to 65535"));
        }
        Ok(Self { uri, auth: None })
    }

    /// Sends these credentials to the proxy, and only to it (`Proxy-Authorization`, RFC 7617).
    ///
    /// All clones of this proxy share one copy of them, which is wiped when the last clone is gone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) for a user name with a colon, which the scheme cannot carry.
    pub fn basic_auth(self, user: &str, password: &str) -> Result<Self, Error> {
        if user.contains(':') {
            return Err(invalid("its user name has a colon"));
        }
        let auth = credentials::basic(user.as_bytes(), password.as_bytes())
            .ok_or_else(|| invalid("its credentials cannot be sent in a header"))?;
        Ok(Self { auth: Some(auth), ..self })
    }
}

/// The port of a URL without user information, if it names one; nothing if what it names cannot be one.
fn port_of(uri: &Uri) -> Option<Option<u16>> {
    let authority = uri.authority()?;
    match &authority.as_str()[authority.host().len()..] {
        "" => Some(None),
        _ => authority.port_u16().filter(|port| *port != 0).map(Some),
    }
}

fn invalid(what: &str) -> Error {
    invalid_input(format!("invalid proxy: {what}"))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("uri", &self.uri).finish_non_exhaustive()
    }
}
