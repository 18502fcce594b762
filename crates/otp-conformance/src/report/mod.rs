mod json;
mod text;

use std::time::Duration;

use crate::Case;
use crate::hostile::{Protocol, Wire};
use crate::mismatch::{Check, Mismatch};

/// What the kit found, case by case.
///
/// `Display` is for people: failures first and in full, then every case under its clause. If not even a
/// plain request got through, it says that and nothing else.
/// [`to_json`](Self::to_json) is for programs.
#[derive(Clone, Debug)]
#[must_use = "`assert` fails the test if a case failed"]
pub struct Report {
    wire: String,
    obstacle: Option<Obstacle>,
    cases: Vec<CaseReport>,
}

/// Why no case was run.
#[derive(Clone, Debug)]
pub(crate) struct Obstacle {
    pub(crate) reason: &'static str,
    /// What was expected and seen, if anything was tried.
    pub(crate) found: Option<Mismatch>,
    /// What to look for.
    pub(crate) advice: Option<&'static str>,
}

/// What the kit found about a case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CaseReport {
    /// The case.
    pub case: Case,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The transport keeps the promise.
    Passed,
    /// It does not.
    Failed {
        /// What should have been seen.
        expected: String,
        /// What was seen.
        seen: String,
    },
    /// It was declared that the platform cannot.
    Excepted {
        /// Why not.
        reason: String,
        /// What should have been seen.
        expected: String,
        /// What was seen.
        seen: String,
    },
    /// It was declared that the platform cannot, and it can: the exception has to go.
    Needless {
        /// The reason that was given.
        reason: String,
    },
    /// This wire or flavour does not have it.
    NotApplicable {
        /// Why not.
        reason: String,
    },
    /// Nobody knows: not even a plain request got through, so it was not tried.
    NotRun,
}

impl Verdict {
    pub(crate) fn new(outcome: Check, exception: Option<String>) -> Self {
        match (outcome, exception) {
            (Ok(()), None) => Self::Passed,
            (Err(wrong), None) => Self::Failed { expected: wrong.expected, seen: wrong.seen },
            (Err(wrong), Some(reason)) => {
                Self::Excepted { reason, expected: wrong.expected, seen: wrong.seen }
            }
            (Ok(()), Some(reason)) => Self::Needless { reason },
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "FAILED",
            Self::Excepted { .. } => "excepted",
            Self::Needless { .. } => "NEEDLESS",
            Self::NotApplicable { .. } => "n/a",
            Self::NotRun => "not run",
        }
    }
}

impl CaseReport {
    pub(crate) fn new(case: Case, verdict: Verdict, took: Duration) -> Self {
        Self { case, verdict, took }
    }
}

impl Report {
    pub(crate) fn new(wire: Wire, obstacle: Option<Obstacle>, cases: Vec<CaseReport>) -> Self {
        Self { wire: wire_name(wire), obstacle, cases }
    }

    /// Why no case was run, in a few words: not even a plain request got through, or there was none to run.
    /// None if cases were run.
    pub fn obstacle(&self) -> Option<&str> {
        self.obstacle.as_ref().map(|obstacle| obstacle.reason)
    }

    /// Every case that was asked for, clause by clause.
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// The cases that failed. Of a report with an [obstacle](Self::obstacle) there are none, since none was
    /// run.
    pub fn failed(&self) -> Vec<Case> {
        let failed = |report: &&CaseReport| matches!(report.verdict, Verdict::Failed { .. });
        self.cases.iter().filter(failed).map(|report| report.case).collect()
    }

    /// Whether cases were run, none of them failed, and no exception was needless. Exceptions that are
    /// needed, and what does not apply, do not count.
    pub fn conforms(&self) -> bool {
        let wrong = |verdict: &Verdict| {
            matches!(verdict, Verdict::Failed { .. } | Verdict::Needless { .. })
        };
        self.obstacle.is_none() && !self.cases.iter().any(|report| wrong(&report.verdict))
    }

    /// Fails the test, with the report, unless the transport [conforms](Self::conforms).
    ///
    /// # Panics
    ///
    /// That is what it is for.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.conforms(), "{self}");
    }

    /// The report as JSON: an object with `wire`, `conforms`, and a list of `cases`, each with its
    /// `name`, `clause`, `promise`, `why`, `verdict` (`passed`, `failed`, `excepted`,
    /// `needless`, `not_applicable`, `not_run`), `milliseconds` and, as far as there are any, `expected`,
    /// `seen` and `reason`. If no case was run, `obstacle` has the `reason` and, as far as there are any,
    /// `expected`, `seen` and `advice`.
    pub fn to_json(&self) -> String {
        json::of(self)
    }
}

pub(crate) fn wire_name(wire: Wire) -> String {
    let version = match wire.protocol() {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2",
    };
    let cover = if wire.is_tls() { "over TLS" } else { "in the clear" };
    let socket = if wire.is_unix() { ", on a Unix socket" } else { "" };
    format!("{version} {cover}{socket}")
}
