use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::ReadError;
use crate::Scrubber;

/// A response that is an answer, for an [operation](crate::Operation) to read: one with a `2xx` status, or another that
/// its [endpoint takes](crate::Endpoint::answers).
pub struct ResponseReader<'a> {
    response: &'a Response<Bytes>,
    scrubber: &'a Scrubber<'a>,
}

impl fmt::Debug for ResponseReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values and the body may hold a session token or recovery codes.
        f.debug_struct("ResponseReader")
            .field("status", &self.status())
            .field("headers", &self.headers().keys().collect::<Vec<_>>())
            .field("body_len", &self.body().len())
            .finish()
    }
}

static NO_SECRETS: Scrubber<'static> = Scrubber::NONE;

impl<'a> ResponseReader<'a> {
    /// Reads this response, for a test of an operation. No secrets are known.
    pub fn new(response: &'a Response<Bytes>) -> Self {
        Self::with_scrubber(response, &NO_SECRETS)
    }

    pub(crate) fn with_scrubber(response: &'a Response<Bytes>, scrubber: &'a Scrubber<'a>) -> Self {
        Self { response, scrubber }
    }

    /// The status: a `2xx`, or one of [`Endpoint::answers`](crate::Endpoint::answers).
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// This response, if it has this status. It is how an operation with one success begins to read.
    ///
    /// ```
    /// use otp_core::http::StatusCode;
    /// use otp_core::operation::{ReadError, ResponseReader};
    /// # #[derive(serde::Deserialize)]
    /// # struct Key;
    ///
    /// fn read(response: &ResponseReader<'_>) -> Result<Key, ReadError> {
    ///     response.require(StatusCode::CREATED)?.json_object()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError::UnexpectedStatus`] for any other status.
    pub fn require(&self, status: StatusCode) -> Result<&Self, ReadError> {
        if self.status() == status { Ok(self) } else { Err(ReadError::UnexpectedStatus) }
    }

    /// The headers as they came. [`scrub`](Self::scrub) what is not a secret itself.
    pub fn headers(&self) -> &'a HeaderMap {
        self.response.headers()
    }

    /// The body as it came. [`scrub`](Self::scrub) what is not a secret itself.
    pub fn body(&self) -> &'a Bytes {
        self.response.body()
    }

    /// This text of the response without the secrets of the request, should the server have echoed one.
    ///
    /// Whatever text of a response is not kept in a secret type goes through here.
    pub fn scrub<'t>(&self, text: impl Into<Cow<'t, str>>) -> Cow<'t, str> {
        self.scrubber.text(text)
    }

    /// Where the response says that what it speaks of is (`Location`, RFC 9110 §10.2.2): on one line, at most 2 KiB,
    /// without the secrets of the request.
    ///
    /// Take an id out of it, and read that by an operation of your own. The client never follows a URL that a server
    /// gave, since the token would go there.
    pub fn location(&self) -> Option<String> {
        Some(self.one_line(self.headers().get(LOCATION)?.to_str().ok()?))
    }

    /// As [`scrub`](Self::scrub), on one line of at most 2 KiB, without control and invisible characters.
    pub(crate) fn one_line(&self, text: &str) -> String {
        self.scrubber.one_line(text, 2048)
    }

    /// Reads a body that is a JSON object.
    ///
    /// A text that is not in a secret type may echo a secret of the request: [`scrub`](Self::scrub) it, or use
    /// [`scrubbed_json_object`](Self::scrubbed_json_object).
    ///
    /// # Errors
    ///
    /// [`ReadError::NotFromService`] if the response says that it is of another type: the client asked for
    /// JSON, so somebody else answers, such as a captive portal.
    ///
    /// [`ReadError::Decode`] if the response says that it is encoded (no encoding was asked for), if the
    /// body is not a JSON object, or if it does not have the fields of `T`. The reason says where, and
    /// never what is there: a parser's own words would quote a secret.
    pub fn json_object<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        self.parse(self.json_object_bytes()?)
    }

    /// As [`json_object`](Self::json_object), for a `T` of plain texts: echoes of the request's secrets are removed
    /// first.
    ///
    /// Read a `T` that holds secrets by `json_object`. One of them may be the request's own token, as in a list of API
    /// keys.
    ///
    /// # Errors
    ///
    /// As [`json_object`](Self::json_object).
    pub fn scrubbed_json_object<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        let body = self.json_object_bytes()?;
        if let Ok(Cow::Owned(clean)) = std::str::from_utf8(body).map(|text| self.scrub(text)) {
            // Where the echo was not within a text, that leaves no JSON, and the body itself is parsed.
            if let Ok(value) = serde_json::from_str(&clean) {
                return Ok(value);
            }
        }
        self.parse(body)
    }

    /// The body, if it is the service's and looks like a JSON object.
    fn json_object_bytes(&self) -> Result<&'a [u8], ReadError> {
        if says_it_is_not("application/json", self.headers()) {
            return Err(ReadError::not_from_service("its content type is not JSON"));
        }
        if is_markup(self.body()) {
            return Err(ReadError::not_from_service("its body is a page"));
        }
        if self.headers().get_all(CONTENT_ENCODING).iter().any(is_encoded) {
            return Err(ReadError::decode("it has a content encoding, and none was asked for"));
        }
        // Derived implementations take an array for a struct; the API has objects.
        if self.body().trim_ascii_start().first() != Some(&b'{') {
            return Err(ReadError::decode("its body is not a JSON object"));
        }
        Ok(self.body())
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ReadError> {
        serde_json::from_slice(body).map_err(|error| {
            let what = match error.classify() {
                serde_json::error::Category::Data => "its JSON does not have the documented fields",
                serde_json::error::Category::Eof => "its JSON ends too early",
                serde_json::error::Category::Io | serde_json::error::Category::Syntax => {
                    "its body is not JSON"
                }
            };
            ReadError::decode(format!("{what} (line {}, column {})", error.line(), error.column()))
        })
    }
}

