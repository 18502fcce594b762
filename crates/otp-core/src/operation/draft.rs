use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::{Endpoint, Secrets};
use crate::BaseUrl;
use crate::exchange::RESERVED;
use crate::secret::{credentials, sensitive_header};

/// Everything but RFC 3986's unreserved characters is encoded: a value is one path segment, always.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Room for a parameter or two, so that the path is written into one allocation.
const PARAMS: usize = 96;

/// A request that an [operation](crate::Operation) is writing: the path's parameters, headers, a body.
///
/// Nothing here can fail at once or panic. What cannot be sent, such as a parameter that the template
/// does not have, is found when the request is finished, and the call ends with
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) before anything is sent.
#[derive(Debug)]
pub struct RequestDraft {
    path: SecretPath,
    /// What of the template is still to be written.
    rest: &'static str,
    headers: HeaderMap,
    body: Bytes,
    secrets: Secrets,
    fault: Option<Fault>,
}

/// Wiped when it is dropped, since a parameter may be an OTP.
struct SecretPath(Zeroizing<String>);

impl std::fmt::Debug for SecretPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl AsRef<[u8]> for SecretPath {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[derive(Debug)]
enum Fault {
    Param { given: &'static str },
    Header(HeaderName),
}

impl RequestDraft {
    /// A draft on this base URL and with these headers.
    pub(crate) fn new(endpoint: &'static Endpoint, base: &BaseUrl, headers: HeaderMap) -> Self {
        let rest = endpoint.path_template();
        let prefix = base.path_prefix();
        let params = if rest.contains('{') { PARAMS } else { 0 };
        let mut path = String::with_capacity(prefix.len() + rest.len() + params);
        path.push_str(prefix);
        Self {
            path: SecretPath(Zeroizing::new(path)),
            rest,
            headers,
            body: Bytes::new(),
            secrets: Secrets::default(),
            fault: None,
        }
    }

    /// The secrets that were written so far.
    pub(crate) fn take_secrets(&mut self) -> Secrets {
        std::mem::take(&mut self.secrets)
    }

    /// Fills in the next parameter of the path template; `name` must be its name.
    ///
    /// The value becomes exactly one path segment: everything but letters, digits, `-`, `.`, `_` and
    /// `~` is percent-encoded (RFC 3986 §2.3). An empty value, `.` and `..` would not stay one segment
    /// and are refused.
    pub fn path_param(&mut self, name: &'static str, value: &str) -> &mut Self {
        let template = self.rest;
        let param = template.split_once('{').and_then(|(literal, rest)| {
            rest.split_once('}').map(|(given, rest)| (literal, given, rest))
        });
        match param {
            Some((literal, wanted, rest))
                if wanted == name && !matches!(value, "" | "." | "..") =>
            {
                let path = &mut self.path.0;
                path.push_str(literal);
                path.extend(utf8_percent_encode(value, SEGMENT));
                self.rest = rest;
            }
            _ => self.fault = self.fault.take().or(Some(Fault::Param { given: name })),
        }
        self
    }

    /// As [`path_param`](Self::path_param), for a value that no error or log may repeat.
    pub fn secret_path_param(
        &mut self,
        name: &'static str,
        value: &impl ExposeSecret<str>,
    ) -> &mut Self {
        self.secret(value);
        self.path_param(name, value.expose_secret())
    }

    /// Adds a header. Those that the client or HTTP itself sets cannot be added: see
    /// [`CallOptions`](crate::CallOptions).
    ///
    /// A value that is [marked sensitive](HeaderValue::set_sensitive) counts as a
    /// [`secret`](Self::secret).
    pub fn header(&mut self, name: HeaderName, value: HeaderValue) -> &mut Self {
        if RESERVED.contains(&name) {
            self.fault = self.fault.take().or(Some(Fault::Header(name)));
        } else {
            if let (true, Ok(secret)) = (value.is_sensitive(), value.to_str()) {
                credentials(secret).for_each(|secret| self.secrets.add(secret));
            }
            self.headers.append(name, value);
        }
        self
    }

    /// A header of the call's own, which was checked with its options.
    pub(crate) fn set_header(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.headers.insert(name.clone(), value.clone());
    }

