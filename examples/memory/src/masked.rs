//! Secrets that a search for them must not find.
//!
//! Each byte is combined with a mask. The plain text is only ever made where a client would get it: from a prompt,
//! from a file.

use otp_core::secrecy::zeroize::Zeroizing;

const MASK: u8 = 0x5a;

/// Bytes that stand in memory with a mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked(Vec<u8>);

impl Masked {
    /// Masks these bytes; they stay where they are.
    pub fn new(plain: &[u8]) -> Self {
        Self(plain.iter().map(|byte| byte ^ MASK).collect())
    }

    /// The text that [`to_line`](Self::to_line) made.
    pub fn from_line(line: &str) -> Option<Self> {
        let pairs = line.as_bytes().chunks(2);
        let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        bytes.collect::<Option<_>>().map(Self)
    }

    /// A text of it, still masked.
    pub fn to_line(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The plain text, in one allocation of its size that is wiped.
    pub fn plain(&self) -> Zeroizing<String> {
        let mut plain = Zeroizing::new(String::with_capacity(self.0.len()));
        plain.extend(self.0.iter().map(|byte| char::from(byte ^ MASK)));
        plain
    }

    /// The first byte, plain: what a search looks for before it compares.
    pub fn first(&self) -> Option<u8> {
        self.0.first().map(|byte| byte ^ MASK)
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these bytes start with it.
    pub fn starts(&self, bytes: &[u8]) -> bool {
        bytes.len() >= self.0.len()
            && self.0.iter().zip(bytes).all(|(masked, byte)| masked ^ MASK == *byte)
    }
}
