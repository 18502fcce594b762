//! What a recorder keeps of each exchange, secrets included, until it is written down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use otp_core::http::header::{HeaderMap, HeaderName};
use otp_core::http::{Method, StatusCode};
use otp_core::secrecy::zeroize::{Zeroize, Zeroizing};
use otp_core::secrecy::{ExposeSecret, SecretString};
use otp_core::{Progress, Request, Response, TransportError, TransportErrorKind};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::file_format::{Answer, Exchanged, Failure};
use super::redact::{Known, Redactor};
use crate::X_AUTH_TOKEN;
use crate::request::{param, params_below_base};

/// A request, and what came back if anything did.
#[derive(Clone)]
pub(super) struct CapturedExchange {
    pub(super) request: Arc<CapturedRequest>,
    pub(super) outcome: Option<Arc<CapturedOutcome>>,
}

/// Writes down all that was answered. Every secret is known before the first text is written, since a
/// server may name one before it is seen as what it is.
pub(super) fn write(exchanges: &[CapturedExchange]) -> Vec<Exchanged> {
    let mut known = Known::default();
    for CapturedExchange { request, outcome } in exchanges {
        request.learn(&mut known);
        if let Some(message) = outcome.as_ref().and_then(|outcome| outcome.message()) {
            message.learn(&mut known);
        }
    }
    let redactor = known.redactor();
    let answered = exchanges
        .iter()
        .filter_map(|exchange| Some((&exchange.request, exchange.outcome.as_ref()?)));
    answered.map(|(request, outcome)| outcome.write(request, &redactor)).collect()
}

/// What is kept of a request.
pub(super) struct CapturedRequest {
    operation: &'static str,
    template: &'static str,
    method: Method,
    /// Those of the path.
    params: Vec<(&'static str, SecretString)>,
    headers: HeaderMap,
    /// Those that the operation names.
    secrets: Vec<SecretString>,
    time_limit: Duration,
}

impl CapturedRequest {
    pub(super) fn of(request: &Request) -> Self {
        let template = request.endpoint().path_template();
        Self {
            operation: request.endpoint().name(),
            template,
            method: request.as_http().method().clone(),
            params: params_below_base(template, request.as_http().uri().path())
                .unwrap_or_default()
                .into_iter()
                .map(|(name, value)| (name, decoded(value)))
                .collect(),
            headers: request.as_http().headers().clone(),
            secrets: request.secrets().map(SecretString::from).collect(),
            time_limit: request.time_limit(),
        }
    }

    fn learn<'a>(&'a self, known: &mut Known<'a>) {
        for (name, header) in &self.headers {
            let Ok(value) = std::str::from_utf8(header.as_bytes()) else { continue };
            if *name == X_AUTH_TOKEN {
                known.learn("token", value);
            } else if header.is_sensitive() {
                known.learn("secret", value);
            }
        }
        for (name, value) in &self.params {
            known.learn(name, value.expose_secret());
        }
        for secret in &self.secrets {
            known.learn("secret", secret.expose_secret());
        }
    }

    /// The method and the path below the base URL, its parameters replaced.
    fn line(&self, redactor: &Redactor<'_>) -> String {
        let mut params = self.params.iter();
        let path = self.template.split('/').map(|segment| match param(segment) {
            Some((before, _, after)) => {
                let value = params.next().map(|(_, value)| value.expose_secret());
                let value = value.map(|value| redactor.placeholder(value)).unwrap_or_default();
                format!("{before}{value}{after}")
            }
            None => segment.to_owned(),
        });
        let path: Vec<_> = path.collect();
        format!("{} {}", self.method, path.join("/"))
    }

    fn headers(&self, redactor: &Redactor<'_>) -> BTreeMap<String, String> {
        first_of_each(&self.headers, |name, value, sensitive| {
            Some(match (name.as_str(), value) {
                ("x-auth-token", Some(value)) => redactor.placeholder(value),
                ("accept" | "content-type" | "user-agent", Some(value)) => redactor.header(value),
                (_, Some(value)) if sensitive => redactor.placeholder(value),
                _ => "[redacted]".to_owned(),
            })
        })
    }
}

