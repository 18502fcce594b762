//! Proves that a transport keeps what [`Transport`](otp_core::Transport#what-a-transport-promises)
//! promises.
//!
//! # What it is
//!
//! A [kit](Kit) of [cases](Case), each of which checks a sentence of the promises, and the
//! [hostile server](hostile) under it, which counts and records what it receives and fails byte by byte as
//! servers and networks do. It runs against any flavour of transport, on any executor.
//!
//! # What it is not
//!
//! It does not test the client: retries, deadlines and errors are `otp-core`'s, and its tests'.
//!
//! If you have no transport yet, begin with the [guide].
//!
//! # The shortest real use
//!
//! One line in a test. This is `otp-hyper`'s:
//!
//! ```
//! use otp_conformance::Kit;
//! use otp_hyper::{HyperTransport, Roots};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! Kit::new()
//!     .run(|server| {
//!         let roots = Roots::pem(server.ca_pem()).unwrap();
//!         HyperTransport::builder().roots(roots).build().unwrap()
//!     })
//!     .await
//!     .assert();
//! # });
//! ```
//!
//! If a case fails, the report says what was expected, what was seen, why it matters, and the clause of
//! the promises that it comes from:
//!
//! ```text
//! HTTP/1.1 over TLS: 149 passed, 1 failed, 0 excepted, 46 not applicable
//!
//! FAILED follows_no_redirect: A redirect is the answer. Its location is not requested.
//!   expected  POST, a 300: 1 received by the server
//!   seen      2 received
//!   why       a redirect would carry the token and the OTP wherever it points
//!   clause    1. One request
//! ```
//!
//! The plainest exchanges come first. If one of them fails, the cases that rest on it are not run, and the report begins
//! with what to look at in your code. Failures that have one cause are one finding.
//!
//! The page [`coverage`] lists what the promises and RFC 9110, 9112 and 9113 ask of a transport, with the cases for it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "this runs in tests only: what cannot be set up must stop the test, and say why"
)]

mod blocking;
mod case;
mod cases;
mod child;
mod clause;
pub mod coverage;
pub mod engine;
mod foundation;
mod guard;
mod harness;
mod plain_exchange;
pub mod guide {
    #![doc = include_str!("guide.md")]
    #![allow(unused_imports, reason = "the guide's links are looked up here")]

    use otp_core::{Request, Transport, TransportError, TransportErrorKind};

    use crate::hostile::Server;
    use crate::{Kit, Report};
}
pub mod hostile;
mod kinds;
mod kit;
mod log;
mod mismatch;
mod report;
mod resources;
mod secrets;
mod time;
mod unsent;

pub use case::Case;
#[doc(hidden)]
pub use child::test_of;
pub use clause::Clause;
pub use kit::Kit;
pub use report::{CaseReport, Finding, Report, Verdict};

/// The name of the test that it stands in, for [`Kit::in_test`].
///
/// It is the path of the function within its crate, as `cargo test` prints it.
#[macro_export]
macro_rules! this_test {
    () => {{
        fn here() {}
        $crate::test_of(here)
    }};
}
