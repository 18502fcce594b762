//! The service's clock, and dates as HTTP writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use otp_mock::FakeOtps;
use serde_json::json;

use super::Answer;
use super::query::Query;

/// 9999-12-31 23:59:59 UTC, the last date that HTTP can write, in seconds since 1970.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// What the clock shows.
pub(super) fn shown(fake: &FakeOtps) -> Answer {
    let date = fake.date();
    Answer::Json(StatusCode::OK, json!({ "date": written(date), "unix_seconds": seconds(date) }))
}

/// Advances the clock, but to no date that cannot be told.
pub(super) fn advance(fake: &FakeOtps, query: &str) -> Result<Answer, Answer> {
    let query = Query::read(query, &["seconds"])?;
    turn(fake, query.get("seconds"))?;
    Ok(Answer::Nothing)
}

/// Advances the clock by this text, which is a number of seconds.
pub(super) fn turn(fake: &FakeOtps, seconds: Option<&str>) -> Result<(), Answer> {
    let step = seconds.and_then(|seconds| seconds.parse().ok());
    let Some(Ok(step)) = step.map(Duration::try_from_secs_f64) else {
        return Err(Answer::bad(
            "seconds is by how much to advance the clock, a number that is not negative",
        ));
    };
    let later = fake.date().checked_add(step);
    if later.is_none_or(|later| later > UNIX_EPOCH + LAST) {
        return Err(Answer::conflict("seconds would advance the clock beyond the year 9999"));
    }
    fake.advance(step);
    Ok(())
}

/// A date as HTTP writes it, or what comes closest where it cannot.
pub(super) fn written(date: SystemTime) -> String {
    match date.duration_since(UNIX_EPOCH) {
        Ok(since) if since.as_secs() <= LAST.as_secs() => httpdate::fmt_http_date(date),
        _ => format!("{} s since 1970", seconds(date)),
    }
}

fn seconds(date: SystemTime) -> f64 {
    match date.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_is_written() {
        for (date, text) in [
            (UNIX_EPOCH, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (UNIX_EPOCH + LAST, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (UNIX_EPOCH + LAST + Duration::from_secs(1), "253402300800 s since 1970"),
            (UNIX_EPOCH - Duration::from_secs(10), "-10 s since 1970"),
        ] {
            assert_eq!(written(date), text);
        }
    }
}
