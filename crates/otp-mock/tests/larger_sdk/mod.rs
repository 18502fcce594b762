//! Two endpoints of a larger SDK, and how its tests fake them.

#![allow(dead_code, reason = "each test binary uses what it needs")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use otp_core::http::{HeaderValue, StatusCode};
use otp_core::operation::{ReadError, RequestDraft, ResponseReader};
use otp_core::{Endpoint, Operation};
use otp_mock::{FakeOtps, Reply};
use serde_json::{Value, json};

/// Creates an API key: it acts, and has a JSON body.
#[derive(Clone, Debug)]
pub struct CreateKey {
    pub description: &'static str,
}

impl Operation for CreateKey {
    type Output = u64;
    const ENDPOINT: &'static Endpoint = &Endpoint::post("create_key", "/user/api-keys")
        .acknowledged_by(&[StatusCode::CREATED])
        .if_unknown("list the keys before you create another one");

    fn write(&self, request: &mut RequestDraft) {
        let body = json!({ "description": self.description }).to_string();
        request.body(HeaderValue::from_static("application/json"), body);
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<u64, ReadError> {
        match response.status() {
            StatusCode::CREATED => {
                let key: Value = response.json_object()?;
                key["id"].as_u64().ok_or_else(|| ReadError::decode("there is no id"))
            }
            _ => Err(ReadError::UnexpectedStatus),
        }
    }
}

/// Reads an API key: it is safe to repeat, and has a path parameter.
#[derive(Clone, Debug)]
pub struct FindKey {
    pub id: &'static str,
}

impl Operation for FindKey {
    type Output = String;
    const ENDPOINT: &'static Endpoint = &Endpoint::get("find_key", "/user/api-keys/{id}");

    fn write(&self, request: &mut RequestDraft) {
        request.path_param("id", self.id);
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<String, ReadError> {
        let key: Value = response.json_object()?;
        let description = key["description"].as_str();
        description.map(str::to_owned).ok_or_else(|| ReadError::decode("there is no description"))
    }
}

/// The keys that the fake holds: who has each, and what it is for.
pub type Keys = Arc<Mutex<Vec<(String, String)>>>;

/// A service that has the two endpoints, and its keys.
pub fn with_keys(service: FakeOtps) -> (FakeOtps, Keys) {
    let keys = Keys::default();
    let created = Arc::clone(&keys);
    service.route(CreateKey::ENDPOINT, move |request| {
        let key: Value = request.json()?;
        let Some(description) = key["description"].as_str() else {
            return Err(Reply::error(422, "description is missing"));
        };
        let mut keys = created.lock().unwrap();
        keys.push((request.user().to_owned(), description.to_owned()));
        Ok(Reply::json(201, json!({ "id": keys.len() })))
    });
    let read = Arc::clone(&keys);
    service.route(FindKey::ENDPOINT, move |request| {
        let keys = read.lock().unwrap();
        let at = request.param("id").parse::<usize>().ok().and_then(|id| id.checked_sub(1));
        match at.and_then(|at| keys.get(at)) {
            Some((user, description)) if user == request.user() => {
                Ok(Reply::json(200, json!({ "description": description })))
            }
            _ => Err(Reply::error(404, "Not found")),
        }
    });
    (service, keys)
}
