//! Whether it is there, whom to trust, and back to the start.

use hyper::StatusCode;
use otp_mock::FakeOtps;
use serde_json::{Value, json};

use super::Answer;
use super::query::Query;

/// What describes the admin API.
const DOCUMENT: &str = include_str!("openapi.json");

/// The document, which asks for the token if this port does.
pub(super) fn document(needs_token: bool) -> Answer {
    match serde_json::from_str::<Value>(DOCUMENT) {
        Ok(mut document) => {
            if needs_token {
                document["security"] = json!([{ "bearer": [] }, { "basic": [] }]);
            }
            Answer::Json(StatusCode::OK, document)
        }
        Err(error) => Answer::Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// It answers, so it is alive, and so does the service: one thread serves both.
pub(super) fn healthy() -> Answer {
    Answer::Json(StatusCode::OK, json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// The service's port was open before this one answered.
pub(super) fn ready(base_url: &str) -> Answer {
    Answer::Json(StatusCode::OK, json!({ "status": "ready", "base_url": base_url }))
}

pub(super) fn ca_pem(pem: &str) -> Answer {
    if pem.is_empty() {
        let why =
            "it has no CA of its own: it answers without TLS, or by a certificate it was given";
        return Answer::Refused(StatusCode::NOT_FOUND, why.to_owned());
    }
    Answer::Pem(pem.to_owned())
}

/// Brings everything back to the start, or one user.
pub(super) fn reset(fake: &FakeOtps, query: &str) -> Result<Answer, Answer> {
    match Query::read(query, &["user"])?.get("user") {
        None => fake.reset(),
        Some(name) => match fake.try_reset_user(name) {
            Ok(true) => {}
            Ok(false) => return Err(Answer::no_such_user()),
            Err(why) => return Err(Answer::conflict(&why.to_string())),
        },
    }
    Ok(Answer::Nothing)
}
