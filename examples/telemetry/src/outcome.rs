//! Did the spans arrive? The exporter keeps the collector's answers to itself: a failed export is a line in a log,
//! and [`shutdown`](opentelemetry_sdk::trace::SdkTracerProvider::shutdown) is `Ok` all the same. So this looks at
//! each answer, and counts the spans.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message;
use reqwest::StatusCode;
use reqwest::blocking::Client;

/// What became of the spans so far. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Outcome(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    collector: String,
    requests: usize,
    answer: Option<Answer>,
    accepted: u64,
    lost: u64,
    in_doubt: bool,
    failure: Option<String>,
}

#[derive(Clone, Debug)]
enum Answer {
    NoConnection(String),
    None { broken: Option<String> },
    Status(StatusCode),
    NotOfACollector(String),
    Read { rejected: u64, reason: String },
}

impl Outcome {
    /// The HTTP client of the exporter, observed.
    pub fn observe_client(&self, client: Client) -> impl HttpClient + 'static {
        ObservedClient { client, outcome: self.clone() }
    }

    /// The exporter, with its spans counted.
    pub fn observe_exporter<E: SpanExporter + 'static>(
        &self,
        exporter: E,
    ) -> impl SpanExporter + 'static {
        ObservedExporter { exporter, outcome: self.clone() }
    }

    /// One sentence for a person: how many spans arrived, or why they did not and what to do.
    ///
    /// # Errors
    ///
    /// Unless the collector accepted every span.
    pub fn tell(&self) -> Result<String, String> {
        let state = self.lock();
        let (accepted, all) = (state.accepted, state.accepted + state.lost);
        match &state.failure {
            None if all == 0 => Err("nothing was exported: there was no span".to_owned()),
            None => Ok(format!("{} exported to {}", spans(accepted), state.collector)),
            Some(failure) if accepted > 0 => {
                Err(format!("{accepted} of {} exported: {failure}", spans(all)))
            }
            Some(failure) if state.in_doubt => {
                Err(format!("it is not known whether {} arrived: {failure}", spans(all)))
            }
            Some(failure) => Err(format!("nothing was exported: {failure}")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn exported(&mut self, spans: u64, result: &OTelSdkResult) {
        let (collector, requests) = (&self.collector, self.requests);
        let lost = match (result, self.answer.take()) {
            (Ok(()), Some(Answer::Read { rejected: 0, .. })) => 0,
            (_, Some(Answer::Read { rejected, reason })) => {
                let reason = if reason.is_empty() {
                    "no reason".to_owned()
                } else {
                    format!("\"{reason}\"")
                };
                self.failure = Some(format!(
                    "the collector at {collector} rejected {rejected}, and gave {reason}; see its log"
                ));
                rejected.min(spans)
            }
            (_, Some(answer)) => {
                self.in_doubt |= matches!(answer, Answer::None { .. });
                self.failure = Some(answer.describe(collector, requests));
                spans
            }
            (Err(error), None) => {
                self.failure = Some(format!("no request was sent: {error}"));
                spans
            }
            (Ok(()), None) => {
                self.failure = Some("no request was sent".to_owned());
                spans
            }
        };
        self.lost += lost;
        self.accepted += spans - lost;
    }
}

impl Answer {
    fn describe(&self, collector: &str, requests: usize) -> String {
        match self {
            Self::NoConnection(cause) => format!(
                "no connection to a collector at {collector} ({cause}); start one there, or put where it is into \
                 OTEL_EXPORTER_OTLP_ENDPOINT"
            ),
            Self::None { broken } => format!(
                "{collector} took the request and {}; see whether a collector listens there for OTLP over HTTP \
                 (usually at port 4318, while 4317 is for gRPC)",
                match broken {
                    Some(cause) => format!("broke the connection ({cause})"),
                    None => "did not answer in time".to_owned(),
                }
            ),
            Self::Status(status) => format!(
                "the collector at {collector} answered {status}{}; {}",
                if requests > 1 {
                    format!(" to the last of {requests} requests")
                } else {
                    String::new()
                },
                match status.as_u16() {
                    401 | 403 => "put what it asks for into OTEL_EXPORTER_OTLP_HEADERS",
                    300..=399 | 404 | 405 =>
                        "see whether it takes OTLP over HTTP at this port, usually 4318",
                    429 | 500..=599 => "see its log, and try again later",
                    _ => "see its log",
                }
            ),
            Self::NotOfACollector(what) => format!(
                "{collector} answered, but not as a collector does ({what}); put where one is into \
                 OTEL_EXPORTER_OTLP_ENDPOINT"
            ),
            Self::Read { .. } => String::new(),
        }
    }
}

#[derive(Debug)]
struct ObservedClient {
    client: Client,
    outcome: Outcome,
}

#[async_trait]
impl HttpClient for ObservedClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // Not the whole URI, which may hold a password.
        let uri = request.uri();
        let (scheme, host) = (uri.scheme_str().unwrap_or("http"), uri.host().unwrap_or_default());
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        let collector = format!("{scheme}://{host}{port}");

        let result = self.client.send_bytes(request).await;
        let answer = match &result {
            Ok(response) => read(response),
            Err(error) => unanswered(error.as_ref()),
        };
        let mut state = self.outcome.lock();
        state.collector = collector;
        state.requests += 1;
        state.answer = Some(answer);
        result
    }
}

fn read(response: &Response<Bytes>) -> Answer {
    if !response.status().is_success() {
        return Answer::Status(response.status());
    }
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    match kind {
        Some(kind) if !kind.starts_with("application/x-protobuf") => {
            return Answer::NotOfACollector(format!("content type {kind:?}"));
        }
        _ => {}
    }
    match ExportTraceServiceResponse::decode(response.body().clone()) {
        Ok(answer) => {
            let partial = answer.partial_success.unwrap_or_default();
            let rejected = u64::try_from(partial.rejected_spans).unwrap_or_default();
            Answer::Read { rejected, reason: partial.error_message.escape_debug().to_string() }
        }
        Err(error) => Answer::NotOfACollector(error.to_string()),
    }
}

fn unanswered(error: &(dyn Error + 'static)) -> Answer {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match error.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_connect() => Answer::NoConnection(cause.to_string()),
        Some(error) if error.is_timeout() => Answer::None { broken: None },
        Some(error) if error.is_builder() => Answer::NoConnection(cause.to_string()),
        _ => Answer::None { broken: Some(cause.to_string()) },
    }
}

#[derive(Debug)]
struct ObservedExporter<E> {
    exporter: E,
    outcome: Outcome,
}

impl<E: SpanExporter> SpanExporter for ObservedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        {
            let mut state = self.outcome.lock();
            (state.requests, state.answer) = (0, None);
        }
        let result = self.exporter.export(batch).await;
        self.outcome.lock().exported(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn spans(count: u64) -> impl fmt::Display {
    format!("{count} span{}", if count == 1 { "" } else { "s" })
}
