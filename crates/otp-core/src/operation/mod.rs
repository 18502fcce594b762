//! The operations of the API as values, without any I/O.
//!
//! An [`Operation`] knows its [`Endpoint`], writes its request and reads its response. Everything
//! else, such as attempts, deadlines, effect and redaction, is the [exchange](crate::exchange)'s and
//! comes for free with the trait.
//!
//! # Adding an endpoint of your own
//!
//! When a larger SDK needs an endpoint that is not here, it implements the trait and calls it through
//! [`OtpsClient::call`](crate::OtpsClient::call). This one enables two-factor authentication by app
//! (`POST /user/otp/app` of the same API):
//!
//! ```
//! use otp_core::http::{HeaderName, StatusCode};
//! use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
//! use otp_core::{Endpoint, Operation, Otp};
//!
//! struct EnableApp {
//!     otp: Otp,
//! }
//!
//! impl Operation for EnableApp {
//!     type Output = ();
//!
//!     const ENDPOINT: &'static Endpoint = &Endpoint::post("enable_tfa_app", "/user/otp/app")
//!         .acknowledged_by(&[StatusCode::OK])
//!         .if_unknown("read the user's two-factor settings before you repeat it");
//!
//!     fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
//!         request.secret_header(HeaderName::from_static("x-otp-token"), &self.otp);
//!         Ok(())
//!     }
//!
//!     fn read(&self, response: &ResponseReader<'_>) -> Result<(), ReadError> {
//!         response.require(StatusCode::OK).map(drop)
//!     }
//! }
//! ```

mod auth_scheme;
mod endpoint;
mod exposed;
mod find_ensure_otp;
mod find_recovery_codes;
mod read_error;
mod receive_codes;
mod regenerate_codes;
mod request_draft;
mod response_reader;
mod wiped;
mod write_error;

pub use auth_scheme::AuthScheme;
pub use endpoint::Endpoint;
pub use exposed::Exposed;
pub use find_ensure_otp::FindEnsureOtp;
pub use find_recovery_codes::FindRecoveryCodes;
pub use read_error::ReadError;
pub use receive_codes::ReceiveCodes;
pub use regenerate_codes::RegenerateCodes;
pub use request_draft::RequestDraft;
pub use response_reader::ResponseReader;
pub(crate) use response_reader::{is_markup, reads_json, says_it_is_not};
pub use write_error::WriteError;

/// What to do about a `422` of this API.
const CHECK_SETTINGS: &str = "check the account's two-factor settings";

/// One kind of call: how its request is written and how its response is read.
pub trait Operation {
    /// What a success gives.
    type Output;

    /// Name, method, path template, and what an answer or its absence means.
    const ENDPOINT: &'static Endpoint;

    /// Fills in the path's parameters, in order, and adds headers and a body if there are any. By default it writes
    /// nothing more than the path.
    ///
    /// It is called once for each attempt and never besides, and writes the same each time. The client adds
    /// the base URL, the token, `Accept` and `User-Agent`.
    ///
    /// # Errors
    ///
    /// A [`WriteError`] ends the call before anything is sent. What a method of the draft cannot take ends it too,
    /// without further ado.
    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        let _ = request;
        Ok(())
    }

    /// Reads a response with a `2xx` status, or one that the endpoint [takes as an answer](Endpoint::answers). Any
    /// other status is an error before this is asked.
    ///
    /// # Errors
    ///
    /// [`ReadError::UnexpectedStatus`] for a success status that the operation does not have,
    /// [`ReadError::NotFromService`] for a response that somebody else made, and
    /// [`ReadError::Decode`] for a body that it cannot read.
    fn read(&self, response: &ResponseReader<'_>) -> Result<Self::Output, ReadError>;
}

/// A reference to an operation is that operation: for calling the same one again.
impl<O: Operation + ?Sized> Operation for &O {
    type Output = O::Output;
    const ENDPOINT: &'static Endpoint = O::ENDPOINT;
    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        (**self).write(request)
    }
    fn read(&self, response: &ResponseReader<'_>) -> Result<Self::Output, ReadError> {
        (**self).read(response)
    }
}
