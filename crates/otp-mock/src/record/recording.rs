use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use otp_core::bytes::Bytes;
use otp_core::http::header::{HeaderMap, HeaderName, HeaderValue};
use otp_core::http::{StatusCode, request, response};
use otp_core::{Progress, Request, Response, TransportError, TransportErrorKind as Kind};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::redact::Redactor;
use crate::{Expected, Reply, ScriptedTransport, X_AUTH_TOKEN};

/// What passed through a [`Recorder`](crate::Recorder), with every secret replaced.
///
/// As a text, which `Display` writes and `FromStr` reads, it is JSON that a person can read and edit. The
/// same secret is always the same placeholder (`token-1`, `otp-1`, `recovery-code-1`), each a valid
/// value of its kind. Of headers, those are written whose meaning is known, of JSON bodies the
/// documented fields, of other bodies the size.
///
/// ```
/// use otp_core::{AuthToken, OtpsApi, OtpsClient};
/// use otp_mock::Recording;
///
/// let recording: Recording = r#"{
///   "exchanges": [{
///     "operation": "find_recovery_codes",
///     "request": "GET /user/otp/recovery-codes",
///     "answer": {
///       "status": 200,
///       "headers": { "content-type": "application/json" },
///       "json": { "recovery_codes": ["recovery-code-1"] }
///     }
///   }]
/// }"#.parse()?;
///
/// let client = OtpsClient::new(recording.replay(), AuthToken::new("token-1")?);
/// assert_eq!(pollster::block_on(client.find_recovery_codes())?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    pub(super) exchanges: Vec<Exchanged>,
}

/// One request and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchanged {
    operation: String,
    /// Method and path.
    request: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    kind: String,
    /// Whether the request provably did not leave.
    not_sent: bool,
    /// The head that arrived before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<Answer>,
}

/// Headers of an answer whose value says something and is no secret.
const TELLING: [&str; 9] = [
    "allow",
    "content-type",
    "deprecation",
    "retry-after",
    "sunset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];

/// The kinds of failure by name. A kind that has none here is written as `other`.
const KINDS: [(Kind, &str); 7] = [
    (Kind::Connect, "connect"),
    (Kind::Tls, "tls"),
    (Kind::Timeout, "timeout"),
    (Kind::ConnectionLost, "connection_lost"),
    (Kind::Protocol, "protocol"),
    (Kind::ResponseTooLarge, "response_too_large"),
    (Kind::Other, "other"),
];

impl Recording {
    /// A transport that gives the same answers to the same operations in the same order, in every flavour.
    pub fn replay(&self) -> ScriptedTransport {
        self.exchanges.iter().fold(ScriptedTransport::in_order(), |script, exchanged| {
            script.answer(Expected::named(exchanged.operation.clone()), exchanged.reply())
        })
    }

    /// Writes it to a file, for a person to look at and [`load`](Self::load) to read.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, format!("{self}\n"))
    }

    /// Reads a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is no recording: it says where.
    pub fn load(path: impl AsRef<Path>) -> io::Result<Self> {
        std::fs::read_to_string(path)?.parse().map_err(io::Error::other)
    }
}

impl Exchanged {
    pub(super) fn new(
        request: &Seen,
        outcome: &Result<Response, TransportError>,
        redactor: &mut Redactor,
    ) -> Self {
        let mut exchanged = Self {
            operation: request.operation.to_owned(),
            headers: request_headers(&request.head.headers, redactor),
            request: request.path(redactor),
            answer: None,
            failure: None,
        };
        match outcome {
            Ok(answer) => exchanged.answer = Some(Answer::of(answer, redactor)),
            Err(error) => {
                let kind = KINDS.iter().find(|(kind, _)| *kind == error.kind());
                let head = error.head().cloned();
                let head = head.map(|head| Response::from_parts(head, Bytes::new()));
                exchanged.failure = Some(Failure {
                    kind: kind.map_or("other", |(_, name)| name).to_owned(),
                    not_sent: error.progress() == Progress::NotSent,
                    head: head.map(|head| Answer::of(&head, redactor)),
                });
            }
        }
        exchanged
    }

