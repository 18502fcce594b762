//! The mocks: mockall's, which also say what was expected when a call fits nothing.

mod api;
mod expecting;
mod service;
mod transport;

pub use api::MockOtpsApi;
pub use expecting::Expecting;
pub use transport::MockTransport;

/// What the `expect_…` methods of the mocks give: mockall's expectation of each method, which says how often
/// it is to be called, with what, and what it answers.
///
/// They stand here to be named by a helper that takes or returns one.
///
/// Requires the feature `mockall`, which is on by default.
///
/// ```
/// use otp_core::{ErrorKind, operation::ReceiveCodes};
/// use otp_mock::{MockOtpsApi, canned, expectation};
///
/// fn refused(call: &mut expectation::ReceiveCodes) {
///     call.times(1..).returning(|| Err(canned::error::<ReceiveCodes>(ErrorKind::Forbidden).build()));
/// }
///
/// let mut api = MockOtpsApi::new();
/// refused(api.expect_receive_codes());
/// # let _ = pollster::block_on(otp_core::OtpsApi::receive_codes(&api));
/// ```
pub mod expectation {
    pub use super::api::expectation::*;
    pub use super::transport::expectation::*;
}
