//! The server's own messages, made fit for a log.

use std::borrow::Cow;

use secrecy::zeroize::Zeroize;
use serde_json::Value;

use crate::Scrubber;

const MAX_MESSAGES: usize = 16;

/// How many are looked at, with empty ones and repetitions.
const MAX_READ: usize = 64;

/// The most of one text of a server that an error repeats.
pub(super) const MAX_BYTES: usize = 512;

/// Reads `{"error"?: string, "errors"?: [string]}`: either, both, or another body altogether, which
/// has no messages.
pub(super) fn read(body: &[u8], scrubber: &Scrubber<'_>) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(body) else { return Vec::new() };
    // An echo is removed before the parser makes copies of it. Where it is no text (`"otp": 123456`), that
    // leaves no JSON, and the body itself is parsed.
    let parsed = match scrubber.text(text) {
        Cow::Borrowed(text) => serde_json::from_str(text),
        Cow::Owned(clean) => serde_json::from_str(&clean).or_else(|_| serde_json::from_str(text)),
    };
    let Ok(mut parsed) = parsed else { return Vec::new() };
    let mut messages: Vec<String> = Vec::new();
    if let Value::Object(fields) = &parsed {
        let error = fields.get("error").and_then(Value::as_str);
        let errors = fields.get("errors").and_then(Value::as_array);
        let errors = errors.into_iter().flatten().filter_map(Value::as_str);
        for text in error.into_iter().chain(errors).take(MAX_READ) {
            let message = scrubber.one_line(text, MAX_BYTES);
            if !message.is_empty() && !messages.contains(&message) {
                messages.push(message);
            }
            if messages.len() == MAX_MESSAGES {
                break;
            }
        }
    }
    wipe(&mut parsed);
    messages
}

/// The body may echo an OTP or the token.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => {
            for (mut name, mut value) in std::mem::take(fields) {
                name.zeroize();
                wipe(&mut value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(body: &str) -> Vec<String> {
        read(body.as_bytes(), &Scrubber::new(["t0ken"]))
    }

    #[test]
    fn either_both_or_neither() {
        assert_eq!(messages(r#"{"error": "a"}"#), ["a"]);
        assert_eq!(messages(r#"{"errors": ["a", "b"]}"#), ["a", "b"]);
        assert_eq!(messages(r#"{"error": "c", "errors": ["a", "c"]}"#), ["c", "a"]);
        for none in
            ["", "<html>", "[]", "null", r#"{"error": 7, "errors": "x"}"#, r#"{"errors": [1]}"#]
        {
            assert_eq!(messages(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn messages_are_fit_for_a_log() {
        assert_eq!(messages(r#"{"error": " a\nb\u001b[31m\u2028c "}"#), ["a b[31m c"]);
        assert_eq!(
            messages(r#"{"error": "the key t0ken is not known"}"#),
            ["the key [redacted] is not known"]
        );
        let long = format!(r#"{{"errors": [{}"{}"]}}"#, r#""a","b","#.repeat(3), "é".repeat(5000));
        let read = messages(&long);
        assert_eq!(read.len(), 3);
        assert!(read[2].len() <= MAX_BYTES && read[2].ends_with('…'));
        let many: Vec<String> = (0..100).map(|i| format!("\"{i}\"")).collect();
        assert_eq!(messages(&format!(r#"{{"errors": [{}]}}"#, many.join(","))).len(), MAX_MESSAGES);
    }

    #[test]
    fn a_message_is_cut_where_the_ellipsis_still_fits() {
        let cut =
            |len: usize| messages(&format!(r#"{{"error": "{}"}}"#, "x".repeat(len)))[0].clone();
        assert_eq!(cut(509), "x".repeat(509));
        assert_eq!(cut(510), "x".repeat(509) + "…");
        assert_eq!(cut(510).len(), MAX_BYTES);
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        assert_eq!(messages(&"[".repeat(60_000)), [""; 0]);
    }
}
