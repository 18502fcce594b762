//! A stand-in for the Equinix Metal OTP service: [`FakeOtps`] behind real HTTP/1.1 and HTTP/2, with or
//! without TLS.
//!
//! # In a test
//!
//! It runs on a thread of its own until it is dropped, so a test of any kind can use it: async,
//! single-threaded or blocking.
//!
//! ```
//! use otp_emulator::Emulator;
//! use otp_core::{Error, OtpsApi, OtpsClient};
//! use otp_hyper::{HyperTransport, Roots};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start()?;
//!
//! let transport = HyperTransport::builder().roots(Roots::pem(emulator.ca_pem())?).build()?;
//! let client = OtpsClient::builder(transport, emulator.token())
//!     .base_url(emulator.base_url())
//!     .build()?;
//!
//! client.receive_codes().await?;
//! let sms = emulator.fake().last_sms().expect("an SMS was sent");
//! client.find_ensure_otp(&sms.otp).await?;
//! # Ok(()) }
//! ```
//!
//! # Failures
//!
//! [`Emulator::arm`] lets one of the [faults](Fault) happen for real: a lost reply ends the connection after
//! the service acted, a slow one takes its time, and a stale connection is closed when a request comes over it. A
//! fault can be [narrowed](ScopedFault) to a user, an operation and a number of times. Health checks and open ports
//! use up none.
//!
//! ```
//! # use otp_core::{Effect, OtpsApi, OtpsClient};
//! # use otp_emulator::{Emulator, Fault};
//! # use otp_hyper::HyperTransport;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::builder().plain().start()?;
//! emulator.arm(Fault::LostSms);
//!
//! let transport = HyperTransport::new()?;
//! let client = OtpsClient::builder(transport, emulator.token())
//!     .base_url(emulator.base_url())
//!     .build()?;
//! let error = client.receive_codes().await.unwrap_err();
//! assert_eq!(error.effect(), Effect::Unknown);
//! assert!(emulator.fake().last_sms().is_some(), "it was sent");
//! # Ok(()) }
//! ```
//!
//! # As a program
//!
//! `cargo run -p otp-emulator --features ring` prints where it listens, the file of its CA, a token to use, and every SMS
//! as it is "sent". It needs the feature `ring` or `aws-lc-rs` for TLS; `--plain` does without. Any HTTP client can talk to
//! it, in any language; its [admin port](EmulatorBuilder::admin) plays the phone, arms the faults and resets the
//! service between tests. With `--seed` and `--standing-clock`, every run is the same. `--help` lists the options, each
//! of which is also a variable of the environment, and `otp-emulator help TOPIC` explains.
//!
//! A program that starts it need not read what it prints after the first lines, nor keep the pipe open. The file of
//! its CA is removed when SIGTERM or Ctrl-C ends it, unless `--ca-file` named it.
//!
//! The [guide] explains when to start one emulator per test and when to share one, and how tests in other languages
//! and in containers use it.
//!
//! # What it is not
//!
//! It is for tests, on this machine: its random numbers are not fit for real secrets, and it forgets
//! everything when it stops.

mod admin;
mod answer;
mod body;
mod builder;
mod connections;
mod cors;
mod emulator;
pub mod guide {
    #![doc = include_str!("guide.md")]
    #![allow(unused_imports, reason = "the guide's links are looked up here")]

    use crate::Fault;
}
mod log;
mod serve;
mod tls;

pub use builder::EmulatorBuilder;
pub use cors::Cors;
pub use emulator::Emulator;
pub use log::RequestLine;
pub use otp_mock::{FakeOtps, Fault, ScopedFault};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
