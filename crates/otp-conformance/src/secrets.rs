use std::fmt::Write as _;
use std::sync::Arc;
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
    forms: Arc<Forms>,
}

impl Secrets {
    /// Secrets that no other case of this process has.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let token = format!("cAnary-t0ken-{number:06}");
        let otp = format!("cAnary-0tp-{number:06}");
        let session = format!("cAnary-sess10n-{number:06}");
        let code = format!("cAnary-c0de-{number:06}");
        let forms = Arc::new(Forms::of([&token, &otp, &session, &code]));
        Self { token, otp, session, code, forms }
    }

    /// One of them as it stands in a text, in any form.
    pub(crate) fn leaked(&self, text: &str) -> Option<String> {
        self.forms.found(text)
    }
}

/// Whether a text holds a secret in any form.
pub(crate) fn holds(text: &str, secret: &str) -> bool {
    Forms::of([secret]).found(text).is_some()
}

/// How secrets may be written.
#[derive(Debug)]
struct Forms {
    /// In upper or lower case, which is how they are here.
    of_any_case: Vec<String>,
    of_this_case: Vec<String>,
}

impl Forms {
    fn of<'s>(secrets: impl IntoIterator<Item = &'s (impl AsRef<str> + ?Sized + 's)>) -> Self {
        let mut forms = Self { of_any_case: Vec::new(), of_this_case: Vec::new() };
        for secret in secrets {
            forms.add(secret.as_ref());
        }
        forms
    }

    fn add(&mut self, secret: &str) {
        let each = |write: fn(u8) -> String| secret.bytes().map(write).collect::<Vec<_>>();
        let encoded: String = utf8_percent_encode(secret, NON_ALPHANUMERIC).collect();
        let hex = each(|byte| format!("{byte:02x}"));
        let hex_number = each(|byte| format!("0x{byte:02x}"));
        let number = each(|byte| byte.to_string());
        self.of_any_case.extend([
            secret.to_lowercase(),
            encoded.to_lowercase(),
            // Encoded once more.
            encoded.to_lowercase().replace('%', "%25"),
            each(|byte| format!("%{byte:02x}")).concat(),
            // As hexadecimal numbers, in a row and apart.
            hex.concat(),
            hex.join(" "),
            hex.join(", "),
            hex.join(":"),
            hex_number.join(", "),
            hex_number.join(","),
            hex_number.join(" "),
            // As escapes in a string, of every byte or of what is no letter.
            each(|byte| format!("\\x{byte:02x}")).concat(),
            each(|byte| format!("\\u{byte:04x}")).concat(),
            each(|byte| format!("\\u{{{byte:x}}}")).concat(),
            each(|byte| format!("&#{byte};")).concat(),
            secret.to_lowercase().replace('-', "\\x2d"),
            secret.to_lowercase().replace('-', "\\u002d"),
            secret.to_lowercase().replace('-', "&#45;"),
            // As the `Debug` of bytes, and the same over many lines.
            number.join(", "),
            number.join(","),
            number.join(" "),
        ]);
        let mut backwards: String = secret.chars().rev().collect();
        backwards.make_ascii_lowercase();
        self.of_any_case.push(backwards);
        for before in 0..3 {
            // Of the first and last group only what the secret alone decides.
            let start = (3 - before) % 3;
            let whole = &secret[start..start + (secret.len() - start) / 3 * 3];
            self.of_this_case.push(BASE64_STANDARD_NO_PAD.encode(whole));
            self.of_this_case.push(BASE64_URL_SAFE_NO_PAD.encode(whole));
        }
    }

    /// One of them as it stands in a text.
    fn found(&self, text: &str) -> Option<String> {
        if let Some(form) = self.of_this_case.iter().find(|form| text.contains(form.as_str())) {
            return Some(form.clone());
        }
        // `{:#?}` of bytes has each of them on a line.
        let lines = text.split_whitespace().fold(String::new(), |mut line, word| {
            let _ = write!(line, "{}{word}", if line.is_empty() { "" } else { " " });
            line
        });
        let lower = [text.to_ascii_lowercase(), lines.to_ascii_lowercase()];
        let held = |form: &&String| lower.iter().any(|text| text.contains(form.as_str()));
        let form = self.of_any_case.iter().find(held)?;
        // As it stands there, if it is on one line.
        let at = lower[0].find(form.as_str());
        let own = at.and_then(|at| text.get(at..at + form.len()));
        Some(own.unwrap_or(form).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = "cAnary-t0ken-000007";
        assert!(!holds("nothing to see, cAnary-t0ken-000008", secret));
        assert!(!holds(&format!("{:?}", b"cAnary-t0ken-000008"), secret));
        for text in [
            format!("token={secret};"),
            "cAnary%2Dt0ken%2D000007".to_owned(),
            "canary%252dt0ken%252d000007".to_owned(),
            secret.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            BASE64_STANDARD_NO_PAD.encode(secret),
            BASE64_STANDARD_NO_PAD.encode(format!(":{secret}!")),
            BASE64_STANDARD_NO_PAD.encode(format!("u:{secret}")),
            BASE64_URL_SAFE_NO_PAD.encode(format!("us:{secret} and more")),
            format!("{:?}", secret.as_bytes()),
            format!("{:#?}", secret.as_bytes()),
            format!("{:?}", format!("/verify/{secret}?").as_bytes()),
            format!("{:x?}", secret.as_bytes()),
            format!("{:x?}", secret.as_bytes()).replace(", ", " "),
            format!("{:#04x?}", secret.as_bytes()),
            format!("{:02X?}", secret.as_bytes()).replace(", ", ":"),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
            secret.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
            secret.escape_unicode().to_string(),
            secret.to_uppercase(),
            secret.chars().rev().collect(),
        ] {
            assert!(holds(&text, secret), "{text}");
        }
    }

    #[test]
    fn a_find_is_shown_as_it_stands_in_the_text() {
        let secrets = Secrets::new();
        let shouted = secrets.otp.to_uppercase();
        assert_eq!(secrets.leaked(&format!("see {shouted}!")), Some(shouted));
        assert_eq!(secrets.leaked(&format!("see {}!", secrets.token)), Some(secrets.token.clone()));
    }
}
