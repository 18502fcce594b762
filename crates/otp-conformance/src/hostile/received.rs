use std::fmt;

/// A request as it arrived.
///
/// Its `Debug` shows everything: what arrives at a test's server is a test's own.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path and query, byte by byte.
    pub path: String,
    /// In order of arrival. The names as they were sent; HTTP/2's pseudo-header fields are not among
    /// them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// HTTP/1.1: the head, byte by byte. HTTP/2: `:scheme` and `:authority`.
    pub head: String,
}

impl Received {
    /// Every value of a header, in order of arrival.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let fields = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.as_slice()).collect()
    }

    /// The only value of a header; none if it did not arrive, arrived twice, or is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.values(name)[..] {
            [value] => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers =
            self.headers.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)));
        f.debug_struct("Received")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers.collect::<Vec<_>>())
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish_non_exhaustive()
    }
}
