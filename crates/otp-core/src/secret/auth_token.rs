use std::sync::Arc;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};

use super::{behave_as_a_secret, parse_from_text, seal, sensitive_header};
use crate::Error;

const MAX_LEN: usize = 4096;

/// The API key or session token that goes out as `X-Auth-Token`.
///
/// Cloning is cheap: all clones, and the header value of every request, share one allocation, which is
/// wiped when the last of them is gone.
///
/// ```
/// use otp_core::AuthToken;
///
/// let token = AuthToken::new("k3y")?;
/// assert_eq!(format!("{token:?}"), "AuthToken([redacted])");
/// # Ok::<(), otp_core::Error>(())
/// ```
///
/// It cannot be printed, and it cannot be serialized; it can be read from JSON:
///
/// ```compile_fail,E0277
/// println!("{}", otp_core::AuthToken::new("k3y").unwrap());
/// ```
///
/// ```compile_fail,E0277
/// fn serialize<T: serde::Serialize>(_: T) {}
/// serialize(otp_core::AuthToken::new("k3y").unwrap());
/// ```
///
/// ```
/// fn deserialize<T: serde::de::DeserializeOwned>() {}
/// deserialize::<otp_core::AuthToken>();
/// ```
///
/// To read it, say so: [`ExposeSecret::expose_secret`](secrecy::ExposeSecret).
#[derive(Clone)]
pub struct AuthToken {
    secret: Arc<SecretString>,
    header: HeaderValue,
}

impl AuthToken {
    /// Takes 1 to 4096 visible ASCII characters, without white space.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for anything else, naming the
    /// position but never the character. A line break left at the end of a key read from a file is
    /// the usual one: trim it.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        let secret = Arc::new(seal(token.into()));
        let refuse = |what: String| {
            Error::invalid_input(format!(
                "invalid auth token: {what}; a token is 1 to {MAX_LEN} visible ASCII characters \
                 without white space, and a line break read along with it must be trimmed off"
            ))
        };
        let text = secret.expose_secret();
        if text.is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        if text.len() > MAX_LEN {
            return Err(refuse(format!("it has {} bytes", text.len())));
        }
        if let Some(at) = text.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return Err(refuse(format!("the byte at position {at} is not allowed")));
        }
        let header =
            sensitive_header(&secret).map_err(|_| refuse("a header cannot carry it".to_owned()))?;
        Ok(Self { secret, header })
    }

    /// The value of the `X-Auth-Token` header, marked sensitive: `Debug` hides it, and HTTP/2 never
    /// puts it into a compression table (RFC 7541 §7.1.3).
    pub fn to_header_value(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The value of an `Authorization` header (RFC 6750 §2.1), marked sensitive; its bytes are wiped.
    pub(crate) fn to_bearer(&self) -> HeaderValue {
        let token = self.expose_secret();
        let mut text = String::with_capacity("Bearer ".len() + token.len());
        text.push_str("Bearer ");
        text.push_str(token);
        // A token is visible ASCII, so a header can carry it.
        sensitive_header(&Arc::new(seal(text))).unwrap_or_else(|_| self.to_header_value())
    }
}

impl ExposeSecret<str> for AuthToken {
    fn expose_secret(&self) -> &str {
        (*self.secret).expose_secret()
    }
}

/// A token that the service issues, as a field of its answer.
impl<'de> Deserialize<'de> for AuthToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The refusal does not repeat the token.
        SecretString::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

behave_as_a_secret!(AuthToken);
parse_from_text!(AuthToken);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn the_header_shares_the_wiped_allocation() {
        let token = AuthToken::new("a-token").unwrap();
        assert_eq!(token.to_header_value().as_bytes().as_ptr(), token.expose_secret().as_ptr());
        assert!(token.to_header_value().is_sensitive());
    }

    #[test]
    fn what_a_header_cannot_carry_is_refused_without_repeating_it() {
        for bad in ["", "key\n", "ke y", "k\u{e9}y", "key\0", &"k".repeat(MAX_LEN + 1)] {
            let error = AuthToken::new(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let sentence = error.to_string();
            assert!(sentence.contains("visible ASCII"), "{sentence}");
            assert!(bad.is_empty() || !sentence.contains(bad), "{sentence}");
        }
        assert!(AuthToken::new("k".repeat(MAX_LEN)).is_ok());
    }

    #[test]
    fn it_is_read_from_json_by_the_same_rules() {
        let token: AuthToken = serde_json::from_str(r#""k3y""#).unwrap();
        assert_eq!(token, AuthToken::new("k3y").unwrap());
        let error = serde_json::from_str::<AuthToken>(r#""s3cret k3y""#).unwrap_err().to_string();
        assert!(error.contains("position 6") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn equal_tokens_are_equal() {
        let token = |text: &str| AuthToken::new(text).unwrap();
        assert_eq!(token("abc"), token("abc"));
        assert_ne!(token("abc"), token("abd"));
        assert_ne!(token("abc"), token("abcd"));
    }
}
