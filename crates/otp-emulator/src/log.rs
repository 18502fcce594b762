//! The log of requests. It holds no secret: of a path it has only the template, of the headers nothing.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use hyper::{Method, Request, Version};
use otp_mock::FakeOtps;

/// How many lines wait for whoever is told.
const WAITING: usize = 4096;

/// Takes the lines of every request that was answered, if somebody is told.
#[derive(Clone, Default)]
pub(crate) struct Log(Option<SyncSender<RequestLine>>);

/// Tells somebody, until the last [`Log`] is gone and all is told.
#[derive(Default)]
pub(crate) struct Telling(Option<Receiver<()>>);

/// Who is told.
pub(crate) type Told = Box<dyn Fn(&RequestLine) + Send + Sync>;

/// One request and what became of it, without any secret.
///
/// Its `Display` is one line: `POST /user/otp/verify/{otp} HTTP/2.0 204 0.3 ms`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestLine {
    /// The method; `other` if HTTP itself does not have it.
    pub method: &'static str,
    /// The path's template; none if neither the document nor a [route](FakeOtps::route) has such a path.
    pub path_template: Option<&'static str>,
    /// The version of HTTP.
    pub version: Version,
    /// The status, or in words what happened in place of an answer.
    pub outcome: String,
    /// How long the answer took.
    pub took: Duration,
}

/// What of a request may be logged.
pub(crate) struct Logged {
    method: &'static str,
    path_template: Option<&'static str>,
    version: Version,
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
        Ok((Self(Some(log)), Telling(Some(ended))))
    }

    pub(crate) fn write(&self, request: &Logged, outcome: &str, started: Instant) {
        let Some(log) = &self.0 else { return };
        // Nobody who asks waits for whoever is told.
        let _ = log.try_send(RequestLine {
            method: request.method,
            path_template: request.path_template,
            version: request.version,
            outcome: outcome.to_owned(),
            took: started.elapsed(),
        });
    }
}

impl Telling {
    /// Waits until all is told, but no longer than this.
    pub(crate) fn end(&self, limit: Duration) {
        if let Some(ended) = &self.0 {
            let _ = ended.recv_timeout(limit);
        }
    }
}

impl Logged {
    pub(crate) fn of<B>(request: &Request<B>, fake: &FakeOtps) -> Self {
        Self {
            method: method(request.method()),
            path_template: fake.path_template(request.uri().path()),
            version: request.version(),
        }
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
