//! What the admin port answers to programs, in JSON. It plays the phones, so it tells OTPs.

use std::time::Duration;

use hyper::StatusCode;
use otp_core::secrecy::ExposeSecret;
use otp_mock::{FakeOtps, Fault, Sms};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Answer, parameter};

/// What there is, for whoever asked for something else.
pub(super) const PATHS: &str = "GET /, GET /sms, GET /sms/next?user=NAME&wait=SECONDS, \
     GET and POST /users, GET /users/NAME/app-code, GET /users/NAME/app-secret, \
     POST /users/NAME/token, DELETE /users/NAME/token?after=SECONDS, POST /tokens/revoke, GET and DELETE /faults, POST /faults/FAULT, \
     GET /journal, GET /clock, POST /clock/advance?seconds=N";

/// The longest that a client may wait for an SMS.
const MAX_WAIT: f64 = 60.0;

pub(super) fn outbox(fake: &FakeOtps) -> Answer {
    let sent = fake.sms_outbox();
    Answer::Json(StatusCode::OK, sent.iter().map(sms).collect())
}

/// The next SMS that nobody asked for yet; nothing if none comes in time.
pub(super) async fn next_sms(fake: &FakeOtps, query: &str, waiting: &Semaphore) -> Answer {
    let user = match parameter(query, "user") {
        None => Some(fake.clone()),
        Some(name) => fake.of_user(&name),
    };
    let Some(user) = user else { return Answer::no_such_user() };
    let wait = match parameter(query, "wait").map(|wait| wait.parse::<f64>()) {
        None => Duration::ZERO,
        Some(Ok(wait)) if (0.0..=MAX_WAIT).contains(&wait) => Duration::from_secs_f64(wait),
        Some(_) => return Answer::bad("wait is 0 to 60 seconds"),
    };
    let Ok(_place) = waiting.try_acquire() else {
        let why = "too many wait for an SMS already; ask again later".to_owned();
        return Answer::Refused(StatusCode::SERVICE_UNAVAILABLE, why);
    };
    match tokio::time::timeout(wait, user.next_sms()).await {
        Ok(next) => Answer::Json(StatusCode::OK, sms(&next)),
        Err(_) => Answer::Nothing,
    }
}

fn sms(sms: &Sms) -> Value {
    json!({ "to": sms.to, "otp": sms.otp.expose_secret() })
}

pub(super) fn faults(fake: &FakeOtps) -> Answer {
    let known: Vec<_> = Fault::ALL
        .iter()
        .map(|fault| json!({ "fault": fault.to_string(), "what": fault.describe() }))
        .collect();
    let mut armed: Vec<_> = fake.armed().iter().map(Fault::to_string).collect();
    armed.extend(fake.armed_custom().into_iter().map(str::to_owned));
    Answer::Json(StatusCode::OK, json!({ "armed": armed, "known": known }))
}

pub(super) fn arm(fake: &FakeOtps, fault: &str) -> Answer {
    match percent_decode_str(fault).decode_utf8_lossy().parse::<Fault>() {
        Ok(fault) => {
            fake.arm(fault);
            Answer::Nothing
        }
        Err(unknown) => Answer::bad(unknown.to_string()),
    }
}

/// Brings everything back to the start, or one user.
pub(super) fn reset(fake: &FakeOtps, query: &str) -> Answer {
    match parameter(query, "user") {
        None => fake.reset(),
        Some(name) if fake.reset_user(&name) => {}
        Some(_) => return Answer::no_such_user(),
    }
    Answer::Nothing
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
