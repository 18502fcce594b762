//! Runs the project's own examples under every fault.
//!
//! An example is copied into programs. One that logs somebody in without a verification is a security hole in
//! each of them. So no example is trusted because it looks right:
//!
//! - `build.rs` finds every example that calls the service: code blocks in README, in the guides and in the
//!   docs of the crates, and files in `examples/`.
//! - [`registry`] lists them. `tests/registry.rs` fails when one is not listed, or is gone.
//! - `tests/faults` runs the code of each example that decides something. It is the code itself, not a copy:
//!   `build.rs` takes the items out of the code block.
//!
//! To add an example, add a line to [`registry::EXAMPLES`]. If it decides anything for its user, add a test
//! to `tests/faults`.

pub mod registry;
