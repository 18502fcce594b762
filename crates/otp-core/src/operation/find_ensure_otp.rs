use http::StatusCode;
use serde::Deserialize;

use super::{
    CHECK_SETTINGS, Endpoint, Operation, ReadError, RequestDraft, ResponseReader, WriteError,
};
use crate::{AuthToken, Otp, Verified};

/// Verifies the user by an OTP: `POST /user/otp/verify/{otp}` (`findEnsureOtp`).
///
/// A `204` is success. So is a `200` with a JSON object whose `token` is a string. Any other `2xx` is an
/// error: a captive portal's `200 text/html` must not read as "verified".
#[doc(alias = "verify")]
#[derive(Clone, Debug)]
pub struct FindEnsureOtp {
    otp: Otp,
}

impl FindEnsureOtp {
    /// The verification of this OTP.
    pub fn new(otp: Otp) -> Self {
        Self { otp }
    }
}

#[derive(Deserialize)]
struct Session {
    token: secrecy::SecretString,
}

impl Operation for FindEnsureOtp {
    type Output = Verified;

    const ENDPOINT: &'static Endpoint = &Endpoint::post(
        "find_ensure_otp",
        "/user/otp/verify/{otp}",
    )
    .acknowledged_by(&[StatusCode::NO_CONTENT])
    .if_unknown(
        "ask for a new OTP with receive_codes, since a failure on the same one proves nothing",
    )
    .if_applied("the OTP was right and is used up, so ask for a new one with receive_codes")
    .if_status(&[
        (StatusCode::BAD_REQUEST, "check the OTP, or ask for a new one with receive_codes"),
        (StatusCode::UNPROCESSABLE_ENTITY, CHECK_SETTINGS),
    ]);

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.secret_path_param("otp", &self.otp);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<Verified, ReadError> {
        match response.status() {
            StatusCode::NO_CONTENT => {
                Ok(match response.headers().get(crate::headers::X_AUTH_TOKEN) {
                    Some(token) => match token.to_str().map(AuthToken::new) {
                        Ok(Ok(token)) => Verified::new().with_session_token(token),
                        // The status alone says "verified"; a token that cannot be sent back is none.
                        _ => Verified::new(),
                    },
                    None => Verified::new(),
                })
            }
            StatusCode::OK => {
                let session: Session = response.json_object()?;
                let token = secrecy::ExposeSecret::expose_secret(&session.token);
                AuthToken::new(token)
                    .map(|token| Verified::new().with_session_token(token))
                    .map_err(|_| ReadError::decode("its session token cannot be sent in a header"))
            }
            _ => Err(ReadError::UnexpectedStatus),
        }
    }
}
