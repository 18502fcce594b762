//! The three secrets of this API. None can be printed or serialized, each compares in constant time
//! and is wiped from memory when it is dropped.

mod auth_token;
mod otp;
mod recovery_code;

pub use auth_token::AuthToken;
pub use otp::Otp;
pub use recovery_code::RecoveryCode;

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::InvalidHeaderValue;
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretString};

/// Moves `text` into an allocation of exactly its size and wipes the one it came in, which shrinking
/// in place would have left behind.
fn seal(mut text: String) -> SecretString {
    let exact: Box<str> = Box::from(text.as_str());
    text.zeroize();
    SecretString::new(exact)
}

/// Lets a header value borrow the secret's own allocation.
struct Shared(Arc<SecretString>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        (*self.0).expose_secret().as_bytes()
    }
}

/// A header value in the secret's own allocation, which is wiped when the last of both is gone. It is marked
/// sensitive: `Debug` hides it, and HTTP/2 never puts it into a compression table (RFC 7541 §7.1.3).
pub(crate) fn sensitive_header(
    secret: &Arc<SecretString>,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let bytes = Bytes::from_owner(Shared(Arc::clone(secret)));
    let mut value = HeaderValue::from_maybe_shared(bytes)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What of a sensitive header's value is secret: all of it, and what follows its scheme (`Bearer …`, RFC 9110
/// §11.4), which a server may repeat alone.
pub(crate) fn credentials(value: &str) -> impl Iterator<Item = &str> {
    std::iter::once(value).chain(value.split_once(' ').map(|(_, credentials)| credentials.trim()))
}

/// Equality whose time depends on the lengths only, a `Debug` that shows nothing, and the word for being
/// wiped, which what they are made of sees to.
macro_rules! behave_as_a_secret {
    ($name:ident) => {
        impl PartialEq for $name {
            /// Compares in constant time for secrets of equal length.
            fn eq(&self, other: &Self) -> bool {
                use secrecy::ExposeSecret;
                use subtle::ConstantTimeEq;
                self.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
            }
        }

        impl Eq for $name {}

        impl secrecy::zeroize::ZeroizeOnDrop for $name {}

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}
use behave_as_a_secret;

/// The ways in for a secret that is checked when it is built.
macro_rules! parse_from_text {
    ($name:ident) => {
        impl std::str::FromStr for $name {
            type Err = crate::Error;
            fn from_str(text: &str) -> Result<Self, crate::Error> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = crate::Error;
            fn try_from(text: &str) -> Result<Self, crate::Error> {
                Self::new(text)
            }
        }

        impl TryFrom<secrecy::SecretString> for $name {
            type Error = crate::Error;
            fn try_from(text: secrecy::SecretString) -> Result<Self, crate::Error> {
                Self::new(secrecy::ExposeSecret::expose_secret(&text))
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::Error;
            fn try_from(text: String) -> Result<Self, crate::Error> {
                Self::new(text)
            }
        }
    };
}
use parse_from_text;
