use otp_core::http::StatusCode;
use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::{Endpoint, Operation};

/// Deletes an API key, by its id: `DELETE /user/api-keys/{id}` (`deleteUserAPIKey`).
///
/// It is safe to repeat. A `404` is an answer: the key is not there, or an earlier attempt deleted it.
#[derive(Clone, Copy, Debug)]
pub struct DeleteKey<'a>(pub &'a str);

impl Operation for DeleteKey<'_> {
    /// Whether this attempt deleted it.
    type Output = bool;
    const ENDPOINT: &'static Endpoint = &Endpoint::delete("delete_key", "/user/api-keys/{id}")
        .acknowledged_by(&[StatusCode::NO_CONTENT])
        .answers(&[StatusCode::NOT_FOUND]);

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.path_param("id", self.0);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<bool, ReadError> {
        match response.status() {
            StatusCode::NOT_FOUND => Ok(false),
            _ => response.require(StatusCode::NO_CONTENT).map(|_| true),
        }
    }
}
