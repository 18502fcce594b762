//! What the service did: read, counted, and compared with what a test expects.

use hyper::StatusCode;
use otp_core::bytes::Bytes;
use otp_mock::{Event, FakeOtps, Journal, JournalEntry};
use serde_json::{Value, json};

use super::Answer;
use super::clock::written;
use super::expected::{Difference, Expected, OUTCOMES};
use super::query::{Fields, Query};

/// The entries that a query asks for, oldest first.
pub(super) fn entries(fake: &FakeOtps, query: &str) -> Result<Answer, Answer> {
    let query = Query::read(query, &["user", "operation", "outcome", "since", "limit"])?;
    let limit = query
        .number("limit")?
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let journal = Filter::of_query(&query)?.apply(fake);
    let entries = journal.entries();
    let skipped = entries.len().saturating_sub(limit);
    Ok(Answer::Json(
        StatusCode::OK,
        entries.skip(skipped).map(|entry| written_entry(fake, entry)).collect(),
    ))
}

pub(super) fn count(fake: &FakeOtps, query: &str) -> Result<Answer, Answer> {
    let query = Query::read(query, &["user", "operation", "outcome", "since"])?;
    let last = fake.journal().last_number();
    let journal = Filter::of_query(&query)?.apply(fake);
    let count = journal.entries().len();
    Ok(Answer::Json(StatusCode::OK, json!({ "count": count, "last_number": last })))
}

/// Whether exactly what is expected happened; if not, what differs.
pub(super) fn verify(fake: &FakeOtps, body: &Bytes) -> Result<Answer, Answer> {
    let fields = Fields::read(body, &["expected", "nothing_else", "user", "operation", "since"])?;
    let filter = Filter {
        user: fields.text("user")?.map(str::to_owned),
        operation: fields.text("operation")?.map(str::to_owned),
        outcome: None,
        since: fields.number("since")?.unwrap_or(0),
    };
    let nothing_else = fields.flag("nothing_else")?.unwrap_or(true);
    let expected = Expected::read_all(&fields)?;
    let journal = filter.apply(fake);
    let entries: Vec<_> = journal.entries().collect();

    let differences: Vec<_> =
        expected.iter().filter_map(|expected| expected.difference(&entries)).collect();
    let is_meant = |entry: &JournalEntry| expected.iter().any(|expected| expected.matches(entry));
    let unexpected: Vec<_> =
        entries.iter().filter(|entry| nothing_else && !is_meant(entry)).copied().collect();
    if differences.is_empty() && unexpected.is_empty() {
        let checked = entries.len();
        return Ok(Answer::Json(StatusCode::OK, json!({ "matches": true, "entries": checked })));
    }
    let mut sentences: Vec<_> = differences.iter().map(Difference::sentence).collect();
    sentences.extend(unexpected.iter().map(|entry| format!("not expected: {}", told(entry))));
    Err(Answer::Json(
        StatusCode::CONFLICT,
        json!({
            "error": sentences.join("; "),
            "differences": differences.iter().map(|difference| {
                let nearest = difference.nearest.iter().map(|entry| written_entry(fake, entry));
                json!({
                    "expected": difference.expected.written(),
                    "found": difference.found,
                    "nearest": nearest.collect::<Vec<_>>(),
                })
            }).collect::<Vec<_>>(),
            "unexpected": unexpected.iter().map(|entry| written_entry(fake, entry)).collect::<Vec<_>>(),
        }),
    ))
}

/// Which entries are meant.
struct Filter {
    user: Option<String>,
    operation: Option<String>,
    outcome: Option<String>,
    since: u64,
}

impl Filter {
    fn of_query(query: &Query) -> Result<Self, Answer> {
        let outcome = query.get("outcome").map(str::to_owned);
        if outcome.as_ref().is_some_and(|outcome| !OUTCOMES.contains(&outcome.as_str())) {
            return Err(Answer::bad(format!("outcome is one of {}", OUTCOMES.join(", "))));
        }
        Ok(Self {
            user: query.get("user").map(str::to_owned),
            operation: query.get("operation").map(str::to_owned),
            outcome,
            since: query.number("since")?.unwrap_or(0),
        })
    }

    fn apply(&self, fake: &FakeOtps) -> Journal {
        let mut journal = fake.journal().since(self.since);
        if let Some(user) = &self.user {
            journal = journal.of_user(user);
        }
        if let Some(operation) = &self.operation {
            journal = journal.of_operation(operation);
        }
        if let Some(outcome) = &self.outcome {
            journal = journal.of_event(outcome);
        }
        journal
    }
}

/// An entry in a few words.
pub(super) fn told(entry: &JournalEntry) -> String {
    format!(
        "entry {} ({} by {}: {})",
        entry.number,
        entry.operation.unwrap_or("no operation"),
        entry.user.as_deref().unwrap_or("nobody known"),
        entry.event
    )
}

fn written_entry(fake: &FakeOtps, entry: &JournalEntry) -> Value {
    json!({
        "number": entry.number,
        "seconds": entry.at.as_secs_f64(),
        "date": written(fake.date_at(entry.at)),
        "user": entry.user,
        "operation": entry.operation,
        "outcome": entry.event.name(),
        "status": status(&entry.event),
        "fault": fault(&entry.event),
        "event": entry.event.to_string(),
    })
}

/// The status with which the service refused.
pub(super) fn status(event: &Event) -> Option<u16> {
    match event {
        Event::Refused(status) => Some(status.as_u16()),
        _ => None,
    }
}

/// The fault that struck.
pub(super) fn fault(event: &Event) -> Option<String> {
    match event {
        Event::Struck(fault) => Some(fault.to_string()),
        Event::StruckBy(name) => Some((*name).to_owned()),
        _ => None,
    }
}
