//! What the admin port answers to programs, in JSON. It plays the phones, so it tells OTPs.

use std::time::Duration;

use hyper::StatusCode;
use otp_core::AuthToken;
use otp_core::bytes::Bytes;
use otp_core::secrecy::ExposeSecret;
use otp_mock::{FakeOtps, FakeUser, Fault, Sms, TwoFactor, UserState};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Answer;

/// What there is, for whoever asked for something else.
pub(super) const PATHS: &str = "GET /, GET /sms, GET /sms/next?user=NAME&wait=SECONDS, GET and POST /users, GET /users/NAME/app-code, GET and DELETE /faults, POST /faults/FAULT, GET /journal, \
     POST /clock/advance?seconds=N";

/// The longest that a client may wait for an SMS.
const MAX_WAIT: f64 = 60.0;

pub(super) fn outbox(fake: &FakeOtps) -> Answer {
    let sent = fake.sms_outbox();
    Answer::Json(StatusCode::OK, sent.iter().map(sms).collect())
}

/// The next SMS that nobody asked for yet; nothing if none comes in time.
pub(super) async fn next_sms(fake: &FakeOtps, query: &str) -> Answer {
    let user = match parameter(query, "user") {
        None => Some(fake.clone()),
        Some(name) => fake.of_user(&name),
    };
    let Some(user) = user else { return no_such_user() };
    let wait = match parameter(query, "wait").map(|wait| wait.parse::<f64>()) {
        None => Duration::ZERO,
        Some(Ok(wait)) if (0.0..=MAX_WAIT).contains(&wait) => Duration::from_secs_f64(wait),
        Some(_) => return refused("wait is 0 to 60 seconds"),
    };
    match tokio::time::timeout(wait, user.next_sms()).await {
        Ok(next) => Answer::Json(StatusCode::OK, sms(&next)),
        Err(_) => Answer::Nothing,
    }
}

fn sms(sms: &Sms) -> Value {
    json!({ "to": sms.to, "otp": sms.otp.expose_secret() })
}

pub(super) fn users(fake: &FakeOtps) -> Answer {
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
pub(super) fn add_user(fake: &FakeOtps, body: &Bytes) -> Answer {
    let Ok(Value::Object(wanted)) = serde_json::from_slice(body) else {
        return refused(
            "the body is a JSON object with two_factor, and name, phone, token if wanted",
        );
    };
    let text = |name: &str| wanted.get(name).and_then(Value::as_str);
    let mut user = match text("two_factor") {
        Some("sms") => FakeUser::with_phone(text("phone").unwrap_or("+1 555 0100")),
        Some("app") => FakeUser::with_app(),
        Some("off") => FakeUser::without_two_factor(),
        _ => return refused("two_factor is sms, app or off"),
    };
    if let Some(name) = text("name") {
        if fake.of_user(name).is_some() {
            return Answer::Refused(StatusCode::CONFLICT, "there is a user of this name".into());
        }
        user = user.named(name);
    }
    match text("token").map(AuthToken::new) {
        Some(Err(error)) => return refused(&error.to_string()),
        Some(Ok(token)) if fake.with_token(token.clone()).user().is_some() => {
            return Answer::Refused(StatusCode::CONFLICT, "there is a user of this token".into());
        }
        Some(Ok(token)) => user = user.with_token(token),
        None => {}
    }
    let added = fake.add_user(user);
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

/// What the user's authenticator app shows.
pub(super) fn app_code(fake: &FakeOtps, name: &str) -> Answer {
    let name = percent_decode_str(name).decode_utf8_lossy();
    match fake.of_user(&name).and_then(|user| user.app_code()) {
        Some(code) => Answer::Json(StatusCode::OK, json!({ "otp": code.expose_secret() })),
        None => Answer::Refused(StatusCode::NOT_FOUND, "there is no such user with an app".into()),
    }
}

pub(super) fn faults(fake: &FakeOtps) -> Answer {
    let known: Vec<_> = Fault::ALL
        .iter()
        .map(|fault| json!({ "fault": fault.to_string(), "what": fault.describe() }))
        .collect();
    let armed: Vec<_> = fake.armed().iter().map(Fault::to_string).collect();
    Answer::Json(StatusCode::OK, json!({ "armed": armed, "known": known }))
}

pub(super) fn arm(fake: &FakeOtps, fault: &str) -> Answer {
    match percent_decode_str(fault).decode_utf8_lossy().parse::<Fault>() {
        Ok(fault) => {
            fake.arm(fault);
            Answer::Nothing
        }
        Err(unknown) => refused(&unknown.to_string()),
    }
}

pub(super) fn journal(fake: &FakeOtps) -> Answer {
    let entries = fake.journal();
    let entries = entries.entries().map(|entry| {
        json!({
            "seconds": entry.at.as_secs_f64(),
            "user": entry.user,
            "operation": entry.operation,
            "event": entry.event.to_string(),
        })
    });
    Answer::Json(StatusCode::OK, entries.collect())
}

pub(super) fn advance(fake: &FakeOtps, query: &str) -> Answer {
    let seconds = parameter(query, "seconds").and_then(|seconds| seconds.parse::<f64>().ok());
    match seconds.map(Duration::try_from_secs_f64) {
        Some(Ok(time)) => {
            fake.advance(time);
            Answer::Nothing
        }
        _ => refused("seconds is how far to turn the clock on"),
    }
}

fn refused(why: &str) -> Answer {
    Answer::Refused(StatusCode::BAD_REQUEST, why.to_owned())
}

fn no_such_user() -> Answer {
    Answer::Refused(StatusCode::NOT_FOUND, "there is no such user".to_owned())
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}
