use std::fs;
use std::path::PathBuf;

use otp_core::AuthToken;
use otp_core::credentials::{ProviderError, TokenRequest};
use otp_core::secrecy::{ExposeSecret, SecretString};

/// The token in this file, such as a mounted secret. It is read again after the service rejected the last one.
///
/// ```
/// use otp_core::Credentials;
///
/// let credentials = Credentials::from_fn(otp_example_larger_sdk::mounted("/run/secrets/metal".into()));
/// ```
pub fn mounted(path: PathBuf) -> impl Fn(&TokenRequest) -> Result<AuthToken, ProviderError> {
    move |_| {
        let text = SecretString::from(fs::read_to_string(&path)?);
        Ok(AuthToken::new(text.expose_secret().trim())?)
    }
}
