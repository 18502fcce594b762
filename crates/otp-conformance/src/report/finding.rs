//! Failures with one cause, told as one.

use super::{CaseReport, Verdict};
use crate::mismatch::Symptom;
use crate::{Case, Clause, foundation};

/// What is wrong with the transport: a case that failed, and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The plainest case that failed.
    pub case: Case,
    /// What to look at in the transport's code, for a case that others rest on.
    pub advice: Option<&'static str>,
    /// Other cases that failed in the same way.
    pub also: Vec<Case>,
    /// The cases that were not run, because they rest on one of these.
    pub not_run: Vec<Case>,
}

/// How cases failed that are one finding.
#[derive(PartialEq, Eq)]
enum Way {
    Hangs,
    Late,
    Blocks,
    Kind(String),
    Progress(String),
    /// What was seen, without its numbers, and by which clause's case, if that matters.
    Seen(Symptom, Option<Clause>, String),
}

impl Way {
    fn of(case: Case, symptom: Symptom, seen: &str) -> Self {
        match symptom {
            Symptom::Hangs => Self::Hangs,
            Symptom::Late => Self::Late,
            Symptom::Blocks => Self::Blocks,
            Symptom::Kind(kind) => Self::Kind(format!("{kind:?}")),
            Symptom::Progress(progress) => Self::Progress(format!("{progress:?}")),
            Symptom::Panics | Symptom::NoAnswer | Symptom::NoError => {
                Self::Seen(symptom, None, without_numbers(seen))
            }
            Symptom::Other => Self::Seen(symptom, Some(case.clause()), without_numbers(seen)),
        }
    }
}

/// A text with each number as `#`, since counts, times and ports differ from case to case.
fn without_numbers(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if short.ends_with('#') => {}
            '0'..='9' => short.push('#'),
            other => short.push(other),
        }
    }
    short
}

/// The findings, the plainest first.
pub(super) fn findings(cases: &[CaseReport], symptoms: &[Option<Symptom>]) -> Vec<Finding> {
    let mut failed: Vec<_> = cases
        .iter()
        .zip(symptoms)
        .filter_map(|(report, symptom)| match &report.verdict {
            Verdict::Failed { seen, .. } => {
                Some((report.case, Way::of(report.case, symptom.unwrap_or_default(), seen)))
            }
            _ => None,
        })
        .collect();
    failed.sort_by_key(|(case, _)| foundation::rank(*case).unwrap_or(usize::MAX));
    let mut findings: Vec<(Finding, Way)> = Vec::new();
    for (case, way) in failed {
        // A foundation is a finding by itself, so that its advice is read.
        let is_foundation = foundation::rank(case).is_some();
        match findings.iter_mut().find(|(_, own)| !is_foundation && *own == way) {
            Some((finding, _)) => finding.also.push(case),
            None => {
                let advice = foundation::advice(case);
                let finding = Finding { case, advice, also: Vec::new(), not_run: Vec::new() };
                findings.push((finding, way));
            }
        }
    }
    let mut findings: Vec<_> = findings.into_iter().map(|(finding, _)| finding).collect();
    for report in cases {
        let Verdict::RestsOn { case } = &report.verdict else { continue };
        let tells = |finding: &&mut Finding| finding.case == *case || finding.also.contains(case);
        if let Some(finding) = findings.iter_mut().find(tells) {
            finding.not_run.push(report.case);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_tell_one_way_from_another() {
        assert_eq!(without_numbers("nothing within 2301 ms"), "nothing within # ms");
        let way = |seen| Way::of(Case::SendsOnce, Symptom::NoAnswer, seen);
        assert!(way("an error after 12 ms: Other") == way("an error after 4000 ms: Other"));
        assert!(way("an error after 12 ms: Other") != way("an error after 12 ms: Timeout"));
    }
}
