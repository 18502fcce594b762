//! Finds the echoes of secrets in a text, in the forms in which programs write such things.
//!
//! Each form is searched in a stream that is made of the text: of its characters, of its hexadecimal digits, of its
//! numbers, of its base64. So the work grows with the text and not with the text times the secret, whatever
//! both are.

use std::ops::Range;

use memchr::memmem;
use secrecy::zeroize::Zeroizing;

use super::view::View;

/// A shorter secret is a part of many a word. It counts only where it stands alone: a letter typed for an
/// OTP must not cost the id of the request.
const SHORT: usize = 4;

/// So does a word: a token such as `test` is a part of others.
const WORD: usize = 8;

/// From this length on, white space and punctuation within an echo do not hide it: `123 456`, `123-456`.
const LONG: usize = 6;

/// How many layers of escapes are taken off: JSON in JSON in a URL has three.
const LAYERS: usize = 3;

/// The places of all these secrets in this text, in order, not overlapping.
pub(super) fn find(text: &str, secrets: &[&str]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // No form of a secret is shorter than what is significant of it.
    if secrets.iter().all(|secret| text.len() < significant(secret.as_bytes()).count()) {
        return found;
    }
    let mut view = View::of(text);
    for layer in 0..=LAYERS {
        find_in(&view, secrets, &mut found);
        match view.decoded() {
            Some(decoded) if layer < LAYERS => view = decoded,
            _ => break,
        }
    }
    merged(found)
}

fn find_in(view: &View, secrets: &[&str], found: &mut Vec<Range<usize>>) {
    let text = view.bytes();
    for read in [characters, loose_characters, hexadecimal, decimal, base64] {
        let stream = read(text);
        for secret in secrets.iter().map(|secret| secret.as_bytes()) {
            stream.find(secret, |echo| found.push(view.place(echo)), text);
        }
    }
}

/// Sorted, with what overlaps in one.
fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_unstable_by_key(|echo| echo.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for echo in found {
        match merged.last_mut() {
            Some(last) if echo.start <= last.end => last.end = last.end.max(echo.end),
            _ => merged.push(echo),
        }
    }
    merged
}

/// What stands between the parts of a secret that somebody has put into groups, or written as characters in
/// quotes; `+` is a space in a form.
fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"-.,+'\"".contains(&byte)
}

fn significant(secret: &[u8]) -> impl Iterator<Item = u8> {
    secret.iter().copied().filter(|byte| !is_between(*byte))
}

/// How a secret is written in a stream.
#[derive(Clone, Copy)]
enum Form {
    Characters,
    LooseCharacters,
    Hexadecimal,
    Decimal,
    Base64,
}

/// A text, read as one form. Wiped when it is dropped.
struct Stream {
    form: Form,
    symbols: Zeroizing<Vec<u8>>,
    /// Where each symbol begins and ends in the text; empty if it stands where it stood.
    places: Vec<(u32, u32)>,
    /// Where the stream is broken: an echo does not reach over it.
    breaks: Vec<u32>,
}

impl Stream {
    fn new(form: Form, len: usize) -> Self {
        let symbols = Zeroizing::new(Vec::with_capacity(len));
        Self { form, symbols, places: Vec::new(), breaks: Vec::new() }
    }

    fn push(&mut self, symbol: u8, place: Range<usize>) {
        self.symbols.push(symbol);
        self.places.push((place.start as u32, place.end as u32));
    }

    fn interrupt(&mut self) {
        let at = self.symbols.len() as u32;
        if self.breaks.last() != Some(&at) {
            self.breaks.push(at);
        }
    }

    fn place(&self, symbols: &Range<usize>) -> Range<usize> {
        match (self.places.get(symbols.start), self.places.get(symbols.end - 1)) {
            (Some((start, _)), Some((_, end))) => *start as usize..*end as usize,
            _ => symbols.clone(),
        }
    }

    fn is_broken_within(&self, symbols: &Range<usize>) -> bool {
        let after = self.breaks.partition_point(|at| *at as usize <= symbols.start);
        self.breaks.get(after).is_some_and(|at| (*at as usize) < symbols.end)
    }

