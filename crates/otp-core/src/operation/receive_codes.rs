use http::StatusCode;

use super::{CHECK_SETTINGS, Endpoint, Operation, ReadError, ResponseReader};

/// Sends an OTP to the user's mobile phone: `POST /user/otp/sms/receive` (`receiveCodes`).
#[doc(alias = "sms")]
#[derive(Clone, Copy, Debug, Default)]
pub struct ReceiveCodes;

impl Operation for ReceiveCodes {
    type Output = ();

    const ENDPOINT: &'static Endpoint = &Endpoint::post("receive_codes", "/user/otp/sms/receive")
        .if_status(&[(StatusCode::UNPROCESSABLE_ENTITY, CHECK_SETTINGS)])
        .acknowledged_by(&[StatusCode::NO_CONTENT])
        .if_unknown("look at the phone, then ask again if no SMS arrives")
        .if_applied("an SMS is on its way, so look at the phone");

    fn read(&self, response: &ResponseReader<'_>) -> Result<(), ReadError> {
        response.require(StatusCode::NO_CONTENT).map(drop)
    }
}