/// A portal's page, whatever its type is said to be: JSON never begins with `<`.
pub(crate) fn is_markup(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().first() == Some(&b'<')
}

/// Codings are names without case (RFC 9110 §8.4.1).
fn is_encoded(codings: &HeaderValue) -> bool {
    !codings.to_str().is_ok_and(|codings| {
        codings.split(',').all(|coding| {
            let coding = coding.trim();
            coding.is_empty() || coding.eq_ignore_ascii_case("identity")
        })
    })
}

/// A missing type says nothing (RFC 9110 §8.3); a wrong one says that somebody else answers.
pub(crate) fn says_it_is_not(accepted: &str, headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(CONTENT_TYPE) else { return false };
    !content_type.to_str().is_ok_and(|content_type| is_accepted(accepted, content_type))
}

/// Whether an endpoint that accepts this reads JSON.
pub(crate) fn reads_json(accepted: &str) -> bool {
    is_json(accepted)
}

fn is_accepted(accepted: &str, content_type: &str) -> bool {
    let essence =
        |media_type: &str| media_type.split(';').next().unwrap_or_default().trim().to_owned();
    let content = essence(content_type);
    is_json(accepted) && is_json(content_type)
        || content.is_empty()
        || accepted.split(',').map(essence).any(|accepted| match accepted.strip_suffix("/*") {
            Some("*") => true,
            Some(family) => {
                content.split_once('/').is_some_and(|(of, _)| of.eq_ignore_ascii_case(family))
            }
            None => content.eq_ignore_ascii_case(&accepted),
        })
}

/// `application/json`, its old name `text/json`, a type that ends in `+json` (RFC 6839 §3.1), with any
/// parameters; or nothing.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.is_empty()
        || essence.eq_ignore_ascii_case("application/json")
        || essence.eq_ignore_ascii_case("text/json")
        || essence.rsplit_once('+').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecoveryCodeList;

    #[test]
    fn json_has_many_names() {
        for yes in ["application/json", "Application/JSON; charset=utf-8", "application/hal+json"] {
            assert!(is_json(yes), "{yes}");
        }
        for yes in ["", " ; charset=utf-8", "text/json", "Text/JSON"] {
            assert!(is_json(yes), "{yes}");
        }
        for no in ["text/html", "text/json5", "application/jsonp", "application/json+xml"] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn identity_is_no_encoding_in_any_case() {
        for no in ["", "identity", "Identity", " identity , ", "IDENTITY,identity"] {
            assert!(!is_encoded(&HeaderValue::from_str(no).unwrap()), "{no}");
        }
        for yes in ["gzip", "identity, br", "x"] {
            assert!(is_encoded(&HeaderValue::from_str(yes).unwrap()), "{yes}");
        }
    }

    #[test]
    fn a_page_is_told_by_its_first_character() {
        for yes in ["<", "<!DOCTYPE html>", " \n<html>", "\u{feff}<html>", "\u{feff} <?xml"] {
            assert!(is_markup(yes.as_bytes()), "{yes}");
        }
        for no in ["", "{}", "{\"a\": \"<\"}", "null", "\u{feff}{}", "a<b"] {
            assert!(!is_markup(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn require_takes_one_status_and_no_other_success() {
        for (status, taken) in [(200, false), (201, true), (202, false), (404, false)] {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            let reader = ResponseReader::new(&response);
            match reader.require(StatusCode::CREATED) {
                Ok(same) => assert!(taken && same.status() == 201, "{status}"),
                Err(error) => assert!(!taken && error == ReadError::UnexpectedStatus, "{status}"),
            }
        }
    }

    #[test]
    fn a_scrubbed_object_has_no_echo_and_still_parses() {
        #[derive(serde::Deserialize)]
        struct User {
            name: String,
            total: u64,
        }
        let scrubber = Scrubber::new(["s3cret", "1234567"]);
        let read = |body: &'static str| {
            let response = Response::new(Bytes::from_static(body.as_bytes()));
            ResponseReader::with_scrubber(&response, &scrubber).scrubbed_json_object::<User>()
        };
        let user = read(r#"{"name": "it is s3cret", "total": 7}"#).unwrap();
        assert_eq!((&*user.name, user.total), ("it is [redacted]", 7));
        // A number that happens to be a secret, such as an OTP, is no reason to fail.
        assert_eq!(read(r#"{"name": "x", "total": 1234567}"#).unwrap().total, 1_234_567);
        assert!(matches!(read(r#"["s3cret", 7]"#), Err(ReadError::Decode(_))));
        assert!(matches!(read("<p>s3cret"), Err(ReadError::NotFromService(_))));
    }

    #[test]
    fn a_decode_error_says_where_and_never_what() {
        let response = Response::new(Bytes::from_static(br#"{"recovery_codes": "s3cret"}"#));
        let error = ResponseReader::new(&response).json_object::<RecoveryCodeList>().unwrap_err();
        let ReadError::Decode(reason) = error else { panic!("{error:?}") };
        assert_eq!(reason, "its JSON does not have the documented fields (line 1, column 27)");
    }
}
