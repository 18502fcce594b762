//! A larger SDK on top of `otp-core`: users, API keys, projects and two-factor settings of the same API, beside its
//! one-time passwords.
//!
//! # What it is
//!
//! One service, [`MetalApi`], defined in a line for each method. Each operation is a file in [`operations`]. From these
//! follow, for every method: retries that never repeat what may have been done, deadlines, an effect and a sentence for
//! each failure, redaction, token refresh, the three flavours, a mock and a fake. `tests/` shows each of them.
//!
//! # What it is not
//!
//! Another client. The client is `otp-core`'s, with the [`settings`] of this SDK.
//!
//! # The shortest real use
//!
//! ```
//! use otp_core::{AuthToken, Error, Otp, OtpsClient, Transport};
//! use otp_example_larger_sdk::{MetalApi, MetalError, settings};
//!
//! fn client(transport: impl Transport + 'static) -> Result<impl MetalApi, Error> {
//!     settings(OtpsClient::builder(transport, AuthToken::new("your-api-key")?)).build()
//! }
//!
//! /// After `Ok`, codes come from the app.
//! async fn switch_to_app(api: &dyn MetalApi, shown_by_the_app: &str) -> Result<(), MetalError> {
//!     api.enable_app(&Otp::new(shown_by_the_app)?).await
//! }
//! ```
//!
//! # Adding an operation
//!
//! Write its file in `src/operations/`, name it in `mod.rs`, and add its method to [`MetalApi`]. `tests/one_file.rs`
//! holds this: an operation is one file, two lines that name it, and its method. The fake takes a route for it.

pub mod edits;
mod error;
#[cfg(feature = "doubles")]
mod fake;
mod mounted;
pub mod operations;

use std::time::Duration;

use otp_core::http::HeaderValue;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{ClientBuilder, Otp, RecoveryCodeList, Verified};

pub use error::MetalError;
#[cfg(feature = "doubles")]
pub use fake::add_routes;
pub use mounted::mounted;
use operations::*;

/// The settings of this SDK, for a client of any flavour: who is asking, and a timeout of 15 s for a call.
pub fn settings<C>(builder: ClientBuilder<C>) -> ClientBuilder<C> {
    builder.user_agent(HeaderValue::from_static("metal-sdk/2.1")).timeout(Duration::from_secs(15))
}

otp_core::service! {
    /// The service: one-time passwords, the user, API keys, projects.
    ///
    /// [`OtpsClient`](otp_core::OtpsClient) implements it, and so do the doubles behind the feature `doubles`:
    /// `MockMetalApi`, and `FakeOtps` once it has this SDK's routes (`add_routes`).
    ///
    /// # Errors
    ///
    /// Each method returns a [`MetalError`]. Ask its [`error`](MetalError::error) for the effect.
    ///
    /// # Cancellation
    ///
    /// A dropped future counts as [`Effect::Unknown`](otp_core::Effect::Unknown) once it has been polled.
    pub trait MetalApi as metal_api {
        /// Verifies the user by an OTP, which uses the OTP up. Only `Ok` is a login.
        fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, MetalError> =
            FindEnsureOtp::new(otp.clone());
        /// Sends an OTP to the user's phone.
        fn receive_codes(&self) -> Result<(), MetalError> = ReceiveCodes;
        /// Reads the recovery codes.
        fn find_recovery_codes(&self) -> Result<RecoveryCodeList, MetalError> = FindRecoveryCodes;
        /// Generates new recovery codes, which kills the old ones.
        fn regenerate_codes(&self) -> Result<RecoveryCodeList, MetalError> = RegenerateCodes;
        /// Reads the user whose token it is.
        fn find_user(&self) -> Result<User, MetalError> = FindUser;
        /// Reads the user's API keys.
        fn find_keys(&self, query: &FindKeys) -> Result<Vec<ApiKey>, MetalError> = query;
        /// Creates an API key, which reads only or writes too.
        fn create_key(&self, description: &str, read_only: bool) -> Result<ApiKey, MetalError> =
            CreateKey { description, read_only };
        /// Deletes an API key. Returns `false` if it is not there, or no longer.
        fn delete_key(&self, id: &str) -> Result<bool, MetalError> = DeleteKey(id);
        /// Reads one page of the user's projects.
        fn find_projects(&self, query: &FindProjects) -> Result<ProjectList, MetalError> = query;
        /// Turns two-factor authentication by an app on, with the code that it shows now.
        fn enable_app(&self, otp: &Otp) -> Result<(), MetalError> = EnableApp(otp);
        /// Turns two-factor authentication by an app off, with the code that it shows now.
        fn disable_app(&self, otp: &Otp) -> Result<(), MetalError> = DisableApp(otp);
    }
}

#[cfg(feature = "doubles")]
otp_mock::mock_service! {
    /// A mock of [`MetalApi`], in every flavour.
    pub metal_api
}
#[cfg(feature = "doubles")]
otp_mock::fake_service!(metal_api);
