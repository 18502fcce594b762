//! `Proxy-Authorization: Basic` (RFC 7617), of which nothing stays in memory.

use base64::prelude::{BASE64_STANDARD, Engine};
use otp_core::bytes::Bytes;
use otp_core::http::HeaderValue;
use otp_core::secrecy::zeroize::Zeroizing;
use percent_encoding::percent_decode;

const SCHEME: &[u8] = b"Basic ";

/// The value of the header. All its clones share one allocation, which is wiped with the last of them.
pub(super) fn basic(user: &[u8], password: &[u8]) -> Option<HeaderValue> {
    // Each buffer has its final size from the start: one that grows leaves a copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(user.len() + 1 + password.len()));
    plain.extend_from_slice(user);
    plain.push(b':');
    plain.extend_from_slice(password);

    let encoded = base64::encoded_len(plain.len(), true)?;
    let mut value = Zeroizing::new(Vec::with_capacity(SCHEME.len() + encoded));
    value.extend_from_slice(SCHEME);
    value.resize(SCHEME.len() + encoded, 0);
    BASE64_STANDARD.encode_slice(&*plain, &mut value[SCHEME.len()..]).ok()?;

    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The same of a URL's user information, which is percent-encoded (RFC 3986 §3.2.1).
pub(super) fn of_user_information(text: &str) -> Option<HeaderValue> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    basic(&decode(user), &decode(password))
}

fn decode(text: &str) -> Zeroizing<Vec<u8>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    decoded.extend(percent_decode(text.as_bytes()));
    decoded
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_encoded_as_the_rfc_shows() {
        // RFC 7617 §2.
        let value = basic(b"Aladdin", b"open sesame").unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(value.is_sensitive());
        assert_eq!(of_user_information("Aladdin:open%20sesame").unwrap(), value);
        assert_eq!(of_user_information("user").unwrap(), "Basic dXNlcjo=");
    }
}
