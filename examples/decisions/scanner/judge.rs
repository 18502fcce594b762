//! Each part of an example is run by a test, keeps to the rule, or was read by a person.

use super::drivers::Drivers;
use super::operations::Operations;
use super::rule::{self, Rule};
use super::units::{self, Unit};
use crate::registry::Check;

/// A part that calls the service, that no test runs, and that does not keep to the rule.
#[derive(Debug)]
pub struct Unproven {
    pub unit: String,
    /// It changes with every token of the part.
    pub fingerprint: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Everything in an example that nothing proves right.
pub fn unproven(
    whole: bool,
    code: &str,
    check: Check,
    drivers: &Drivers,
    operations: Operations,
) -> syn::Result<Vec<Unproven>> {
    let units = units::units(whole, code)?;
    let operations = operations.and_their_callers(&units);
    // A test calls one of them, and who can say which?
    let is_one_of_two = |unit: &Unit| {
        let same = |other: &&Unit| {
            let owned = other.owners.iter().any(|owner| unit.owners.contains(owner));
            other.name == unit.name && (owned || other.owners == unit.owners)
        };
        units.iter().filter(same).count() > 1
    };
    let own_error = rule::defines_an_error(&code.parse()?);
    let is_run = |unit: &Unit| match check {
        _ if unit.nested || is_one_of_two(unit) => false,
        Check::Driven(module) => drivers.run(module, unit),
        // Only these items are in the module.
        Check::DrivenItems(module, only) => {
            only.iter().any(|item| *item == unit.name || unit.owners.iter().any(|o| o == item))
                && drivers.run(module, unit)
        }
        Check::PassesOn | Check::ShowsADouble => false,
    };
    let mut unproven = Vec::new();
    for renamed in operations.renamed_in(&code.parse()?) {
        let why = "the scanner does not follow another name".to_owned();
        unproven.push(Unproven { unit: renamed, fingerprint: 0, why });
    }
    let mut add = |unit: &Unit, why: String| {
        let (name, fingerprint) = (unit.name.clone(), unit.fingerprint());
        unproven.push(Unproven { unit: name, fingerprint, why });
    };
    for unit in units.iter().filter(|unit| rule::imitates(unit)) {
        add(unit, "the scanner takes its name for another function's".to_owned());
    }
    for unit in units.iter().filter(|unit| operations.called_in(&unit.code)) {
        if unit.is_test || is_run(unit) {
            continue;
        }
        let rule = if matches!(check, Check::PassesOn) { Rule::PassesOn } else { Rule::Shows };
        let mut why = rule::broken(unit, rule, &operations);
        if own_error && rule::hands_back(unit) {
            why.push("its caller gets an `Error` that the example defines".to_owned());
        }
        let is_driven = matches!(check, Check::Driven(_));
        if is_driven && why.is_empty() && rule::tells_more_than_success(unit) {
            why.push("no test of tests/faults runs it".to_owned());
        }
        if !why.is_empty() {
            add(unit, why.join("\n  "));
        }
    }
    Ok(unproven)
}
