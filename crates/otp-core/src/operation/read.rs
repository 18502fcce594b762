use std::borrow::Cow;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::de::DeserializeOwned;

/// Why an [operation](crate::Operation) does not take a response with a `2xx` status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The operation has no such success status.
    UnexpectedStatus,
    /// The body cannot be read: the reason completes "the answer cannot be read: …". It must not
    /// repeat anything of the body, which may hold secrets.
    Decode(Cow<'static, str>),
}

impl ReadError {
    /// A [`Decode`](Self::Decode) for this reason.
    pub fn decode(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Decode(reason.into())
    }
}

/// Reads a body that is a JSON object.
///
/// # Errors
///
/// [`ReadError::Decode`] if the response says that it is encoded (none was asked for) or is not JSON,
/// if the body is not a JSON object, or if it does not have the fields of `T`. The reason tells where, and never
/// what stands there: a parser's own words would quote a secret.
pub fn read_json_object<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T, ReadError> {
    let headers = response.headers();
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(ReadError::decode("it has a content encoding, and none was asked for"));
    }
    // A missing type says nothing (RFC 9110 §8.3); a wrong one says that somebody else answers.
    if let Some(content_type) = headers.get(CONTENT_TYPE) {
        if !content_type.to_str().is_ok_and(is_json) {
            return Err(ReadError::decode("its content type is not JSON"));
        }
    }
    // Derived implementations take an array for a struct; the API has objects.
    if response.body().trim_ascii_start().first() != Some(&b'{') {
        return Err(ReadError::decode("its body is not a JSON object"));
    }
    serde_json::from_slice(response.body()).map_err(|error| {
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

/// `application/json`, or a type that ends in `+json` (RFC 6839 §3.1), with any parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.rsplit_once('+').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_decode_error_tells_where_and_never_what() {
        let response = Response::new(Bytes::from_static(br#"{"recovery_codes": "s3cret"}"#));
        let error = read_json_object::<crate::RecoveryCodeList>(&response).unwrap_err();
        let ReadError::Decode(reason) = error else { panic!("{error:?}") };
        assert_eq!(reason, "its JSON does not have the documented fields (line 1, column 27)");
    }
}
