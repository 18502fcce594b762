use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError, RwLock};

/// So many of the latest calls are told.
const TOLD: usize = 8;

/// How the part begins that is added to mockall's message.
const ADDED: &str = "\n  expected: ";

/// Each line of it is below the one before.
const NEXT: &str = "\n            ";

/// What mockall says of an expectation that has no answer.
const NO_ANSWER: &str = "Returning default values";

/// A mock of mockall's, and what it was told to expect, and where, which mockall keeps to itself. And the latest
/// calls that came.
#[derive(Debug)]
pub struct Expecting<M> {
    name: &'static str,
    mock: RwLock<M>,
    expected: RwLock<Vec<Expected>>,
    came: Mutex<Vec<&'static str>>,
}

#[derive(Debug)]
struct Expected {
    method: &'static str,
    at: &'static Location<'static>,
}

impl<M> Expecting<M> {
    /// The mock, by the name that it has in messages.
    pub fn new(name: &'static str, mock: M) -> Self {
        Self { name, mock: RwLock::new(mock), expected: RwLock::default(), came: Mutex::default() }
    }

    /// The mock, to be told what to expect of this method.
    #[track_caller]
    pub fn expect(&mut self, method: &'static str) -> &mut M {
        let at = Location::caller();
        self.expected
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Expected { method, at });
        self.mock.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks mockall for its answer. If the call fits no expectation, or is one too many, mockall says what
    /// came, and this adds what was expected.
    pub fn ask<T>(&self, method: &'static str, answer: impl FnOnce(&M) -> T) -> T {
        let before = self.note(method);
        let answer = || answer(&self.mock.read().unwrap_or_else(PoisonError::into_inner));
        explain(answer, |said| {
            // Any other panic is that of the test's own answer, in which there may be another mock.
            let rest = said.strip_prefix(self.name)?.strip_prefix("::")?.strip_prefix(method)?;
            rest.starts_with(['(', ':']).then(|| self.describe(said, method, &before))
        })
    }

    /// Lets mockall say which call is missing, and forgets what was expected and what came.
    pub fn settle(&self, verify: impl FnOnce(&mut M)) {
        let expected =
            mem::take(&mut *self.expected.write().unwrap_or_else(PoisonError::into_inner));
        let came = mem::take(&mut *self.came.lock().unwrap_or_else(PoisonError::into_inner));
        let verify = || verify(&mut self.mock.write().unwrap_or_else(PoisonError::into_inner));
        explain(verify, |_| {
            let expected = lines(&expected).join(NEXT);
            Some(format!("{ADDED}{expected}\n  it came: {}", list(&came)))
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
        let expected = self.expected.read().unwrap_or_else(PoisonError::into_inner);
        let mut lines = lines(&expected);
        if !expected.iter().any(|expected| expected.method == method) {
            lines.push(format!("no {method}: `expect_{method}()` says what it answers"));
        } else if said.contains(NO_ANSWER) {
            lines.push(format!("an answer to {method}: `.returning(..)` says which"));
        }
        format!("{ADDED}{}\n  before it came: {}", lines.join(NEXT), list(before))
    }
}

fn lines(expected: &[Expected]) -> Vec<String> {
    expected.iter().map(|Expected { method, at }| format!("{method}, as {at} says")).collect()
}

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
