//! A transport that answers from a script, on a clock that only waiting moves.

#![allow(dead_code, reason = "each test file uses its own part of it")]

pub mod tasks;
pub mod tokens;

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::{HeaderMap, Method, StatusCode, Uri};
use otp_core::{
    AuthToken, BaseUrl, OtpsClient, Request, Response, RetryPolicy, Transport, TransportError,
    TransportErrorKind, async_trait, blocking, local,
};

pub const TOKEN: &str = "canary-t0ken-7c1f";
pub const OTP: &str = "canary-0tp-93ab";

/// Makes what came back, since neither responses nor errors can be cloned.
pub type Reply = Box<dyn Fn() -> Result<Response, TransportError> + Send + Sync>;

#[derive(Default)]
pub struct Script {
    replies: Mutex<VecDeque<Reply>>,
    pub seen: Mutex<Vec<Seen>>,
    pub waits: Mutex<Vec<Duration>>,
    clock: Mutex<Duration>,
    /// How long each attempt takes.
    pace: Duration,
}

/// A request that the transport got.
#[derive(Debug)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body_len: usize,
    pub body: Bytes,
    pub time_limit: Duration,
    pub debug: String,
}

impl Script {
    /// These replies in turn, the last of them for ever.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: Mutex::new(replies.into_iter().collect()), ..Self::default() }
    }

    pub fn with_pace(self, pace: Duration) -> Self {
        Self { pace, ..self }
    }

    pub fn client(self) -> (OtpsClient, Arc<Script>) {
        self.client_with(RetryPolicy::default())
    }

    pub fn client_with(self, retry: RetryPolicy) -> (OtpsClient, Arc<Script>) {
        let script = Arc::new(self);
        let client = OtpsClient::builder(script.clone(), AuthToken::new(TOKEN).unwrap())
            .base_url(base_url())
            .retry(retry)
            .build()
            .unwrap();
        (client, script)
    }

    pub fn async_client(self: &Arc<Self>) -> OtpsClient {
        let token = AuthToken::new(TOKEN).unwrap();
        OtpsClient::builder(self.clone(), token).base_url(base_url()).build().unwrap()
    }

    pub fn local_client(self: &Arc<Self>) -> local::OtpsClient {
        let token = AuthToken::new(TOKEN).unwrap();
        // It has no transport of its own kind around it, so it must be a local one itself.
        let transport: Rc<dyn local::Transport> = Rc::new(self.clone());
        local::OtpsClient::builder(transport, token).base_url(base_url()).build().unwrap()
    }

    pub fn blocking_client(self: &Arc<Self>) -> blocking::OtpsClient {
        let token = AuthToken::new(TOKEN).unwrap();
        blocking::OtpsClient::builder(self.clone(), token).base_url(base_url()).build().unwrap()
    }

    pub fn sent(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

pub fn base_url() -> BaseUrl {
    BaseUrl::new("https://metal.test/metal/v1").unwrap()
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        blocking::Transport::send(self, request)
    }

    async fn sleep(&self, duration: Duration) {
        blocking::Transport::sleep(self, duration);
    }

    fn now(&self) -> Duration {
        blocking::Transport::now(self)
    }
}

#[async_trait(?Send)]
impl local::Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        blocking::Transport::send(self, request)
    }

    async fn sleep(&self, duration: Duration) {
        blocking::Transport::sleep(self, duration);
    }

    fn now(&self) -> Duration {
        blocking::Transport::now(self)
    }
}

impl blocking::Transport for Script {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        let debug = format!("{request:?}");
        let time_limit = request.time_limit();
        let http = request.into_http();
        self.seen.lock().unwrap().push(Seen {
            method: http.method().clone(),
            uri: http.uri().clone(),
            headers: http.headers().clone(),
            body_len: http.body().len(),
            body: http.body().clone(),
            time_limit,
            debug,
        });
        *self.clock.lock().unwrap() += self.pace;
        let mut replies = self.replies.lock().unwrap();
        let reply = if replies.len() > 1 { replies.pop_front() } else { None };
        match reply {
            Some(reply) => reply(),
            None => replies[0](),
        }
    }

    fn sleep(&self, duration: Duration) {
        self.waits.lock().unwrap().push(duration);
        *self.clock.lock().unwrap() += duration;
    }

    fn now(&self) -> Duration {
        *self.clock.lock().unwrap()
    }
}

/// Defines an operation of a larger SDK.
#[macro_export]
macro_rules! operation {
    (
        $Name:ident -> $Output:ty: $endpoint:expr,
        write: |$request:ident| $write:expr,
        read: |$response:ident| $read:expr $(,)?
    ) => {
        struct $Name;
        impl otp_core::Operation for $Name {
            type Output = $Output;
            const ENDPOINT: &'static otp_core::Endpoint = &$endpoint;
            fn write(
                &self,
                $request: &mut otp_core::operation::RequestDraft,
            ) -> Result<(), otp_core::operation::WriteError> {
                $write
            }
            fn read(
                &self,
                $response: &otp_core::operation::ResponseReader<'_>,
            ) -> Result<$Output, otp_core::operation::ReadError> {
                $read
            }
        }
    };
}

pub fn status(status: u16) -> Reply {
    respond(status, &[], "")
}

pub fn respond(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Reply {
    let headers = headers.to_vec();
    Box::new(move || Ok(response(status, &headers, body)))
}

pub fn response(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &'static str,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

pub fn not_sent(kind: TransportErrorKind) -> Reply {
    Box::new(move || Err(TransportError::not_sent(kind)))
}

pub fn unknown(kind: TransportErrorKind) -> Reply {
    Box::new(move || Err(TransportError::unknown(kind)))
}

/// The head arrives with this status, the body is lost.
pub fn lost_body(status: u16, kind: TransportErrorKind) -> Reply {
    lost_body_of(status, &[("x-request-id", "req-7")], kind)
}

pub fn lost_body_of(
    status: u16,
    headers: &[(&'static str, &'static str)],
    kind: TransportErrorKind,
) -> Reply {
    let headers = headers.to_vec();
    Box::new(move || {
        let (head, _) = response(status, &headers, "").into_parts();
        Err(TransportError::unknown(kind).with_head(head))
    })
}

/// Runs this with every span and event written out, to a log that must hold no canary. Without the feature
/// `tracing` there is nothing to write.
pub fn traced<T>(act: impl FnOnce() -> T) -> T {
    #[cfg(feature = "tracing")]
    {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
            .with_writer(|| Watched)
            .finish();
        tracing::subscriber::with_default(subscriber, act)
    }
    #[cfg(not(feature = "tracing"))]
    act()
}

/// A log that panics when a canary is written to it.
#[cfg(feature = "tracing")]
struct Watched;

#[cfg(feature = "tracing")]
impl std::io::Write for Watched {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let len = line.len();
        let line = String::from_utf8_lossy(line);
        for canary in [TOKEN, OTP, "canary-c0de"] {
            assert!(!line.to_lowercase().contains(canary), "{line}");
        }
        Ok(len)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
