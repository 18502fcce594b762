//! The client in a real browser.
//!
//! These tests need Chromium and its driver, and the page as WebAssembly:
//! `examples/browser/build-and-test` has all of it and runs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(clippy::print_stdout, reason = "the kit's report is for whoever asks for it")]

mod bridge;
mod browser;
mod conformance;
mod driver;
mod http;
mod opened;
mod page;
mod status_page;
mod status_page_clicks;
mod status_page_live;