    fn reply(&self) -> Reply {
        match (&self.answer, &self.failure) {
            (Some(answer), _) => Reply::response(answer.response()),
            (None, Some(failure)) => Reply::failed(failure.error()),
            (None, None) => Reply::lost(),
        }
    }
}

/// What of a request must be kept until its answer is there.
pub(super) struct Seen {
    operation: &'static str,
    template: &'static str,
    head: request::Parts,
}

impl Seen {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            operation: request.endpoint().name(),
            template: request.endpoint().path_template(),
            head: request.as_http().clone().into_parts().0,
        }
    }

    /// The method and the path below the base URL, its parameters replaced.
    fn path(&self, redactor: &mut Redactor) -> String {
        let path = self.head.uri.path();
        let segments = self.template.matches('/').count();
        // The base URL may have a path too: the template's is the end of it.
        let given = path.rsplit('/').take(segments).collect::<Vec<_>>().into_iter().rev();
        let path = self.template.split('/').skip(1).zip(given).map(|(name, given)| {
            match name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => {
                    redactor.placeholder(name, &percent_decode_str(given).decode_utf8_lossy())
                }
                None => name.to_owned(),
            }
        });
        let path = path.collect::<Vec<_>>().join("/");
        format!("{} /{path}", self.head.method)
    }
}

fn request_headers(headers: &HeaderMap, redactor: &mut Redactor) -> BTreeMap<String, String> {
    let value = |name: &HeaderName, value: &HeaderValue, redactor: &mut Redactor| {
        let Ok(text) = value.to_str() else { return "[redacted]".to_owned() };
        match name.as_str() {
            "x-auth-token" => redactor.placeholder("token", text),
            "accept" | "content-type" | "user-agent" => redactor.text(text),
            // An operation's own secret, which the answer may repeat.
            _ if value.is_sensitive() => redactor.placeholder("secret", text),
            _ => "[redacted]".to_owned(),
        }
    };
    headers.iter().map(|(name, given)| (name.to_string(), value(name, given, redactor))).collect()
}

impl Answer {
    fn of(response: &Response, redactor: &mut Redactor) -> Self {
        let mut headers = BTreeMap::new();
        for (name, value) in response.headers() {
            let Ok(value) = value.to_str() else { continue };
            if *name == X_AUTH_TOKEN {
                headers.insert(name.to_string(), redactor.placeholder("token", value));
            } else if TELLING.contains(&name.as_str()) {
                headers.insert(name.to_string(), redactor.text(value));
            }
        }
        let body = response.body();
        let json = serde_json::from_slice(body).ok().map(|json| redactor.body(json));
        let text = (json.is_none() && !body.is_empty())
            .then(|| format!("[{} bytes that are no JSON]", body.len()));
        Self { status: response.status().as_u16(), headers, json, text }
    }

    fn response(&self) -> Response {
        let body = match (&self.json, &self.text) {
            (Some(json), _) => json.to_string(),
            (None, Some(text)) => text.clone(),
            (None, None) => String::new(),
        };
        let mut response = Response::new(Bytes::from(body));
        // A file that a person edited may hold what is no status or header: it is left out.
        if let Ok(status) = StatusCode::from_u16(self.status) {
            *response.status_mut() = status;
        }
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    fn head(&self) -> response::Parts {
        self.response().into_parts().0
    }
}

impl Failure {
    fn error(&self) -> TransportError {
        let kind = KINDS.iter().find(|(_, name)| *name == self.kind);
        let kind = kind.map_or(Kind::Other, |(kind, _)| *kind);
        let error = if self.not_sent {
            TransportError::not_sent(kind)
        } else {
            TransportError::unknown(kind)
        };
        match &self.head {
            Some(head) => error.with_head(head.head()),
            None => error,
        }
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Recording {
    type Err = InvalidRecording;

    fn from_str(text: &str) -> Result<Self, InvalidRecording> {
        serde_json::from_str(text).map_err(InvalidRecording)
    }
}

/// That a text is no [`Recording`]; it says where and why.
#[derive(Debug)]
pub struct InvalidRecording(serde_json::Error);

impl fmt::Display for InvalidRecording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no recording: {}", self.0)
    }
}

impl std::error::Error for InvalidRecording {}
