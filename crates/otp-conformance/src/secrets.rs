use std::sync::atomic::{AtomicU32, Ordering};

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The secrets of a case: canaries that are found wherever they turn up.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    /// In a header of the request.
    pub(crate) token: String,
    /// In its path.
    pub(crate) otp: String,
    /// In a header of the answer.
    pub(crate) session: String,
    /// In its body.
    pub(crate) code: String,
}

impl Secrets {
    /// Secrets that no other case of this process has.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            token: format!("cAnary-t0ken-{number:06}"),
            otp: format!("cAnary-0tp-{number:06}"),
            session: format!("cAnary-sess10n-{number:06}"),
            code: format!("cAnary-c0de-{number:06}"),
        }
    }

    /// One of them as it stands in a text: raw, percent-encoded, or in base64.
    pub(crate) fn leaked(&self, text: &str) -> Option<String> {
        let all = [&self.token, &self.otp, &self.session, &self.code];
        all.into_iter().find_map(|secret| found(text, secret))
    }
}

/// Whether a text holds a secret in any form.
pub(crate) fn holds(text: &str, secret: &str) -> bool {
    found(text, secret).is_some()
}

/// A secret as it stands in a text: raw, percent-encoded, or in base64 whatever is before and after it.
fn found(text: &str, secret: &str) -> Option<String> {
    let every_byte: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let needed: String = utf8_percent_encode(secret, NON_ALPHANUMERIC).collect();
    let mut forms = vec![secret.to_owned(), every_byte.to_lowercase(), every_byte, needed];
    for before in 0..3 {
        // Of the first and last group only what the secret alone decides.
        let start = (3 - before) % 3;
        let whole = &secret[start..start + (secret.len() - start) / 3 * 3];
        forms.push(BASE64_STANDARD_NO_PAD.encode(whole));
        forms.push(BASE64_URL_SAFE_NO_PAD.encode(whole));
    }
    forms.into_iter().find(|form| text.contains(form.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = "cAnary-t0ken-000007";
        assert!(!holds("nothing to see, cAnary-t0ken-000008", secret));
        for text in [
            format!("token={secret};"),
            "cAnary%2Dt0ken%2D000007".to_owned(),
            secret.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            BASE64_STANDARD_NO_PAD.encode(secret),
            BASE64_STANDARD_NO_PAD.encode(format!(":{secret}!")),
            BASE64_STANDARD_NO_PAD.encode(format!("u:{secret}")),
            BASE64_URL_SAFE_NO_PAD.encode(format!("us:{secret} and more")),
        ] {
            assert!(holds(&text, secret), "{text}");
        }
    }
}
