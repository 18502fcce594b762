//! The client without any async: for a program that waits, with whatever HTTP stack it has.
//!
//! The same names and the same behaviour as at the crate's root: the operations, the
//! [exchange](crate::exchange), the errors and the secrets are the very same. A program takes its
//! names from here instead of from the root.
//!
//! ```
//! use std::time::Duration;
//! use otp_core::blocking::{OtpsApi, OtpsClient, Transport};
//! use otp_core::{AuthToken, Error, Request, Response, TransportError, clock};
//!
//! struct Modem;
//!
//! impl Transport for Modem {
//!     fn send(&self, request: Request) -> Result<Response, TransportError> {
//!         // … the device does its work here, within the request's limits …
//!         # let _ = request;
//!         # let mut response = Response::default();
//!         # *response.status_mut() = otp_core::http::StatusCode::NO_CONTENT;
//!         # Ok(response)
//!     }
//!
//!     fn sleep(&self, duration: Duration) {
//!         std::thread::sleep(duration);
//!     }
//!
//!     fn now(&self) -> Duration {
//!         clock::monotonic()
//!     }
//! }
//!
//! let client = OtpsClient::new(Modem, AuthToken::new("your-api-key")?);
//! client.receive_codes()?;
//! # Ok::<(), Error>(())
//! ```
//!
//! A service is held as a `dyn` of its trait, so that a test can put a double there:
//!
//! ```
//! use otp_core::blocking::OtpsApi;
//! use otp_core::{Error, Otp, Verified};
//!
//! struct Login {
//!     otps: Box<dyn OtpsApi>,
//! }
//!
//! impl Login {
//!     /// Only `Ok` lets the user in.
//!     fn second_factor(&self, typed: &str) -> Result<Verified, Error> {
//!         self.otps.find_ensure_otp(&Otp::new(typed)?)
//!     }
//! }
//! ```
//!
//! A call blocks its thread, waits included. In an async task use the root's or the
//! [`local`](crate::local) client.

mod client;
mod credentials;
mod run;
mod transport;

pub use crate::api::blocking::OtpsApi;
pub use client::OtpsClient;
pub use credentials::{Credentials, TokenProvider};
pub(crate) use run::run;
pub use transport::Transport;
