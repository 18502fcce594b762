//! Certificates for tests: a CA, and the certificates that it issues, made on the fly.
//!
//! This crate is a part of `otp-emulator` and `otp-conformance`. It makes what they need and nothing else: keys are
//! P-256, signatures are ECDSA with SHA-256, a CA signs the certificates of servers and clients directly. For other
//! certificates use a general crate, such as `rcgen`.
//!
//! The bytes of a private key are wiped when [`Issued`] is dropped. What `ring` keeps is not: it has a copy of the
//! key on the stack while it makes one, and the CA's key as long as the [`Authority`] lives. These keys are made for
//! a test and never stored.
//!
//! ```
//! use otp_test_certificates::{Authority, Leaf};
//!
//! let authority = Authority::new("a CA for this test")?;
//! let server = authority.issue(&Leaf::new("localhost").names(["localhost", "127.0.0.1"]))?;
//! assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
//! assert!(server.key_pem()?.starts_with("-----BEGIN PRIVATE KEY-----"));
//! # Ok::<(), otp_test_certificates::Error>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod certificate;
mod error;
mod key;
mod provider;
mod revocation;

pub use certificate::{Authority, Issued, Leaf, Usage};
pub use error::Error;
pub use provider::Provider;
