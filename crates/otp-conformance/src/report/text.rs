use std::fmt;

use super::{CaseReport, Obstacle, Report, Verdict};
use crate::Clause;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        if let Some(obstacle) = &self.obstacle {
            obstacle.fmt(f)?;
        }
        for report in &self.cases {
            failure(f, report)?;
        }
        if self.cases.iter().any(|report| report.verdict == Verdict::NotRun) {
            return Ok(());
        }
        for clause in Clause::ALL {
            self.clause(f, clause)?;
        }
        Ok(())
    }
}

impl Report {
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |word| self.cases.iter().filter(|case| case.verdict.word() == word).count();
        let (passed, failed, excepted) = (count("passed"), count("FAILED"), count("excepted"));
        write!(f, "{}: {passed} passed, {failed} failed, {excepted} excepted", self.wire)?;
        // Both are rare.
        for (word, meaning) in [("NEEDLESS", "excepted needlessly"), ("not run", "not run")] {
            match count(word) {
                0 => {}
                some => write!(f, ", {some} {meaning}")?,
            }
        }
        writeln!(f, ", {} not applicable", count("n/a"))
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

fn failure(f: &mut fmt::Formatter<'_>, report: &CaseReport) -> fmt::Result {
    let Verdict::Failed { expected, seen } = &report.verdict else { return Ok(()) };
    let case = report.case;
    writeln!(f, "\nFAILED {case}: {}", case.promise())?;
    field(f, "expected", expected)?;
    field(f, "seen", seen)?;
    field(f, "why", case.why())?;
    field(f, "clause", &case.clause().to_string())
}

/// A named text, the lines of which stay below one another.
fn field(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(f, "  {name:8}  {}", text.replace('\n', "\n            "))
}

fn line(f: &mut fmt::Formatter<'_>, report: &CaseReport) -> fmt::Result {
    write!(f, "  {:8}  {}", report.verdict.word(), report.case)?;
    match &report.verdict {
        Verdict::NotApplicable { reason } => writeln!(f, ": {reason}"),
        Verdict::Excepted { reason, seen, .. } => writeln!(f, ": {reason}; seen: {seen}"),
        Verdict::Needless { reason } => {
            writeln!(f, ": {reason}; but it passed, so take the exception away")
        }
        Verdict::Passed | Verdict::Failed { .. } | Verdict::NotRun => writeln!(f),
    }
}
