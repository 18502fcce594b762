//! The users, their tokens and their apps.

use std::time::Duration;

use hyper::StatusCode;
use otp_core::AuthToken;
use otp_core::bytes::Bytes;
use otp_core::secrecy::ExposeSecret;
use otp_mock::{FakeOtps, FakeUser, TwoFactor, UserState};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{Answer, parameter};

/// The phone of a user who is added without one.
const PHONE: &str = "+1 555 0100";

type Fields = Map<String, Value>;

pub(super) fn all(fake: &FakeOtps) -> Answer {
    Answer::Json(StatusCode::OK, fake.users().iter().map(user).collect())
}

fn user(user: &UserState) -> Value {
    let (two_factor, phone) = match &user.two_factor {
        TwoFactor::Sms { phone } => ("sms", Some(phone)),
        TwoFactor::App => ("app", None),
        _ => ("off", None),
    };
    json!({
        "name": user.name,
        "two_factor": two_factor,
        "phone": phone,
        "recovery_codes": user.recovery_codes.len(),
        "sessions": user.sessions,
        "locked_out": user.locked_out,
    })
}

/// Adds the user of a JSON object: `two_factor` (`sms`, `app`, `off`), and if wanted `name`, `phone`,
/// `token`.
pub(super) fn add(fake: &FakeOtps, body: &Bytes) -> Answer {
    let added = match wanted(fake, body) {
        Ok(user) => fake.add_user(user),
        Err(refused) => return refused,
    };
    let name = added.user().map(|user| user.name);
    let secret = added.app_secret();
    Answer::Json(
        StatusCode::CREATED,
        json!({
            "name": name,
            "token": added.token().expose_secret(),
            "app_secret": secret.as_ref().map(ExposeSecret::expose_secret),
        }),
    )
}

fn wanted(fake: &FakeOtps, body: &Bytes) -> Result<FakeUser, Answer> {
    let fields = fields(body, &["two_factor", "name", "phone", "token"])?;
    let phone = text(&fields, "phone")?;
    let mut user = match (text(&fields, "two_factor")?, phone) {
        (Some("sms"), phone) => FakeUser::with_phone(phone.unwrap_or(PHONE)),
        (Some("app"), None) => FakeUser::with_app(),
        (Some("off"), None) => FakeUser::without_two_factor(),
        (Some("app" | "off"), Some(_)) => {
            return Err(Answer::bad("phone is for a user whose two_factor is sms"));
        }
        _ => return Err(Answer::bad("two_factor is sms, app or off")),
    };
    if let Some(name) = text(&fields, "name")? {
        if fake.of_user(name).is_some() {
            return Err(conflict("there is a user of this name"));
        }
        user = user.named(name);
    }
    if let Some(token) = token(&fields)? {
        if fake.with_token(token.clone()).user().is_some() {
            return Err(conflict("there is a user of this token"));
        }
        user = user.with_token(token);
    }
    Ok(user)
}

/// What the user's authenticator app shows.
pub(super) fn app_code(fake: &FakeOtps, name: &str) -> Answer {
    match named(fake, name).and_then(|user| user.app_code()) {
        Some(code) => Answer::Json(StatusCode::OK, json!({ "otp": code.expose_secret() })),
        None => no_such_app(),
    }
}

/// The secret of the user's authenticator app, in base32.
pub(super) fn app_secret(fake: &FakeOtps, name: &str) -> Answer {
    match named(fake, name).and_then(|user| user.app_secret()) {
        Some(secret) => {
            Answer::Json(StatusCode::OK, json!({ "app_secret": secret.expose_secret() }))
        }
        None => no_such_app(),
    }
}

/// Revokes the last of the user's own tokens, or lets it expire after so many seconds; sessions stay.
pub(super) fn end_token(fake: &FakeOtps, name: &str, query: &str) -> Answer {
    let Some(user) = named(fake, name) else { return Answer::no_such_user() };
    let after = parameter(query, "after").map(|seconds| seconds.parse().ok());
    match after.map(|seconds| seconds.and_then(|s| Duration::try_from_secs_f64(s).ok())) {
        None => user.revoke_token(),
        Some(Some(after)) => user.expire_token_after(after),
        Some(None) => return Answer::bad("after is in how many seconds the token expires"),
    }
    Answer::Nothing
}

/// Gives the user another token.
pub(super) fn issue_token(fake: &FakeOtps, name: &str) -> Answer {
    match named(fake, name) {
        Some(user) => {
            let token = user.issue_token();
            Answer::Json(StatusCode::CREATED, json!({ "token": token.expose_secret() }))
        }
        None => Answer::no_such_user(),
    }
}

/// Revokes the token of a JSON object, a user's or a session's: `token`.
pub(super) fn revoke_token(fake: &FakeOtps, body: &Bytes) -> Answer {
    let token = match fields(body, &["token"]).and_then(|fields| token(&fields)) {
        Ok(Some(token)) => token,
        Ok(None) => return Answer::bad("token is the one to revoke"),
        Err(refused) => return refused,
    };
    let user = fake.with_token(token);
    if user.user().is_none() {
        let why = "there is no user or session of this token".to_owned();
        return Answer::Refused(StatusCode::NOT_FOUND, why);
    }
    user.revoke_token();
    Answer::Nothing
}

fn named(fake: &FakeOtps, name: &str) -> Option<FakeOtps> {
    fake.of_user(&percent_decode_str(name).decode_utf8_lossy())
}

/// The fields of a JSON object that has no others than these.
fn fields(body: &Bytes, known: &[&str]) -> Result<Fields, Answer> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(Answer::bad(format!("the body is a JSON object of {}", known.join(", "))));
    };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Answer::bad(format!(
            "there is no field '{unknown}'; there are {}",
            known.join(", ")
        ))),
        None => Ok(fields),
    }
}

/// The text in a field; none if the field is missing or null.
fn text<'a>(fields: &'a Fields, name: &str) -> Result<Option<&'a str>, Answer> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Answer::bad(format!("{name} is a text"))),
    }
}

fn token(fields: &Fields) -> Result<Option<AuthToken>, Answer> {
    let token = text(fields, "token")?.map(AuthToken::new).transpose();
    token.map_err(|error| Answer::bad(error.to_string()))
}

fn conflict(why: &str) -> Answer {
    Answer::Refused(StatusCode::CONFLICT, why.to_owned())
}

fn no_such_app() -> Answer {
    Answer::Refused(StatusCode::NOT_FOUND, "there is no such user with an app".to_owned())
}
