//! The server's own messages, made fit for a log.

use serde_json::Value;

use super::scrub::Scrubber;

const MAX_MESSAGES: usize = 16;
const MAX_BYTES: usize = 512;

/// Reads `{"error"?: string, "errors"?: [string]}`: either, both, or another body altogether, which
/// has no messages.
pub(super) fn read(body: &[u8], scrubber: &Scrubber) -> Vec<String> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return Vec::new() };
    let error = fields.get("error").and_then(Value::as_str);
    let errors = fields.get("errors").and_then(Value::as_array);
    let mut messages: Vec<String> = Vec::new();
    for text in error.into_iter().chain(errors.into_iter().flatten().filter_map(Value::as_str)) {
        let message = one_line(text, scrubber);
        if messages.len() < MAX_MESSAGES && !message.is_empty() && !messages.contains(&message) {
            messages.push(message);
        }
    }
    messages
}

/// Without secrets, without control characters, and not too long, in this order: half a secret would
/// not be recognized.
pub(super) fn one_line(text: &str, scrubber: &Scrubber) -> String {
    let scrubbed = scrubber.text(text);
    let mut line = String::new();
    for c in scrubbed.trim().chars() {
        // Line breaks and terminal escapes must not reach a log.
        let c = if c.is_control() || is_invisible(c) { ' ' } else { c };
        if line.len() + c.len_utf8() > MAX_BYTES - '…'.len_utf8() {
            line.push('…');
            break;
        }
        line.push(c);
    }
    line
}

/// Line and paragraph separators, and the marks that reorder text.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
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
        assert_eq!(messages(r#"{"error": " a\nb\u001b[31m\u2028c "}"#), ["a b [31m c"]);
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
