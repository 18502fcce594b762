use serde::Serialize;

use super::{CaseReport, Obstacle, Report, Verdict};

pub(super) fn of(report: &Report) -> String {
    let report = Json {
        wire: &report.wire,
        conforms: report.conforms(),
        obstacle: report.obstacle.as_ref().map(Into::into),
        cases: report.cases.iter().map(Into::into).collect(),
    };
    serde_json::to_string_pretty(&report).expect("text and numbers are JSON")
}

#[derive(Serialize)]
struct Json<'r> {
    wire: &'r str,
    conforms: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<JsonObstacle<'r>>,
    cases: Vec<JsonCase<'r>>,
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
    reason: Option<&'r String>,
}

impl<'r> From<&'r CaseReport> for JsonCase<'r> {
    fn from(report: &'r CaseReport) -> Self {
        let (verdict, expected, seen, reason) = match &report.verdict {
            Verdict::Passed => ("passed", None, None, None),
            Verdict::Failed { expected, seen } => ("failed", Some(expected), Some(seen), None),
            Verdict::Excepted { reason, expected, seen } => {
                ("excepted", Some(expected), Some(seen), Some(reason))
            }
            Verdict::Needless { reason } => ("needless", None, None, Some(reason)),
            Verdict::NotApplicable { reason } => ("not_applicable", None, None, Some(reason)),
            Verdict::NotRun => ("not_run", None, None, None),
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
        }
    }
}
