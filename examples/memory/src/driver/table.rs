//! The table that README shows.

use super::{Found, KINDS, Run};

/// A line for each run, with the copies that were left when all was dropped.
pub fn table(runs: &[(&str, Run, Found)]) -> String {
    let mut table = format!("| copies left of | {} |\n|---|", KINDS.join(" | ").replace('-', " "));
    table += &"--:|".repeat(KINDS.len());
    for (label, _, found) in runs {
        let counts = KINDS.map(|kind| found.at_the_end(kind).to_string());
        table += &format!("\n| {label} | {} |", counts.join(" | "));
    }
    table + "\n"
}
