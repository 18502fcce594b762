//! The registry has every example that calls the service, and nothing else; and each part of an example is run by
//! a test, keeps to the rule, or was read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod sneaks;

#[path = "../../scanner/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "the build script uses the rest")]
mod scanner;

use std::fmt::Write as _;

use otp_example_decisions::registry::{self, EXAMPLES, Example, FILE, READ};
use scanner::drivers::Drivers;
use scanner::judge::{Unproven, unproven};
use scanner::operations::Operations;
use scanner::units::units;

/// Where, whether it is a whole file, and the code.
type Found = ((&'static str, usize), bool, &'static str);

const FOUND: &[Found] = include!(concat!(env!("OUT_DIR"), "/found.rs"));

/// Every other Rust file below `examples/`.
const OTHERS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/others.rs"));

const TESTS: [&str; 4] = [
    include_str!("../faults/codes.rs"),
    include_str!("../faults/login.rs"),
    include_str!("../faults/page.rs"),
    include_str!("../faults/programs.rs"),
];

fn drivers() -> Drivers {
    let mut drivers = Drivers::default();
    TESTS.iter().for_each(|file| drivers.in_file(file).unwrap());
    drivers
}

/// The package of a file. A file right below `examples/` is a program of its own.
fn package(file: &str) -> &str {
    let parts: Vec<&str> = file.match_indices(['/']).map(|(at, _)| &file[..at]).collect();
    let depth = if file.starts_with("examples/transports/") { 2 } else { 1 };
    parts.get(depth).copied().unwrap_or(file)
}

/// The operations, and the functions in other files of the package that call them.
fn of_package(file: &str) -> Operations {
    let mut operations = Operations::of_the_service();
    for ((other, _), whole, code) in FOUND.iter().filter(|((_, _), whole, _)| *whole) {
        if *other != file && package(other) == package(file) {
            operations = operations.and_those_of(&units(*whole, code).unwrap());
        }
    }
    operations
}

fn is(example: &Example, ((file, _), whole, code): &Found) -> bool {
    example.file == *file && *whole == (example.marker == FILE) && code.contains(example.marker)
}

#[test]
fn every_example_that_calls_the_service_is_listed_once() {
    let mut wrong = Vec::new();
    for found in FOUND {
        let ((file, line), whole, code) = found;
        let count = EXAMPLES.iter().filter(|example| is(example, found)).count();
        if count != 1 {
            let kind = if *whole { "a file" } else { "a code block" };
            let code = if *whole { "" } else { code };
            wrong.push(format!("{file}:{line}: {kind}, listed {count} times\n{code}"));
        }
    }
    assert!(wrong.is_empty(), "add these to src/registry.rs:\n\n{}", wrong.join("\n"));
}

#[test]
fn no_other_file_decides_on_what_a_function_of_its_package_returns() {
    assert!(OTHERS.len() > 10, "the build script found the files");
    // The neighbours' tests unwrap what `call_over_tls` of their package returns, and do nothing else with it.
    let neighbour = |file: &str| {
        file.starts_with("examples/neighbours/") && file.ends_with("/tests/neighbour.rs")
    };
    for (file, code) in OTHERS {
        if neighbour(file) {
            let calls = code.matches("call_over_tls()").count();
            let unwrapped = code.matches("call_over_tls().await.unwrap();").count();
            assert_eq!(calls, unwrapped, "{file}");
            continue;
        }
        let tokens = code.parse().unwrap();
        assert!(!of_package(file).named_in(&tokens), "{file}: list and check this one too");
    }
}

#[test]
fn every_listed_example_exists_once() {
    for example in EXAMPLES {
        let count = FOUND.iter().filter(|found| is(example, found)).count();
        assert_eq!(count, 1, "{example:?}: its marker must be in one example of the file");
    }
}

#[test]
fn every_part_is_run_or_keeps_to_the_rule_or_was_read() {
    let drivers = drivers();
    let mut used = vec![false; READ.len()];
    let mut wrong = String::new();
    for example in EXAMPLES {
        for ((file, line), whole, code) in FOUND.iter().filter(|found| is(example, found)) {
            let operations = if *whole { of_package(file) } else { Operations::of_the_service() };
            for part in unproven(*whole, code, example.check, &drivers, operations).unwrap() {
                let Unproven { unit, fingerprint, why } = part;
                let was_read = READ.iter().position(|read| {
                    (read.file, read.part, read.fingerprint) == (file, &*unit, fingerprint)
                });
                match was_read {
                    Some(at) => used[at] = true,
                    None => writeln!(wrong, "{file}:{line}: {unit}, {fingerprint:#018x}\n  {why}")
                        .unwrap(),
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "drive these in tests/faults. If they decide nothing for a user, add them to READ:\n\n{wrong}"
    );
    for (read, used) in READ.iter().zip(used) {
        assert!(used, "this part is gone, or proven otherwise: {read:?}");
    }
}
