//! Kinds of errors that an engine's public API does not tell apart.

use std::cell::RefCell;
use std::collections::BTreeSet;

use otp_core::TransportErrorKind;

use crate::Case;

/// One declaration: these kinds are one to the engine.
#[derive(Clone, Debug)]
pub(crate) struct Alike {
    pub(crate) kinds: Vec<TransportErrorKind>,
    pub(crate) reason: String,
    /// Whether the run fails if no case needs it.
    pub(crate) must_be_needed: bool,
}

/// All declarations of a run, and which cases needed them.
#[derive(Default)]
pub(crate) struct Kinds {
    all: Vec<Alike>,
    needed: RefCell<BTreeSet<(usize, Case)>>,
}

impl Kinds {
    pub(crate) fn new(all: Vec<Alike>) -> Self {
        Self { all, ..Self::default() }
    }

    /// Whether a declaration makes this kind as good as one of these, in this case.
    pub(crate) fn accept(
        &self,
        case: Option<Case>,
        got: TransportErrorKind,
        kinds: &[TransportErrorKind],
    ) -> bool {
        let covers = |alike: &Alike| {
            alike.kinds.contains(&got) && kinds.iter().any(|kind| alike.kinds.contains(kind))
        };
        let Some(at) = self.all.iter().position(covers) else { return false };
        if let Some(case) = case {
            self.needed.borrow_mut().insert((at, case));
        }
        true
    }

    /// Each declaration with the cases that needed it.
    pub(crate) fn used(&self) -> impl Iterator<Item = (&Alike, Vec<Case>)> {
        let needed = self.needed.borrow();
        let cases =
            move |at| needed.iter().filter(|(own, _)| *own == at).map(|(_, case)| *case).collect();
        self.all.iter().enumerate().map(move |(at, alike)| (alike, cases(at)))
    }
}
