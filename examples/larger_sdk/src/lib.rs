//! A larger SDK that adds an endpoint of its own to the OTP client: enabling two-factor authentication by
//! an app.
//!
//! # What it is
//!
//! It shows what your own operation gets from `otp-core`: retries that never repeat what may have been done,
//! deadlines, an effect and a sentence for every failure, redaction, the metadata of the answer, every flavour
//! and every double. `tests/enable_app.rs` shows each of them.
//!
//! # What it is not
//!
//! Another client. [`client`] returns the client of `otp-core` with this SDK's settings. The endpoint is a trait on
//! it, [`AppApi`](operations::enable_app::AppApi), which extends [`OtpsApi`](otp_core::OtpsApi): one trait has the
//! whole service, and a test mocks one trait.
//!
//! # Adding another operation
//!
//! 1. Write its file in `src/operations/`: the operation, its trait, its mock. `enable_app.rs` is the model.
//! 2. Name it in `src/operations/mod.rs`: `pub mod disable_app;`.
//!
//! That is one new file and one line, and `tests/one_line.rs` counts them. A change of an operation is a
//! change of its file.
//!
//! # The shortest real use
//!
//! ```
//! use otp_core::{AuthToken, Error, Otp, Transport};
//! use otp_example_larger_sdk::operations::enable_app::AppApi;
//!
//! fn client(transport: impl Transport + 'static) -> Result<impl AppApi, Error> {
//!     otp_example_larger_sdk::client(transport, AuthToken::new("your-api-key")?)
//! }
//!
//! /// After `Ok`, codes come from the app.
//! async fn switch_to_app(api: &dyn AppApi, shown_by_the_app: &str) -> Result<(), Error> {
//!     api.enable_app(&Otp::new(shown_by_the_app)?).await
//! }
//! ```

pub mod operations;

use std::time::Duration;

use otp_core::http::HeaderValue;
use otp_core::{AuthToken, Error, OtpsClient, Transport};

/// The OTP client with the settings of this SDK: who is asking, and a timeout of 15 s for a call.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](otp_core::ErrorKind::InvalidInput) if a setting is out of its bounds.
pub fn client(transport: impl Transport + 'static, token: AuthToken) -> Result<OtpsClient, Error> {
    OtpsClient::builder(transport, token)
        .user_agent(HeaderValue::from_static("metal-sdk/2.1"))
        .timeout(Duration::from_secs(15))
        .build()
}
