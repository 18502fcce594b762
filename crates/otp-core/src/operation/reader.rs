use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::ReadError;
use crate::Scrubber;

/// A response with a `2xx` status, for an [operation](crate::Operation) to read.
#[derive(Debug)]
pub struct ResponseReader<'a> {
    response: &'a Response<Bytes>,
    scrubber: &'a Scrubber<'a>,
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

    /// The status: a `2xx`.
    pub fn status(&self) -> StatusCode {
        self.response.status()
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

    /// Reads a body that is a JSON object.
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
        if says_it_is_not_json(self.headers()) {
            return Err(ReadError::not_from_service("its content type is not JSON"));
        }
        if self.headers().get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
            return Err(ReadError::decode("it has a content encoding, and none was asked for"));
        }
        // Derived implementations take an array for a struct; the API has objects.
        if self.body().trim_ascii_start().first() != Some(&b'{') {
            return Err(ReadError::decode("its body is not a JSON object"));
        }
        serde_json::from_slice(self.body()).map_err(|error| {
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

/// A missing type says nothing (RFC 9110 §8.3); a wrong one says that somebody else answers.
pub(crate) fn says_it_is_not_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|content_type| !content_type.to_str().is_ok_and(is_json))
}

/// `application/json`, or a type that ends in `+json` (RFC 6839 §3.1), with any parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
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
        for no in ["", "text/html", "text/json5", "application/jsonp", "application/json+xml"] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn a_decode_error_says_where_and_never_what() {
        let response = Response::new(Bytes::from_static(br#"{"recovery_codes": "s3cret"}"#));
        let error = ResponseReader::new(&response).json_object::<RecoveryCodeList>().unwrap_err();
        let ReadError::Decode(reason) = error else { panic!("{error:?}") };
        assert_eq!(reason, "its JSON does not have the documented fields (line 1, column 27)");
    }
}
