use std::fmt;
use std::io;

use secrecy::zeroize::Zeroizing;

/// So that a body which is written in small parts does not move with each of them.
const SMALLEST: usize = 128;

/// Bytes that are wiped when they are dropped, and leave no part of themselves behind when they grow.
#[derive(Default)]
pub(super) struct WipedBytes(Zeroizing<Vec<u8>>);

impl WipedBytes {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes room. A `Vec` that grows would leave its old place as it is.
    pub(super) fn reserve(&mut self, more: usize) {
        let len = self.0.len() + more;
        if len > self.0.capacity() {
            let capacity = len.max(self.0.capacity() * 2).max(SMALLEST);
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
    }

    pub(super) fn push(&mut self, more: impl AsRef<[u8]>) {
        let more = more.as_ref();
        self.reserve(more.len());
        self.0.extend_from_slice(more);
    }

    /// The bytes as they are, which are not wiped then.
    pub(super) fn into_unwiped(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl io::Write for WipedBytes {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        self.push(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRef<[u8]> for WipedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WipedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
