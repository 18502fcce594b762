use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

/// So many of the latest calls are told.
const TOLD: usize = 8;

/// How the part begins that is added to mockall's message.
const ADDED: &str = "\n  expected: ";

/// What mockall says of an expectation that has no answer.
const NO_ANSWER: &str = "Returning default values";

/// What a mock was told to expect, and where: mockall keeps this to itself. And the latest calls that came.
#[derive(Debug)]
pub(super) struct Expected {
    mock: &'static str,
    calls: Vec<(&'static str, &'static Location<'static>)>,
    came: Mutex<Vec<&'static str>>,
}

impl Expected {
    pub(super) fn of(mock: &'static str) -> Self {
        Self { mock, calls: Vec::new(), came: Mutex::default() }
    }

    #[track_caller]
    pub(super) fn add(&mut self, method: &'static str) {
        self.calls.push((method, Location::caller()));
    }

    /// Asks mockall for its answer. If the call fits no expectation, or is one too many, mockall says what
    /// came, and this adds what was expected.
    pub(super) fn ask<T>(&self, method: &'static str, answer: impl FnOnce() -> T) -> T {
        let before = self.note(method);
        explain(answer, |said| {
            // Any other panic is that of the test's own answer, in which there may be another mock.
            let of_this_call =
                said.strip_prefix(self.mock)?.strip_prefix("::")?.strip_prefix(method)?;
            of_this_call.starts_with(['(', ':']).then(|| self.describe(said, method, &before))
        })
    }

    /// Lets mockall say which call is missing, and forgets what was expected and what came.
    pub(super) fn settle(&mut self, verify: impl FnOnce()) {
        let settled = std::mem::replace(self, Self::of(self.mock));
        explain(verify, |_| {
            let came = settled.came.lock().unwrap_or_else(PoisonError::into_inner);
            Some(format!("{ADDED}{}\n  it came: {}", settled.lines().join(NEXT), list(&came)))
        });
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

    fn describe(&self, said: &str, method: &str, before: &[&str]) -> String {
        let mut lines = self.lines();
        if !self.calls.iter().any(|(expected, _)| *expected == method) {
            lines.push(format!("no {method}: `expect_{method}()` says what it answers"));
        } else if said.contains(NO_ANSWER) {
            lines.push(format!("an answer to {method}: `.returning(..)` says which"));
        }
        format!("{ADDED}{}\n  before it came: {}", lines.join(NEXT), list(before))
    }

    fn lines(&self) -> Vec<String> {
        self.calls.iter().map(|(method, at)| format!("{method}, as {at} says")).collect()
    }
}

/// Each below the one before.
const NEXT: &str = "\n            ";

fn list(calls: &[&str]) -> String {
    if calls.is_empty() { "nothing".to_owned() } else { calls.join(", ") }
}

/// Adds to the message of mockall's panic.
fn explain<T>(mockall: impl FnOnce() -> T, more: impl FnOnce(&str) -> Option<String>) -> T {
    catch_unwind(AssertUnwindSafe(mockall)).unwrap_or_else(|panic| {
        let said = message(panic.as_ref()).filter(|said| !said.contains(ADDED));
        let Some((said, more)) = said.and_then(|said| Some((said, more(said)?))) else {
            resume_unwind(panic)
        };
        // What mockall said stands there already: this is put below, not in place of it.
        #[allow(clippy::print_stderr, reason = "it is where a panic's message goes")]
        {
            eprintln!("{}", more.trim_start_matches('\n'));
        }
        resume_unwind(Box::new(format!("{said}{more}")))
    })
}

fn message(panic: &(dyn Any + Send)) -> Option<&str> {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied())
}
