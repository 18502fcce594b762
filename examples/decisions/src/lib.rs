//! Runs the project's own examples under every fault.
//!
//! An example is copied into programs. One that logs somebody in without a verification is a security hole in
//! each of them. So no example is trusted because it looks right:
//!
//! - `build.rs` finds every example that calls the service: code blocks in Markdown files and in the docs of the
//!   crates, and files in `examples/`.
//! - [`registry`] lists them. `tests/registry` fails when one is not listed, or is gone.
//! - `tests/faults` runs the code of each example that decides something. It is the code itself, not a copy:
//!   `build.rs` takes the items out of the code block.
//! - `tests/registry` takes each example apart. Each function that calls the service, and each statement outside of
//!   functions, must be run by a test in `tests/faults`, or pass the outcome on as it is, or be listed as read with
//!   its fingerprint. Functions marked as `#[test]` are left out: they decide nothing for a user.
//! - `tests/registry/sneaks.rs` proves that wrong examples are found.
//!
//! To add an example, add a line to [`registry::EXAMPLES`]. If it decides anything for its user, add a test
//! to `tests/faults`.
//!
//! # What it cannot find
//!
//! It reads names and not types. It does not find:
//!
//! - a decision on a success that is wrong, or on what a double says;
//! - a call through a function of another package, or below the client, by `Transport::send`;
//! - code that is not Rust: with `…` for what is left out, in running text, or in a text block that does not parse;
//! - an error that loses its effect in a `From` of a crate's own, where the function returns a boxed error;
//! - a test in `tests/faults` that runs an example and looks at nothing.

pub mod registry;
