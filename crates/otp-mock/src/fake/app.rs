//! An authenticator app and the service's half of it (RFC 6238).

use otp_core::Otp;
use otp_core::secrecy::SecretString;
use totp_rs::{Rfc6238, TOTP};

/// How app codes are made and accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct AppSettings {
    /// Seconds that a code is shown.
    pub(super) step: u64,
    /// Steps before and after the current one whose codes are accepted.
    pub(super) skew: u8,
}

impl Default for AppSettings {
    fn default() -> Self {
        Self { step: 30, skew: 1 }
    }
}

/// The secret that app and service share, and which codes are used up.
#[derive(Clone)]
pub(super) struct Authenticator {
    totp: TOTP,
    /// No code of this step or an earlier one is accepted any more (RFC 6238 §5.2).
    used: Option<u64>,
}

impl Authenticator {
    pub(super) fn new(secret: Vec<u8>, settings: AppSettings) -> Self {
        // By its settings rather than by `TOTP::new`, whose arguments differ by feature.
        let totp = Rfc6238::with_defaults(secret).map_err(|error| error.to_string());
        let totp = totp.and_then(|rfc| TOTP::from_rfc6238(rfc).map_err(|error| error.to_string()));
        let mut totp = match totp {
            Ok(totp) => totp,
            Err(error) => unreachable!("a secret of 160 bits is long enough: {error}"),
        };
        totp.step = settings.step.max(1);
        totp.skew = settings.skew;
        Self { totp, used: None }
    }

    /// The code that the app shows at this time.
    pub(super) fn code_at(&self, unix_seconds: u64) -> Option<Otp> {
        Otp::new(self.totp.generate(unix_seconds)).ok()
    }

    /// The secret in base32, as a person types it into an app.
    pub(super) fn secret(&self) -> SecretString {
        SecretString::from(self.totp.get_secret_base32())
    }

    /// Whether the code is right at this time, and not used; then it is used up.
    pub(super) fn accept(&mut self, otp: &Otp, unix_seconds: u64) -> bool {
        let current = unix_seconds / self.totp.step;
        let skew = u64::from(self.totp.skew);
        let accepted = (current.saturating_sub(skew)..=current.saturating_add(skew))
            .filter(|step| self.used.is_none_or(|used| *step > used))
            .rfind(|step| {
                let seconds = step.saturating_mul(self.totp.step);
                self.code_at(seconds).is_some_and(|code| code == *otp)
            });
        self.used = accepted.or(self.used);
        accepted.is_some()
    }
}

#[cfg(test)]
mod tests {
    use otp_core::secrecy::ExposeSecret;

    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn app(skew: u8) -> Authenticator {
        Authenticator::new(SECRET.to_vec(), AppSettings { step: 30, skew })
    }

    #[test]
    fn it_shows_what_rfc_6238_says() {
        // Appendix B; the last six digits of its eight.
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(app(1).code_at(time).unwrap().expose_secret(), code);
        }
    }

    #[test]
    fn a_code_is_accepted_once_and_within_the_skew() {
        for (skew, later, accepted) in
            [(0, 0, true), (0, 30, false), (1, 30, true), (1, 60, false), (2, 60, true)]
        {
            let mut app = app(skew);
            let code = app.code_at(600).unwrap();
            assert_eq!(app.accept(&code, 600 + later), accepted, "skew {skew}, {later} s later");
            assert!(!app.accept(&code, 600 + later), "a replay");
        }
    }

    #[test]
    fn a_code_that_is_older_than_a_used_one_is_not_accepted() {
        let mut app = app(1);
        let (old, new) = (app.code_at(570).unwrap(), app.code_at(600).unwrap());
        assert!(app.accept(&new, 600));
        assert!(!app.accept(&old, 600));
    }
}
