//! Two operations of a larger SDK, with a query, a JSON body, secrets in both, and answers that are no success status.

use otp_core::http::StatusCode;
use otp_core::operation::{Exposed, ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::{Endpoint, Operation, Otp};
use serde::{Deserialize, Serialize};

/// `POST /user/api-keys?include=user`, with a secret in its body.
#[derive(Debug, Serialize)]
pub struct CreateKey<'a> {
    pub description: &'a str,
    pub otp: Exposed<'a>,
}

#[derive(Debug, Deserialize)]
pub struct Key {
    pub id: String,
}

impl Operation for CreateKey<'_> {
    type Output = Key;
    const ENDPOINT: &'static Endpoint = &Endpoint::post("create_key", "/user/api-keys")
        .acknowledged_by(&[StatusCode::OK, StatusCode::CREATED])
        .declined_by(&[StatusCode::CONFLICT]);

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.query("include", "user").json(self);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<Key, ReadError> {
        match response.status() {
            StatusCode::OK | StatusCode::CREATED => response.scrubbed_json_object(),
            _ => Err(ReadError::UnexpectedStatus),
        }
    }
}

/// `GET /user/api-keys/{id}?otp=…`. There may be none.
#[derive(Debug)]
pub struct FindKey<'a>(pub &'a Otp);

impl Operation for FindKey<'_> {
    type Output = Option<Key>;
    const ENDPOINT: &'static Endpoint = &Endpoint::get("find_key", "/user/api-keys/{id}")
        .acknowledged_by(&[StatusCode::OK])
        .answers(&[StatusCode::NOT_FOUND]);

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.path_param("id", "a/b").secret_query("otp", self.0);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<Option<Key>, ReadError> {
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            _ => response.require(StatusCode::OK)?.scrubbed_json_object().map(Some),
        }
    }
}
