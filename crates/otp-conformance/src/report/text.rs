use std::fmt;

use super::{AlikeReport, CaseReport, Finding, Obstacle, Report, Verdict};
use crate::{Case, Clause};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        if let Some(obstacle) = &self.obstacle {
            obstacle.fmt(f)?;
        }
        for finding in &self.findings {
            self.finding(f, finding)?;
        }
        if self.cases.iter().any(|report| report.verdict == Verdict::NotRun) {
            return Ok(());
        }
        if !self.alike.is_empty() {
            writeln!(f)?;
        }
        self.alike.iter().try_for_each(|alike| alike.fmt(f))?;
        for clause in Clause::ALL {
            self.clause(f, clause)?;
        }
        Ok(())
    }
}

impl Report {
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |words: &[&str]| {
            self.cases.iter().filter(|case| words.contains(&case.verdict.word())).count()
        };
        let (passed, failed) = (count(&["passed"]), count(&["FAILED"]));
        let excepted = count(&["excepted", "by design", "engine"]);
        write!(f, "{}: {passed} passed, {failed} failed, {excepted} excepted", self.wire)?;
        // Both are rare.
        for (word, meaning) in [("NEEDLESS", "excepted needlessly"), ("not run", "not run")] {
            match count(&[word]) {
                0 => {}
                some => write!(f, ", {some} {meaning}")?,
            }
        }
        writeln!(f, ", {} not applicable", count(&["n/a"]))?;
        if let Some(engine) = self.engine {
            writeln!(f, "With what is known of {engine}.")?;
        }
        let early = self.cases.iter().find_map(|report| match report.verdict {
            Verdict::EndedEarly { reason } => Some(reason),
            _ => None,
        });
        if let Some(reason) = early {
            writeln!(f, "Not all was tried: {reason}. `Kit::to_the_end` runs everything.")?;
        }
        match (self.findings.len(), failed) {
            // What is told one by one need not be counted.
            (findings, failed) if findings == failed && count(&["not run"]) == 0 => Ok(()),
            (0, _) => Ok(()),
            (1, _) => writeln!(f, "It is one finding:"),
            (findings, _) => writeln!(f, "These are {findings} findings, the plainest first:"),
        }
    }

    fn finding(&self, f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
        let case = finding.case;
        let Some((expected, seen)) = self.failure(case) else { return Ok(()) };
        writeln!(f, "\nFAILED {case}: {}", case.promise())?;
        field(f, "expected", expected)?;
        field(f, "seen", seen)?;
        field(f, "why", case.why())?;
        field(f, "clause", &case.clause().to_string())?;
        if let Some(advice) = finding.advice {
            field(f, "look at", advice)?;
        }
        for also in &finding.also {
            if let Some((expected, _)) = self.failure(*also) {
                field(f, "also", &format!("{also}: {expected}"))?;
            }
        }
        match &finding.not_run[..] {
            [] => Ok(()),
            cases => field(f, "not run", &format!("since they rest on it: {}", listed(cases))),
        }
    }

    /// What was expected and seen in a case that failed.
    fn failure(&self, case: Case) -> Option<(&str, &str)> {
        self.cases.iter().find_map(|report| match &report.verdict {
            Verdict::Failed { expected, seen } if report.case == case => {
                Some((expected.as_str(), seen.as_str()))
            }
            _ => None,
        })
    }

    /// The cases of a clause; what it says, if one of them failed.
    fn clause(&self, f: &mut fmt::Formatter<'_>, clause: Clause) -> fmt::Result {
        let own: Vec<_> =
            self.cases.iter().filter(|report| report.case.clause() == clause).collect();
        if own.is_empty() {
            return Ok(());
        }
        let failed = own.iter().any(|report| matches!(report.verdict, Verdict::Failed { .. }));
        match failed {
            true => writeln!(f, "\n{clause}: {}", clause.text())?,
            false => writeln!(f, "\n{clause}")?,
        }
        own.into_iter().try_for_each(|report| line(f, report))
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nFAILED: {}", self.reason)?;
        if let Some(found) = &self.found {
            field(f, "expected", &found.expected)?;
            field(f, "seen", &found.seen)?;
        }
        self.advice.map_or(Ok(()), |advice| field(f, "perhaps", advice))
    }
}

impl fmt::Display for AlikeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.kinds.iter().map(|kind| format!("{kind:?}")).collect();
        let kinds = kinds.join(" from ");
        match (&self.cases[..], self.needless) {
            ([], true) => writeln!(
                f,
                "NEEDLESS  cannot tell {kinds}: {}; but no case needed it, so take it away",
                self.reason
            ),
            ([], false) => Ok(()),
            (cases, _) => writeln!(
                f,
                "excepted  cannot tell {kinds}: {}; needed by {}",
                self.reason,
                listed(cases)
            ),
        }
    }
}

fn listed(cases: &[Case]) -> String {
    let names: Vec<_> = cases.iter().map(|case| case.name()).collect();
    names.join(", ")
}

/// A named text, the lines of which stay below one another.
fn field(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(f, "  {name:8}  {}", text.replace('\n', "\n            "))
}

fn line(f: &mut fmt::Formatter<'_>, report: &CaseReport) -> fmt::Result {
    write!(f, "  {:8}  {}", report.verdict.word(), report.case)?;
    match &report.verdict {
        Verdict::NotApplicable { reason } => writeln!(f, ": {reason}"),
        Verdict::Excepted { reason, seen, .. }
        | Verdict::ByDesign { reason, seen, .. }
        | Verdict::Known { reason, seen, .. } => writeln!(f, ": {reason}; seen: {seen}"),
        Verdict::RestsOn { case } => writeln!(f, ": rests on {case}"),
        Verdict::EndedEarly { .. } => writeln!(f),
        Verdict::Needless { reason } => {
            writeln!(f, ": {reason}; but it passed, so take the exception away")
        }
        Verdict::Passed | Verdict::Failed { .. } | Verdict::NotRun => writeln!(f),
    }
}
