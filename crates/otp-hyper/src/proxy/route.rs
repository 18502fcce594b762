//! Whether a connection goes through a proxy.

use std::ffi::OsString;
use std::net::IpAddr;

use hyper::Uri;
use otp_core::Error;
use otp_core::http::uri::Scheme;
use otp_core::secrecy::zeroize::Zeroizing;

use super::no_proxy::NoProxy;
use super::{Proxy, credentials, invalid, port_of};
use crate::error::Unusable;

#[derive(Default)]
pub(crate) enum Route {
    #[default]
    Direct,
    Through(Proxy),
    /// As the environment said when the transport was built.
    Environment(Box<Environment>),
}

pub(crate) struct Environment {
    https: Option<Proxy>,
    /// Few programs use `http`. So what is wrong with this one is told to those only.
    http: Result<Option<Proxy>, Unusable>,
    directly: NoProxy,
}

impl Route {
    /// What the environment says now. A value that cannot be followed is an error: connecting directly in
    /// its place is not what was asked for.
    pub(crate) fn from_env() -> Result<Self, Error> {
        let https = of_variables(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
            .map_err(|unusable| invalid(&format!("{unusable}: write it as 'http://host:port'")))?;
        // Without HTTP_PROXY: in a CGI program it is a header of the request (https://httpoxy.org).
        let http = of_variables(&["http_proxy", "all_proxy", "ALL_PROXY"]);
        let directly = match first_of(&["no_proxy", "NO_PROXY"]) {
            // What is not UTF-8 names no host.
            Some((_, hosts)) => NoProxy::of(&hosts.to_string_lossy()),
            None => NoProxy::None,
        };
        Ok(Self::Environment(Box::new(Environment { https, http, directly })))
    }

    /// The proxy for this destination.
    pub(crate) fn proxy_for(&self, destination: &Uri) -> Result<Option<&Proxy>, Unusable> {
        // `http` on loopback means this machine. Through a proxy it would be another one, which would
        // get the token in the clear.
        if is_loopback_in_the_clear(destination) {
            return Ok(None);
        }
        match self {
            Self::Direct => Ok(None),
            Self::Through(proxy) => Ok(Some(proxy)),
            Self::Environment(environment) => {
                if environment.directly.names(destination.host().unwrap_or_default()) {
                    return Ok(None);
                }
                if destination.scheme() == Some(&Scheme::HTTP) {
                    environment.http.as_ref().map(Option::as_ref).map_err(|unusable| *unusable)
                } else {
                    Ok(environment.https.as_ref())
                }
            }
        }
    }
}

fn is_loopback_in_the_clear(uri: &Uri) -> bool {
    if uri.scheme() != Some(&Scheme::HTTP) {
        return false;
    }
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        // A dot at the end means the same name (RFC 1034 §3.1).
        Err(_) => bare.strip_suffix('.').unwrap_or(bare).eq_ignore_ascii_case("localhost"),
    }
}

/// The first of these variables that has a value. To curl, an empty one is not set.
fn first_of(names: &[&'static str]) -> Option<(&'static str, OsString)> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    names.iter().find_map(|&name| Some((name, set(name)?)))
}

/// The proxy of the first of these variables that has a value. The others may hold anything.
fn of_variables(names: &[&'static str]) -> Result<Option<Proxy>, Unusable> {
    let Some((name, value)) = first_of(names) else { return Ok(None) };
    let value = value.into_string().map_err(|_| Unusable(name))?;
    of_url(&Zeroizing::new(value)).ok_or(Unusable(name)).map(Some)
}

/// As curl reads it: without a scheme it is `http`, without a port it is 1080; a path is ignored.
fn of_url(url: &str) -> Option<Proxy> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let usual_port = match scheme {
        scheme if scheme.eq_ignore_ascii_case("http") => 1080,
        scheme if scheme.eq_ignore_ascii_case("https") => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let uri: Uri = format!("{scheme}://{place}/").parse().ok()?;
    if uri.host()?.is_empty() {
        return None;
    }
    let uri = match port_of(&uri)? {
        Some(_) => uri,
        None => format!("{scheme}://{place}:{usual_port}/").parse().ok()?,
    };
    let auth = match user {
        Some(user) => Some(credentials::of_user_information(user)?),
        None => None,
    };
    Some(Proxy { uri, auth })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn loopback_in_the_clear_goes_directly_and_all_else_through_the_proxy() {
        let route = Route::Through(Proxy::new("http://proxy.test:3128").unwrap());
        for (url, direct) in [
            ("http://localhost", true),
            ("http://LOCALHOST:80/p", true),
            ("http://localhost.:80", true),
            ("http://127.0.0.1", true),
            ("http://127.255.0.9:8080", true),
            ("http://[::1]:8080", true),
            ("http://[::ffff:127.0.0.1]:8080", true),
            ("http://128.0.0.1", false),
            ("http://localhost.test", false),
            ("http://127.0.0.1.test", false),
            ("http://[::2]", false),
            ("https://localhost", false),
            ("https://127.0.0.1", false),
        ] {
            let url: Uri = url.parse().unwrap();
            let proxy = route.proxy_for(&url).unwrap();
            assert_eq!(proxy.is_none(), direct, "{url}");
        }
    }

    #[test]
    fn a_url_of_the_environment_is_read_as_curl_reads_it() {
        for (url, uri, auth) in [
            ("http://proxy:3128", "http://proxy:3128/", None),
            ("proxy:3128", "http://proxy:3128/", None),
            ("proxy", "http://proxy:1080/", None),
            ("[::1]", "http://[::1]:1080/", None),
            ("HTTPS://proxy/path?q", "https://proxy:443/", None),
            ("http://[::1]:3128", "http://[::1]:3128/", None),
            ("http://u:p@proxy:1", "http://proxy:1/", Some("Basic dTpw")),
            ("u:p%40@proxy:1", "http://proxy:1/", Some("Basic dTpwQA==")),
        ] {
            let proxy = of_url(url).unwrap();
            assert_eq!(proxy.uri.to_string(), uri, "{url}");
            assert_eq!(proxy.auth.as_ref().map(|auth| auth.to_str().unwrap()), auth, "{url}");
        }
        for url in [
            "socks5://proxy:1080",
            "ftp://proxy",
            "http://",
            "not a url",
            "http://u@",
            "://p",
            " ",
            " http://proxy:1",
            "http://proxy:1 ",
            "http:/proxy:1",
            "http:proxy:1",
            "http:///proxy:1",
            "proxy:",
            "proxy:0",
            "proxy:99999",
            "proxy:-1",
            "proxy:1:2",
            "http://proxy:1x",
            "\"http://proxy:1\"",
        ] {
            assert!(of_url(url).is_none(), "{url}");
        }
    }
}
