//! Text from others, as it may be printed: a phone, a name or an argument can hold characters that move the cursor, clear
//! the screen, change the direction of the text or cannot be seen.

/// Whether a terminal may act on this character, or shows nothing for it.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // The soft hyphen, and fillers that have no width or no ink.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{3164}' | '\u{ffa0}'
            // Marks of direction.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            // Without width, and the separators of lines and paragraphs.
            | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            // Musical marks, tags, and what else chooses how others look.
            | '\u{fe00}'..='\u{fe0f}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// This text with the hidden characters as Rust escapes them, such as `\u{1b}`.
#[allow(dead_code, reason = "the program uses it, the library does not")]
pub(crate) fn text(text: &str) -> String {
    escape(text, |character| character.escape_unicode().to_string())
}

/// This text of several lines.
#[allow(dead_code, reason = "the program uses it, the library does not")]
pub(crate) fn lines(lines: &str) -> String {
    lines.split('\n').map(text).collect::<Vec<_>>().join("\n")
}

/// This JSON with the hidden characters as JSON escapes them, such as `\u001b`.
#[allow(dead_code, reason = "the library uses it, the program does not")]
pub(crate) fn json(json: &str) -> String {
    escape(json, |character| {
        let mut units = [0; 2];
        character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

fn escape(text: &str, written: impl Fn(char) -> String) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match is_hidden(character) {
            true => escaped.push_str(&written(character)),
            false => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_all_others_are_kept() {
        for (given, printed) in [
            ("+1 555 0123, Zoë, 李, 🙂, \\", "+1 555 0123, Zoë, 李, 🙂, \\"),
            ("\u{1b}[2J\nSMS to bob", "\\u{1b}[2J\\u{a}SMS to bob"),
            ("\r\t\u{7f}\u{9b}", "\\u{d}\\u{9}\\u{7f}\\u{9b}"),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
            ("a\u{200b}\u{feff}\u{2028}", "a\\u{200b}\\u{feff}\\u{2028}"),
        ] {
            assert_eq!(text(given), printed);
        }
        assert_eq!(lines("a\n\u{1b}\n"), "a\n\\u{1b}\n");
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let value = serde_json::json!({ "user": "a\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}" });
        let written = json(&value.to_string());
        assert!(written.is_ascii(), "{written}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), value);
    }
}
