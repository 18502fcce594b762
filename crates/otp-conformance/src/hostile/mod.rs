//! A server that does what a test says, byte by byte (HTTP/1.1) or frame by frame (HTTP/2), and records
//! every request that it received.
//!
//! A test names a [`Fault`], and the [`Server`] does it to every request, for ever. It listens on the
//! loopback address, on a free port or a Unix socket, runs on threads of its own, and stops when it is
//! dropped.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use otp_conformance::hostile::{Ending, Fault, Server, Wire};
//!
//! // The head of a success, ten bytes of three hundred, and then the connection is closed.
//! let server = Server::start(Wire::http1().in_the_clear(), Fault::Cut(200, Ending::Close));
//!
//! let mut client = TcpStream::connect(server.address()).unwrap();
//! client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).unwrap();
//!
//! assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{\"recovery"));
//! assert_eq!(server.requests(), 1);
//! ```
//!
//! # Panics
//!
//! A server that cannot be started, and a fault that the protocol does not have, stop the test.

mod act;
mod connection;
mod fault;
pub mod frames;
#[doc(hidden)]
pub mod hpack;
mod http1;
mod http2;
mod received;
mod reply;
mod runtime;
mod served;
mod server;
mod setup;
mod socket;
pub mod tls;
mod wire;
mod witness;

pub use act::{Act, Last};
pub use fault::{Ending, Fault, Step};
pub use received::Received;
pub use reply::Reply;
pub(crate) use runtime::runtime;
pub use server::Server;
pub(crate) use server::Stopper;
pub(crate) use setup::Setup;
pub use tls::Certificate;
pub use wire::{Protocol, Wire};
