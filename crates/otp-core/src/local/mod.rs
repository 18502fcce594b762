//! The client for one thread: a browser, a single-threaded runtime, anything that holds an `Rc`.
//!
//! The same names and the same behaviour as at the crate's root, without `Send` and `Sync`: the
//! operations, the [exchange](crate::exchange), the errors and the secrets are the very same. A
//! program takes its names from here instead of from the root.
//!
//! ```
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::time::Duration;
//! use otp_core::local::{OtpsApi, OtpsClient, Transport};
//! use otp_core::{AuthToken, Error, Request, Response, TransportError, async_trait, clock};
//!
//! /// Something that must stay on its thread.
//! struct Radio {
//!     sent: Rc<RefCell<Vec<&'static str>>>,
//! }
//!
//! #[async_trait(?Send)]
//! impl Transport for Radio {
//!     async fn send(&self, request: Request) -> Result<Response, TransportError> {
//!         self.sent.borrow_mut().push(request.endpoint().name());
//!         // … the device does its work here …
//!         # let mut response = Response::default();
//!         # *response.status_mut() = otp_core::http::StatusCode::NO_CONTENT;
//!         # Ok(response)
//!     }
//!
//!     async fn sleep(&self, duration: Duration) {
//!         # let _ = duration;
//!         // … and waits here …
//!     }
//!
//!     fn now(&self) -> Duration {
//!         clock::monotonic()
//!     }
//! }
//!
//! # pollster::block_on(async {
//! let sent = Rc::default();
//! let radio = Radio { sent: Rc::clone(&sent) };
//! OtpsClient::new(radio, AuthToken::new("your-api-key")?).receive_codes().await?;
//! assert_eq!(*sent.borrow(), ["receive_codes"]);
//! # Ok::<(), Error>(()) })?;
//! # Ok::<(), Error>(())
//! ```
//!
//! A service is held as a `dyn` of its trait, so that a test can put a double there:
//!
//! ```
//! use std::rc::Rc;
//! use otp_core::local::OtpsApi;
//! use otp_core::{Error, Otp, Verified};
//!
//! struct Login {
//!     otps: Rc<dyn OtpsApi>,
//! }
//!
//! impl Login {
//!     /// Only `Ok` lets the user in.
//!     async fn second_factor(&self, typed: &str) -> Result<Verified, Error> {
//!         self.otps.find_ensure_otp(&Otp::new(typed)?).await
//!     }
//! }
//! ```
//!
//! What is `Send` is welcome too: [`FromSend`] makes a transport, or a double, of the root's flavour
//! one of this.

mod client;
mod credentials;
mod from_send;
mod transport;

pub use crate::api::local::OtpsApi;
pub use client::OtpsClient;
pub use credentials::{Credentials, TokenProvider};
pub use from_send::FromSend;
pub use transport::Transport;

/// A future on the heap, as `async_trait(?Send)` makes them.
pub type LocalBoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + 'a>>;
