//! Which connections go through a proxy, and which proxy.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use otp_core::http::HeaderValue;
use otp_core::http::uri::PathAndQuery;
use otp_core::{Error, ErrorKind};

/// An HTTP proxy to tunnel through by `CONNECT` (RFC 9110 §9.3.6).
///
/// The proxy sees the host and port of the service, and nothing of what is sent over TLS.
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
    uri: Uri,
    auth: Option<HeaderValue>,
}

impl Proxy {
    /// The proxy at this URL: `http://host:port`, or `https://host:port` if the proxy itself speaks TLS,
    /// whose certificate is then checked like the service's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for anything else. Credentials in the URL are refused: they are for
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
        Ok(Self { uri, auth: None })
    }

    /// Sends these credentials to the proxy, and only to it (`Proxy-Authorization`, RFC 7617).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a user name with a colon, which the scheme cannot carry.
    pub fn basic_auth(self, user: &str, password: &str) -> Result<Self, Error> {
        if user.contains(':') {
            return Err(invalid("its user name has a colon"));
        }
        let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let mut auth = HeaderValue::try_from(format!("Basic {credentials}"))
            .map_err(|_| invalid("its credentials cannot be sent in a header"))?;
        auth.set_sensitive(true);
        Ok(Self { auth: Some(auth), ..self })
    }
}

fn invalid(what: &str) -> Error {
    Error::builder(ErrorKind::InvalidInput).reason(format!("invalid proxy: {what}")).build()
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// Whether a connection goes through a proxy.
#[derive(Default)]
pub(crate) enum Route {
    #[default]
    Direct,
    Through(Proxy),
    /// As the environment said when the transport was built.
    Environment(Box<Matcher>),
}

impl Route {
    /// What the environment says now. A value that cannot be followed is an error: connecting directly in
    /// its place is not what was asked for.
    pub(crate) fn from_env() -> Result<Self, Error> {
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
            for name in [name.to_owned(), name.to_lowercase()] {
                let Ok(value) = std::env::var(&name) else { continue };
                let proxy = Matcher::builder().all(value.clone()).build();
                let proxy = proxy.intercept(&Uri::from_static("http://any"));
                let usable = proxy.is_some_and(|proxy| {
                    matches!(proxy.uri().scheme_str(), Some("http" | "https"))
                });
                if !usable && !value.is_empty() {
                    return Err(invalid(&format!(
                        "{name} is not the URL of an HTTP proxy: write it as 'http://host:port'"
                    )));
                }
            }
        }
        Ok(Self::Environment(Box::new(Matcher::from_env())))
    }

    /// The proxy for this destination.
    pub(crate) fn proxy_for(&self, destination: &Uri) -> Option<(Uri, Option<HeaderValue>)> {
        match self {
            Self::Direct => None,
            Self::Through(proxy) => Some((proxy.uri.clone(), proxy.auth.clone())),
            Self::Environment(matcher) => {
                let proxy = matcher.intercept(destination)?;
                Some((proxy.uri().clone(), proxy.basic_auth().cloned()))
            }
        }
    }
}
