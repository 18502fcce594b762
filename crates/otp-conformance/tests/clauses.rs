//! The promises in the documentation of `Transport` and the clauses of the kit are the same list.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use otp_conformance::{Case, Clause};

/// The promises as they stand in the documentation, on one line each.
fn documented() -> Vec<String> {
    let source = include_str!("../../otp-core/src/transport/mod.rs");
    let (_, list) = source.split_once("# What a transport promises").unwrap();
    let (list, _) = list.split_once("`otp-conformance` puts a transport").unwrap();
    let text: Vec<_> = list.lines().map(|line| line.trim_start_matches("///").trim()).collect();
    let text = text.join(" ");
    let mut clauses = Vec::new();
    let mut rest = text.as_str();
    for number in (1..).map(|number| format!("{number}. **")) {
        let Some(at) = rest.find(&number) else { break };
        if let Some(last) = clauses.last_mut() {
            *last = rest[..at].trim().to_owned();
        }
        rest = &rest[at..];
        clauses.push(rest.trim().to_owned());
    }
    clauses
}

#[test]
fn they_are_the_same_list() {
    let kit: Vec<_> = Clause::ALL
        .iter()
        .map(|clause| format!("{}. **{}.** {}", clause.number(), clause.title(), clause.text()))
        .collect();
    assert_eq!(documented(), kit);
}

#[test]
fn every_clause_has_cases_and_every_case_a_name_of_its_own() {
    let clauses: BTreeSet<_> = Case::ALL.iter().map(|case| case.clause()).collect();
    assert_eq!(clauses, Clause::ALL.into());
    let names: BTreeSet<_> = Case::ALL.iter().map(|case| case.name()).collect();
    assert_eq!(names.len(), Case::ALL.len());
    for case in Case::ALL {
        assert!(case.promise().ends_with('.') && !case.why().is_empty(), "{case}");
    }
}
