//! What this SDK adds to each request, whatever the operation.

use hmac::{Hmac, Mac};
use otp_core::Request;
use otp_core::http::HeaderValue;
use otp_core::operation::WriteError;
use otp_core::secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// Continues a trace: `traceparent` (W3C Trace Context §3.2). `current` gives its value, if there is a trace.
pub fn traced(
    current: impl Fn() -> Option<HeaderValue>,
) -> impl Fn(&mut Request) -> Result<(), WriteError> {
    move |request| {
        if let Some(parent) = current() {
            request.headers_mut().insert("traceparent", parent);
        }
        Ok(())
    }
}

/// Signs method, path, query and body with this key: `x-signature`, an HMAC-SHA256 in hex. It stands for what a gateway
/// in front of your API wants.
pub fn signed(key: SecretSlice<u8>) -> impl Fn(&mut Request) -> Result<(), WriteError> {
    move |request| {
        let http = request.as_http();
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret())
            .map_err(|_| WriteError::new("the signing key cannot be used"))?;
        mac.update(http.method().as_str().as_bytes());
        mac.update(http.uri().path_and_query().map_or("", |path| path.as_str()).as_bytes());
        mac.update(http.body());
        let bytes = mac.finalize().into_bytes();
        let mut signature = HeaderValue::try_from(format!("{bytes:x}"))
            .map_err(|_| WriteError::new("the signature is no header value"))?;
        signature.set_sensitive(true);
        request.headers_mut().insert("x-signature", signature);
        Ok(())
    }
}
