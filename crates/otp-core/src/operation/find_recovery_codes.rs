use http::StatusCode;

use super::{CHECK_SETTINGS, Endpoint, Operation, ReadError, ResponseReader};
use crate::RecoveryCodeList;

/// Reads the recovery codes: `GET /user/otp/recovery-codes` (`findRecoveryCodes`).
#[doc(alias = "recovery_codes")]
#[derive(Clone, Copy, Debug, Default)]
pub struct FindRecoveryCodes;

impl Operation for FindRecoveryCodes {
    type Output = RecoveryCodeList;

    const ENDPOINT: &'static Endpoint =
        &Endpoint::get("find_recovery_codes", "/user/otp/recovery-codes")
            .if_status(&[(StatusCode::UNPROCESSABLE_ENTITY, CHECK_SETTINGS)])
            .acknowledged_by(&[StatusCode::OK])
            .if_unknown("reading changes nothing, so repeat it")
            .if_applied("reading changes nothing, so repeat it");

    fn read(&self, response: &ResponseReader<'_>) -> Result<RecoveryCodeList, ReadError> {
        RecoveryCodeList::read(response.require(StatusCode::OK)?)
    }
}
