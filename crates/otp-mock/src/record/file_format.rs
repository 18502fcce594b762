//! One exchange as it is written in a file.

use std::collections::BTreeMap;
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::StatusCode;
use otp_core::http::header::{HeaderName, HeaderValue};
use otp_core::{Response, TransportError, TransportErrorKind as Kind};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::Reply;

/// One request and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchanged {
    pub(super) operation: String,
    /// Method and path.
    pub(super) request: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    /// Milliseconds from sending to the end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) took_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "null_too")]
    pub(super) json: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failure {
    kind: String,
    /// Whether the request provably did not leave.
    not_sent: bool,
    /// The head that arrived before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<Answer>,
}

/// The kinds of failure by name. A kind that has none here is written as `other`.
const KINDS: [(Kind, &str); 8] = [
    (Kind::Connect, "connect"),
    (Kind::ProxyRefused, "proxy_refused"),
    (Kind::Tls, "tls"),
    (Kind::Timeout, "timeout"),
    (Kind::ConnectionLost, "connection_lost"),
    (Kind::Protocol, "protocol"),
    (Kind::ResponseTooLarge, "response_too_large"),
    (Kind::Other, "other"),
];

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A body may be `null`, which is not the same as none.
fn null_too<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(json).map(Some)
}

impl Exchanged {
    /// What comes back when it is played.
    ///
    /// # Errors
    ///
    /// What is wrong with it, since a person may have edited it.
    pub(super) fn reply(&self) -> Result<Reply, String> {
        let reply = match (&self.answer, &self.failure) {
            (Some(answer), None) => Reply::response(answer.response()?),
            // The client's settings say when.
            (None, Some(failure)) if failure.is_time_out() => return Ok(Reply::never()),
            (None, Some(failure)) => Reply::failed(failure.error()?),
            (Some(_), Some(_)) => return Err("it has an answer and a failure".into()),
            (None, None) => return Err("it has neither an answer nor a failure".into()),
        };
        Ok(reply.after(Duration::from_millis(self.took_ms)))
    }
}

impl Answer {
    fn response(&self) -> Result<Response, String> {
        let body = match (&self.json, &self.text) {
            (Some(json), None) => json.to_string(),
            (None, Some(text)) => text.clone(),
            (None, None) => String::new(),
            (Some(_), Some(_)) => return Err("its answer has a json and a text".into()),
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status)
            .map_err(|_| format!("{} is no status: 100 to 999", self.status))?;
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| format!("the header '{name}' cannot have its value"))?;
            let name = name
                .parse::<HeaderName>()
                .map_err(|_| format!("'{name}' cannot be the name of a header"))?;
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}

impl Failure {
    pub(super) fn new(kind: Kind, not_sent: bool, head: Option<Answer>) -> Self {
        let name = KINDS.iter().find(|(named, _)| *named == kind);
        Self { kind: name.map_or("other", |(_, name)| name).to_owned(), not_sent, head }
    }

    /// Whether nothing came within the attempt's time limit.
    pub(super) fn is_time_out(&self) -> bool {
        self.kind == "timeout" && !self.not_sent && self.head.is_none()
    }

    fn error(&self) -> Result<TransportError, String> {
        let Some((kind, _)) = KINDS.iter().find(|(_, name)| *name == self.kind) else {
            let kinds = KINDS.map(|(_, name)| name).join(", ");
            return Err(format!("'{}' is no kind of failure: {kinds}", self.kind));
        };
        let Some(head) = &self.head else {
            return Ok(if self.not_sent {
                TransportError::not_sent(*kind)
            } else {
                TransportError::unknown(*kind)
            });
        };
        let (head, body) = head.response()?.into_parts();
        if self.not_sent {
            return Err("what was not sent has no head".into());
        }
        if !body.is_empty() {
            return Err("the head of a failure has no body".into());
        }
        Ok(TransportError::unknown(*kind).with_head(head))
    }
}
