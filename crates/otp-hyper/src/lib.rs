//! The [`Transport`](otp_core::Transport) of [`otp-core`](otp_core) for programs on tokio: hyper and
//! rustls, HTTP/1.1 and HTTP/2.
//!
//! # The shortest real use
//!
//! ```no_run
//! use otp_core::{AuthToken, Error, OtpsApi};
//!
//! # async fn example() -> Result<(), Error> {
//! let client = otp_hyper::client(AuthToken::new("your-api-key")?)?;
//! client.receive_codes().await?;
//! # Ok(()) }
//! ```
//!
//! # Your own settings
//!
//! ```
//! use std::time::Duration;
//! use otp_core::{AuthToken, BaseUrl, Error, OtpsClient};
//! use otp_hyper::{HyperTransport, Roots};
//!
//! # fn example(pem: &[u8]) -> Result<(), Error> {
//! let transport = HyperTransport::builder()
//!     .roots(Roots::pem(pem)?)
//!     .connect_timeout(Duration::from_secs(2))
//!     .build()?;
//! let client = OtpsClient::builder(transport, AuthToken::new("your-api-key")?)
//!     .base_url(BaseUrl::new("https://metal.internal/metal/v1")?)
//!     .build()?;
//! # let _ = client; Ok(()) }
//! ```
//!
//! # What it does, and what it does not
//!
//! - **TLS** 1.2 and 1.3 by rustls, with the crypto provider passed explicitly, never the process's
//!   default: see [Cryptography](#cryptography). Certificates are checked by the operating system's rules unless [`Roots`] says
//!   otherwise; there is no way to accept invalid ones.
//! - **HTTP/2** where the server offers it by ALPN, HTTP/1.1 otherwise.
//! - **One request per send.** No redirects, no cookies, no decompression, no hidden replay: the
//!   [exchange](otp_core::exchange) decides what is repeated.
//! - **Nothing from the environment.** No proxy, root or token is read from it.
//! - **Bounded.** Connecting, each attempt, the head and the body have limits.
//!
//! # Certificates that change
//!
//! Certificates are renewed while a program runs. [`HyperTransport::set_roots`] and
//! [`HyperTransport::set_identity`] replace whom to trust and what to show. The next call uses them, and calls under way
//! go on. [`Roots::and_pem`] adds a private CA to other roots, and [`Roots::crls_pem`] refuses revoked certificates.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `aws-lc-rs` | no | the crypto provider AWS-LC, with post-quantum key exchange: rustls's own default |
//! | `ring` | no | the crypto provider *ring*, which builds faster |
//! | `platform-verifier` | yes | [`Roots::platform`]: the operating system's roots and rules |
//! | `webpki-roots` | no | [`Roots::webpki`]: Mozilla's roots, compiled in |
//! | `tracing` | no | spans and events of the calls: see [`otp_core`] |
//!
//! # Cryptography
//!
//! rustls needs a crypto provider, and your program chooses it. This crate turns none on by default. If your program's
//! rustls has one already, through its own dependency on rustls or through reqwest, tonic or kube, the transport uses
//! that. Otherwise turn on `aws-lc-rs` or `ring` here. Without any, building the transport is an error that says so.
//!
//! - **Why there is no default.** A rustls with two providers does not choose: `rustls::ClientConfig::builder()`
//!   panics until the program calls `install_default`. rustls and reqwest turn on AWS-LC by default, kube turns on
//!   *ring*. Any default here would break the programs on the other side, although they never call this crate.
//! - **With two providers** in the tree, the transport uses AWS-LC. To use another one, pass it:
//!   `.crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))`.
//! - **`install_default`** is the program's to call. This crate neither calls it nor reads what was installed. To use
//!   the installed provider here too, pass it: `CryptoProvider::get_default().cloned()`.
//! - **What it costs.** A program of one call, measured in one run on two busy cores: with *ring*, 58 s for a cold
//!   `cargo build`, 3.6 MB stripped in release, 72 crates with those that build them; with AWS-LC, 97 s, 5.7 MB and
//!   76 crates. Both need a C compiler.
//!
//! `otp-emulator` and `otp-conformance` have the same two features and the same rule.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Where these docs are built without a feature, its links lead to docs.rs, which builds with all.
#![cfg_attr(
    not(feature = "platform-verifier"),
    doc = "",
    doc = "[`Roots::platform`]: https://docs.rs/otp-hyper/latest/otp_hyper/struct.Roots.html#method.platform"
)]
#![cfg_attr(
    not(feature = "webpki-roots"),
    doc = "",
    doc = "[`Roots::webpki`]: https://docs.rs/otp-hyper/latest/otp_hyper/struct.Roots.html#method.webpki"
)]

mod body;
mod builder;
mod connect;
mod connector;
mod deadline;
mod error;
mod http2;
mod keep_alive;
mod pool;
mod proxy;
mod stream;
mod tls;
mod transport;
mod versions;
mod watched;

pub use builder::HyperTransportBuilder;
#[cfg(unix)]
pub use connector::UnixSocket;
pub use connector::{Connector, Resolver, Stream, SystemResolver, Target, TcpConnector};
pub use proxy::Proxy;
pub use tls::{Identity, Roots};
pub use transport::HyperTransport;
pub use versions::HttpVersions;

/// The version whose [`CryptoProvider`](rustls::crypto::CryptoProvider) the builder takes.
pub use rustls;

use otp_core::{AuthToken, Error, OtpsClient};

/// A client of the public service, with default settings throughout.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) if the machine has no trusted roots,
/// or if the program has no crypto provider or no roots to choose.
pub fn client(token: AuthToken) -> Result<OtpsClient, Error> {
    Ok(OtpsClient::new(HyperTransport::new()?, token))
}