    fn find(&self, secret: &[u8], mut found: impl FnMut(Range<usize>), text: &[u8]) {
        let lower = |bytes: &mut dyn Iterator<Item = u8>| {
            let mut needle = Zeroizing::new(Vec::with_capacity(secret.len() * 2));
            needle.extend(bytes.map(|byte| byte.to_ascii_lowercase()));
            needle
        };
        match self.form {
            Form::Characters => {
                let is_word = secret.len() < WORD && secret.iter().all(u8::is_ascii_alphabetic);
                let must_stand_alone = secret.len() < SHORT || is_word;
                self.search(&lower(&mut secret.iter().copied()), |echo| {
                    let alone = || {
                        !ends_in_a_word(&text[..echo.start])
                            && !starts_with_a_word(&text[echo.end..])
                    };
                    if !must_stand_alone || alone() {
                        found(echo);
                    }
                });
            }
            Form::LooseCharacters => {
                let needle = lower(&mut significant(secret));
                // The letters of one word may be those of two others.
                let is_word = needle.len() == secret.len()
                    && needle.len() < 2 * WORD
                    && needle.iter().all(u8::is_ascii_alphabetic);
                if needle.len() >= LONG && !is_word {
                    self.search(&needle, found);
                }
            }
            Form::Hexadecimal if secret.len() >= SHORT => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digits =
                    |byte: u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
                let mut needle = Zeroizing::new(Vec::with_capacity(secret.len() * 2));
                needle.extend(secret.iter().flat_map(|byte| digits(*byte)));
                self.search(&needle, &mut found);
                let mut lowercase = lower(&mut secret.iter().copied());
                if *lowercase != secret {
                    needle.clear();
                    needle.extend(lowercase.iter().flat_map(|byte| digits(*byte)));
                    self.search(&needle, &mut found);
                }
                lowercase.make_ascii_uppercase();
                if *lowercase != secret {
                    needle.clear();
                    needle.extend(lowercase.iter().flat_map(|byte| digits(*byte)));
                    self.search(&needle, &mut found);
                }
            }
            Form::Decimal if secret.len() >= SHORT - 1 => {
                self.search(&lower(&mut secret.iter().copied()), found);
            }
            Form::Base64 if secret.len() >= SHORT => {
                for offset in 0..3 {
                    let (needle, before, after) = sextets(secret, offset);
                    // Those next to them hold a few bits of it, too.
                    self.search(&needle, |echo| {
                        let is_sextet =
                            |at: usize| text.get(at).is_some_and(|byte| sextet_of(*byte).is_some());
                        let before =
                            usize::from(before && echo.start > 0 && is_sextet(echo.start - 1));
                        let after = usize::from(after && is_sextet(echo.end));
                        found(echo.start - before..echo.end + after);
                    });
                }
            }
            Form::Hexadecimal | Form::Decimal | Form::Base64 => {}
        }
    }

    /// Where these symbols are in the text.
    fn search(&self, needle: &[u8], mut found: impl FnMut(Range<usize>)) {
        if needle.is_empty() || needle.len() > self.symbols.len() {
            return;
        }
        let finder = memmem::Finder::new(needle);
        let mut from = 0;
        while let Some(at) = finder.find(&self.symbols[from..]) {
            let symbols = from + at..from + at + needle.len();
            let is_one = !self.is_broken_within(&symbols);
            from = symbols.start + if is_one { needle.len() } else { 1 };
            if is_one {
                found(self.place(&symbols));
            }
        }
    }
}

/// The characters, in one case.
fn characters(text: &[u8]) -> Stream {
    let mut stream = Stream::new(Form::Characters, text.len());
    stream.symbols.extend(text.iter().map(u8::to_ascii_lowercase));
    stream
}

