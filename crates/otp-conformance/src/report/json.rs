use serde::Serialize;

use super::{AlikeReport, CaseReport, Finding, Obstacle, Report, Verdict};
use crate::Case;

pub(super) fn of(report: &Report) -> String {
    let report = Json {
        wire: &report.wire,
        conforms: report.conforms(),
        engine: report.engine,
        obstacle: report.obstacle.as_ref().map(Into::into),
        findings: report.findings.iter().map(Into::into).collect(),
        cannot_tell: report.alike.iter().map(Into::into).collect(),
        cases: report.cases.iter().map(Into::into).collect(),
    };
    serde_json::to_string_pretty(&report).expect("text and numbers are JSON")
}

#[derive(Serialize)]
struct Json<'r> {
    wire: &'r str,
    conforms: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<JsonObstacle<'r>>,
    findings: Vec<JsonFinding>,
    cannot_tell: Vec<JsonAlike<'r>>,
    cases: Vec<JsonCase<'r>>,
}

#[derive(Serialize)]
struct JsonFinding {
    case: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    also: Vec<&'static str>,
    not_run: Vec<&'static str>,
}

fn names(cases: &[Case]) -> Vec<&'static str> {
    cases.iter().map(|case| case.name()).collect()
}

impl From<&Finding> for JsonFinding {
    fn from(finding: &Finding) -> Self {
        Self {
            case: finding.case.name(),
            advice: finding.advice,
            also: names(&finding.also),
            not_run: names(&finding.not_run),
        }
    }
}

#[derive(Serialize)]
struct JsonAlike<'r> {
    kinds: Vec<String>,
    reason: &'r str,
    cases: Vec<&'static str>,
    needless: bool,
}

impl<'r> From<&'r AlikeReport> for JsonAlike<'r> {
    fn from(alike: &'r AlikeReport) -> Self {
        Self {
            kinds: alike.kinds.iter().map(|kind| format!("{kind:?}")).collect(),
            reason: &alike.reason,
            cases: names(&alike.cases),
            needless: alike.needless,
        }
    }
}

#[derive(Serialize)]
struct JsonObstacle<'r> {
    reason: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'r String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<&'r String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'r str>,
}

impl<'r> From<&'r Obstacle> for JsonObstacle<'r> {
    fn from(obstacle: &'r Obstacle) -> Self {
        let found = obstacle.found.as_ref();
        Self {
            reason: obstacle.reason,
            expected: found.map(|found| &found.expected),
            seen: found.map(|found| &found.seen),
            advice: obstacle.advice,
        }
    }
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
    reason: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rests_on: Option<&'static str>,
}

impl<'r> From<&'r CaseReport> for JsonCase<'r> {
    fn from(report: &'r CaseReport) -> Self {
        let (expected, seen) = match &report.verdict {
            Verdict::Failed { expected, seen }
            | Verdict::Excepted { expected, seen, .. }
            | Verdict::ByDesign { expected, seen, .. }
            | Verdict::Known { expected, seen, .. } => (Some(expected), Some(seen)),
            _ => (None, None),
        };
        let (verdict, reason) = match &report.verdict {
            Verdict::Passed => ("passed", None),
            Verdict::Failed { .. } => ("failed", None),
            Verdict::Excepted { reason, .. } => ("excepted", Some(reason.as_str())),
            Verdict::ByDesign { reason, .. } => ("by_design", Some(reason.as_str())),
            Verdict::Known { reason, .. } => ("engine", Some(reason.as_str())),
            Verdict::Needless { reason } => ("needless", Some(reason.as_str())),
            Verdict::NotApplicable { reason } => ("not_applicable", Some(reason.as_str())),
            Verdict::NotRun | Verdict::RestsOn { .. } => ("not_run", None),
            Verdict::EndedEarly { reason } => ("not_run", Some(*reason)),
        };
        let rests_on = match &report.verdict {
            Verdict::RestsOn { case } => Some(case.name()),
            _ => None,
        };
        Self {
            name: report.case.name(),
            clause: report.case.clause().number(),
            promise: report.case.promise(),
            why: report.case.why(),
            verdict,
            milliseconds: report.took.as_millis(),
            expected,
            seen,
            reason,
            rests_on,
        }
    }
}
