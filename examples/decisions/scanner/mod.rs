//! Finds the examples that call the service, and checks what nobody runs.
//!
//! The build script uses it to find the examples and to hand their code to the tests. The tests use it to check
//! the examples against the registry, and prove that it does not miss what it should find.
//!
//! Data flows one way: [`found`] takes examples out of files, [`units`] takes functions out of an example,
//! [`rule`] judges a function that no test runs, [`drivers`] lists what the tests run.

pub mod drivers;
pub mod found;
pub mod judge;
pub mod markdown;
pub mod operations;
pub mod rule;
pub mod units;
