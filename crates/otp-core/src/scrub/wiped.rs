use std::fmt::{self, Write};
use std::ops::Deref;

use secrecy::zeroize::Zeroizing;

/// No error says more.
const MAX_LEN: usize = 256 * 1024;

/// A text that is wiped when it is dropped, and leaves no part of itself behind when it grows.
pub(super) struct Wiped(Zeroizing<String>);

impl Wiped {
    /// What these arguments say; none if their `Display` fails or says more than 256 KiB.
    pub(super) fn of(arguments: fmt::Arguments<'_>) -> Option<Self> {
        let mut text = Self(Zeroizing::new(String::new()));
        text.write_fmt(arguments).ok()?;
        Some(text)
    }
}

impl Write for Wiped {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let len = self.0.len() + more.len();
        if len > MAX_LEN {
            return Err(fmt::Error);
        }
        if len > self.0.capacity() {
            // `String` would move to a larger place and leave the old one as it is.
            let mut larger = Zeroizing::new(String::with_capacity(len * 2));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        self.0.push_str(more);
        Ok(())
    }
}

impl Deref for Wiped {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_the_same_and_is_bounded() {
        let text = Wiped::of(format_args!("{}-{}", "a".repeat(100), "b".repeat(10_000))).unwrap();
        assert_eq!(*text, format!("{}-{}", "a".repeat(100), "b".repeat(10_000)));
        assert!(Wiped::of(format_args!("{}", "a".repeat(MAX_LEN + 1))).is_none());
    }
}
