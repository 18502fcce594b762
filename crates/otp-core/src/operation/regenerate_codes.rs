use http::StatusCode;

use super::{CHECK_SETTINGS, Endpoint, Operation, ReadError, ResponseReader};
use crate::RecoveryCodeList;

/// Generates new recovery codes and kills the old ones: `POST /user/otp/recovery-codes`
/// (`regenerateCodes`).
#[derive(Clone, Copy, Debug, Default)]
pub struct RegenerateCodes;

impl Operation for RegenerateCodes {
    type Output = RecoveryCodeList;

    const ENDPOINT: &'static Endpoint =
        &Endpoint::post("regenerate_codes", "/user/otp/recovery-codes")
            .if_status(&[(StatusCode::UNPROCESSABLE_ENTITY, CHECK_SETTINGS)])
            .acknowledged_by(&[StatusCode::OK])
            .if_unknown(
                "read the codes with find_recovery_codes and compare them with the old ones",
            )
            .if_applied(
                "the codes changed and the new ones were lost, so read them with \
                 find_recovery_codes",
            );

    fn read(&self, response: &ResponseReader<'_>) -> Result<RecoveryCodeList, ReadError> {
        RecoveryCodeList::read(response.require(StatusCode::OK)?)
    }
}
