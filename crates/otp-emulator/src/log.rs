//! The log of requests. It holds no secret: of a path it has only the template, of the headers nothing.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use hyper::{Method, Request, StatusCode, Version};
use otp_mock::{FakeOtps, Reply};
use serde_json::json;

/// How many lines wait for whoever is told.
const WAITING: usize = 4096;

/// Takes the lines of every request that was answered, if somebody is told.
#[derive(Clone, Default)]
pub(crate) struct Log(Option<SyncSender<RequestLine>>);

/// Tells somebody, until the last [`Log`] is gone and all is told.
#[derive(Default)]
pub(crate) struct Telling(Option<Mutex<Receiver<()>>>);

/// Who is told.
pub(crate) type Told = Box<dyn Fn(&RequestLine) + Send + Sync>;

/// One request and what became of it, without any secret.
///
/// Its `Display` is one line: `POST /user/otp/verify/{otp} HTTP/2.0 204 0.3 ms`.
/// [`to_json`](Self::to_json) is one line too, and holds all of it.
///
/// There is one for each request whose head HTTP allows. What is no HTTP at all, or has a head that is too
/// long, is refused before that.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestLine {
    /// When the head of the request was there, by the system's clock.
    pub time: SystemTime,
    /// The method; `other` if HTTP itself does not have it.
    pub method: &'static str,
    /// The path's template; none if neither the document nor a [route](FakeOtps::route) has such a path.
    pub path_template: Option<&'static str>,
    /// The version of HTTP.
    pub version: Version,
    /// The status, if the head of an answer was sent.
    pub status: Option<u16>,
    /// The status, or in words what happened in place of an answer.
    pub outcome: String,
    /// The name of the user whose token the request had, if the service knows it.
    pub user: Option<String>,
    /// The faults that struck the request, as they are written, and the custom ones by name.
    pub faults: Vec<String>,
    /// How long the answer took, from the head of the request to the head of the answer.
    pub took: Duration,
}

/// What of a request may be logged.
pub(crate) struct Logged {
    time: SystemTime,
    started: Instant,
    method: &'static str,
    path_template: Option<&'static str>,
    version: Version,
    user: Option<String>,
    faults: Vec<String>,
}

/// How a request ended.
pub(crate) enum Ended {
    Answered(StatusCode),
    /// After the head with this status.
    CutOff(StatusCode),
    RefusedStream,
    Lost,
}

impl From<StatusCode> for Ended {
    fn from(status: StatusCode) -> Self {
        Self::Answered(status)
    }
}

impl Log {
    /// Tells on a thread of its own: whoever is told may take long, call the emulator, or panic.
    pub(crate) fn start(told: Option<Told>) -> io::Result<(Self, Telling)> {
        let Some(told) = told else { return Ok(Default::default()) };
        let (log, lines) = mpsc::sync_channel(WAITING);
        let (end, ended) = mpsc::channel();
        thread::Builder::new().name("otp-emulator log".to_owned()).spawn(move || {
            for line in lines {
                // It was reported when it happened.
                let _ = catch_unwind(AssertUnwindSafe(|| told(&line)));
            }
            drop(end);
        })?;
        Ok((Self(Some(log)), Telling(Some(Mutex::new(ended)))))
    }

    pub(crate) fn write(&self, request: Logged, ended: impl Into<Ended>) {
        let Some(log) = &self.0 else { return };
        let (status, words) = match ended.into() {
            Ended::Answered(status) => (Some(status), None),
            Ended::CutOff(status) => (Some(status), Some("cut off")),
            Ended::RefusedStream => (None, Some("refused stream")),
            Ended::Lost => (None, Some("connection lost")),
        };
        let number = status.as_ref().map(StatusCode::as_str);
        // Nobody who asks waits for whoever is told.
        let _ = log.try_send(RequestLine {
            time: request.time,
            method: request.method,
            path_template: request.path_template,
            version: request.version,
            status: status.map(|status| status.as_u16()),
            outcome: words.or(number).unwrap_or_default().to_owned(),
            user: request.user,
            faults: request.faults,
            took: request.started.elapsed(),
        });
    }
}

