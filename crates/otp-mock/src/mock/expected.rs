use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

/// So many of the calls before are told.
const TOLD: usize = 8;

/// What a mock was told to expect, and where: mockall keeps this to itself. And the latest calls that came.
#[derive(Debug, Default)]
pub(super) struct Expected {
    calls: Vec<(&'static str, &'static Location<'static>)>,
    came: Mutex<Vec<&'static str>>,
}

impl Expected {
    #[track_caller]
    pub(super) fn add(&mut self, method: &'static str) {
        self.calls.push((method, Location::caller()));
    }

    /// Asks mockall for its answer. If no expectation fits the call, mockall says what came, and this adds
    /// what was expected.
    pub(super) fn ask<T>(&self, method: &'static str, answer: impl FnOnce() -> T) -> T {
        let before = self.note(method);
        catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|panic| {
            let Some(said) = fits_nothing(panic.as_ref()) else { resume_unwind(panic) };
            let expected = self.describe(method, &before);
            // What mockall said stands there already: this is put below, not in place of it.
            #[allow(clippy::print_stderr, reason = "it is where a panic's message goes")]
            {
                eprintln!("{expected}");
            }
            resume_unwind(Box::new(format!("{said}\n{expected}")))
        })
    }

    /// Forgets what was settled.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What came before this call.
    fn note(&self, method: &'static str) -> Vec<&'static str> {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        let before = came.clone();
        if came.len() == TOLD {
            came.remove(0);
        }
        came.push(method);
        before
    }

    fn describe(&self, method: &str, before: &[&str]) -> String {
        let mut expected: Vec<_> =
            self.calls.iter().map(|(method, at)| format!("{method}, as {at} says")).collect();
        if !self.calls.iter().any(|(expected, _)| *expected == method) {
            expected.push(format!("no {method}: `expect_{method}()` says what it answers"));
        }
        let before = if before.is_empty() { "nothing".to_owned() } else { before.join(", ") };
        format!("  expected: {}\n  before it came: {before}", expected.join("\n            "))
    }
}

/// mockall's message, if it is the one for a call that no expectation fits.
fn fits_nothing(panic: &(dyn Any + Send)) -> Option<&str> {
    let said: &str = match panic.downcast_ref::<String>() {
        Some(said) => said,
        None => panic.downcast_ref::<&str>()?,
    };
    ["No matching expectation found", "Method sequence violation"]
        .iter()
        .any(|end| said.ends_with(end))
        .then_some(said)
}
