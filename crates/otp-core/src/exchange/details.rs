//! The body of an error, for a typed value to be read from.

use std::borrow::Cow;

use secrecy::zeroize::{Zeroize, Zeroizing};
use serde_json::Value;

use super::messages::wipe;
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
        Cow::Owned(_) => scrub_values(body, scrubber),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The body with each of its values scrubbed. None if that does not find every echo.
fn scrub_values(body: &str, scrubber: &Scrubber<'_>) -> Option<String> {
    let mut parsed = serde_json::from_str(body).ok()?;
    scrub(&mut parsed, scrubber);
    let text = Zeroizing::new(parsed.to_string());
    wipe(&mut parsed);
    match scrubber.text(text.as_str()) {
        Cow::Borrowed(clean) => Some(clean.to_owned()),
        Cow::Owned(_) => None,
    }
}

fn scrub(value: &mut Value, scrubber: &Scrubber<'_>) {
    match value {
        Value::String(text) => scrub_text(text, scrubber),
        Value::Number(number) => {
            let text = Zeroizing::new(number.to_string());
            if let Cow::Owned(clean) = scrubber.text(text.as_str()) {
                *value = Value::String(clean);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, scrubber)),
        Value::Object(fields) => {
            for (mut name, mut value) in std::mem::take(fields) {
                scrub_text(&mut name, scrubber);
                scrub(&mut value, scrubber);
                fields.insert(name, value);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn scrub_text(text: &mut String, scrubber: &Scrubber<'_>) {
    if let Cow::Owned(clean) = scrubber.text(text.as_str()) {
        text.zeroize();
        *text = clean;
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
            (r#"{"a": 123456, "b": 7}"#, r#"{"a":"[redacted]","b":7}"#),
            (r#"{"a": [{"k3y-of-mine": [123456]}]}"#, r#"{"a":[{"[redacted]":["[redacted]"]}]}"#),
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
