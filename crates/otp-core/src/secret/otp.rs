use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretString};

use super::{RecoveryCode, behave_as_a_secret, parse_from_text, seal};
use crate::Error;

const MAX_LEN: usize = 64;

/// A one-time password, as a person typed or pasted it.
///
/// ```
/// use otp_core::Otp;
/// use otp_core::secrecy::ExposeSecret;
///
/// assert_eq!(Otp::new(" 123 456\n")?.expose_secret(), "123456");
/// assert!(Otp::new("../recovery-codes").is_err());
/// # Ok::<(), otp_core::Error>(())
/// ```
///
/// The API takes it in the request's path. That is why only letters, digits, `-` and `_` are allowed:
/// none of them means anything in a URL, so no OTP can change which endpoint is called.
///
/// It cannot be printed, and it cannot be serialized:
///
/// ```compile_fail,E0277
/// println!("{}", otp_core::Otp::new("123456").unwrap());
/// ```
///
/// ```compile_fail,E0277
/// fn serialize<T: serde::Serialize>(_: T) {}
/// serialize(otp_core::Otp::new("123456").unwrap());
/// ```
#[derive(Clone)]
pub struct Otp(SecretString);

impl Otp {
    /// Drops ASCII white space, then takes 1 to 64 ASCII letters, digits, `-` or `_`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for anything else, naming the
    /// position but never the character.
    pub fn new(otp: impl Into<String>) -> Result<Self, Error> {
        let mut pasted = otp.into();
        let kept = keep(&pasted);
        pasted.zeroize();
        kept.map(|otp| Self(seal(otp))).map_err(|what| {
            Error::invalid_input(format!(
                "invalid OTP: {what}; an OTP is 1 to {MAX_LEN} ASCII letters, digits, '-' or '_', \
                 and white space in it is ignored"
            ))
        })
    }
}

/// The significant characters of what was pasted, in an allocation that never grows.
fn keep(pasted: &str) -> Result<String, String> {
    let significant = || pasted.char_indices().filter(|(_, c)| !c.is_ascii_whitespace());
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if let Some((at, _)) = significant().find(|&(_, c)| !allowed(c)) {
        return Err(format!("the character at byte {at} is not allowed"));
    }
    match significant().count() {
        0 => Err("it is empty".to_owned()),
        len if len > MAX_LEN => Err(format!("it has {len} characters")),
        len => {
            let mut kept = String::with_capacity(len);
            kept.extend(significant().map(|(_, c)| c));
            Ok(kept)
        }
    }
}

impl ExposeSecret<str> for Otp {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A recovery code is taken in the place of an OTP, once.
///
/// ```
/// use otp_core::{Otp, RecoveryCode};
///
/// let on_paper = RecoveryCode::new("abcde-fghij");
/// let otp = Otp::try_from(&on_paper)?;
/// # let _ = otp;
/// # Ok::<(), otp_core::Error>(())
/// ```
impl TryFrom<&RecoveryCode> for Otp {
    type Error = Error;

    /// # Errors
    ///
    /// As [`Otp::new`]: the API says only that a recovery code is a string, and this goes into a path.
    fn try_from(code: &RecoveryCode) -> Result<Self, Error> {
        Self::new(code.expose_secret())
    }
}

behave_as_a_secret!(Otp);
parse_from_text!(Otp);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn what_a_person_pastes_is_understood() {
        for (pasted, meant) in [
            ("123456", "123456"),
            ("123 456", "123456"),
            ("\t12\r\n34 ", "1234"),
            ("aB-9_", "aB-9_"),
        ] {
            assert_eq!(Otp::new(pasted).unwrap().expose_secret(), meant);
        }
        assert!(Otp::new("7".repeat(64)).is_ok());
    }

    #[test]
    fn a_recovery_code_is_one_unless_it_could_change_the_path() {
        let otp = Otp::try_from(&RecoveryCode::new("abcde-fghij")).unwrap();
        assert_eq!(otp.expose_secret(), "abcde-fghij");
        let error = Otp::try_from(&RecoveryCode::new("../sms")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn what_could_change_the_path_is_refused_without_repeating_it() {
        let long = "7".repeat(65);
        for bad in
            ["", "  ", "12/34", "..", "12?x", "12#x", "12%2f", "１２", "12\u{a0}34", "a\0", &long]
        {
            let error = Otp::new(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let sentence = error.to_string();
            assert!(sentence.contains("1 to 64 ASCII letters"), "{sentence}");
            assert!(bad.trim().is_empty() || !sentence.contains(bad), "{sentence}");
        }
    }
}
