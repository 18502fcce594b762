//! Doubles for code that uses [`otp-core`](otp_core): pick the lowest rung that serves.
//!
//! | your test says | use |
//! |---|---|
//! | "given this answer, my code does that" | [`MockOtpsApi`], with values and errors from [`canned`] |
//! | "a user logs in by SMS, then loses the phone" | [`FakeOtps`], the service in memory |
//! | "over a real connection" | `otp-emulator`, which puts [`FakeOtps`] behind HTTP and TLS |
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

pub mod canned;
mod fake;
mod in_memory;
#[cfg(feature = "mockall")]
mod mock;
mod record;
mod reply;
mod script;

pub use fake::{
    Event, Factor, FakeOtps, FakeOtpsBuilder, FakeUser, Fault, Journal, JournalEntry, Sms,
    TwoFactor, UnknownFault, UserState,
};
#[cfg(feature = "mockall")]
pub use mock::MockOtpsApi;
/// The version that [`MockOtpsApi`] is made with; it is part of this crate's public API.
#[cfg(feature = "mockall")]
pub use mockall;
pub use record::{InvalidRecording, Recorder, Recording};
pub use reply::{Answered, Outcome, Reply};
pub use script::{Expected, ScriptedTransport, SeenRequest};

const X_AUTH_TOKEN: otp_core::http::HeaderName =
    otp_core::http::HeaderName::from_static("x-auth-token");