    /// Adds a header whose value no error or log may repeat; it is marked sensitive, and its bytes are
    /// wiped when the request is dropped.
    pub fn secret_header(&mut self, name: HeaderName, value: &impl ExposeSecret<str>) -> &mut Self {
        match sensitive_header(&Arc::new(SecretString::from(value.expose_secret()))) {
            Ok(value) => self.header(name, value),
            Err(_) => {
                self.fault = self.fault.take().or(Some(Fault::Header(name)));
                self
            }
        }
    }

    /// Sets the body and its `Content-Type`.
    pub fn body(&mut self, content_type: HeaderValue, body: impl Into<Bytes>) -> &mut Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// Says that the body, or another part of the request, holds this secret, so that an echo of it is
    /// removed from the server's messages.
    pub fn secret(&mut self, secret: &impl ExposeSecret<str>) -> &mut Self {
        self.secrets.add(secret.expose_secret());
        self
    }

    /// The request, complete, or what is wrong with it.
    pub(crate) fn finish(
        mut self,
        endpoint: &'static Endpoint,
        base: &BaseUrl,
    ) -> Result<http::Request<Bytes>, String> {
        match self.fault {
            Some(Fault::Param { given }) => {
                return Err(format!(
                    "the path parameter '{given}' is empty, '.', '..' or not the next one of {}",
                    endpoint.path_template()
                ));
            }
            Some(Fault::Header(name)) => {
                return Err(format!("the header '{name}' or its value cannot be sent"));
            }
            None => {}
        }
        if self.rest.contains('{') {
            return Err(format!("not all of {} is filled in", endpoint.path_template()));
        }
        self.path.0.push_str(self.rest);

        // Only a path with parameters can hold a secret; its owner wipes it.
        let bytes = if self.rest.len() == endpoint.path_template().len() {
            Bytes::from(std::mem::take(&mut *self.path.0))
        } else {
            Bytes::from_owner(self.path)
        };
        let path = PathAndQuery::from_maybe_shared(bytes)
            .map_err(|_| "the path template is not a path".to_owned())?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(base.scheme().clone());
        parts.authority = Some(base.authority().clone());
        parts.path_and_query = Some(path);
        let uri = http::Uri::from_parts(parts)
            .map_err(|_| "the path template is not a path".to_owned())?;

        let mut request = http::Request::new(self.body);
        *request.method_mut() = endpoint.method().clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Otp;

    const TWO: &Endpoint = &Endpoint::get("two", "/a/{x}/b/{y}");

    fn uri(write: impl FnOnce(&mut RequestDraft)) -> Result<String, String> {
        let base = BaseUrl::new("https://h/p").unwrap();
        let mut draft = RequestDraft::new(TWO, &base, HeaderMap::new());
        write(&mut draft);
        draft.finish(TWO, &base).map(|request| request.uri().to_string())
    }

    #[test]
    fn a_parameter_is_one_segment_whatever_it_holds() {
        let made = uri(|draft| {
            draft.path_param("x", "../?#%2f\u{e9} ").path_param("y", "a-b_c.d~e");
        });
        assert_eq!(made.unwrap(), "https://h/p/a/..%2F%3F%23%252f%C3%A9%20/b/a-b_c.d~e");
    }

    #[test]
    fn parameters_that_do_not_fit_the_template_send_nothing() {
        let cases: [fn(&mut RequestDraft); 6] = [
            |_| {},
            |draft| {
                draft.path_param("x", "1");
            },
            |draft| {
                draft.path_param("y", "1").path_param("x", "1");
            },
            |draft| {
                draft.path_param("x", "1").path_param("y", "1").path_param("z", "1");
            },
            |draft| {
                draft.path_param("x", "..").path_param("y", "1");
            },
            |draft| {
                draft.path_param("x", "").path_param("y", "1");
            },
        ];
        for write in cases {
            assert!(uri(write).is_err());
        }
    }

    #[test]
    fn a_secret_header_is_sensitive_and_a_draft_shows_no_secret() {
        let base = BaseUrl::public();
        let otp = Otp::new("s3cret").unwrap();
        let mut draft = RequestDraft::new(TWO, &base, HeaderMap::new());
        draft.secret_path_param("x", &otp).secret_header(HeaderName::from_static("x-otp"), &otp);
        assert!(draft.headers["x-otp"].is_sensitive());
        let shown = format!("{draft:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.matches("[redacted]").count() >= 2, "{shown}");
        assert_eq!(draft.take_secrets().iter().collect::<Vec<_>>(), ["s3cret", "s3cret"]);
    }
}
