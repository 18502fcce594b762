//! The phones. They tell OTPs.

use std::time::Duration;

use hyper::StatusCode;
use otp_core::secrecy::ExposeSecret;
use otp_mock::{FakeOtps, Sms};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::Answer;
use super::clock::written;
use super::query::Query;

/// The longest that a client may wait for an SMS.
const MAX_WAIT: f64 = 60.0;

/// Every SMS, or those of a user, oldest first. They stay to be given.
pub(super) fn outbox(fake: &FakeOtps, query: &str) -> Result<Answer, Answer> {
    let sent = match Query::read(query, &["user"])?.get("user") {
        None => fake.sms_outbox(),
        Some(name) => named(fake, name)?.sms_to_user(),
    };
    Ok(Answer::Json(StatusCode::OK, sent.iter().map(|sms| json(fake, sms)).collect()))
}

/// Forgets every SMS, or those of a user.
pub(super) fn discard(fake: &FakeOtps, query: &str) -> Result<Answer, Answer> {
    match Query::read(query, &["user"])?.get("user") {
        None => fake.discard_all_sms(),
        Some(name) => named(fake, name)?.discard_sms(),
    }
    Ok(Answer::Nothing)
}

/// The next SMS that nobody asked for yet; nothing if none comes in time.
pub(super) async fn next(
    fake: &FakeOtps,
    query: &str,
    waiting: &Semaphore,
    may_take: bool,
) -> Result<Answer, Answer> {
    let query = Query::read(query, &["user", "wait", "peek"])?;
    let user = match query.get("user") {
        None => fake.clone(),
        Some(name) => named(fake, name)?,
    };
    let wait = match query.get("wait").map(str::parse::<f64>) {
        None => Duration::ZERO,
        Some(Ok(wait)) if (0.0..=MAX_WAIT).contains(&wait) => Duration::from_secs_f64(wait),
        Some(_) => return Err(Answer::bad("wait is 0 to 60 seconds")),
    };
    let answer = |sms: &Sms| Answer::Json(StatusCode::OK, json(fake, sms));
    if query.flag("peek")? || !may_take {
        return Ok(user.peek_sms().as_ref().map_or(Answer::Nothing, answer));
    }
    let Ok(_place) = waiting.try_acquire() else {
        let why = "too many wait for an SMS already; ask again later".to_owned();
        return Err(Answer::Refused(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    match tokio::time::timeout(wait, user.try_next_sms()).await {
        Ok(Some(next)) => Ok(answer(&next)),
        // The user was removed.
        Ok(None) => Err(Answer::no_such_user()),
        Err(_) => Ok(Answer::Nothing),
    }
}

fn named(fake: &FakeOtps, name: &str) -> Result<FakeOtps, Answer> {
    fake.of_user_ever(name).ok_or_else(Answer::no_such_user)
}

fn json(fake: &FakeOtps, sms: &Sms) -> Value {
    json!({
        "user": sms.user,
        "to": sms.to,
        "otp": sms.otp.expose_secret(),
        "seconds": sms.at.as_secs_f64(),
        "date": written(fake.date_at(sms.at)),
    })
}
