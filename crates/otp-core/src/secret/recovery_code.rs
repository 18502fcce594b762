use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{behave_as_a_secret, seal};

/// One recovery code: whoever has it can get into the account once.
///
/// ```
/// use otp_core::RecoveryCode;
///
/// let code = RecoveryCode::new("abcde-fghij");
/// assert_eq!(format!("{code:?}"), "RecoveryCode([redacted])");
/// ```
///
/// It cannot be printed, and it cannot be serialized; it can be read from JSON:
///
/// ```compile_fail,E0277
/// println!("{}", otp_core::RecoveryCode::new("abcde-fghij"));
/// ```
///
/// ```compile_fail,E0277
/// fn serialize<T: serde::Serialize>(_: T) {}
/// serialize(otp_core::RecoveryCode::new("abcde-fghij"));
/// ```
///
/// ```
/// fn deserialize<T: serde::de::DeserializeOwned>() {}
/// deserialize::<otp_core::RecoveryCode>();
/// ```
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct RecoveryCode(SecretString);

impl RecoveryCode {
    /// Takes the code as the service wrote it; the OpenAPI document says only that it is a string.
    pub fn new(code: impl Into<String>) -> Self {
        Self(seal(code.into()))
    }
}

impl ExposeSecret<str> for RecoveryCode {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

behave_as_a_secret!(RecoveryCode);
