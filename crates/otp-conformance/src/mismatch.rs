/// What a case found: nothing, or what is wrong.
pub(crate) type Check = Result<(), Mismatch>;

/// What was expected, and what was seen instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) seen: String,
}

impl Mismatch {
    pub(crate) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into() }
    }

    /// The same, said of one of several tries.
    pub(crate) fn when(self, what: &str) -> Self {
        Self { expected: format!("{what}: {}", self.expected), ..self }
    }

    /// The same, where something else is expected as well.
    pub(crate) fn or(self, what: &str) -> Self {
        Self { expected: format!("{}, or {what}", self.expected), ..self }
    }
}

/// A mismatch unless it holds.
pub(crate) fn expect(
    holds: bool,
    expected: impl Into<String>,
    seen: impl FnOnce() -> String,
) -> Check {
    if holds { Ok(()) } else { Err(Mismatch::new(expected, seen())) }
}

/// A mismatch unless they are equal.
pub(crate) fn expect_eq<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, want: &T) -> Check {
    expect(got == want, format!("{what}: {want:?}"), || format!("{got:?}"))
}
