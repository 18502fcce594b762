//! Which characters a reader sees, and which only hide something or do something to a terminal.

/// What becomes of a character in a line of a log.
pub(super) enum Shown {
    Yes,
    /// It breaks a line, or moves something.
    AsSpace,
    /// It has no width of its own: it would hide what stands around it.
    No,
}

pub(super) fn shown(c: char) -> Shown {
    match c {
        ' '..='~' => Shown::Yes,
        '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Shown::AsSpace,
        _ if c.is_control() || is_ignorable(c) => Shown::No,
        _ if c.is_whitespace() => Shown::AsSpace,
        _ => Shown::Yes,
    }
}

/// Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt), and the marks between annotations.
/// Soft hyphens, zero-width and bidirectional marks are among them.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// On one line, without control and ignorable characters, at most `limit` bytes long.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    for c in text.chars() {
        let c = match shown(c) {
            Shown::Yes => c,
            Shown::AsSpace => ' ',
            Shown::No => continue,
        };
        if line.is_empty() && c == ' ' {
            continue;
        }
        if line.len() + c.len_utf8() > limit - '…'.len_utf8() {
            line.push('…');
            return line;
        }
        line.push(c);
    }
    line.truncate(line.trim_end().len());
    line
}
