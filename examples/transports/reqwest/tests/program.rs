//! The program as a person has it, against an emulator of the service.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../over_tls.rs"]
mod over_tls;
#[path = "../../program.rs"]
mod program;

const PROGRAM: &str = env!("CARGO_BIN_EXE_otp-example-reqwest");
