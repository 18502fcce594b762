//! What a test expects of the journal.

use otp_mock::{Event, Fault, JournalEntry};
use serde_json::{Map, Value, json};

use super::Answer;
use super::journal::{Names, fault, status};
use super::query::Fields;

/// Every outcome of an entry.
pub(super) const OUTCOMES: [&str; 9] = [
    "sms_sent",
    "verified_by_sms",
    "verified_by_app",
    "verified_by_recovery_code",
    "codes_read",
    "codes_regenerated",
    "acted",
    "refused",
    "struck",
];

/// Entries that are expected to be there, and how many.
#[derive(Debug)]
pub(super) struct Expected {
    entry: Described,
    pub(super) count: u64,
}

/// What an entry is expected to be.
#[derive(Debug, PartialEq)]
struct Described {
    outcome: String,
    user: Option<String>,
    operation: Option<String>,
    status: Option<u64>,
    fault: Option<Struck>,
}

/// Which fault is expected to strike.
#[derive(Debug, PartialEq)]
enum Struck {
    /// With this number.
    Exactly(Fault),
    /// One of this name, with any number; or one of the test's own.
    Named(String),
}

impl Expected {
    /// Those of the field `expected`. The same one again adds to the count.
    pub(super) fn read_all(fields: &Fields, names: &Names<'_>) -> Result<Vec<Self>, Answer> {
        let Some(Value::Array(all)) = fields.get("expected") else {
            return Err(Answer::bad(
                "expected is an array of objects, such as {\"outcome\": \"sms_sent\"}",
            ));
        };
        let mut merged: Vec<Self> = Vec::new();
        for value in all {
            let read = Self::read(value, names)?;
            // "None of these" is no part of a sum.
            let same = merged
                .iter_mut()
                .find(|other| other.entry == read.entry && (other.count == 0) == (read.count == 0));
            match same {
                Some(same) => same.count = same.count.saturating_add(read.count),
                None => merged.push(read),
            }
        }
        Ok(merged)
    }

    fn read(value: &Value, names: &Names<'_>) -> Result<Self, Answer> {
        let Value::Object(object) = value else {
            return Err(Answer::bad("each of expected is an object"));
        };
        let known = ["outcome", "user", "operation", "status", "fault", "count"];
        let fields = Fields::of(object.clone(), &known)?;
        let Some(outcome) = fields.text("outcome")? else {
            return Err(Answer::bad(format!("outcome is one of {}", OUTCOMES.join(", "))));
        };
        names.check_outcome(outcome)?;
        let (user, operation) = (fields.text("user")?, fields.text("operation")?);
        user.map_or(Ok(()), |user| names.check_user(user))?;
        operation.map_or(Ok(()), |operation| names.check_operation(operation))?;
        let (status, fault) = (fields.number("status")?, fields.text("fault")?);
        for (is_given, name, of) in
            [(status.is_some(), "status", "refused"), (fault.is_some(), "fault", "struck")]
        {
            if is_given && outcome != of {
                let why = format!("only an entry with the outcome {of} has a {name}");
                return Err(Answer::bad(why));
            }
        }
        Ok(Self {
            entry: Described {
                outcome: outcome.to_owned(),
                user: user.map(str::to_owned),
                operation: operation.map(str::to_owned),
                status,
                fault: fault.map(|fault| Struck::read(fault, names)).transpose()?,
            },
            count: fields.number("count")?.unwrap_or(1),
        })
    }

    /// In how much an entry differs.
    pub(super) fn distance(&self, entry: &JournalEntry) -> usize {
        let expected = &self.entry;
        let differs = [
            expected.outcome != entry.event.name(),
            expected.user.is_some() && expected.user != entry.user,
            expected.operation.is_some() && expected.operation.as_deref() != entry.operation,
            expected.status.is_some() && expected.status != status(&entry.event).map(u64::from),
            expected.fault.as_ref().is_some_and(|fault| !fault.is(&entry.event)),
        ];
        differs.iter().filter(|differs| **differs).count()
    }

    pub(super) fn matches(&self, entry: &JournalEntry) -> bool {
        self.distance(entry) == 0
    }

    pub(super) fn written(&self) -> Value {
        let expected = &self.entry;
        let mut written = Map::new();
        written.insert("outcome".to_owned(), json!(expected.outcome));
        let fault = expected.fault.as_ref().map(Struck::written);
        let texts =
            [("user", &expected.user), ("operation", &expected.operation), ("fault", &fault)];
        for (name, text) in texts {
            if let Some(text) = text {
                written.insert(name.to_owned(), json!(text));
            }
        }
        if let Some(status) = expected.status {
            written.insert("status".to_owned(), json!(status));
        }
        written.insert("count".to_owned(), json!(self.count));
        Value::Object(written)
    }
}

impl Struck {
    fn read(text: &str, names: &Names<'_>) -> Result<Self, Answer> {
        match text.parse::<Fault>() {
            Ok(_) if !text.contains('=') => Ok(Self::Named(text.to_owned())),
            Ok(fault) => Ok(Self::Exactly(fault)),
            Err(_) if names.has_own_fault(text) => Ok(Self::Named(text.to_owned())),
            Err(unknown) => Err(Answer::bad(unknown.to_string())),
        }
    }

    fn is(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::Exactly(fault), Event::Struck(struck)) => fault == struck,
            (Self::Named(name), Event::Struck(struck)) => name == struck.name(),
            (Self::Named(_), _) => fault(event).as_ref() == Some(&self.written()),
            (Self::Exactly(_), _) => false,
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Exactly(fault) => fault.to_string(),
            Self::Named(name) => name.clone(),
        }
    }
}
