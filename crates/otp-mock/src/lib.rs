//! Doubles for code that uses [`otp-core`](otp_core). Use the simplest one that covers the test.
//!
//! | your test says | use |
//! |---|---|
//! | "given this answer, my code does that" | [`MockOtpsApi`], with values and errors from [`canned`] |
//! | "a user logs in by SMS, then loses the phone"; "the reply is lost" | [`FakeOtps`], the service in memory, and its [`Fault`]s |
//! | the same of your larger SDK's endpoints | [`FakeOtps`] with [routes](FakeOtps::route) and [`CustomFault`]s |
//! | "my client, with its settings, sends this and does that about the answer" | [`ScriptedTransport`], or a [`Recording`] of a real one |
//! | "over a real connection", "from another language" | `otp-emulator`, which puts [`FakeOtps`] behind HTTP and TLS |
//!
//! The [guide] shows each of them on a login, an account recovery and a nightly job.
//!
//! Every double is there for the async, the [`otp_core::local`] and the [`otp_core::blocking`] flavour.
//!
//! # What it is not
//!
//! It opens no socket and needs no runtime. It is for tests: its random numbers are not fit for real
//! secrets.
//!
//! # The shortest real use
//!
//! ```
//! use otp_core::{Error, OtpsApi};
//! use otp_mock::FakeOtps;
//!
//! # pollster::block_on(async {
//! let service = FakeOtps::new();
//! service.receive_codes().await?;
//!
//! let sms = service.last_sms().expect("an SMS was sent");
//! service.find_ensure_otp(&sms.otp).await?;
//! assert!(service.find_ensure_otp(&sms.otp).await.is_err(), "an OTP works once");
//! # Ok::<(), Error>(()) }).unwrap();
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `mockall` | yes | [`MockOtpsApi`], [`MockTransport`], their [`expectation`]s, the [guide], and the re-export of `mockall` |
//!
//! Without it, neither mockall nor anything else of that size is in the tree.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Where these docs are built without the feature, its links lead to docs.rs, which builds with all.
#![cfg_attr(
    not(feature = "mockall"),
    doc = "",
    doc = "[`MockOtpsApi`]: https://docs.rs/otp-mock/latest/otp_mock/struct.MockOtpsApi.html
[`MockTransport`]: https://docs.rs/otp-mock/latest/otp_mock/struct.MockTransport.html
[`expectation`]: https://docs.rs/otp-mock/latest/otp_mock/expectation/index.html
[guide]: https://docs.rs/otp-mock/latest/otp_mock/guide/index.html"
)]

pub mod canned;
mod fake;
#[cfg(feature = "mockall")]
#[doc = include_str!("guide.md")]
///
/// Requires the feature `mockall`, which is on by default.
pub mod guide {}
mod in_memory;
#[cfg(feature = "mockall")]
mod mock;
mod record;
mod reply;
mod request;
mod script;

pub use fake::{
    CustomFault, Event, Factor, FakeOtps, FakeOtpsBuilder, FakeUser, Fault, Journal, JournalEntry,
    Refused, RouteRequest, ScopedFault, Sms, TwoFactor, UnknownFault, UserState, UserTaken,
};
#[cfg(feature = "mockall")]
pub use mock::{MockOtpsApi, MockTransport, expectation};
/// The version that the mocks are made with. It is part of this crate's public API: a test takes
/// predicates and sequences from here, and a new major version of mockall is one of this crate.
///
/// Requires the feature `mockall`, which is on by default.
#[cfg(feature = "mockall")]
pub use mockall;
pub use record::{InvalidRecording, Recorder, Recording};
pub use reply::{Answered, Outcome, Replies, Reply};
pub use script::{Expected, ScriptedTransport, SeenRequest};

const X_AUTH_TOKEN: otp_core::http::HeaderName =
    otp_core::http::HeaderName::from_static("x-auth-token");

#[doc(hidden)]
pub mod __private {
    //! What the macros expand to.
    pub use otp_core;
    #[cfg(feature = "mockall")]
    pub use pastey::paste;

    #[cfg(feature = "mockall")]
    pub use crate::mock::Expecting;
}
