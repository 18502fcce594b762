//! The registry has every example that calls the service, and nothing else.

use otp_example_decisions::registry::{Check, EXAMPLES, Example, FILE};

/// Where, whether it is a whole file, the code, and whether it branches on an outcome.
type Found = ((&'static str, usize), bool, &'static str, bool);

const FOUND: &[Found] = include!(concat!(env!("OUT_DIR"), "/found.rs"));

const TESTS: &str = concat!(
    include_str!("faults/codes.rs"),
    include_str!("faults/login.rs"),
    include_str!("faults/programs.rs")
);

fn is(example: &Example, ((file, _), whole, code, _): &Found) -> bool {
    example.file == *file && *whole == (example.marker == FILE) && code.contains(example.marker)
}

#[test]
fn every_example_that_calls_the_service_is_listed_once() {
    let mut wrong = Vec::new();
    for found in FOUND {
        let ((file, line), whole, code, branches) = found;
        let count = EXAMPLES.iter().filter(|example| is(example, found)).count();
        if count != 1 {
            let kind = if *whole { "a file" } else { "a code block" };
            wrong.push(format!(
                "{file}:{line}: {kind}, listed {count} times, branches: {branches}\n{}",
                if *whole { "" } else { code }
            ));
        }
    }
    assert!(wrong.is_empty(), "add these to src/registry.rs:\n\n{}", wrong.join("\n"));
}

#[test]
fn every_listed_example_exists_once() {
    for example in EXAMPLES {
        let count = FOUND.iter().filter(|found| is(example, found)).count();
        assert_eq!(count, 1, "{example:?}: its marker must be in one example of the file");
    }
}

#[test]
fn an_example_that_is_not_driven_does_not_branch_on_an_outcome() {
    for example in
        EXAMPLES.iter().filter(|e| matches!(e.check, Check::PassesOn | Check::ShowsADouble))
    {
        for ((file, line), _, code, branches) in FOUND.iter().filter(|found| is(example, found)) {
            assert!(!branches, "{file}:{line} branches on an outcome: drive it\n{code}");
        }
    }
}

#[test]
fn every_driven_example_has_a_test() {
    for example in EXAMPLES {
        if let Check::Driven(name) | Check::DrivenItems(name, _) = example.check {
            assert!(TESTS.contains(&format!("examples::{name}::")), "nobody drives {name}");
        }
    }
}
