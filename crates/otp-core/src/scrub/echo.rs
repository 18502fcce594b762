//! Finds the echoes of a secret in a text, in the forms in which programs write such things.

use std::ops::Range;

use super::view::View;

/// A shorter secret is a part of many a word. It counts only where it stands alone: a letter typed for an
/// OTP must not cost the id of the request.
const SHORT: usize = 4;

/// From this length on, white space within an echo does not hide it.
const LONG: usize = 6;

/// Fewer bytes in hexadecimal or decimal, or fewer characters of base64, are in many a number or word.
const FEW_NUMBERS: usize = 3;
const FEW_SEXTETS: usize = 6;

/// The most that may stand between two parts of an echo, such as a line break and the next line's indent.
const GAP: usize = 32;

/// How many layers of escapes are taken off: JSON in JSON in a URL has three.
const LAYERS: usize = 3;

/// The places of all these secrets in this text, in order, not overlapping.
pub(super) fn find(text: &str, secrets: &[&str]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // No form of a secret is shorter than the secret without its white space.
    if secrets.iter().all(|secret| text.len() < significant(secret.as_bytes()).count()) {
        return found;
    }
    let mut view = View::of(text);
    for _ in 0..LAYERS {
        secrets.iter().for_each(|secret| find_in(&view, secret.as_bytes(), &mut found));
        match view.decoded() {
            Some(decoded) => view = decoded,
            None => return merged(found),
        }
    }
    secrets.iter().for_each(|secret| find_in(&view, secret.as_bytes(), &mut found));
    merged(found)
}

fn find_in(view: &View, secret: &[u8], found: &mut Vec<Range<usize>>) {
    let text = view.bytes();
    let shortest = significant(secret).count();
    if shortest == 0 {
        return;
    }
    for at in 0..(text.len() + 1).saturating_sub(shortest) {
        let echo = characters(text, at, secret)
            .or_else(|| hexadecimal(text, at, secret))
            .or_else(|| decimal(text, at, secret))
            .or_else(|| (0..3).find_map(|offset| base64(text, at, secret, offset)));
        if let Some(echo) = echo {
            found.push(view.place(echo));
        }
    }
}

/// Sorted, with what overlaps in one.
fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|echo| echo.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for echo in found {
        match merged.last_mut() {
            Some(last) if echo.start <= last.end => last.end = last.end.max(echo.end),
            _ => merged.push(echo),
        }
    }
    merged
}

fn significant(secret: &[u8]) -> impl Iterator<Item = u8> {
    secret.iter().copied().filter(|byte| !byte.is_ascii_whitespace())
}

/// Where the text goes on after at most a [`GAP`] of these bytes.
fn skip(text: &[u8], at: usize, between: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take(GAP).take_while(|byte| between(**byte)).count()
}

/// The secret itself, in any case.
fn characters(text: &[u8], start: usize, secret: &[u8]) -> Option<Range<usize>> {
    let is_long = secret.len() >= LONG;
    let mut at = start;
    for byte in significant(secret) {
        if is_long && at > start {
            at = skip(text, at, |byte| byte == b' ');
        }
        if !text.get(at)?.eq_ignore_ascii_case(&byte) {
            return None;
        }
        at += 1;
    }
    let alone = || !ends_in_a_word(&text[..start]) && !starts_with_a_word(&text[at..]);
    (secret.len() >= SHORT || alone()).then_some(start..at)
}

fn starts_with_a_word(text: &[u8]) -> bool {
    let first = text.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    first.is_some_and(char::is_alphanumeric)
}

fn ends_in_a_word(text: &[u8]) -> bool {
    let tail = &text[text.len().saturating_sub(4)..];
    let last = tail.utf8_chunks().last().and_then(|chunk| chunk.valid().chars().next_back());
    last.is_some_and(char::is_alphanumeric)
}

/// Two digits a byte: `746f6b656e`, `74:6f:6b`, `0x74, 0x6f`.
fn hexadecimal(text: &[u8], start: usize, secret: &[u8]) -> Option<Range<usize>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let mut at = start;
    for byte in secret {
        if at > start {
            at = skip(text, at, |byte| b" ,:;-_".contains(&byte));
            if let [b'0', b'x' | b'X', ..] = text.get(at..)? {
                at += 2;
            }
        }
        let (high, low) = (value(*text.get(at)?)?, value(*text.get(at + 1)?)?);
        is_byte(high * 16 + low, *byte)?;
        at += 2;
    }
    (secret.len() >= FEW_NUMBERS).then_some(start..at)
}

/// A number a byte, as `Debug` writes bytes: `[116, 111, 107]`.
fn decimal(text: &[u8], start: usize, secret: &[u8]) -> Option<Range<usize>> {
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    if start > 0 && is_digit(start - 1) {
        return None;
    }
    let mut at = start;
    for byte in secret {
        if at > start {
            at = skip(text, at, |byte| b" ,;".contains(&byte));
        }
        let mut number = 0;
        let from = at;
        while at < from + 3 && is_digit(at) {
            number = number * 10 + u32::from(text[at] - b'0');
            at += 1;
        }
        if at == from || is_digit(at) {
            return None;
        }
        is_byte(number, *byte)?;
    }
    (secret.len() >= FEW_NUMBERS).then_some(start..at)
}

fn is_byte(number: u32, byte: u8) -> Option<()> {
    u8::try_from(number).ok()?.eq_ignore_ascii_case(&byte).then_some(())
}

/// Base64 of a text that holds the secret `offset` bytes, modulo 3, after its start: in both alphabets, also
/// broken into lines.
fn base64(text: &[u8], start: usize, secret: &[u8], offset: usize) -> Option<Range<usize>> {
    let bits = (offset + secret.len()) * 8;
    // The sextets that depend on the secret alone.
    let sextets = (offset * 8).div_ceil(6)..bits / 6;
    if sextets.len() < FEW_SEXTETS {
        return None;
    }
    let byte = |at: usize| at.checked_sub(offset).and_then(|at| secret.get(at)).copied();
    let mut at = start;
    for sextet in sextets {
        if at > start {
            at = skip(text, at, |byte| byte == b' ');
        }
        let bit = sextet * 6;
        let pair = u16::from_be_bytes([byte(bit / 8)?, byte(bit / 8 + 1).unwrap_or(0)]);
        let expected = (pair >> (10 - bit % 8)) & 0x3f;
        if u16::from(sextet_of(*text.get(at)?)?) != expected {
            return None;
        }
        at += 1;
    }
    // Those next to them hold a few bits of it, too.
    let is_sextet = |at: usize| text.get(at).is_some_and(|byte| sextet_of(*byte).is_some());
    let before = usize::from(offset > 0 && start > 0 && is_sextet(start - 1));
    let after = usize::from(bits % 6 > 0 && is_sextet(at));
    Some(start - before..at + after)
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
