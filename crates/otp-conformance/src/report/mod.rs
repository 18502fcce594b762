mod finding;
mod json;
mod text;

pub use finding::Finding;

use std::time::Duration;

use otp_core::TransportErrorKind;

use crate::Case;
use crate::hostile::{Protocol, Wire};
use crate::kinds::Alike;
use crate::mismatch::{Check, Mismatch, Symptom};

/// What the kit found, case by case.
///
/// `Display` is for people: first the [findings](Finding), the plainest first, then every case under its
/// clause. If not even a plain request got through, it says that and nothing else.
/// [`to_json`](Self::to_json) is for programs.
#[derive(Clone, Debug)]
#[must_use = "`assert` fails the test if a case failed"]
pub struct Report {
    wire: String,
    obstacle: Option<Obstacle>,
    cases: Vec<CaseReport>,
    findings: Vec<Finding>,
    alike: Vec<AlikeReport>,
    engine: Option<&'static str>,
}

/// Kinds that were declared alike.
#[derive(Clone, Debug)]
pub(crate) struct AlikeReport {
    pub(crate) kinds: Vec<TransportErrorKind>,
    pub(crate) reason: String,
    /// The cases that needed it.
    pub(crate) cases: Vec<Case>,
    /// Whether it has to go.
    pub(crate) needless: bool,
}

impl From<(&Alike, Vec<Case>)> for AlikeReport {
    fn from((alike, cases): (&Alike, Vec<Case>)) -> Self {
        let needless = alike.must_be_needed && cases.is_empty();
        Self { kinds: alike.kinds.clone(), reason: alike.reason.clone(), cases, needless }
    }
}

/// Where an exception comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Exception,
    Design,
    Engine,
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
    /// It was declared that the transport does not, since that is its purpose.
    ByDesign {
        /// Why not.
        reason: String,
        /// What should have been seen.
        expected: String,
        /// What was seen.
        seen: String,
    },
    /// The profile of the engine says that it cannot.
    Known {
        /// Why not.
        reason: String,
        /// What should have been seen.
        expected: String,
        /// What was seen.
        seen: String,
    },
    /// It was declared that the transport cannot, and it can: the exception has to go.
    Needless {
        /// The reason that was given.
        reason: String,
    },
    /// This wire or flavour does not have it.
    NotApplicable {
        /// Why not.
        reason: String,
    },
    /// Not run, because no plain request got through.
    NotRun,
    /// Not run, because a plainer case that it rests on has failed.
    RestsOn {
        /// The plainer case.
        case: Case,
    },
    /// Not run, because the run was ended before it.
    EndedEarly {
        /// Why it was ended.
        reason: &'static str,
    },
}

impl Verdict {
    pub(crate) fn new(outcome: Check, exception: Option<(Origin, String)>) -> Self {
        let (Mismatch { expected, seen, .. }, exception) = match (outcome, exception) {
            (Ok(()), None | Some((Origin::Engine, _))) => return Self::Passed,
            (Ok(()), Some((_, reason))) => return Self::Needless { reason },
            (Err(wrong), exception) => (wrong, exception),
        };
        match exception {
            None => Self::Failed { expected, seen },
            Some((Origin::Exception, reason)) => Self::Excepted { reason, expected, seen },
            Some((Origin::Design, reason)) => Self::ByDesign { reason, expected, seen },
            Some((Origin::Engine, reason)) => Self::Known { reason, expected, seen },
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "FAILED",
            Self::Excepted { .. } => "excepted",
            Self::ByDesign { .. } => "by design",
            Self::Known { .. } => "engine",
            Self::Needless { .. } => "NEEDLESS",
            Self::NotApplicable { .. } => "n/a",
            Self::NotRun | Self::RestsOn { .. } | Self::EndedEarly { .. } => "not run",
        }
    }
}

impl CaseReport {
    pub(crate) fn new(case: Case, verdict: Verdict, took: Duration) -> Self {
        Self { case, verdict, took }
    }
}

impl Report {
    pub(crate) fn new(
        wire: Wire,
        obstacle: Option<Obstacle>,
        cases: Vec<CaseReport>,
        symptoms: &[Option<Symptom>],
        alike: Vec<AlikeReport>,
        engine: Option<&'static str>,
    ) -> Self {
        let findings = finding::findings(&cases, symptoms);
        Self { wire: wire_name(wire), obstacle, cases, findings, alike, engine }
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

    /// What is wrong with the transport, the plainest first. Cases that failed in the same way are one finding.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether cases were run, none of them failed, and no exception was needless. Exceptions that are
    /// needed, and what does not apply, do not count.
    pub fn conforms(&self) -> bool {
        let wrong = |verdict: &Verdict| {
            matches!(verdict, Verdict::Failed { .. } | Verdict::Needless { .. })
        };
        self.obstacle.is_none()
            && !self.cases.iter().any(|report| wrong(&report.verdict))
            && !self.alike.iter().any(|alike| alike.needless)
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

    /// The report as JSON: an object with `wire`, `conforms`, and the lists `findings`, `cannot_tell` and
    /// `cases`. A finding has its `case`, an `advice` if there is one, and the names of cases in `also` and
    /// `not_run`. What the engine `cannot_tell` has `kinds`, `reason`, `cases` and `needless`. A case has its
    /// `name`, `clause`, `promise`, `why`, `verdict` (`passed`, `failed`, `excepted`, `by_design`, `engine`,
    /// `needless`, `not_applicable`, `not_run`), `milliseconds` and, as far as there are any, `expected`,
    /// `seen`, `reason` and `rests_on`. `engine` is the name of the profile, if there is one. If no case was
    /// run, `obstacle` has the `reason` and, as far as there are any, `expected`, `seen` and `advice`.
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
