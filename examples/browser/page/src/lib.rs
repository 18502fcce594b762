//! The OTP client in a browser: [`FetchTransport`], and the page that uses it.

pub mod bridge;
pub mod decisions;
mod fetch_transport;

pub use fetch_transport::FetchTransport;
