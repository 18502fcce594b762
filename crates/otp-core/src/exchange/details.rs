//! The body of an error, for a typed value to be read from.

use std::borrow::Cow;

use secrecy::zeroize::Zeroizing;

use crate::Scrubber;

/// The longest body that is kept.
const MAX_BYTES: usize = 16 * 1024;

/// A body that is a JSON object and not too long, without secrets.
pub(super) fn read(body: &[u8], scrubber: &Scrubber<'_>) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?.trim_ascii();
    if !body.starts_with('{') || body.len() > MAX_BYTES {
        return None;
    }
    match scrubber.text(body) {
        Cow::Borrowed(body) => Some(body.to_owned()),
        Cow::Owned(clean) if is_json(&clean) => Some(clean),
        // An echo that is no text (`"otp": 123456`) leaves no JSON.
        Cow::Owned(_) => scrub_tokens(body, scrubber),
    }
}

/// Of a clean text. The parser is the one that messages are read with: an `IgnoredAny` would need a second one.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// The body with each of its strings and numbers scrubbed. None if that does not find every echo.
fn scrub_tokens(body: &str, scrubber: &Scrubber<'_>) -> Option<String> {
    let mut clean = Zeroizing::new(String::with_capacity(2 * body.len()));
    let mut rest = body;
    while !rest.is_empty() {
        let (token, after) = rest.split_at(token_len(rest));
        match scrubber.text(token) {
            Cow::Borrowed(token) => clean.push_str(token),
            Cow::Owned(text) if token.starts_with('"') => clean.push_str(&text),
            Cow::Owned(text) => clean.extend(["\"", &text, "\""]),
        }
        rest = after;
    }
    let is_clean = matches!(scrubber.text(clean.as_str()), Cow::Borrowed(_));
    (is_clean && is_json(&clean)).then(|| std::mem::take(&mut *clean))
}

/// How long the first token of a JSON text is: a string with its quotes, a number or a word, or one character.
fn token_len(text: &str) -> usize {
    if let Some(string) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = string.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        return end.map_or(text.len(), |end| end + 2);
    }
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    match text.find(|c| !is_of_word(c)) {
        Some(0) => text.chars().next().map_or(0, char::len_utf8),
        word => word.unwrap_or(text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(body: &str) -> Option<String> {
        read(body.as_bytes(), &Scrubber::new(["123456", "k3y-of-mine"]))
    }

    #[test]
    fn an_echo_is_removed_wherever_it_is() {
        for (body, clean) in [
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
            (r#"{"a": "no 123456"}"#, r#"{"a": "no [redacted]"}"#),
            (r#"{"a": 123456, "b": 7}"#, r#"{"a": "[redacted]", "b": 7}"#),
            (r#"{"é": 123456}"#, r#"{"é": "[redacted]"}"#),
            (
                r#"{"\"": 123456, "\\": "\u0031\u00323456"}"#,
                r#"{"\"": "[redacted]", "\\": "[redacted]"}"#,
            ),
            (r#"{"a": [{"k3y-of-mine": [123456]}]}"#, r#"{"a": [{"[redacted]": ["[redacted]"]}]}"#),
        ] {
            assert_eq!(details(body).as_deref(), Some(clean));
        }
    }

    #[test]
    fn what_is_no_object_or_cannot_be_cleaned_is_not_kept() {
        for body in ["", "[1]", "123456", "{\"a\": 123456", "a{}"] {
            assert_eq!(details(body), None, "{body}");
        }
        // The bytes of a secret as numbers.
        assert_eq!(details(r#"{"a": [107, 51, 121, 45, 111, 102, 45, 109, 105, 110, 101]}"#), None);
    }
}
