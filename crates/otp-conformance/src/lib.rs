//! Proves that a transport keeps what [`Transport`](otp_core::Transport#what-a-transport-promises)
//! promises.
//!
//! # What it is
//!
//! A [kit](Kit) of [cases](Case), each of which checks a sentence of the promises, and the
//! [hostile server](hostile) that it takes to do so: one that counts and records what it receives, and
//! does what goes wrong in the world, byte by byte. It runs against any flavour of transport, on any
//! executor.
//!
//! # What it is not
//!
//! It does not test the client: retries, deadlines and errors are `otp-core`'s, and its tests'.
//!
//! Who has no transport yet begins with the [guide].
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
//! HTTP/1.1 over TLS: 72 passed, 1 failed, 0 excepted, 2 not applicable
//!
//! FAILED follows_no_redirect: A redirect is the answer, and the place that it names is not asked.
//!   expected  POST, a 300: 1 received by the server
//!   seen      2 received
//!   why       a redirect would carry the token and the OTP wherever it points
//!   clause    1. One request
//! ```
//!
//! Before the cases there is a plain exchange. Who fails that is told so, and what it may be, in the place of
//! everything else.

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