/// Without a copy that is not wiped: it may be an OTP.
fn decoded(segment: &str) -> SecretString {
    let mut bytes = Zeroizing::new(Vec::with_capacity(segment.len()));
    bytes.extend(percent_decode_str(segment));
    match std::str::from_utf8(&bytes) {
        Ok(text) => SecretString::from(text),
        // No secret of this API; one of another is shown to be wrong when it is played.
        Err(_) => SecretString::from(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Each header that is written, by its first value, which is the one that a client takes. The value is
/// none if it is no text.
fn first_of_each(
    headers: &HeaderMap,
    write: impl Fn(&HeaderName, Option<&str>, bool) -> Option<String>,
) -> BTreeMap<String, String> {
    let written = headers.keys().filter_map(|name| {
        let value = headers.get(name)?;
        Some((name.to_string(), write(name, value.to_str().ok(), value.is_sensitive())?))
    });
    written.collect()
}

/// What came back.
pub(super) struct CapturedOutcome {
    took: Duration,
    outcome: Result<Message, Failed>,
}

struct Message {
    status: StatusCode,
    /// Those that are written, each by its first value.
    headers: Vec<(HeaderName, SecretString)>,
    /// All that came as a session token.
    tokens: Vec<SecretString>,
    body: Body,
}

enum Body {
    Empty,
    Json(Wiped),
    /// So many bytes.
    Other(usize),
}

/// Wiped when it is dropped: it may hold a token or recovery codes.
struct Wiped(Value);

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => {
            for (mut name, mut value) in std::mem::take(fields) {
                name.zeroize();
                wipe(&mut value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct Failed {
    kind: TransportErrorKind,
    not_sent: bool,
    /// The head that arrived before.
    head: Option<Message>,
}

/// Headers of an answer whose value says something and is no secret.
const TELLING: [&str; 11] = [
    "allow",
    "content-encoding",
    "content-type",
    "date",
    "deprecation",
    "retry-after",
    "sunset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];

fn is_telling(name: &HeaderName) -> bool {
    TELLING.contains(&name.as_str())
}

impl CapturedOutcome {
    pub(super) fn of(outcome: &Result<Response, TransportError>, took: Duration) -> Self {
        let outcome = match outcome {
            Ok(answer) => {
                Ok(Message::of(answer.status(), answer.headers(), Body::of(answer.body())))
            }
            Err(error) => Err(Failed {
                kind: error.kind(),
                not_sent: error.progress() == Progress::NotSent,
                head: error.head().map(|head| Message::of(head.status, &head.headers, Body::Empty)),
            }),
        };
        Self { took, outcome }
    }

    fn message(&self) -> Option<&Message> {
        match &self.outcome {
            Ok(answer) => Some(answer),
            Err(failed) => failed.head.as_ref(),
        }
    }

    fn write(&self, request: &CapturedRequest, redactor: &Redactor<'_>) -> Exchanged {
        let (answer, failure) = match &self.outcome {
            Ok(answer) => (Some(answer.write(redactor)), None),
            Err(Failed { kind, not_sent, head }) => {
                let head = head.as_ref().map(|head| head.write(redactor));
                (None, Some(Failure::new(*kind, *not_sent, head)))
            }
        };
        let took = match &failure {
            Some(failure) if failure.is_time_out() => self.took,
            // What arrived in the last moment must do so when it is played.
            _ => self.took.min(request.time_limit.saturating_sub(Duration::from_millis(1))),
        };
        Exchanged {
            operation: request.operation.to_owned(),
            request: request.line(redactor),
            headers: request.headers(redactor),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            answer,
            failure,
        }
    }
}

impl Message {
    /// It takes copies, so that it does not hold the buffer that a response came in.
    fn of(status: StatusCode, headers: &HeaderMap, body: Body) -> Self {
        let kept = headers.keys().filter(|name| *name == X_AUTH_TOKEN || is_telling(name));
        let first = |name: &HeaderName| {
            Some((name.clone(), SecretString::from(headers.get(name)?.to_str().ok()?)))
        };
        let tokens = headers.get_all(X_AUTH_TOKEN).iter();
        let tokens = tokens.filter_map(|token| std::str::from_utf8(token.as_bytes()).ok());
        Self {
            status,
            headers: kept.filter_map(first).collect(),
            tokens: tokens.map(SecretString::from).collect(),
            body,
        }
    }

    fn learn<'a>(&'a self, known: &mut Known<'a>) {
        for token in &self.tokens {
            known.learn("token", token.expose_secret());
        }
        if let Body::Json(Wiped(json)) = &self.body {
            known.learn_body(json);
        }
    }

    fn headers(&self, redactor: &Redactor<'_>) -> BTreeMap<String, String> {
        let written = self.headers.iter().map(|(name, value)| {
            let value = value.expose_secret();
            let value = match name.as_str() {
                "x-auth-token" => redactor.placeholder(value),
                "x-request-id" => redactor.text(value),
                _ => redactor.header(value),
            };
            (name.to_string(), value)
        });
        written.collect()
    }

    fn write(&self, redactor: &Redactor<'_>) -> Answer {
        Answer {
            status: self.status.as_u16(),
            headers: self.headers(redactor),
            json: match &self.body {
                Body::Json(Wiped(json)) => Some(redactor.body(json)),
                _ => None,
            },
            text: match &self.body {
                Body::Other(bytes) => Some(format!("[{bytes} bytes that are no JSON]")),
                _ => None,
            },
        }
    }
}

impl Body {
    fn of(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(json) => Self::Json(Wiped(json)),
            Err(_) if body.is_empty() => Self::Empty,
            Err(_) => Self::Other(body.len()),
        }
    }
}
