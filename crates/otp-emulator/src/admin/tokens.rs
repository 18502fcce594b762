//! The tokens of users and sessions.

use std::time::Duration;

use hyper::StatusCode;
use otp_core::bytes::Bytes;
use otp_core::secrecy::ExposeSecret;
use otp_mock::FakeOtps;
use serde_json::json;

use super::Answer;
use super::query::{Fields, Query};
use super::users::{named, token};

/// The longest time until a token expires, some thirty years.
const MAX_AFTER: f64 = 1e9;

/// Gives the user another token: by chance, or the one of a JSON object.
pub(super) fn issue(fake: &FakeOtps, name: &str, body: &Bytes) -> Result<Answer, Answer> {
    let chosen = match body.is_empty() {
        true => None,
        false => token(&Fields::read(body, &["token"])?, "token")?,
    };
    let user = named(fake, name)?;
    let issued = user.try_issue_token(chosen);
    let issued = issued.map_err(|why| Answer::conflict(&why.to_string()))?;
    Ok(Answer::Json(StatusCode::CREATED, json!({ "token": issued.expose_secret() })))
}

/// Revokes the token that the user got last, of those that are not revoked, or lets it expire after so many seconds;
/// sessions stay.
pub(super) fn end(fake: &FakeOtps, name: &str, query: &str) -> Result<Answer, Answer> {
    let query = Query::read(query, &["after"])?;
    let after = query.get("after").map(|after| {
        let seconds = after.parse().ok().filter(|seconds| (0.0..=MAX_AFTER).contains(seconds));
        let refuse = || Answer::bad("after is in how many seconds the token expires, up to 1e9");
        seconds.map(Duration::from_secs_f64).ok_or_else(refuse)
    });
    let (after, user) = (after.transpose()?, named(fake, name)?);
    let user = fake.of_user(name).unwrap_or(user);
    match after {
        None => user.revoke_token(),
        Some(after) => user.expire_token_after(after),
    }
    Ok(Answer::Nothing)
}

/// Revokes the token of a JSON object, a user's or a session's.
pub(super) fn revoke(fake: &FakeOtps, body: &Bytes) -> Result<Answer, Answer> {
    let Some(token) = token(&Fields::read(body, &["token"])?, "token")? else {
        return Err(Answer::bad("token is the one to revoke"));
    };
    let user = fake.with_token(token);
    if user.user().is_none() {
        let why = "there is no user or session of this token".to_owned();
        return Err(Answer::Refused(StatusCode::NOT_FOUND, why));
    }
    user.revoke_token();
    Ok(Answer::Nothing)
}
