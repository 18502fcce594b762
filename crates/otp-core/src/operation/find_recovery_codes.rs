use http::StatusCode;

use super::{Endpoint, Operation, ReadError, RequestDraft, ResponseReader};
use crate::RecoveryCodeList;

/// Reads the recovery codes: `GET /user/otp/recovery-codes` (`findRecoveryCodes`).
#[doc(alias = "recovery_codes")]
#[derive(Clone, Copy, Debug, Default)]
pub struct FindRecoveryCodes;

impl Operation for FindRecoveryCodes {
    type Output = RecoveryCodeList;

    const ENDPOINT: &'static Endpoint =
        &Endpoint::get("find_recovery_codes", "/user/otp/recovery-codes")
            .acknowledged_by(&[StatusCode::OK])
            .if_unknown("reading changes nothing, so repeat it")
            .if_applied("reading changes nothing, so repeat it");

    fn write(&self, _: &mut RequestDraft) {}

    fn read(&self, response: &ResponseReader<'_>) -> Result<RecoveryCodeList, ReadError> {
        match response.status() {
            StatusCode::OK => RecoveryCodeList::read(response),
            _ => Err(ReadError::UnexpectedStatus),
        }
    }
}
