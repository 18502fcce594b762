//! Which secret is written down as what.

use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::Response;
use otp_core::operation::{ReadError, RequestDraft};
use otp_core::secrecy::{ExposeSecret, SecretString};
use otp_core::{AuthToken, CallOptions, ClientConfig, Endpoint, Exchange, Operation, Step};
use serde_json::{Value, json};

/// Replaces secrets, the same one always by the same placeholder: `token-1`, `otp-1`, `recovery-code-1`.
/// A placeholder is a valid value of its kind.
#[derive(Default)]
pub(super) struct Redactor {
    known: Vec<Known>,
}

struct Known {
    secret: SecretString,
    kind: &'static str,
    placeholder: String,
}

impl Redactor {
    /// The placeholder of this secret.
    pub(super) fn placeholder(&mut self, kind: &'static str, secret: &str) -> String {
        let mut same_kind = self.known.iter().filter(|known| known.kind == kind);
        if let Some(known) = same_kind.find(|known| known.secret.expose_secret() == secret) {
            return known.placeholder.clone();
        }
        let number = self.known.iter().filter(|known| known.kind == kind).count() + 1;
        let placeholder = format!("{kind}-{number}");
        self.known.push(Known {
            secret: SecretString::from(secret),
            kind,
            placeholder: placeholder.clone(),
        });
        placeholder
    }

    /// A text of the server's, as an error of the SDK would show it: without the known secrets in
    /// whatever form.
    pub(super) fn text(&self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let secrets = self.known.iter().map(|known| known.secret.clone()).collect();
        shown(Echo(secrets), text).unwrap_or_else(|| "[redacted]".to_owned())
    }

    /// A JSON body with its documented fields, their secrets replaced, and nothing of any other.
    pub(super) fn body(&mut self, body: Value) -> Value {
        let Value::Object(fields) = body else { return shape(body) };
        let fields = fields.into_iter().map(|(name, value)| {
            let value = match name.as_str() {
                "recovery_codes" => self
                    .each(value, &|it, code| Value::String(it.placeholder("recovery-code", code))),
                "token" => {
                    self.each(value, &|it, token| Value::String(it.placeholder("token", token)))
                }
                "error" | "errors" | "href" => {
                    self.each(value, &|it, text| Value::String(it.text(text)))
                }
                _ => shape(value),
            };
            (self.text(&name), value)
        });
        Value::Object(fields.collect())
    }

    /// A text, or each text of a list, as `replace` says; the mere shape of anything else.
    fn each(&mut self, value: Value, replace: &dyn Fn(&mut Self, &str) -> Value) -> Value {
        match value {
            Value::String(text) => replace(self, &text),
            Value::Array(items) => Value::Array(
                items
                    .into_iter()
                    .map(|item| match item {
                        Value::String(text) => replace(self, &text),
                        other => shape(other),
                    })
                    .collect(),
            ),
            other => shape(other),
        }
    }
}

/// The same kind of value with nothing in it.
fn shape(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => json!(false),
        Value::Number(_) => json!(0),
        Value::String(_) => json!("[redacted]"),
        Value::Array(_) => json!([]),
        Value::Object(_) => json!({}),
    }
}

/// An operation that carries secrets, and whose error shows a text without them.
struct Echo(Vec<SecretString>);

impl Operation for Echo {
    type Output = ();
    const ENDPOINT: &'static Endpoint = &Endpoint::post("echo", "/");

    fn write(&self, request: &mut RequestDraft) {
        for secret in &self.0 {
            request.secret(secret);
        }
    }

    fn read(&self, _: &Response<Bytes>) -> Result<(), ReadError> {
        Err(ReadError::UnexpectedStatus)
    }
}

/// What the SDK's error says if a server says this.
fn shown(echo: Echo, text: &str) -> Option<String> {
    // Of no consequence: the secrets that matter are the operation's.
    let token = AuthToken::new("no-token-at-all").ok()?;
    let config = ClientConfig::builder(token).build().ok()?;
    let mut exchange = Exchange::new(&config, echo, CallOptions::default(), Duration::ZERO);
    let Step::Send(_) = exchange.next(Duration::ZERO) else { return None };
    let body = json!({ "error": text }).to_string();
    let answer = Response::builder().status(400).body(Bytes::from(body)).ok()?;
    exchange.received(Ok(answer), Duration::ZERO);
    match exchange.next(Duration::ZERO) {
        Step::Done(Err(error)) => error.messages().first().cloned(),
        _ => None,
    }
}
