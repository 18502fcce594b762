use otp_core::http::StatusCode;
use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::{AuthToken, Endpoint, Operation};
use serde::Deserialize;

/// Reads the user's API keys: `GET /user/api-keys` (`findAPIKeys`).
#[derive(Clone, Debug, Default)]
pub struct FindKeys {
    /// Only keys with this in their description.
    pub search: Option<String>,
}

/// An API key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ApiKey {
    /// Its id, a UUID.
    pub id: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether it only reads.
    #[serde(default)]
    pub read_only: bool,
    /// The secret.
    pub token: AuthToken,
}

impl ApiKey {
    pub(super) fn scrubbed(self, response: &ResponseReader<'_>) -> Self {
        let scrub = |text: String| response.scrub(text).into_owned();
        Self { id: scrub(self.id), description: scrub(self.description), ..self }
    }
}

#[derive(Deserialize)]
struct ApiKeys {
    api_keys: Vec<ApiKey>,
}

impl Operation for FindKeys {
    type Output = Vec<ApiKey>;
    const ENDPOINT: &'static Endpoint = &Endpoint::get("find_keys", "/user/api-keys");

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.query_if("search", self.search.as_ref());
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<Vec<ApiKey>, ReadError> {
        let list: ApiKeys = response.require(StatusCode::OK)?.json_object()?;
        Ok(list.api_keys.into_iter().map(|key| key.scrubbed(response)).collect())
    }
}
