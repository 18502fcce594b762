//! What a call tells an observer: one span, and one event for each attempt.
//!
//! Without the feature `tracing` it is nothing, and costs nothing.

use std::sync::atomic::AtomicBool;

use http::StatusCode;

use crate::client::Announcements;
use crate::{BaseUrl, Effect, Endpoint, Error, ErrorKind, Metadata};

#[cfg(feature = "tracing")]
#[derive(Debug)]
pub(crate) struct Telemetry {
    span: tracing::Span,
    is_over: bool,
}

#[cfg(feature = "tracing")]
impl Telemetry {
    pub(crate) fn start(endpoint: &Endpoint, base: &BaseUrl) -> Self {
        use tracing::field::Empty;
        let span = tracing::info_span!(
            "otp.call",
            otel.name = format_args!("{} {}", endpoint.method(), endpoint.path_template()),
            otel.kind = "client",
            otel.status_code = Empty,
            otp.operation = endpoint.name(),
            http.request.method = endpoint.method().as_str(),
            url.template = endpoint.path_template(),
            server.address = base.authority().host(),
            server.port = base.port(),
            http.response.status_code = Empty,
            http.request.resend_count = Empty,
            error.type = Empty,
        );
        Self { span, is_over: false }
    }

    pub(crate) fn span(&self) -> &tracing::Span {
        &self.span
    }

    pub(crate) fn attempt_succeeded(&mut self, metadata: &Metadata) {
        // Whatever becomes of the value now, the call went well.
        self.is_over = true;
        tracing::debug!(
            parent: &self.span,
            http.request.resend_count = metadata.failed_attempts().len(),
            http.response.status_code = metadata.status().as_u16(),
            "attempt succeeded"
        );
    }

    pub(crate) fn attempt_failed(
        &self,
        resends: usize,
        kind: ErrorKind,
        effect: Effect,
        status: Option<StatusCode>,
    ) {
        tracing::debug!(
            parent: &self.span,
            http.request.resend_count = resends,
            http.response.status_code = status.map(|status| status.as_u16()),
            error.type = kind.as_str(),
            otp.effect = ?effect,
            "attempt failed"
        );
    }

    /// Warns once a client, whatever the number of its clones and calls, and whether they succeed.
    pub(crate) fn announcements(&self, announced: Announcements, warned: &AtomicBool) {
        let (sunset, deprecation) = announced;
        if sunset.is_none() && deprecation.is_none() {
            return;
        }
        if !warned.swap(true, std::sync::atomic::Ordering::Relaxed) {
            // Both are dates that HTTP can express, or this would panic.
            let date = httpdate::fmt_http_date;
            let deprecated = match deprecation {
                Some(crate::Deprecation::At(at)) => Some(date(at)),
                Some(crate::Deprecation::Announced) => Some("announced".to_owned()),
                None => None,
            };
            tracing::warn!(
                parent: &self.span,
                sunset = sunset.map(date),
                deprecation = deprecated,
                "the service is going away"
            );
        }
    }

    pub(crate) fn call_succeeded(&mut self, metadata: &Metadata) {
        self.is_over = true;
        self.span.record("http.response.status_code", metadata.status().as_u16());
        self.resends(metadata.failed_attempts().len());
    }

    pub(crate) fn call_failed(&mut self, error: &Error) {
        self.is_over = true;
        if let Some(status) = error.status() {
            self.span.record("http.response.status_code", status.as_u16());
        }
        self.error(error.kind().as_str());
        self.resends(error.attempts().len().saturating_sub(1));
    }

    fn error(&self, error_type: &'static str) {
        self.span.record("error.type", error_type);
        self.span.record("otel.status_code", "ERROR");
    }

    fn resends(&self, resends: usize) {
        if resends > 0 {
            self.span.record("http.request.resend_count", resends);
        }
    }
}

/// A call that is dropped before its end has an end all the same.
#[cfg(feature = "tracing")]
impl Drop for Telemetry {
    fn drop(&mut self) {
        if !self.is_over {
            self.error(if std::thread::panicking() { "panic" } else { "cancelled" });
        }
    }
}

#[cfg(not(feature = "tracing"))]
#[derive(Debug)]
pub(crate) struct Telemetry;

#[cfg(not(feature = "tracing"))]
impl Telemetry {
    pub(crate) fn start(_: &Endpoint, _: &BaseUrl) -> Self {
        Self
    }
    pub(crate) fn attempt_succeeded(&mut self, _: &Metadata) {}
    pub(crate) fn attempt_failed(&self, _: usize, _: ErrorKind, _: Effect, _: Option<StatusCode>) {}
    pub(crate) fn announcements(&self, _: Announcements, _: &AtomicBool) {}
    pub(crate) fn call_succeeded(&mut self, _: &Metadata) {}
    pub(crate) fn call_failed(&mut self, _: &Error) {}
}
