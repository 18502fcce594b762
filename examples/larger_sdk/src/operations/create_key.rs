use otp_core::http::StatusCode;
use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::{Endpoint, Operation};
use serde::Serialize;

use super::ApiKey;

/// Creates an API key: `POST /user/api-keys` (`createAPIKey`).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CreateKey<'a> {
    /// What it is for.
    pub description: &'a str,
    /// Whether it only reads.
    pub read_only: bool,
}

impl Operation for CreateKey<'_> {
    type Output = ApiKey;
    const ENDPOINT: &'static Endpoint = &Endpoint::post("create_key", "/user/api-keys")
        .acknowledged_by(&[StatusCode::CREATED])
        .if_unknown("look for it with find_keys, and delete it before you create another one")
        .if_applied("it exists, so look for it with find_keys")
        .if_status(&[(StatusCode::UNPROCESSABLE_ENTITY, "choose another description")]);

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        if self.description.trim().is_empty() {
            return Err(WriteError::new("a key needs a description"));
        }
        request.json(self);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<ApiKey, ReadError> {
        let key: ApiKey = response.require(StatusCode::CREATED)?.json_object()?;
        Ok(key.scrubbed(response))
    }
}
