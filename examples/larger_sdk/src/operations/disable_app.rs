use otp_core::http::StatusCode;
use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::{Endpoint, Operation, Otp};

use super::enable_app::X_OTP_TOKEN;

/// Turns two-factor authentication by an app off, with the code that the app shows now: `DELETE /user/otp/app`
/// (`disableTfaApp`).
///
/// A `DELETE` is safe to repeat as a rule. This one is not, since a code works once.
#[derive(Clone, Copy, Debug)]
pub struct DisableApp<'a>(pub &'a Otp);

impl Operation for DisableApp<'_> {
    type Output = ();
    const ENDPOINT: &'static Endpoint = &Endpoint::delete("disable_app", "/user/otp/app")
        .idempotent(false)
        .acknowledged_by(&[StatusCode::NO_CONTENT])
        .if_unknown("read the user with find_user, which has the two-factor setting")
        .if_applied("no second factor is asked for from now on")
        .if_status(&[(StatusCode::BAD_REQUEST, "wait for the app's next code, and try that")]);

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.secret_header(X_OTP_TOKEN, self.0);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<(), ReadError> {
        response.require(StatusCode::NO_CONTENT).map(drop)
    }
}
