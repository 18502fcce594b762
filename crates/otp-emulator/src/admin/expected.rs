//! What a test expects of the journal, and how what happened differs from it.

use otp_mock::JournalEntry;
use serde_json::{Map, Value, json};

use super::Answer;
use super::journal::{fault, status, told};
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

/// Entries that are expected to be there, so many of them.
pub(super) struct Expected {
    outcome: String,
    user: Option<String>,
    operation: Option<String>,
    status: Option<u64>,
    fault: Option<String>,
    count: u64,
}

/// What of the journal is not as expected.
pub(super) struct Difference<'a> {
    pub(super) expected: &'a Expected,
    pub(super) found: u64,
    /// The entries that differ least.
    pub(super) nearest: Vec<&'a JournalEntry>,
}

impl Expected {
    /// Those of the field `expected`.
    pub(super) fn read_all(fields: &Fields) -> Result<Vec<Self>, Answer> {
        match fields.get("expected") {
            Some(Value::Array(all)) => all.iter().map(Self::read).collect(),
            _ => Err(Answer::bad(
                "expected is an array of objects, such as {\"outcome\": \"sms_sent\"}",
            )),
        }
    }

    fn read(value: &Value) -> Result<Self, Answer> {
        let Value::Object(object) = value else {
            return Err(Answer::bad("each of expected is an object"));
        };
        let known = ["outcome", "user", "operation", "status", "fault", "count"];
        let fields = Fields::of(object.clone(), &known)?;
        let outcome = fields.text("outcome")?.filter(|outcome| OUTCOMES.contains(outcome));
        let Some(outcome) = outcome else {
            return Err(Answer::bad(format!("outcome is one of {}", OUTCOMES.join(", "))));
        };
        let text = |name| fields.text(name).map(|text| text.map(str::to_owned));
        Ok(Self {
            outcome: outcome.to_owned(),
            user: text("user")?,
            operation: text("operation")?,
            status: fields.number("status")?,
            fault: text("fault")?,
            count: fields.number("count")?.unwrap_or(1),
        })
    }

    /// In how much an entry differs.
    fn distance(&self, entry: &JournalEntry) -> usize {
        let differs = [
            self.outcome != entry.event.name(),
            self.user.is_some() && self.user != entry.user,
            self.operation.is_some() && self.operation.as_deref() != entry.operation,
            self.status.is_some() && self.status != status(&entry.event).map(u64::from),
            self.fault.is_some() && self.fault != fault(&entry.event),
        ];
        differs.iter().filter(|differs| **differs).count()
    }

    pub(super) fn matches(&self, entry: &JournalEntry) -> bool {
        self.distance(entry) == 0
    }

    pub(super) fn difference<'a>(&'a self, entries: &[&'a JournalEntry]) -> Option<Difference<'a>> {
        let found = entries.iter().filter(|entry| self.matches(entry)).count() as u64;
        if found == self.count {
            return None;
        }
        let others = || entries.iter().map(|entry| self.distance(entry)).filter(|far| *far > 0);
        // Of too many, those themselves are of interest.
        let far = if found > self.count { 0 } else { others().min().unwrap_or(usize::MAX) };
        let nearest = entries.iter().filter(|entry| self.distance(entry) == far);
        Some(Difference { expected: self, found, nearest: nearest.copied().take(5).collect() })
    }

    pub(super) fn written(&self) -> Value {
        let mut written = Map::new();
        written.insert("outcome".to_owned(), json!(self.outcome));
        let texts = [("user", &self.user), ("operation", &self.operation), ("fault", &self.fault)];
        for (name, text) in texts {
            if let Some(text) = text {
                written.insert(name.to_owned(), json!(text));
            }
        }
        if let Some(status) = self.status {
            written.insert("status".to_owned(), json!(status));
        }
        written.insert("count".to_owned(), json!(self.count));
        Value::Object(written)
    }
}

impl Difference<'_> {
    pub(super) fn sentence(&self) -> String {
        let expected = self.expected.written();
        let nearest: Vec<_> = self.nearest.iter().map(|entry| told(entry)).collect();
        let nearest = match (nearest.is_empty(), self.found > self.expected.count) {
            (true, _) => "nothing comes near".to_owned(),
            (false, true) => format!("they are {}", nearest.join(", ")),
            (false, false) => format!("nearest: {}", nearest.join(", ")),
        };
        format!("expected {expected}, found {}; {nearest}", self.found)
    }
}
