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
//! # What it answers
//!
//! The four operations are answered as the service's OpenAPI document says. Some answers are not in that document,
//! because any HTTP service has them, or because you asked for a limit or a fault:
//!
//! | status | when |
//! |---|---|
//! | `400` | HTTP does not allow the request: no `Host`, two of them, lengths that disagree, a broken body |
//! | `404`, `405` | no operation and no [route](FakeOtps::route) has the path, or the path has other methods (`Allow`). `HEAD` is such a method; its answers have no body |
//! | `408` | the body of a request did not arrive within the [patience](EmulatorBuilder::patience) |
//! | `413` | the body is larger than 64 KiB |
//! | `422` | the request has a body and the operation takes none |
//! | `429` | a [rate limit](otp_mock::FakeOtpsBuilder::rate_limit), or the lockout after [wrong OTPs](otp_mock::FakeOtpsBuilder::wrong_otps), which is on by default; `Retry-After` says how long it lasts. [`documented_lockout`](otp_mock::FakeOtpsBuilder::documented_lockout) makes the lockout a `400` |
//! | `431` | the head of the request, the path included, is larger than 16 KiB, or has more than 100 headers |
//! | `503` | [`Fault::Unavailable`] |
//!
//! A request with both `Content-Length` and `Transfer-Encoding: chunked` is read by its chunks, as RFC 9112 §6.3 allows,
//! and the connection is closed after the answer.
//!
//! Each has the document's error body, except what is refused before it is a request: there the body is empty.
//! `tests/metal-otps.openapi.json` in this crate's source is the document with these statuses added.
//!
//! # As a program
//!
//! `cargo run -p otp-emulator --features ring` prints its URL, the file of its CA, a token to use, and every SMS that it
//! "sends". For TLS it needs the feature `ring` or `aws-lc-rs`; with `--plain` it needs neither. Any HTTP client can call
//! it, in any language. With its [admin port](EmulatorBuilder::admin), a test reads the SMS, arms faults and resets the
//! service. With `--seed` and `--standing-clock`, every run is the same. `--help` lists the options. Each of them is an
//! environment variable too; the command line wins. `otp-emulator help TOPIC` explains more.
//!
//! A program that starts it can stop reading after the first lines, and can close the pipe. Control characters and
//! invisible characters in what it prints are escaped, such as `\u{1b}`. SIGTERM, Ctrl-C, SIGHUP and SIGQUIT stop it, and
//! remove the file of its CA, but not the file of `--ca-file`. `--log json` prints a line of JSON for each request to
//! standard error.
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
mod escape;
pub mod guide {
    #![doc = include_str!("guide.md")]
    #![allow(unused_imports, reason = "the guide's links are looked up here")]

    use crate::Fault;
}
mod host;
mod host_name;
mod listen;
mod log;
mod places;
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
