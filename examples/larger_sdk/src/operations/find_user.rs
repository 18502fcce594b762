use otp_core::http::StatusCode;
use otp_core::operation::{ReadError, ResponseReader};
use otp_core::{Endpoint, Operation};
use serde::Deserialize;

/// Reads the user whose token it is: `GET /user` (`findCurrentUser`).
#[derive(Clone, Copy, Debug)]
pub struct FindUser;

/// A user of the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// Its id, a UUID.
    pub id: String,
    /// First and last name.
    #[serde(default)]
    pub full_name: String,
    /// Which second factor is on: `app` or `sms`.
    pub two_factor_auth: Option<String>,
}

impl Operation for FindUser {
    type Output = User;
    const ENDPOINT: &'static Endpoint = &Endpoint::get("find_user", "/user");

    fn read(&self, response: &ResponseReader<'_>) -> Result<User, ReadError> {
        response.require(StatusCode::OK)?.scrubbed_json_object()
    }
}
