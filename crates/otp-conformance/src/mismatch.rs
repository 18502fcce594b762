use otp_core::{Progress, TransportErrorKind};

/// What a case found: nothing, or what is wrong.
pub(crate) type Check = Result<(), Mismatch>;

/// What was expected, and what was seen instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) seen: String,
    pub(crate) symptom: Symptom,
}

/// In what way something is wrong. Cases that failed in the same way are one finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Symptom {
    /// A send has not ended.
    Hangs,
    /// A send ended after its time limit.
    Late,
    Panics,
    /// A poll that waits.
    Blocks,
    /// An error in the place of an answer.
    NoAnswer,
    /// An answer in the place of an error.
    NoError,
    /// An error of this kind, which is the wrong one.
    Kind(TransportErrorKind),
    /// An error that says this, wrongly.
    Progress(Progress),
    #[default]
    Other,
}

impl Mismatch {
    pub(crate) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into(), symptom: Symptom::Other }
    }

    /// The same, said of one of several tries.
    pub(crate) fn when(self, what: &str) -> Self {
        Self { expected: format!("{what}: {}", self.expected), ..self }
    }

    /// The same, with what it is a symptom of.
    pub(crate) fn of(self, symptom: Symptom) -> Self {
        Self { symptom, ..self }
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
