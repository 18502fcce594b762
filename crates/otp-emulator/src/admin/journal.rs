//! What the service did: read, counted, and compared with what a test expects.

use hyper::StatusCode;
use otp_core::bytes::Bytes;
use otp_mock::{Event, FakeOtps, Journal, JournalEntry};
use serde_json::{Value, json};

use super::Answer;
use super::clock::written;
use super::compare::{Difference, Differences, compare};
use super::expected::{Expected, OUTCOMES};
use super::faults;
use super::query::{Fields, Query};

/// The entries that a query asks for, oldest first.
pub(super) fn entries(fake: &FakeOtps, query: &str) -> Result<Answer, Answer> {
    let query = Query::read(query, &["user", "operation", "outcome", "since", "limit"])?;
    let limit = query
        .number("limit")?
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let journal = fake.journal();
    let filter = Filter::of_query(&query, &Names::new(fake, &journal))?;
    // Without a number, whatever is kept is asked for.
    if filter.since.is_some() {
        filter.check_since(&journal)?;
    }
    let journal = filter.apply(journal);
    let entries = journal.entries();
    let skipped = entries.len().saturating_sub(limit);
    Ok(Answer::Json(
        StatusCode::OK,
        entries.skip(skipped).map(|entry| written_entry(fake, entry)).collect(),
    ))
}

pub(super) fn count(fake: &FakeOtps, query: &str) -> Result<Answer, Answer> {
    let query = Query::read(query, &["user", "operation", "outcome", "since"])?;
    let journal = fake.journal();
    let last = journal.last_number();
    let filter = Filter::of_query(&query, &Names::new(fake, &journal))?;
    filter.check_since(&journal)?;
    let count = filter.apply(journal).entries().len();
    Ok(Answer::Json(StatusCode::OK, json!({ "count": count, "last_number": last })))
}

/// Whether exactly what is expected happened; if not, what differs.
pub(super) fn verify(fake: &FakeOtps, body: &Bytes) -> Result<Answer, Answer> {
    let fields = Fields::read(body, &["expected", "nothing_else", "user", "operation", "since"])?;
    let journal = fake.journal();
    let names = Names::new(fake, &journal);
    let filter = Filter {
        user: fields.text("user")?.map(str::to_owned),
        operation: fields.text("operation")?.map(str::to_owned),
        outcome: None,
        since: fields.number("since")?,
    };
    filter.check_names(&names)?;
    let nothing_else = fields.flag("nothing_else")?.unwrap_or(true);
    let expected = Expected::read_all(&fields, &names)?;
    filter.check_since(&journal)?;
    let journal = filter.apply(journal);
    let entries: Vec<_> = journal.entries().collect();

    let Differences { of_expected: differences, mut unexpected } = compare(&expected, &entries);
    if !nothing_else {
        unexpected.clear();
    }
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
    since: Option<u64>,
}

impl Filter {
    fn of_query(query: &Query, names: &Names<'_>) -> Result<Self, Answer> {
        let text = |name| query.get(name).map(str::to_owned);
        let filter = Self {
            user: text("user"),
            operation: text("operation"),
            outcome: text("outcome"),
            since: query.number("since")?,
        };
        filter.check_names(names)?;
        Ok(filter)
    }

    fn check_names(&self, names: &Names<'_>) -> Result<(), Answer> {
        self.outcome.as_ref().map_or(Ok(()), |outcome| names.check_outcome(outcome))?;
        self.operation.as_ref().map_or(Ok(()), |operation| names.check_operation(operation))?;
        self.user.as_ref().map_or(Ok(()), |user| names.check_user(user))
    }

    /// Whether there is such a number, and all entries after it are kept.
    fn check_since(&self, journal: &Journal) -> Result<(), Answer> {
        let (since, last) = (self.since.unwrap_or(0), journal.last_number());
        if since > last {
            let why =
                format!("since {since} is beyond the last entry, which has the number {last}");
            return Err(Answer::Refused(StatusCode::NOT_FOUND, why));
        }
        if journal.is_complete_since(since) {
            return Ok(());
        }
        let first = journal.entries().next().map_or(last, |entry| entry.number - 1);
        Err(Answer::Refused(
            StatusCode::GONE,
            format!("entries after {since} are no longer kept; all are kept since {first}"),
        ))
    }

    fn apply(&self, journal: Journal) -> Journal {
        let mut journal = journal.since(self.since.unwrap_or(0));
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

/// What can be asked for, so that a misspelt name is found.
pub(super) struct Names<'a> {
    fake: &'a FakeOtps,
    /// Users and faults that are no longer there may have entries.
    journal: &'a Journal,
}

impl<'a> Names<'a> {
    fn new(fake: &'a FakeOtps, journal: &'a Journal) -> Self {
        Self { fake, journal }
    }

    pub(super) fn check_outcome(&self, outcome: &str) -> Result<(), Answer> {
        if OUTCOMES.contains(&outcome) {
            return Ok(());
        }
        Err(Answer::bad(format!("outcome is one of {}", OUTCOMES.join(", "))))
    }

    pub(super) fn check_user(&self, user: &str) -> Result<(), Answer> {
        let mut entries = self.journal.entries();
        let is_known = self.fake.of_user_ever(user).is_some()
            || entries.any(|entry| entry.user.as_deref() == Some(user));
        if is_known {
            return Ok(());
        }
        Err(Answer::Refused(StatusCode::NOT_FOUND, format!("there is no user '{user}'")))
    }

    pub(super) fn check_operation(&self, operation: &str) -> Result<(), Answer> {
        faults::operation_of(self.fake, operation).map(drop)
    }

    /// Whether a fault of the test's own has this name.
    pub(super) fn has_own_fault(&self, name: &str) -> bool {
        let mut entries = self.journal.entries();
        self.fake.armed_custom().contains(&name)
            || entries.any(|entry| matches!(entry.event, Event::StruckBy(own) if own == name))
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
