use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::wiped::WipedBytes;
use super::{AuthScheme, Endpoint, exposed};
use crate::BaseUrl;
use crate::headers::RESERVED;
use crate::scrub::Secrets;
use crate::secret::sensitive_header;

/// Everything but RFC 3986's unreserved characters is encoded: a value is one path segment, always.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The most that an [`http::Uri`] takes.
const MAX_PATH: usize = u16::MAX as usize - 1;

/// Room for a parameter or two, so that the path is written into one allocation.
const PARAMS: usize = 96;

/// A request that an [operation](crate::Operation) is writing: the path's parameters, headers, a body.
///
/// Nothing here can fail at once or panic. What cannot be sent, such as a parameter that the template
/// does not have, is found when the request is finished, and the call ends with
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) before anything is sent.
pub struct RequestDraft {
    endpoint: &'static Endpoint,
    /// A parameter may be an OTP.
    path: WipedBytes,
    /// What of the template is still to be written.
    rest: &'static str,
    query: WipedBytes,
    headers: HeaderMap,
    body: Bytes,
    secrets: Secrets,
    fault: Option<Fault>,
}

impl fmt::Debug for RequestDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Path, values and body may hold secrets.
        f.debug_struct("RequestDraft")
            .field("path", &self.path)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Percent-encodes what is written to it.
struct Encoded<'w>(&'w mut WipedBytes);

impl fmt::Write for Encoded<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        utf8_percent_encode(more, SEGMENT).for_each(|part| self.0.push(part));
        Ok(())
    }
}

