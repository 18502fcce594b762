//! The OTP client in a browser: [`FetchTransport`], and the page that uses it.

mod fetch_transport;

pub use fetch_transport::FetchTransport;
