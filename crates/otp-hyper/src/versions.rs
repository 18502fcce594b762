/// Which versions of HTTP to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 where the server offers it by ALPN (RFC 7301), HTTP/1.1 otherwise.
    #[default]
    Negotiated,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only: offered alone by ALPN over TLS, by prior knowledge (RFC 9113 §3.3) without.
    Http2,
}
