use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::Error;

/// Where the API lives: scheme, host, port and path prefix, such as
/// `https://api.equinix.com/metal/v1`, the default.
///
/// Every request carries the token, so the scheme is `https`; `http` is taken for this machine itself
/// (`localhost`, `127.0.0.0/8`, `[::1]`), which no one else can listen to.
///
/// ```
/// use otp_core::BaseUrl;
///
/// assert!(BaseUrl::new("https://metal.example.com/metal/v1").is_ok());
/// assert!(BaseUrl::new("http://127.0.0.1:8080/metal/v1").is_ok());
///
/// let error = BaseUrl::new("http://metal.example.com").unwrap_err();
/// assert!(error.to_string().contains("https"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Empty, or `/…` without a slash at its end.
    prefix: Box<str>,
}

impl BaseUrl {
    /// What to know when nothing answers there.
    pub(crate) const PUBLIC_HAS_ENDED: &'static str = "the base URL is the default, the public \
        service, whose end was announced for 30 June 2026: set another with 'base_url'";

    /// The public service: `https://api.equinix.com/metal/v1`.
    ///
    /// Its operator announced the end of the service for 30 June 2026.
    pub fn public() -> Self {
        Self {
            scheme: Scheme::HTTPS,
            authority: Authority::from_static("api.equinix.com"),
            prefix: "/metal/v1".into(),
        }
    }

    /// Takes an `https` URL, or an `http` one on loopback. Slashes at the end do not count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a URL that is relative, has
    /// another scheme, user information, a query, a fragment, an impossible port, a character that
    /// must be encoded (a host in punycode, a path in percent-encoding), or a `.` or `..` segment, or would send the token in the clear. The sentence does not repeat the URL, which may
    /// hold a password.
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        let base = Self::parse(url.as_ref())?;
        if base.scheme == Scheme::HTTP && !is_loopback(base.authority.host()) {
            return Err(invalid(
                "'http' beyond this machine would send the token in the clear: use 'https', or \
                 say BaseUrl::dangerously_in_the_clear if you must",
            ));
        }
        Ok(base)
    }

    /// Takes an `http` URL of any host as well.
    ///
    /// Whoever is on the way then reads the token, the OTP and the recovery codes, and can change the
    /// answers. It is for a network that you alone control, such as a sidecar proxy in the same pod.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), except for the clear text.
    pub fn dangerously_in_the_clear(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::parse(url.as_ref())
    }

    fn parse(url: &str) -> Result<Self, Error> {
        // `http::Uri` drops a fragment silently.
        if url.contains('#') {
            return Err(invalid("it has a fragment ('#'): remove it"));
        }
        if !url.is_ascii() {
            return Err(
                match url.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()) {
                    Some(host) if !host.is_ascii() => invalid(
                        "its host is not ASCII: write an internationalized name in punycode \
                     ('xn--…', RFC 5891)",
                    ),
                    _ => invalid(NOT_A_PATH),
                },
            );
        }
        let parts = Uri::from_str(url)
            .map_err(|_| invalid("it is not a URL: write it as 'https://host[:port][/path]'"))?
            .into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(invalid("it has no scheme: write it as 'https://host[:port][/path]'"));
        };
        if scheme != Scheme::HTTPS && scheme != Scheme::HTTP {
            return Err(invalid("its scheme is not 'https' (or 'http' on loopback)"));
        }
        if authority.as_str().contains('@') {
            return Err(invalid("it has user information ('…@'): the token goes into AuthToken"));
        }
        if authority.host().is_empty() {
            return Err(invalid("it has no host"));
        }
        if !is_host(authority.host()) {
            return Err(invalid(
                "its host is neither a name of ASCII letters, digits, '-', '.' and '_' nor an address",
            ));
        }
        let port = &authority.as_str()[authority.host().len()..];
        // `u16` would take a sign, and leading zeros.
        let is_port = |port: &str| {
            port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
        };
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
            return Err(invalid("its port is not a number from 1 to 65535"));
        }
        let path = parts.path_and_query;
        if path.as_ref().is_some_and(|path| path.query().is_some()) {
            return Err(invalid("it has a query ('?'): remove it"));
        }
        let prefix = path.as_ref().map_or("", |path| path.path()).trim_end_matches('/');
        if !is_path(prefix) {
            return Err(invalid(NOT_A_PATH));
        }
        let dots = |segment: &str| {
            matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
        };
        if prefix.split('/').any(dots) {
            return Err(invalid("its path has a '.' or '..' segment: write it out"));
        }
        Ok(Self { scheme, authority, prefix: prefix.into() })
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Host, and port if one was given.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn is_public(&self) -> bool {
        *self == Self::public()
    }

    /// The port, also where the URL leaves it out.
    pub fn port(&self) -> u16 {
        let usual = if self.scheme == Scheme::HTTP { 80 } else { 443 };
        self.authority.port_u16().unwrap_or(usual)
    }

    /// The path before every operation's own: empty, or `/…` without a slash at its end.
    pub fn path_prefix(&self) -> &str {
        &self.prefix
    }
}