/// The characters without what stands between groups.
fn loose_characters(text: &[u8]) -> Stream {
    let mut stream = Stream::new(Form::LooseCharacters, text.len());
    if text.iter().any(|byte| is_between(*byte)) {
        for (at, byte) in text.iter().enumerate().filter(|(_, byte)| !is_between(**byte)) {
            stream.push(byte.to_ascii_lowercase(), at..at + 1);
        }
    } else {
        stream.symbols.extend(text.iter().map(u8::to_ascii_lowercase));
    }
    stream
}

/// Two digits a byte: `746f6b656e`, `74:6f:6b`, `0x74, 0x6f`.
fn hexadecimal(text: &[u8]) -> Stream {
    let mut stream = Stream::new(Form::Hexadecimal, text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'0' if matches!(text.get(at + 1), Some(b'x' | b'X')) => at += 1,
            byte if byte.is_ascii_hexdigit() => {
                stream.push(byte.to_ascii_lowercase(), at..at + 1);
            }
            b' ' | b',' | b':' | b';' | b'-' | b'_' => {}
            _ => stream.interrupt(),
        }
        at += 1;
    }
    stream
}

/// A number a byte, as `Debug` writes bytes: `[116, 111, 107]`.
fn decimal(text: &[u8]) -> Stream {
    let mut stream = Stream::new(Form::Decimal, text.len() / 2 + 1);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = (1..=3).contains(&digits).then(|| {
            text[at..at + digits]
                .iter()
                .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
        });
        match number.map(u8::try_from) {
            Some(Ok(number)) => stream.push(number.to_ascii_lowercase(), at..at + digits),
            None if digits == 0 && matches!(byte, b' ' | b',' | b';') => {}
            _ => stream.interrupt(),
        }
        at += digits.max(1);
    }
    stream
}

/// The sextets of base64 and base64url, also broken into lines.
fn base64(text: &[u8]) -> Stream {
    let mut stream = Stream::new(Form::Base64, text.len());
    for (at, byte) in text.iter().enumerate() {
        match sextet_of(*byte) {
            Some(sextet) => stream.push(sextet, at..at + 1),
            None if *byte == b' ' => {}
            None => stream.interrupt(),
        }
    }
    stream
}

/// The sextets that depend on this secret alone when it stands `offset` bytes, modulo 3, after the start of what
/// was encoded; and whether the ones before and after hold some of its bits.
fn sextets(secret: &[u8], offset: usize) -> (Zeroizing<Vec<u8>>, bool, bool) {
    let bits = (offset + secret.len()) * 8;
    let byte = |at: usize| {
        at.checked_sub(offset).and_then(|at| secret.get(at)).map_or(0, |b| u16::from(*b))
    };
    let own = (offset * 8).div_ceil(6)..bits / 6;
    let mut sextets = Zeroizing::new(Vec::with_capacity(own.len()));
    for sextet in own {
        let bit = sextet * 6;
        let pair = byte(bit / 8) << 8 | byte(bit / 8 + 1);
        sextets.push(((pair >> (10 - bit % 8)) & 0x3f).to_le_bytes()[0]);
    }
    (sextets, offset > 0, bits % 6 > 0)
}

fn sextet_of(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// What this base64 or base64url encodes, up to the first character that is of neither.
pub(super) fn decode_base64(text: &str) -> Zeroizing<Vec<u8>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut len) = (0_u32, 0);
    for sextet in text.bytes().map_while(sextet_of) {
        bits = bits << 6 | u32::from(sextet);
        len += 6;
        if len >= 8 {
            len -= 8;
            decoded.push((bits >> len).to_le_bytes()[0]);
        }
    }
    decoded
}

fn starts_with_a_word(text: &[u8]) -> bool {
    let first = text[..text.len().min(4)].utf8_chunks().next();
    first.and_then(|chunk| chunk.valid().chars().next()).is_some_and(char::is_alphanumeric)
}

fn ends_in_a_word(text: &[u8]) -> bool {
    let tail = &text[text.len().saturating_sub(4)..];
    let last = tail.utf8_chunks().last().and_then(|chunk| chunk.valid().chars().next_back());
    last.is_some_and(char::is_alphanumeric)
}
