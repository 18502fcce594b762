use hyper::Uri;
use otp_core::http::HeaderValue;
use otp_core::http::uri::{Authority, Parts, PathAndQuery, Scheme};

/// Scheme, host and port, and how they are authenticated: what connections are kept by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    scheme: Scheme,
    /// Without user information, and without the port that the scheme usually has.
    authority: Authority,
    /// Of the roots and the identity, see `Tls::generation`. A connection that was made before a change of these
    /// takes no new request. It stays until its requests are done and the idle timeout is over.
    generation: u64,
}

impl Origin {
    /// The origin of this URL; none if it has no scheme or no host.
    pub(crate) fn of(uri: &Uri, generation: u64) -> Option<Self> {
        let (scheme, authority) = (uri.scheme()?, uri.authority()?);
        let usual = if *scheme == Scheme::HTTP { 80 } else { 443 };
        let is_plain = authority.port_u16().is_none_or(|port| port != usual)
            && !authority.as_str().contains('@');
        let authority = if is_plain {
            authority.clone()
        } else {
            let port = authority.port_u16().filter(|port| *port != usual);
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port}", authority.host()).parse().ok()?
        };
        Some(Self { scheme: scheme.clone(), authority, generation })
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The absolute form of a path here: `:scheme`, `:authority` and `:path` of HTTP/2 (RFC 9113 §8.3.1).
    pub(crate) fn uri(&self, path: Option<PathAndQuery>) -> Uri {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        // All three parts are there, so it cannot fail.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// The `Host` of HTTP/1.1 (RFC 9110 §7.2).
    pub(crate) fn host(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.authority.as_str()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_port_and_user_information_are_left_out() {
        for (url, host) in [
            ("https://h/x", "h"),
            ("https://h:443/x", "h"),
            ("https://h:80/x", "h:80"),
            ("http://h:80/x", "h"),
            ("http://h:443/x", "h:443"),
            ("https://u:p@h/x", "h"),
            ("https://u:p@h:8443/x", "h:8443"),
            ("https://[::1]:443/x", "[::1]"),
            ("https://[::1]:8443/x", "[::1]:8443"),
        ] {
            let origin = Origin::of(&url.parse().unwrap(), 0).unwrap();
            assert_eq!(origin.host().unwrap(), host, "{url}");
            let uri = origin.uri(Some(PathAndQuery::from_static("/y")));
            assert_eq!(uri.authority().unwrap(), host);
        }
        assert_eq!(Origin::of(&"/x".parse().unwrap(), 0), None);
    }
}
