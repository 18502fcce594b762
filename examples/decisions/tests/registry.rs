//! The registry has every example that calls the service, and nothing else.

use otp_example_decisions::registry::{Check, EXAMPLES, Example, FILE};

/// Where, whether it is a whole file, the code, whether it branches on an outcome, and its functions that
/// call the service.
type Found = ((&'static str, usize), bool, &'static str, bool, &'static [&'static str]);

const FOUND: &[Found] = include!(concat!(env!("OUT_DIR"), "/found.rs"));

const TESTS: &str = concat!(
    include_str!("faults/codes.rs"),
    include_str!("faults/login.rs"),
    include_str!("faults/programs.rs")
);

fn is(example: &Example, ((file, _), whole, code, ..): &Found) -> bool {
    example.file == *file && *whole == (example.marker == FILE) && code.contains(example.marker)
}

#[test]
fn every_example_that_calls_the_service_is_listed_once() {
    let mut wrong = Vec::new();
    for found in FOUND {
        let ((file, line), whole, code, branches, _) = found;
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
        for ((file, line), _, code, branches, _) in FOUND.iter().filter(|found| is(example, found))
        {
            assert!(!branches, "{file}:{line} branches on an outcome: drive it\n{code}");
        }
    }
}

#[test]
fn every_function_of_a_driven_example_is_called_by_a_test() {
    for example in EXAMPLES {
        let (Check::Driven(name) | Check::DrivenItems(name, _)) = example.check else { continue };
        assert!(TESTS.contains(&format!("examples::{name}::")), "nobody drives {name}");
        for (_, _, _, _, functions) in FOUND.iter().filter(|found| is(example, found)) {
            for function in *functions {
                let called = TESTS.contains(&format!("{function}("));
                assert!(called, "{name}: no test calls {function}");
            }
        }
    }
}
