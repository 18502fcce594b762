//! Ask the Equinix Metal API for a one-time password by SMS, verify one, read the recovery codes and
//! regenerate them, over whatever transport your program already has.
//!
//! # What this crate is
//!
//! The typed half of a client: the service trait [`OtpsApi`], the four [operations](operation), the
//! [exchange] that retries, keeps the deadline and reads the answer, and one [`Error`] that says
//! whether the server may have acted ([`Error::effect`]).
//!
//! # What it is not
//!
//! It opens no socket, starts no runtime and compiles no C. An implementation of [`Transport`] does the
//! I/O: `otp-hyper` is one for tokio, and yours may be forty lines. Doubles for unit tests are in
//! `otp-mock`, and a stand-in for the service is in `otp-emulator`.
//!
//! # The shortest real use
//!
//! ```
//! use otp_core::{AuthToken, BaseUrl, Error, Otp, OtpsApi, OtpsClient, Transport, Verified};
//!
//! fn client(transport: impl Transport + 'static) -> Result<OtpsClient, Error> {
//!     OtpsClient::builder(transport, AuthToken::new("your-api-key")?)
//!         .base_url(BaseUrl::new("https://metal.example.com/metal/v1")?)
//!         .build()
//! }
//!
//! /// Only `Ok` lets the user in.
//! async fn second_factor(api: &dyn OtpsApi, typed: &str) -> Result<Verified, Error> {
//!     api.find_ensure_otp(&Otp::new(typed)?).await
//! }
//! ```
//!
//! # When something fails
//!
//! Verifying uses a one-time password up, an SMS costs money, and regenerating kills the old recovery
//! codes. So every [`Error`] answers one question first: did the server act? [`Effect`] has the answer, and
//! [a table](Effect#what-to-do-after-each-effect) of what to do after it, with an example for each
//! operation.
//!
//! # Telemetry
//!
//! With the feature `tracing`, each call is a span and each attempt an event, named by OpenTelemetry's
//! [conventions for HTTP clients](https://opentelemetry.io/docs/specs/semconv/http/http-spans/):
//! `http.request.method`, `url.template`, `server.address`, `server.port`,
//! `http.response.status_code`, `http.request.resend_count` and `error.type`
//! ([`ErrorKind::as_str`]). The URL itself is never recorded, since it may hold an OTP. `Sunset` and
//! `Deprecation` are warned of once a client.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `tracing` | no | the telemetry above, and [`Exchange::span`] |
//!
//! # Where things are
//!
//! | to | use |
//! |---|---|
//! | call the service, or take it as a dependency | [`OtpsApi`], [`OtpsClient`] |
//! | set a timeout or a header for one call, see the response's metadata | [`OtpsClient::call`], [`Answer`] |
//! | act in the session that a verification gave | [`OtpsApi::in_session`], [`OtpsClient::with_token`] |
//! | do so on one thread, or without async | [`local`], [`blocking`]: the same names |
//! | send requests your own way | [`Transport`], [`Request`], [`TransportError`] |
//! | add an endpoint of your own | [`Operation`], [`Endpoint`] |
//! | define a service of your own, in all flavours | [`service!`](service) |
//! | read a listing page by page, or poll | [`Call::pages`], [`Call::send_until`](Call) |
//! | refresh the token | [`Credentials`], [`credentials::TokenProvider`] |
//! | drive the protocol yourself | [`Exchange`], [`ClientConfig`] |
//! | hold a secret | [`AuthToken`], [`Otp`], [`RecoveryCode`] |
//! | handle a failure | [`Error`], [`ErrorKind`], [`Effect`] |
#![cfg_attr(docsrs, feature(doc_cfg))]
// Where these docs are built without a feature, its links lead to docs.rs, which builds with all.
#![cfg_attr(
    not(feature = "tracing"),
    doc = "",
    doc = "[`Exchange::span`]: https://docs.rs/otp-core/latest/otp_core/exchange/struct.Exchange.html#method.span"
)]

// The macros' docs link to items by this name, here as in a crate that uses them.
#[allow(unused_extern_crates, reason = "links are not uses")]
extern crate self as otp_core;

mod api;
mod base_url;
pub mod blocking;
mod client;
pub mod clock;
pub mod credentials;
mod error;
pub mod exchange;
mod headers;
pub mod local;
mod model;
pub mod operation;
mod scrub;
mod secret;
mod service;
mod telemetry;
mod transport;

pub use api::OtpsApi;
pub use base_url::BaseUrl;
pub use client::{
    Answer, Call, ClientBuilder, ClientConfig, Deprecation, Metadata, OtpsClient, Paged, Pages,
    RateLimit,
};
pub use credentials::Credentials;
pub use error::{Attempt, Effect, Error, ErrorBuilder, ErrorKind};
pub use exchange::{CallOptions, Exchange, RetryPolicy, Step};
pub use model::{RecoveryCodeList, Verified};
pub use operation::{Endpoint, Operation};
pub use scrub::Scrubber;
pub use secret::{AuthToken, Otp, RecoveryCode};
pub use transport::{Progress, Request, Response, Transport, TransportError, TransportErrorKind};

// The vocabulary of the public API, so that a caller need not match versions by hand.
pub use {async_trait::async_trait, bytes, http, secrecy};

#[doc(hidden)]
pub use service::private as __private;
