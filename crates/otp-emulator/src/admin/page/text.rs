//! Texts as HTML: escaped, isolated, visible, or masked.

use std::fmt::{self, Display, Write};

/// A text as HTML.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_string().chars().try_for_each(|character| escape(f, character))
    }
}

fn escape(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        '\'' => f.write_str("&#39;"),
        other => f.write_char(other),
    }
}

/// A text that somebody chose, such as a name. Its direction cannot change the text around it, and each of its
/// characters can be seen: one without a shape is shown as its code point, such as `U+202E`.
pub(super) struct Name<'a>(pub(super) &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        if self.0.trim().is_empty() {
            f.write_str("<i>(blank)</i>")?;
        }
        let mut before = None;
        let mut characters = self.0.chars().peekable();
        while let Some(character) = characters.next() {
            if has_shape(before, character, characters.peek().copied()) {
                escape(f, character)?;
            } else {
                write!(f, "<span class=\"code-point\">U+{:04X}</span>", u32::from(character))?;
            }
            before = Some(character);
        }
        f.write_str("</bdi>")
    }
}

/// Whether a reader sees that this character is there.
fn has_shape(before: Option<char>, character: char, after: Option<char>) -> bool {
    match character {
        // Joiners belong to emoji and to scripts such as Persian and Hindi; between Latin letters they only hide.
        '\u{200C}' | '\u{200D}' => {
            let joins = |side: Option<char>| side.is_some_and(|side| side > '\u{24F}');
            joins(before) && joins(after)
        }
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180E}'
        | '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}' => false,
        other => !other.is_control(),
    }
}

/// A secret of which only the end is shown, and nothing if it is short.
pub(super) struct Masked<'a>(pub(super) &'a str);

impl Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.0.chars().count();
        let shown = if len > 4 { 2 } else { 0 };
        let end: String = self.0.chars().skip(len - shown).collect();
        write!(f, "<code><span aria-hidden=\"true\">••••</span>{}</code>", Escaped(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text() {
        assert_eq!(Escaped("<b a='\"'>&").to_string(), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(Name("<b>").to_string(), "<bdi>&lt;b&gt;</bdi>");
        assert_eq!(Name("").to_string(), "<bdi><i>(blank)</i></bdi>");
    }

    #[test]
    fn characters_without_a_shape_are_shown_as_code_points() {
        for hidden in [
            '\0', '\n', '\u{1b}', '\u{9b}', '\u{ad}', '\u{200b}', '\u{202e}', '\u{2066}',
            '\u{feff}',
        ] {
            let point = format!("<span class=\"code-point\">U+{:04X}</span>", u32::from(hidden));
            let shown = Name(&format!("ann{hidden}b")).to_string();
            assert_eq!(shown, format!("<bdi>ann{point}b</bdi>"));
        }
        assert!(Name("ad\u{200c}min").to_string().contains("U+200C"), "it looks like admin");
    }

    #[test]
    fn joiners_stay_where_a_script_or_an_emoji_needs_them() {
        for name in ["می\u{200c}خواهم", "👩\u{200d}🚀", "क्\u{200d}ष", "שלום", "O’Brien", "李"]
        {
            assert_eq!(Name(name).to_string(), format!("<bdi>{name}</bdi>"));
        }
    }

    #[test]
    fn secrets_are_masked() {
        let masked = |end| format!("<code><span aria-hidden=\"true\">••••</span>{end}</code>");
        assert_eq!(Masked("123456").to_string(), masked("56"));
        assert_eq!(Masked("abcde-fghij").to_string(), masked("ij"));
        assert_eq!(Masked("1234").to_string(), masked(""));
        assert_eq!(Masked("").to_string(), masked(""));
    }
}
