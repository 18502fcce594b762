use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::echo::decode_base64;

/// A shorter part of a header is a word such as `Bearer`.
const TELLING: usize = 8;

/// The secrets that a request carries, for removing their echoes from what a server says. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<Arc<SecretString>>);

impl Secrets {
    pub(crate) const NONE: Self = Self(Vec::new());

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.0.push(Arc::new(SecretString::from(secret)));
        }
    }

    /// Adds what of a sensitive header is secret: all of its value, and the parts of it that a server may repeat
    /// alone, such as what follows its scheme (`Bearer …`, RFC 9110 §11.4), the value of a parameter, and a
    /// password (RFC 7617).
    pub(crate) fn add_header(&mut self, value: &HeaderValue) {
        let bytes = value.as_bytes();
        let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
        match std::str::from_utf8(bytes) {
            Ok(utf8) => text.push_str(utf8),
            // Probably Latin-1, in which each byte is a character.
            Err(_) => text.extend(bytes.iter().map(|byte| char::from(*byte))),
        }
        self.add(&text);
        let parts = text.split(|c: char| c.is_whitespace() || ",;=\"".contains(c));
        for part in parts.filter(|part| part.len() >= TELLING && part.len() < text.len()) {
            self.add(part);
        }
        if let Some(password) = text.split_once(' ').and_then(|(scheme, pair)| {
            let pair = scheme.eq_ignore_ascii_case("basic").then(|| decode_base64(pair.trim()))?;
            let password = pair.split(|byte| *byte == b':').nth(1)?.len();
            let at = pair.len() - password;
            Some(Zeroizing::new(std::str::from_utf8(&pair[at..]).ok()?.to_owned()))
        }) {
            self.add(&password);
        }
    }

    /// Adds those that are not among these yet. An operation writes the same at each attempt, as a rule.
    pub(crate) fn extend(&mut self, others: &Self) {
        for other in &others.0 {
            if !self.iter().any(|secret| secret == (**other).expose_secret()) {
                self.0.push(Arc::clone(other));
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|secret| (**secret).expose_secret())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_header_that_may_come_back_alone_are_secrets_too() {
        for (value, alone) in [
            ("Bearer abcdefghijk", "abcdefghijk"),
            ("bearer\tabcdefghijk", "abcdefghijk"),
            ("ApiKey key=\"abcdefghijk\"", "abcdefghijk"),
            ("Token token=abcdefghijk", "abcdefghijk"),
            ("session=abcdefghijk; Path=/", "abcdefghijk"),
            ("Basic dXNlcjpodW50ZXIyMg==", "hunter22"),
            ("basic dXNlcjpodW50ZXIyMg==", "hunter22"),
            ("abcdefghijk", "abcdefghijk"),
        ] {
            let mut secrets = Secrets::default();
            secrets.add_header(&HeaderValue::from_str(value).unwrap());
            assert!(secrets.iter().any(|secret| secret == alone), "{value}");
            assert!(secrets.iter().any(|secret| secret == value), "{value}");
            assert!(!secrets.iter().any(|secret| secret.len() < 8), "{value}");
        }
        let mut secrets = Secrets::default();
        secrets.add_header(&HeaderValue::from_bytes(b"p\xe4ssw\xf6rter").unwrap());
        assert_eq!(secrets.iter().collect::<Vec<_>>(), ["pässwörter"]);
    }
}
