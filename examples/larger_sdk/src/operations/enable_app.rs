use otp_core::http::{HeaderName, StatusCode};
use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::{Endpoint, Operation, Otp};
use serde::de::IgnoredAny;

pub(super) const X_OTP_TOKEN: HeaderName = HeaderName::from_static("x-otp-token");

/// Turns two-factor authentication by an app on, with the code that the app shows now: `POST /user/otp/app`
/// (`enableTfaApp`).
#[derive(Clone, Copy, Debug)]
pub struct EnableApp<'a>(pub &'a Otp);

impl Operation for EnableApp<'_> {
    type Output = ();
    const ENDPOINT: &'static Endpoint = &Endpoint::post("enable_app", "/user/otp/app")
        .acknowledged_by(&[StatusCode::OK])
        .if_unknown("read the user with find_user, which has the two-factor setting")
        .if_applied("codes come from the app from now on")
        .if_status(&[(StatusCode::BAD_REQUEST, "wait for the app's next code, and try that")]);

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.secret_header(X_OTP_TOKEN, self.0);
        Ok(())
    }

    /// The API describes no body. One that is there must be JSON: a captive portal answers with a page.
    fn read(&self, response: &ResponseReader<'_>) -> Result<(), ReadError> {
        match response.require(StatusCode::OK)? {
            empty if empty.body().is_empty() => Ok(()),
            other => other.json_object::<IgnoredAny>().map(drop),
        }
    }
}
