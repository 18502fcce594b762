//! Queries and JSON bodies: nothing in them is ignored, so that a misspelt name is found.

use otp_core::bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::Answer;
use super::json::{self, Unreadable};

/// The largest number that every language reads from JSON as it is written (RFC 8259 §6).
const LARGEST: u64 = (1 << 53) - 1;

/// The parameters of a query.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query that has only parameters of these names, each once.
    pub(super) fn read(query: &str, known: &[&str]) -> Result<Self, Answer> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                return Err(Answer::bad("the query is not UTF-8"));
            };
            if !known.contains(&name.as_str()) {
                let why = match known {
                    [] => format!("there is no parameter '{name}' here, nor any other"),
                    known => {
                        format!("there is no parameter '{name}'; there are {}", known.join(", "))
                    }
                };
                return Err(Answer::bad(why));
            }
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(Answer::bad(format!("the parameter {name} is there twice")));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A number, if there is one of this name.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Answer> {
        let number = |text: &str| text.parse().ok().filter(|number| *number <= LARGEST);
        match self.get(name) {
            None => Ok(None),
            Some(text) => number(text).map(Some).ok_or_else(|| no_number(name)),
        }
    }

    /// A yes or no, by default no.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Answer> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Answer::bad(format!("{name} is true or false"))),
        }
    }
}

/// The value of a parameter of this name. Whatever else there is does not matter.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    decoded(value)
}

fn no_number(name: &str) -> Answer {
    Answer::bad(format!("{name} is a whole number, from 0 to {LARGEST}"))
}

fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The fields of a JSON object.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads an object that has no others than these.
    pub(super) fn read(body: &Bytes, known: &[&str]) -> Result<Self, Answer> {
        match json::read(body) {
            Ok(Value::Object(fields)) => Self::of(fields, known),
            Err(Unreadable::Twice(key)) => {
                Err(Answer::bad(format!("the field '{key}' is there twice")))
            }
            _ => Err(Answer::bad(format!("the body is a JSON object of {}", known.join(", ")))),
        }
    }

    /// The same of an object in another one.
    pub(super) fn of(fields: Map<String, Value>, known: &[&str]) -> Result<Self, Answer> {
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(Answer::bad(format!(
                "there is no field '{unknown}'; there are {}",
                known.join(", ")
            ))),
            None => Ok(Self(fields)),
        }
    }

    /// Nothing if the field is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Answer> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Answer::bad(format!("{name} is a text"))),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Answer> {
        // JSON does not tell 3 from 3.0 (RFC 8259 §6).
        let float = |value: &Value| value.as_f64().filter(|float| float.fract() == 0.0);
        let number = |value: &Value| match value.as_u64() {
            None => float(value).filter(|float| *float >= 0.0).map(|float| float as u64),
            number => number,
        };
        match self.get(name) {
            None => Ok(None),
            Some(value) => {
                let number = number(value).filter(|number| *number <= LARGEST);
                number.map(Some).ok_or_else(|| no_number(name))
            }
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Answer> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Answer::bad(format!("{name} is true or false"))),
        }
    }
}
