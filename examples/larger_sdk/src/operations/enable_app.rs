//! Enabling two-factor authentication by an app: all about it is in this file.

use async_trait::async_trait;
use otp_core::http::{HeaderName, StatusCode};
use otp_core::operation::{ReadError, RequestDraft, ResponseReader};
use otp_core::{Endpoint, Error, ErrorKind, Operation, Otp, OtpsApi, OtpsClient};
use serde::de::IgnoredAny;

const X_OTP_TOKEN: HeaderName = HeaderName::from_static("x-otp-token");

/// Enables two-factor authentication by an app: `POST /user/otp/app` (`enableTfaApp`).
///
/// A `200` is success. The API describes no body for it: one that is there is only believed if it is a JSON
/// object, since whoever answers in the service's place answers with a page.
#[derive(Clone, Debug)]
pub struct EnableApp {
    otp: Otp,
}

impl EnableApp {
    /// With the code that the app shows now.
    pub fn new(otp: Otp) -> Self {
        Self { otp }
    }
}

impl Operation for EnableApp {
    type Output = ();

    const ENDPOINT: &'static Endpoint = &Endpoint::post("enable_app", "/user/otp/app")
        .acknowledged_by(&[StatusCode::OK])
        .if_unknown("look at the user's two-factor settings before you repeat it")
        .if_applied("codes come from the app from now on")
        .if_status(&[(StatusCode::BAD_REQUEST, "wait for the app's next code, and try that")]);

    fn write(&self, request: &mut RequestDraft) -> Result<(), otp_core::operation::WriteError> {
        request.secret_header(X_OTP_TOKEN, &self.otp);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<(), ReadError> {
        match response.status() {
            StatusCode::OK if response.body().is_empty() => Ok(()),
            StatusCode::OK => response.json_object::<IgnoredAny>().map(drop),
            _ => Err(ReadError::UnexpectedStatus),
        }
    }
}

/// The OTP service with two-factor authentication by an app.
///
/// [`OtpsClient`] implements it, and so does `MockAppApi`, behind the feature `doubles`. A double of your own
/// that leaves the method out answers [`ErrorKind::Unimplemented`].
#[async_trait]
pub trait AppApi: OtpsApi {
    /// Enables two-factor authentication by an app, with the code that it shows now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadRequest`] if the code is wrong or was used. After
    /// [`Effect::Unknown`](otp_core::Effect::Unknown) look at the user's settings before you repeat it.
    ///
    /// # Cancellation
    ///
    /// A dropped future counts as [`Effect::Unknown`](otp_core::Effect::Unknown) once it has been polled.
    async fn enable_app(&self, otp: &Otp) -> Result<(), Error> {
        let _ = otp;
        Err(Error::builder(ErrorKind::Unimplemented).endpoint(EnableApp::ENDPOINT).build())
    }
}

#[async_trait]
impl AppApi for OtpsClient {
    async fn enable_app(&self, otp: &Otp) -> Result<(), Error> {
        self.call(EnableApp::new(otp.clone())).send().await.map(|answer| answer.value)
    }
}

#[cfg(feature = "doubles")]
pub use mock::MockAppApi;

#[cfg(feature = "doubles")]
mod mock {
    #![allow(missing_docs, reason = "the macro writes most of these items")]

    use otp_core::{Error, Otp, OtpsApi, RecoveryCodeList, Verified};

    use super::AppApi;

    mockall::mock! {
        /// A mock of [`AppApi`] and of the service that it extends.
        #[derive(Debug)]
        pub AppApi {}

        #[async_trait::async_trait]
        impl OtpsApi for AppApi {
            async fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error>;
            async fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error>;
            async fn receive_codes(&self) -> Result<(), Error>;
            async fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error>;
        }

        #[async_trait::async_trait]
        impl AppApi for AppApi {
            async fn enable_app(&self, otp: &Otp) -> Result<(), Error>;
        }
    }
}