const NOT_A_PATH: &str = "its path has a character that no URL may hold (RFC 3986 §3.3): \
    percent-encode it in UTF-8, as in '%C3%A9' for 'é'";

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    }
}

/// Slashes, and what a segment may hold: unreserved characters, sub-delimiters, `:`, `@`, and
/// percent-encoded bytes.
fn is_path(path: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte);
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = path.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| {
        allowed(*byte) && (*byte != b'%' || is_hex(bytes.get(at + 1)) && is_hex(bytes.get(at + 2)))
    })
}

fn invalid(what: &str) -> Error {
    Error::invalid_input(format!("invalid base URL: {what}"))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        }
    }
}

impl Default for BaseUrl {
    /// The [public](Self::public) service.
    fn default() -> Self {
        Self::public()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

impl FromStr for BaseUrl {
    type Err = Error;
    fn from_str(url: &str) -> Result<Self, Error> {
        Self::new(url)
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = Error;
    fn try_from(url: String) -> Result<Self, Error> {
        Self::new(url)
    }
}

impl TryFrom<&str> for BaseUrl {
    type Error = Error;
    fn try_from(url: &str) -> Result<Self, Error> {
        Self::new(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn https_anywhere_and_http_on_loopback() {
        for (url, shown) in [
            ("https://api.equinix.com/metal/v1", "https://api.equinix.com/metal/v1"),
            ("https://api.equinix.com/metal/v1//", "https://api.equinix.com/metal/v1"),
            ("https://api.equinix.com", "https://api.equinix.com"),
            ("https://api.equinix.com:8443/", "https://api.equinix.com:8443"),
            ("http://localhost:80/x", "http://localhost:80/x"),
            ("http://LOCALHOST", "http://LOCALHOST"),
            ("http://127.9.9.9:1", "http://127.9.9.9:1"),
            ("http://[::1]:8080/metal", "http://[::1]:8080/metal"),
            ("https://xn--hst-sna.example/%C3%A9", "https://xn--hst-sna.example/%C3%A9"),
            ("https://host/a-._~!$&'()*+,;=:@", "https://host/a-._~!$&'()*+,;=:@"),
        ] {
            assert_eq!(BaseUrl::new(url).unwrap().to_string(), shown);
        }
        assert_eq!(BaseUrl::default().to_string(), "https://api.equinix.com/metal/v1");
    }

    #[test]
    fn every_other_url_is_refused_with_what_to_do_and_without_repeating_it() {
        for (url, told) in [
            ("", "write it as"),
            ("/metal/v1", "write it as"),
            ("api.equinix.com", "write it as"),
            ("https://", "write it as"),
            ("https://ho st/", "write it as"),
            ("https://h\u{f6}st/", "punycode"),
            ("https://h\u{f6}st", "punycode"),
            ("https://ho%73t/", "write it as"),
            ("https://h!st/", "its host"),
            ("https://[::1%25eth0]/", "its host"),
            ("https://host/\u{e9}", "percent-encode"),
            ("https://host/a\u{202e}b", "percent-encode"),
            ("https://host/\u{200b}", "percent-encode"),
            ("https://host/\u{85}", "percent-encode"),
            ("https://host/a\"b", "percent-encode"),
            ("https://host/{a}", "percent-encode"),
            ("https://host/a|b", "percent-encode"),
            ("https://host/%", "percent-encode"),
            ("https://host/%4", "percent-encode"),
            ("https://host/%zz", "percent-encode"),
            ("ftp://host", "scheme"),
            ("https://user:hunter2@host", "user information"),
            ("https://hunter2@host", "user information"),
            ("https://host/?hunter2", "query"),
            ("https://host/#hunter2", "fragment"),
            ("https://host:0", "port"),
            ("https://host:99999", "port"),
            ("https://host:+443", "port"),
            ("https://host:00443", "port"),
            ("https://h:1:2", "write it as"),
            ("https://host?\u{e9}", "percent-encode"),
            ("https://host:", "port"),
            ("https://host/a/../b", "segment"),
            ("https://host/a/%2E%2e/b", "segment"),
            ("https://host/.%2e", "segment"),
            ("http://api.equinix.com", "in the clear"),
            ("http://127.0.0.1.example.com", "in the clear"),
            ("http://localhost.example.com", "in the clear"),
            ("http://10.0.0.1", "in the clear"),
            ("http://[::2]", "in the clear"),
            ("http://[::ffff:10.0.0.1]", "in the clear"),
        ] {
            let error = BaseUrl::new(url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let sentence = error.to_string();
            assert!(sentence.contains(told), "{url}: {sentence}");
            assert!(!sentence.contains("hunter2"), "{url}: {sentence}");
        }
    }

    #[test]
    fn clear_text_needs_ugly_words_and_relaxes_nothing_else() {
        assert!(BaseUrl::dangerously_in_the_clear("http://10.0.0.1:80/metal/v1").is_ok());
        assert!(BaseUrl::dangerously_in_the_clear("http://user@10.0.0.1").is_err());
        assert!(BaseUrl::dangerously_in_the_clear("ftp://10.0.0.1").is_err());
    }
}
