//! Whether a connection goes through a proxy.

use std::net::IpAddr;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use otp_core::Error;
use otp_core::http::uri::Scheme;
use otp_core::secrecy::zeroize::Zeroizing;

use super::{Proxy, credentials, invalid};

#[derive(Default)]
pub(crate) enum Route {
    #[default]
    Direct,
    Through(Proxy),
    /// As the environment said when the transport was built.
    Environment(Box<Environment>),
}

pub(crate) struct Environment {
    http: Option<Proxy>,
    https: Option<Proxy>,
    /// Matches what `NO_PROXY` does not name. It gets no credentials, since it would keep copies of them.
    proxied: Matcher,
}

impl Route {
    /// What the environment says now. A value that cannot be followed is an error: connecting directly in
    /// its place is not what was asked for.
    pub(crate) fn from_env() -> Result<Self, Error> {
        let [https, http, all] = [
            ["HTTPS_PROXY", "https_proxy"],
            ["HTTP_PROXY", "http_proxy"],
            ["ALL_PROXY", "all_proxy"],
        ]
        .map(of_variable);
        let (https, http, all) = (https?, http?, all?);
        // In a CGI program, HTTP_PROXY may be a request's header (https://httpoxy.org).
        if std::env::var_os("REQUEST_METHOD").is_some() {
            return Ok(Self::Direct);
        }
        let no = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy"));
        let proxied = Matcher::builder().all("http://any").no(no.unwrap_or_default()).build();
        let http = http.or_else(|| all.clone());
        Ok(Self::Environment(Box::new(Environment { http, https: https.or(all), proxied })))
    }

    /// The proxy for this destination.
    pub(crate) fn proxy_for(&self, destination: &Uri) -> Option<&Proxy> {
        // `http` on loopback means this machine. Through a proxy it would be another one, which would
        // get the token in the clear.
        if is_loopback_in_the_clear(destination) {
            return None;
        }
        match self {
            Self::Direct => None,
            Self::Through(proxy) => Some(proxy),
            Self::Environment(environment) => {
                environment.proxied.intercept(destination)?;
                if destination.scheme() == Some(&Scheme::HTTP) {
                    environment.http.as_ref()
                } else {
                    environment.https.as_ref()
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

/// The proxy of the first of these names that is set; an empty value says that there is none.
fn of_variable(names: [&str; 2]) -> Result<Option<Proxy>, Error> {
    let mut first = None;
    for name in names {
        let Some(value) = std::env::var_os(name) else { continue };
        let value = value.into_string().map(Zeroizing::new);
        let proxy = match value.as_deref().map(String::as_str) {
            Ok("") => None,
            Ok(url) => Some(of_url(url).ok_or_else(|| wrong(name))?),
            Err(_) => return Err(wrong(name)),
        };
        first.get_or_insert(proxy);
    }
    Ok(first.flatten())
}

/// As curl reads it: without a scheme it is `http`; a path is ignored.
fn of_url(url: &str) -> Option<Proxy> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let uri: Uri = format!("{scheme}://{place}/").parse().ok()?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host()?.is_empty() {
        return None;
    }
    let auth = match user {
        Some(user) => Some(credentials::of_user_information(user)?),
        None => None,
    };
    Some(Proxy { uri, auth })
}

fn wrong(name: &str) -> Error {
    invalid(&format!("{name} is not the URL of an HTTP proxy: write it as 'http://host:port'"))
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
            let proxy = route.proxy_for(&url.parse().unwrap());
            assert_eq!(proxy.is_none(), direct, "{url}");
        }
    }

    #[test]
    fn a_url_of_the_environment_is_read_as_curl_reads_it() {
        for (url, uri, auth) in [
            ("http://proxy:3128", "http://proxy:3128/", None),
            ("proxy:3128", "http://proxy:3128/", None),
            ("HTTPS://proxy/path?q", "https://proxy/", None),
            ("http://[::1]:3128", "http://[::1]:3128/", None),
            ("http://u:p@proxy:1", "http://proxy:1/", Some("Basic dTpw")),
            ("u:p%40@proxy:1", "http://proxy:1/", Some("Basic dTpwQA==")),
        ] {
            let proxy = of_url(url).unwrap();
            assert_eq!(proxy.uri.to_string(), uri, "{url}");
            assert_eq!(proxy.auth.as_ref().map(|auth| auth.to_str().unwrap()), auth, "{url}");
        }
        for url in
            ["socks5://proxy:1080", "ftp://proxy", "http://", "not a url", "http://u@", "://p"]
        {
            assert!(of_url(url).is_none(), "{url}");
        }
    }
}
