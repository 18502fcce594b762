//! The tables, in Markdown.

use super::{Found, KINDS, Run};

/// A row for each run, with the copies that were left when all was dropped. README shows it.
pub fn table(runs: &[(&str, Run, Found)]) -> String {
    let rows =
        runs.iter().map(|(label, _, found)| (*label, KINDS.map(|kind| found.at_the_end(kind))));
    write("copies left at the end", rows)
}

/// A row for each step of one run, with the copies that were there after it, the ones in use included.
pub fn steps(found: &Found) -> String {
    let rows = found
        .steps
        .iter()
        .map(|(step, _)| (step.as_str(), KINDS.map(|kind| found.after(step, kind))));
    write("copies after", rows)
}

fn write<'a>(what: &str, rows: impl Iterator<Item = (&'a str, [usize; KINDS.len()])>) -> String {
    let mut table = format!("| {what} | {} |\n|---|", KINDS.join(" | ").replace('-', " "));
    table += &"--:|".repeat(KINDS.len());
    for (label, counts) in rows {
        let counts = counts.map(|count| count.to_string());
        table += &format!("\n| {label} | {} |", counts.join(" | "));
    }
    table + "\n"
}
