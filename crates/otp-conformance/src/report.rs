use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::hostile::{Protocol, Wire};
use crate::mismatch::Check;
use crate::{Case, Clause};

/// What the kit found, case by case.
///
/// `Display` is for people: failures first and in full, then every case under its clause.
/// [`to_json`](Self::to_json) is for programs.
#[derive(Clone, Debug)]
#[must_use = "`assert` fails the test if a case failed"]
pub struct Report {
    wire: String,
    cases: Vec<CaseReport>,
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
        }
    }
}

impl CaseReport {
    pub(crate) fn new(case: Case, verdict: Verdict, took: Duration) -> Self {
        Self { case, verdict, took }
    }
}

impl Report {
    pub(crate) fn new(wire: Wire, cases: Vec<CaseReport>) -> Self {
        Self { wire: wire_name(wire), cases }
    }

    /// Every case that was asked for, clause by clause.
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// The cases that failed.
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
        !self.cases.is_empty() && !self.cases.iter().any(|report| wrong(&report.verdict))
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
    /// `needless`, `not_applicable`), `milliseconds` and, as far as there are any, `expected`, `seen` and `reason`.
    pub fn to_json(&self) -> String {
        let cases = self.cases.iter().map(|report| {
            let (verdict, expected, seen, reason) = match &report.verdict {
                Verdict::Passed => ("passed", None, None, None),
                Verdict::Failed { expected, seen } => ("failed", Some(expected), Some(seen), None),
                Verdict::Excepted { reason, expected, seen } => {
                    ("excepted", Some(expected), Some(seen), Some(reason))
                }
                Verdict::Needless { reason } => ("needless", None, None, Some(reason)),
                Verdict::NotApplicable { reason } => ("not_applicable", None, None, Some(reason)),
            };
            JsonCase {
                name: report.case.name(),
                clause: report.case.clause().number(),
                promise: report.case.promise(),
                why: report.case.why(),
                verdict,
                milliseconds: report.took.as_millis(),
                expected,
                seen,
                reason,
            }
        });
        let report = Json { wire: &self.wire, conforms: self.conforms(), cases: cases.collect() };
        serde_json::to_string_pretty(&report).expect("text and numbers are JSON")
    }
}

#[derive(Serialize)]
struct Json<'r> {
    wire: &'r str,
    conforms: bool,
    cases: Vec<JsonCase<'r>>,
}

#[derive(Serialize)]
struct JsonCase<'r> {
    name: &'static str,
    clause: usize,
    promise: &'static str,
    why: &'static str,
    verdict: &'static str,
    milliseconds: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'r String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<&'r String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r String>,
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |word| self.cases.iter().filter(|case| case.verdict.word() == word).count();
        writeln!(
            f,
            "{}: {} passed, {} failed, {} excepted, {} not applicable",
            self.wire,
            count("passed"),
            count("FAILED"),
            count("excepted"),
            count("n/a")
        )?;
        for report in &self.cases {
            let Verdict::Failed { expected, seen } = &report.verdict else { continue };
            let (case, clause) = (report.case, report.case.clause());
            writeln!(f, "\nFAILED {case}: {}", case.promise())?;
            writeln!(f, "  expected  {expected}")?;
            writeln!(f, "  seen      {seen}")?;
            writeln!(f, "  why       {}", case.why())?;
            writeln!(f, "  clause    {clause}: {}", clause.text())?;
        }
        for clause in Clause::ALL {
            let own = || self.cases.iter().filter(move |report| report.case.clause() == clause);
            if own().next().is_none() {
                continue;
            }
            writeln!(f, "\n{clause}")?;
            for report in own() {
                write!(f, "  {:8}  {}", report.verdict.word(), report.case)?;
                match &report.verdict {
                    Verdict::NotApplicable { reason } => writeln!(f, ": {reason}")?,
                    Verdict::Excepted { reason, seen, .. } => {
                        writeln!(f, ": {reason}; seen: {seen}")?;
                    }
                    Verdict::Needless { reason } => {
                        writeln!(f, ": {reason}; but it passed, so take the exception away")?;
                    }
                    Verdict::Passed | Verdict::Failed { .. } => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}