#[derive(Debug)]
enum Fault {
    Param { given: &'static str },
    Query(String),
    Header(HeaderName),
    Json,
}

impl RequestDraft {
    /// A draft on this base URL and with these headers.
    pub(crate) fn new(endpoint: &'static Endpoint, base: &BaseUrl, headers: HeaderMap) -> Self {
        let rest = endpoint.path_template();
        let prefix = base.path_prefix();
        let params = if rest.contains('{') { PARAMS } else { 0 };
        let mut path = WipedBytes::with_capacity(prefix.len() + rest.len() + params);
        path.push(prefix);
        Self {
            endpoint,
            path,
            rest,
            query: WipedBytes::default(),
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
                let encoded = utf8_percent_encode(value, SEGMENT);
                let more =
                    literal.len() + encoded.clone().map(str::len).sum::<usize>() + rest.len();
                self.path.reserve(more);
                self.path.push(literal);
                encoded.for_each(|part| self.path.push(part));
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

    /// Adds a parameter to the query, `name=value`, after those that are there. So a parameter may be repeated.
    ///
    /// Everything but letters, digits, `-`, `.`, `_` and `~` is percent-encoded, in both. The query is not part of
    /// [`path_template`](Endpoint::path_template), so telemetry does not show it.
    pub fn query(&mut self, name: &str, value: impl fmt::Display) -> &mut Self {
        self.add_query(name, &value)
    }

    /// As [`query`](Self::query), if there is a value.
    pub fn query_if(&mut self, name: &str, value: Option<impl fmt::Display>) -> &mut Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// As [`query`](Self::query), for a value that no error or log may repeat. Proxies and servers log URLs, so a
    /// header is the better place.
    pub fn secret_query(&mut self, name: &str, value: &impl ExposeSecret<str>) -> &mut Self {
        self.secret(value);
        self.add_query(name, &value.expose_secret())
    }

    /// Writes the value without a copy of it in between, which nobody would wipe.
    fn add_query(&mut self, name: &str, value: &dyn fmt::Display) -> &mut Self {
        self.query.push(if self.query.is_empty() { "?" } else { "&" });
        let mut encoded = Encoded(&mut self.query);
        if write!(encoded, "{name}").is_ok() {
            encoded.0.push("=");
        }
        if write!(encoded, "{value}").is_err() {
            self.fault = self.fault.take().or(Some(Fault::Query(name.to_owned())));
        }
        self
    }

    /// Adds a header. Those that the client or HTTP itself sets cannot be added: see
    /// [`CallOptions`](crate::CallOptions). Nor can `Authorization` if the endpoint's
    /// [scheme](Endpoint::auth) is [`Bearer`](super::AuthScheme::Bearer).
    ///
    /// A value that is [marked sensitive](HeaderValue::set_sensitive) counts as a
    /// [`secret`](Self::secret).
    pub fn header(&mut self, name: HeaderName, value: HeaderValue) -> &mut Self {
        let is_bearer = self.endpoint.auth_scheme() == AuthScheme::Bearer;
        if RESERVED.contains(&name) || is_bearer && name == AUTHORIZATION {
            self.fault = self.fault.take().or(Some(Fault::Header(name)));
        } else {
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
        self.secret(value);
        match sensitive_header(&Arc::new(SecretString::from(value.expose_secret()))) {
            Ok(value) => self.header(name, value),
            Err(_) => {
                self.fault = self.fault.take().or(Some(Fault::Header(name)));
                self
            }
        }
    }

    /// Sets a JSON body, which is wiped when the request is dropped. A secret in it is an
    /// [`Exposed`](super::Exposed).
    pub fn json(&mut self, value: &impl Serialize) -> &mut Self {
        let mut body = WipedBytes::default();
        let (result, secrets) = exposed::collect(|| serde_json::to_writer(&mut body, value));
        self.secrets.extend(&secrets);
        if result.is_err() {
            self.fault = self.fault.take().or(Some(Fault::Json));
        }
        self.body(HeaderValue::from_static("application/json"), Bytes::from_owner(body))
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
        base: &BaseUrl,
    ) -> Result<http::Request<Bytes>, Cow<'static, str>> {
        let endpoint = self.endpoint;
        match self.fault {
            Some(Fault::Param { given }) => {
                return Err(format!(
                    "the path parameter '{given}' is empty, '.', '..' or not the next one of {}",
                    endpoint.path_template()
                )
                .into());
            }
            Some(Fault::Query(name)) => {
                return Err(format!("the query parameter '{name}' cannot be written").into());
            }
            Some(Fault::Header(name)) => {
                return Err(format!("the header '{name}' or its value cannot be sent").into());
            }
            // The serializer's own words may quote a value.
            Some(Fault::Json) => return Err("its body cannot be written as JSON".into()),
            None => {}
        }
        if self.rest.contains('{') {
            return Err(format!("not all of {} is filled in", endpoint.path_template()).into());
        }
        self.path.reserve(self.rest.len() + self.query.as_ref().len());
        self.path.push(self.rest);
        self.path.push(&self.query);

        // Only a path with parameters can hold a secret; its owner wipes it.
        let is_fixed = self.rest.len() == endpoint.path_template().len() && self.query.is_empty();
        let bytes = if is_fixed {
            Bytes::from(self.path.into_unwiped())
        } else {
            Bytes::from_owner(self.path)
        };
        if bytes.len() > MAX_PATH {
            return Err("its path and query are too long".into());
        }
        let path = PathAndQuery::from_maybe_shared(bytes)
            .map_err(|_| "the path template is not a path")?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(base.scheme().clone());
        parts.authority = Some(base.authority().clone());
        parts.path_and_query = Some(path);
        let uri = http::Uri::from_parts(parts).map_err(|_| "the path template is not a path")?;

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

    fn uri(write: impl FnOnce(&mut RequestDraft)) -> Result<String, Cow<'static, str>> {
        let base = BaseUrl::new("https://h/p").unwrap();
        let mut draft = RequestDraft::new(TWO, &base, HeaderMap::new());
        write(&mut draft);
        draft.finish(&base).map(|request| request.uri().to_string())
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
        assert!(shown.contains("[redacted]") && shown.contains("x-otp"), "{shown}");
        assert_eq!(draft.take_secrets().iter().collect::<Vec<_>>(), ["s3cret", "s3cret"]);
    }
}
