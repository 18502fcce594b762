//! A text as those who decode it would see it, with the place of each byte in the original.

use std::ops::Range;

use secrecy::zeroize::Zeroizing;

use super::visible::{Shown, shown};

/// The bytes of a text without what nobody sees, possibly decoded. Wiped when it is dropped.
pub(super) struct View {
    bytes: Zeroizing<Vec<u8>>,
    /// Where each byte stands in the original; empty if it stands where it stood.
    places: Vec<Range<usize>>,
}

impl View {
    /// The text itself, without control and ignorable characters.
    pub(super) fn of(text: &str) -> Self {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Self { bytes: Zeroizing::new(text.as_bytes().to_vec()), places: Vec::new() };
        }
        let mut view = Self::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            view.push_char(c, at..at + c.len_utf8());
        }
        view
    }

    /// With one layer of escapes taken off: percent-encoding, the escapes of JSON, HTML and Rust. None if
    /// there is none.
    pub(super) fn decoded(&self) -> Option<Self> {
        if !self.bytes.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&')) {
            return None;
        }
        let mut view = Self::with_capacity(self.bytes.len());
        let (mut at, mut escapes) = (0, 0);
        while let Some(&byte) = self.bytes.get(at) {
            let escape = match byte {
                b'%' => percent(&self.bytes[at..]),
                b'\\' => backslash(&self.bytes[at..]),
                b'&' => entity(&self.bytes[at..]),
                _ => None,
            };
            match escape {
                Some((decoded, len)) => {
                    let place = self.place(at..at + len);
                    match decoded {
                        Decoded::Byte(byte) => view.push(byte, place),
                        Decoded::Char(c) => view.push_char(c, place),
                    }
                    at += len;
                    escapes += 1;
                }
                None => {
                    view.push(byte, self.place(at..at + 1));
                    at += 1;
                }
            }
        }
        (escapes > 0).then(|| view.without_encoded_ignorables())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where these bytes stand in the original.
    pub(super) fn place(&self, bytes: Range<usize>) -> Range<usize> {
        match (self.places.get(bytes.start), self.places.get(bytes.end.saturating_sub(1))) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => bytes,
        }
    }

    /// A view never holds more bytes than its original, so its buffer never moves.
    fn with_capacity(len: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(len)), places: Vec::with_capacity(len) }
    }

    fn push(&mut self, byte: u8, place: Range<usize>) {
        self.bytes.push(byte);
        self.places.push(place);
    }

    fn push_char(&mut self, c: char, place: Range<usize>) {
        match shown(c) {
            Shown::No => {}
            Shown::AsSpace => self.push(b' ', place),
            Shown::Yes => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    self.push(byte, place.clone());
                }
            }
        }
    }

    /// Percent-encoding is of bytes: what nobody sees may have become visible as a character only now.
    fn without_encoded_ignorables(self) -> Self {
        let Ok(text) = std::str::from_utf8(&self.bytes) else { return self };
        if text.chars().all(|c| matches!(shown(c), Shown::Yes)) {
            return self;
        }
        let mut view = Self::with_capacity(self.bytes.len());
        for (at, c) in text.char_indices() {
            view.push_char(c, self.place(at..at + c.len_utf8()));
        }
        view
    }
}

enum Decoded {
    Byte(u8),
    Char(char),
}

type Escape = Option<(Decoded, usize)>;

fn hex(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    // `from_str_radix` would take a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}

/// `%74` (RFC 3986 §2.1).
fn percent(text: &[u8]) -> Escape {
    Some((Decoded::Byte(u8::try_from(hex(text.get(1..3)?)?).ok()?), 3))
}

/// `\u0074` and `\/` of JSON (RFC 8259 §7), `\x74`, `\u{74}` and `\U00000074` of Rust, Python and others.
fn backslash(text: &[u8]) -> Escape {
    match text.get(1)? {
        b'x' | b'X' => Some((Decoded::Byte(u8::try_from(hex(text.get(2..4)?)?).ok()?), 4)),
        b'u' | b'U' if text.get(2) == Some(&b'{') => {
            let digits = text.iter().skip(3).take(7).position(|byte| *byte == b'}')?;
            let c = char::from_u32(hex(text.get(3..3 + digits)?)?)?;
            Some((Decoded::Char(c), digits + 4))
        }
        b'U' if text.get(2..10).and_then(hex).and_then(char::from_u32).is_some() => {
            Some((Decoded::Char(char::from_u32(hex(text.get(2..10)?)?)?), 10))
        }
        b'u' | b'U' => {
            let unit = hex(text.get(2..6)?)?;
            if let Some(c) = char::from_u32(unit) {
                return Some((Decoded::Char(c), 6));
            }
            // A pair of surrogates.
            text.get(6..8)?.eq_ignore_ascii_case(b"\\u").then_some(())?;
            let units = [u16::try_from(unit).ok()?, u16::try_from(hex(text.get(8..12)?)?).ok()?];
            let c = char::decode_utf16(units).next()?.ok()?;
            Some((Decoded::Char(c), 12))
        }
        b'n' | b'r' | b't' => Some((Decoded::Byte(b' '), 2)),
        punctuation if punctuation.is_ascii_punctuation() => Some((Decoded::Byte(*punctuation), 2)),
        _ => None,
    }
}

/// `&#116;`, `&#x74;`, and the five names that every escaper knows.
fn entity(text: &[u8]) -> Escape {
    let end = text.iter().take(12).position(|byte| *byte == b';')?;
    let c = match &*text.get(1..end)?.to_ascii_lowercase() {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x', digits @ ..] => char::from_u32(hex(digits)?)?,
        [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        _ => return None,
    };
    Some((Decoded::Char(c), end + 1))
}
