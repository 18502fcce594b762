//! Runs each example that decides something, under everything that can go wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test that fails shows what went wrong")]

mod codes;
mod coverage;
mod hostile;
mod login;
mod never;
mod page;
mod programs;
mod screen;
mod wire;
mod world;

/// The examples, as they are in README, in the guide, in the docs and in the programs.
mod examples {
    include!(concat!(env!("OUT_DIR"), "/examples.rs"));
}
