//! Makes the page from the tables, and checks both.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Level, Promise, Requirement, Seen, UNSEEN, promises, rfc9110, rfc9112, rfc9113};
use crate::{Case, Clause};

const RFCS: [(&str, &str, &[Requirement]); 3] = [
    ("9110", "HTTP Semantics", rfc9110::REQUIREMENTS),
    ("9112", "HTTP/1.1", rfc9112::REQUIREMENTS),
    ("9113", "HTTP/2", rfc9113::REQUIREMENTS),
];

/// The cases as links.
fn links(cases: &[Case]) -> String {
    let links = cases.iter().map(|case| format!("[`{case}`](crate::Case::{case:?})"));
    links.collect::<Vec<_>>().join(", ")
}

/// A sentence with its links to types resolved from here.
fn linked(sentence: &str) -> String {
    ["Request", "TransportErrorKind", "TransportError"].iter().fold(
        sentence.to_owned(),
        |text, name| {
            let long = format!("](otp_core::{name}::");
            let mut out = String::new();
            let mut rest = text.as_str();
            let start = format!("[`{name}::");
            while let Some(at) = rest.find(&start) {
                let (before, from) = rest.split_at(at);
                let end = from.find(']').unwrap_or(from.len());
                let member = from[start.len()..end].trim_end_matches('`');
                out += before;
                write!(out, "[`{name}::{member}`{long}{member})")
                    .expect("a String takes everything");
                rest = &from[(end + 1).min(from.len())..];
            }
            out + rest
        },
    )
}

fn page() -> String {
    let mut page =
        String::from("\n# The promises of `Transport`\n\n| sentence | seen by |\n|---|---|\n");
    for clause in Clause::ALL {
        writeln!(page, "| **{clause}** | |").expect("a String takes everything");
        for Promise { sentence, cases, .. } in of(clause) {
            writeln!(page, "| {} | {} |", linked(sentence), links(cases))
                .expect("a String takes everything");
        }
    }
    for (number, title, requirements) in RFCS {
        let is_seen = |row: &&Requirement| matches!(row.seen, Seen::By(_));
        let (all, seen) = (requirements.len(), requirements.iter().filter(is_seen).count());
        write!(
            page,
            "\n# RFC {number}, {title}\n\nWhat it requires of a client and a transport can break: \
             {all} requirements, of which {seen} are seen by a case. The rest has its reason.\n\n\
             | section | a client | | seen by |\n|---|---|---|---|\n"
        )
        .expect("a String takes everything");
        for Requirement { section, level, what, seen } in requirements {
            let level = match level {
                Level::Must => "MUST",
                Level::MustNot => "MUST NOT",
            };
            let seen = match seen {
                Seen::By(cases) => links(cases),
                Seen::Not(reason) => format!("*nothing: {reason}*"),
            };
            writeln!(page, "| §{section} | {level} | {what} | {seen} |")
                .expect("a String takes everything");
        }
    }
    page.push_str("\n# What no case sees\n\n| a fault | why not |\n|---|---|\n");
    for (fault, reason) in UNSEEN {
        writeln!(page, "| {fault} | {reason} |").expect("a String takes everything");
    }
    page
}

fn of(clause: Clause) -> impl Iterator<Item = &'static Promise> {
    promises::PROMISES.iter().filter(move |promise| promise.clause == clause)
}

fn path() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/coverage/page.md")
}

#[test]
fn every_sentence_of_every_clause_is_in_the_table() {
    for clause in Clause::ALL {
        let sentences: Vec<_> = of(clause).map(|promise| promise.sentence).collect();
        assert_eq!(sentences.join(" "), clause.text(), "{clause}");
    }
}

#[test]
fn every_case_is_in_a_row_of_its_clause_and_no_row_is_empty() {
    for clause in Clause::ALL {
        let rows: BTreeSet<_> = of(clause).flat_map(|promise| promise.cases).copied().collect();
        let cases = Case::ALL.iter().copied().filter(|case| case.clause() == clause);
        let missing: Vec<_> = cases.filter(|case| !rows.contains(case)).collect();
        assert!(missing.is_empty(), "add to src/coverage/promises.rs, {clause}: {missing:?}");
    }
    assert!(promises::PROMISES.iter().all(|promise| !promise.cases.is_empty()));
    for (number, _, requirements) in RFCS {
        for row in requirements {
            let told = match row.seen {
                Seen::By(cases) => !cases.is_empty(),
                Seen::Not(reason) => !reason.is_empty(),
            };
            assert!(told, "RFC {number} §{}: {}", row.section, row.what);
        }
    }
}

#[test]
fn the_page_is_made_from_the_tables() {
    let written = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(
        written == page(),
        "the page is out of date: cargo test -p otp-conformance --lib write_the_page -- --ignored"
    );
}

#[test]
#[ignore = "it writes src/coverage/page.md"]
fn write_the_page() {
    std::fs::write(path(), page()).expect("the page is written");
}
