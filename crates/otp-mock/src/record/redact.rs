//! Which secret is written down as what.

use std::collections::HashMap;

use otp_core::Scrubber;
use serde_json::{Map, Value, json};

/// The secrets that passed, each with its placeholder: `token-1`, `otp-1`, `recovery-code-1`. A placeholder
/// is a valid value of its kind.
#[derive(Default)]
pub(super) struct Known<'a> {
    placeholders: HashMap<&'a str, String>,
    numbers: HashMap<&'static str, usize>,
}

impl<'a> Known<'a> {
    /// A secret keeps the placeholder of what it was first, whatever it is used for later.
    pub(super) fn learn(&mut self, kind: &'static str, secret: &'a str) {
        // What is blank is no secret, and is in every text.
        if secret.trim().is_empty() || self.placeholders.contains_key(secret) {
            return;
        }
        let number = self.numbers.entry(kind).or_default();
        *number += 1;
        self.placeholders.insert(secret, format!("{kind}-{number}"));
    }

    /// Learns the secrets of a JSON body, however deep they are.
    pub(super) fn learn_body(&mut self, body: &'a Value) {
        match body {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match secret_kind(name) {
                        Some(kind) => self.learn_texts(kind, value),
                        None => self.learn_body(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_body(item)),
            _ => {}
        }
    }

    fn learn_texts(&mut self, kind: &'static str, value: &'a Value) {
        match value {
            Value::String(secret) => self.learn(kind, secret),
            Value::Array(items) => items.iter().for_each(|item| self.learn_texts(kind, item)),
            Value::Object(fields) => {
                fields.values().for_each(|value| self.learn_texts(kind, value));
            }
            _ => {}
        }
    }

    /// What writes texts without these secrets.
    pub(super) fn redactor(self) -> Redactor<'a> {
        let secrets = || self.placeholders.keys().copied();
        let telling =
            |secret: &&str| secret.len() >= 4 && secret.bytes().any(|byte| byte.is_ascii_digit());
        Redactor {
            scrubber: Scrubber::new(secrets()),
            fixed_scrubber: Scrubber::new(secrets().filter(telling)),
            placeholders: self.placeholders,
        }
    }
}

/// What the texts of this field are.
fn secret_kind(field: &str) -> Option<&'static str> {
    match field {
        "recovery_codes" => Some("recovery-code"),
        "token" => Some("token"),
        _ => None,
    }
}

/// Replaces secrets.
pub(super) struct Redactor<'a> {
    placeholders: HashMap<&'a str, String>,
    scrubber: Scrubber<'a>,
    /// For what has a fixed grammar. It knows only the secrets that are not there by chance.
    fixed_scrubber: Scrubber<'a>,
}

impl Redactor<'_> {
    /// The placeholder of this secret; what is blank stays so.
    pub(super) fn placeholder(&self, secret: &str) -> String {
        match self.placeholders.get(secret) {
            Some(placeholder) => placeholder.clone(),
            None if secret.trim().is_empty() => secret.to_owned(),
            None => "[redacted]".to_owned(),
        }
    }

    /// A text of anybody's, without the secrets in whatever form.
    pub(super) fn text(&self, text: &str) -> String {
        self.scrubber.text(text).into_owned()
    }

    /// As [`text`](Self::text), but a short secret leaves a media type, a number or a date alone: it is no
    /// echo that `application/json` has a `t`.
    pub(super) fn header(&self, value: &str) -> String {
        let scrubber = if is_fixed(value) { &self.fixed_scrubber } else { &self.scrubber };
        scrubber.text(value).into_owned()
    }

    /// A JSON body with its documented fields, their secrets replaced, and nothing of any other.
    pub(super) fn body(&self, body: &Value) -> Value {
        let Value::Object(fields) = body else { return shape(body) };
        let fields = fields.iter().map(|(name, value)| match name.as_str() {
            "recovery_codes" | "token" => {
                (name.clone(), each(value, |secret| self.placeholder(secret)))
            }
            "error" | "errors" | "href" => (name.clone(), each(value, |text| self.text(text))),
            _ => (self.text(name), shape(value)),
        });
        Value::Object(fields.collect())
    }
}

/// A text, or each text of a list, as `replace` says; the mere shape of anything else.
fn each(value: &Value, replace: impl Fn(&str) -> String) -> Value {
    let one = |value: &Value| match value {
        Value::String(text) => Value::String(replace(text)),
        other => shape(other),
    };
    match value {
        Value::Array(items) => items.iter().map(one).collect(),
        value => one(value),
    }
}

/// The same kind of value with nothing in it.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => json!(false),
        Value::Number(_) => json!(0),
        Value::String(_) => json!("[redacted]"),
        Value::Array(_) => json!([]),
        Value::Object(_) => Value::Object(Map::new()),
    }
}

/// The words of media types, codings, methods and dates.
const WORDS: &str = "application charset hal html json plain problem q text utf xml \
    br compress deflate gzip identity zstd delete get head options patch post put false true \
    mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec gmt";

/// Whether a value is made of such words and of numbers alone.
fn is_fixed(value: &str) -> bool {
    value.split(|c: char| !c.is_ascii_alphanumeric()).all(|part| {
        part.bytes().all(|byte| byte.is_ascii_digit())
            || WORDS.split_whitespace().any(|word| word.eq_ignore_ascii_case(part))
    })
}