impl Telling {
    /// Waits until all is told, but no longer than this.
    pub(crate) fn end(&self, limit: Duration) {
        if let Some(ended) = &self.0 {
            let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(limit);
        }
    }
}

impl Logged {
    pub(crate) fn of<B>(request: &Request<B>, fake: &FakeOtps) -> Self {
        Self {
            time: SystemTime::now(),
            started: Instant::now(),
            method: method(request.method()),
            path_template: fake.path_template(request.uri().path()),
            version: request.version(),
            user: None,
            faults: Vec::new(),
        }
    }

    /// Takes over what the service says about the request.
    pub(crate) fn learn(&mut self, reply: &Reply) {
        self.user = reply.user().map(str::to_owned);
        self.faults = reply.faults().to_vec();
    }

    pub(crate) fn path_template(&self) -> Option<&'static str> {
        self.path_template
    }
}

fn method(method: &Method) -> &'static str {
    const KNOWN: [(&Method, &str); 7] = [
        (&Method::GET, "GET"),
        (&Method::POST, "POST"),
        (&Method::PUT, "PUT"),
        (&Method::PATCH, "PATCH"),
        (&Method::DELETE, "DELETE"),
        (&Method::HEAD, "HEAD"),
        (&Method::OPTIONS, "OPTIONS"),
    ];
    KNOWN.iter().find(|(known, _)| *known == method).map_or("other", |(_, name)| name)
}

impl RequestLine {
    /// One line of JSON. Characters that a terminal acts on or does not show are escaped, such as `\u001b`. Every
    /// field is in every line:
    ///
    /// | field | |
    /// |---|---|
    /// | `time` | as RFC 3339 writes it, in UTC, with milliseconds |
    /// | `method`, `path_template` | the template is `null` if there is no such path |
    /// | `http_version` | `1.0`, `1.1` or `2` |
    /// | `status` | a number; `null` if the connection was lost or the stream refused |
    /// | `outcome` | `answered`, `cut off`, `connection lost` or `refused stream` |
    /// | `user` | the name; `null` if the token is no user's |
    /// | `faults` | those that struck, `[]` if none did |
    /// | `duration_ms` | a number, with microseconds |
    #[must_use]
    pub fn to_json(&self) -> String {
        let is_answered = self.status.is_some_and(|status| self.outcome == status.to_string());
        let line = json!({
            "time": rfc_3339(self.time),
            "method": self.method,
            "path_template": self.path_template,
            "http_version": match self.version {
                Version::HTTP_10 => "1.0",
                Version::HTTP_2 => "2",
                _ => "1.1",
            },
            "status": self.status,
            "outcome": if is_answered { "answered" } else { &self.outcome },
            "user": self.user,
            "faults": self.faults,
            "duration_ms": (self.took.as_secs_f64() * 1_000_000.0).round() / 1000.0,
        });
        crate::escape::json(&line.to_string())
    }
}

/// A date of these years: `2026-01-31T23:59:59.999Z`.
fn rfc_3339(time: SystemTime) -> String {
    // "Sat, 31 Jan 2026 23:59:59 GMT"
    let http = httpdate::fmt_http_date(time);
    let parts: Vec<&str> = http.split(' ').collect();
    let [_, day, month, year, clock, _] = parts[..] else { return http };
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = MONTHS.find(month).unwrap_or_default() / 3 + 1;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{year}-{month:02}-{day}T{clock}.{:03}Z", since.subsec_millis())
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {:?} {} {:.1} ms",
            self.method,
            self.path_template.unwrap_or("(no such path)"),
            self.version,
            self.outcome,
            self.took.as_secs_f64() * 1000.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_rfc_3339_has_it() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (1_709_164_800_050, "2024-02-29T00:00:00.050Z"),
        ] {
            assert_eq!(rfc_3339(SystemTime::UNIX_EPOCH + Duration::from_millis(millis)), text);
        }
    }
}
