//! What is to go wrong.

use hyper::StatusCode;
use otp_core::Endpoint;
use otp_mock::{FakeOtps, Fault, ScopedFault};
use serde_json::{Value, json};

use super::Answer;
use super::query::Query;

pub(super) fn all(fake: &FakeOtps) -> Answer {
    let known = Fault::ALL.iter().map(|fault| {
        json!({
            "fault": fault.to_string(),
            "what": fault.describe(),
            "times": times(fault.usual_times()),
        })
    });
    let mut armed: Vec<_> = fake.armed_numbered().iter().map(armed).collect();
    let own = fake.armed_custom().into_iter();
    armed.extend(own.map(|name| json!({ "fault": name, "what": "a fault of the test's own" })));
    Answer::Json(StatusCode::OK, json!({ "armed": armed, "known": known.collect::<Vec<_>>() }))
}

/// Arms a fault, for all users and operations unless the query narrows it.
pub(super) fn arm(fake: &FakeOtps, fault: &str, query: &str) -> Result<Answer, Answer> {
    let query = Query::read(query, &["user", "operation", "times"])?;
    let [user, operation, times] = ["user", "operation", "times"].map(|name| query.get(name));
    let scoped = scoped(fake, fault, user, operation, times)?;
    let number = fake.arm_numbered(scoped.clone());
    Ok(Answer::Json(StatusCode::CREATED, armed(&(number, scoped))))
}

/// The fault of this text, for all users and operations unless these narrow it.
pub(super) fn scoped(
    fake: &FakeOtps,
    fault: &str,
    user: Option<&str>,
    operation: Option<&str>,
    times: Option<&str>,
) -> Result<ScopedFault, Answer> {
    let mut scoped: ScopedFault = fault
        .parse()
        .map_err(|unknown: otp_mock::UnknownFault| Answer::bad(unknown.to_string()))?;
    for (name, value) in [("user", user), ("operation", operation), ("times", times)] {
        if value.is_some() && fault.contains(&format!(":{name}=")) {
            return Err(Answer::bad(format!("{name} is both in the path and in the query")));
        }
    }
    if let Some(name) = user {
        scoped = scoped.for_user(name);
    }
    if let Some(name) = operation {
        scoped = scoped.for_operation(operation_of(fake, name)?);
    }
    let scoped = match times.map(|times| (times, times.parse::<u32>())) {
        None => scoped,
        Some(("always", _)) => scoped.until_disarmed(),
        Some((_, Ok(times))) if times > 0 => scoped.times(times),
        Some(_) => return Err(Answer::bad("times is a whole number above 0, or always")),
    };
    can_strike(fake, &scoped)?;
    Ok(scoped)
}

/// Refuses a fault that no request would meet.
fn can_strike(fake: &FakeOtps, scoped: &ScopedFault) -> Result<(), Answer> {
    if scoped.left() == Some(0) {
        return Err(Answer::bad(format!("'{scoped}' would strike 0 times")));
    }
    if let Some(user) = scoped.user().filter(|user| fake.of_user_ever(user).is_none()) {
        return Err(Answer::Refused(StatusCode::NOT_FOUND, format!("there is no user '{user}'")));
    }
    let fault = scoped.fault();
    match scoped.operation().filter(|operation| !fault.can_strike(operation)) {
        None => Ok(()),
        Some(operation) => {
            let why = format!("the fault {} never strikes {operation}", fault.name());
            Err(Answer::conflict(&why))
        }
    }
}

/// The operation or route of this name.
pub(super) fn operation_of(fake: &FakeOtps, name: &str) -> Result<&'static Endpoint, Answer> {
    let operations = fake.operations();
    let found = operations.iter().find(|endpoint| endpoint.name() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = operations.iter().map(|endpoint| endpoint.name()).collect();
        Answer::bad(format!("operation is one of {}", names.join(", ")))
    })
}

/// Disarms the fault of a number, or all of a name.
pub(super) fn disarm(fake: &FakeOtps, fault: &str) -> Answer {
    let was_armed = match fault.parse() {
        Ok(number) => fake.disarm(number),
        Err(_) => fake.disarm_named(fault) > 0,
    };
    if was_armed {
        return Answer::Nothing;
    }
    Answer::Refused(StatusCode::NOT_FOUND, "no fault of this number or name is armed".to_owned())
}

fn armed((number, scoped): &(u64, ScopedFault)) -> Value {
    json!({
        "number": number,
        "fault": scoped.fault().to_string(),
        "what": scoped.fault().describe(),
        "user": scoped.user(),
        "operation": scoped.operation(),
        "times": times(scoped.left()),
    })
}

fn times(times: Option<u32>) -> Value {
    times.map_or_else(|| json!("always"), |times| json!(times))
}
