//! What a test outside of the browser and the transport inside say to each other.
//!
//! The test asks by [`Job`]s, the program `bridge` in the browser does them by a
//! [`FetchTransport`](crate::FetchTransport) and answers by an [`Outcome`] for each.

use std::time::Duration;

use otp_core::http::response::Parts;
use otp_core::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use otp_core::{
    Endpoint, Progress, Request, Response, TransportError, TransportErrorKind, bytes::Bytes, http,
};
use serde::{Deserialize, Serialize};

/// What the browser shall do.
#[derive(Debug, Serialize, Deserialize)]
pub enum Job {
    /// Send this.
    Send(Message<Target>),
    /// Sleep so long.
    Sleep(Duration),
    /// Tell the time.
    Now,
    /// Drop the future of the job of this number.
    Drop(u64),
}

/// What came of a [`Job`].
#[derive(Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// An answer.
    Answered(Message<u16>),
    /// No answer.
    Failed(Failure),
    /// The sleep is over.
    Slept,
    /// The time.
    Now(Duration),
}

/// Where a request goes, and its limits.
#[derive(Debug, Serialize, Deserialize)]
pub struct Target {
    method: String,
    uri: String,
    time_limit: Duration,
    /// A `usize` is smaller in there.
    response_limit: u64,
}

/// What requests and responses have in common, after what starts them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message<Start> {
    start: Start,
    headers: Vec<(String, Vec<u8>)>,
    body: Body,
}

/// Bytes; or so many of one, since what is to fill all buffers would take too long to write out.
#[derive(Debug, Serialize, Deserialize)]
enum Body {
    Bytes(Vec<u8>),
    Repeated(u8, usize),
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        match bytes {
            // Each is as the one before it.
            [first, rest @ ..] if *rest == bytes[..rest.len()] => {
                Self::Repeated(*first, bytes.len())
            }
            _ => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl From<Body> for Bytes {
    fn from(body: Body) -> Self {
        match body {
            Body::Bytes(bytes) => bytes.into(),
            Body::Repeated(byte, count) => vec![byte; count].into(),
        }
    }
}

/// A [`TransportError`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Failure {
    kind: usize,
    not_sent: bool,
    reason: Option<String>,
    head: Option<Message<u16>>,
}

/// The kinds by their number here.
const KINDS: [TransportErrorKind; 7] = [
    TransportErrorKind::Other,
    TransportErrorKind::Connect,
    TransportErrorKind::Tls,
    TransportErrorKind::Timeout,
    TransportErrorKind::ConnectionLost,
    TransportErrorKind::Protocol,
    TransportErrorKind::ResponseTooLarge,
];

impl<Start> Message<Start> {
    fn new(start: Start, headers: &HeaderMap, body: &[u8]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect();
        Self { start, headers, body: body.into() }
    }

    fn headers(&self) -> Option<HeaderMap> {
        self.headers
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                Some((name, HeaderValue::from_bytes(value).ok()?))
            })
            .collect()
    }
}

impl Message<Target> {
    /// Of this request.
    pub fn of_request(request: Request) -> Self {
        let time_limit = request.time_limit();
        let response_limit = u64::try_from(request.response_limit()).unwrap_or(u64::MAX);
        let http = request.into_http();
        let (method, uri) = (http.method().to_string(), http.uri().to_string());
        let target = Target { method, uri, time_limit, response_limit };
        Self::new(target, http.headers(), http.body())
    }

    /// The request; none if this is none.
    pub fn into_request(self) -> Option<Request> {
        static ENDPOINT: Endpoint = Endpoint::post("bridge", "/bridge");
        let headers = self.headers()?;
        let mut http = http::Request::new(Bytes::from(self.body));
        *http.method_mut() = self.start.method.parse::<Method>().ok()?;
        *http.uri_mut() = self.start.uri.parse::<Uri>().ok()?;
        *http.headers_mut() = headers;
        let request = Request::new(&ENDPOINT, http).with_time_limit(self.start.time_limit);
        let response_limit = usize::try_from(self.start.response_limit).unwrap_or(usize::MAX);
        Some(request.with_response_limit(response_limit))
    }
}

impl Message<u16> {
    /// Of this response.
    pub fn of_response(response: &Response) -> Self {
        Self::new(response.status().as_u16(), response.headers(), response.body())
    }

    /// The response; none if this is none.
    pub fn into_response(self) -> Option<Response> {
        let headers = self.headers()?;
        let mut response = Response::new(Bytes::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.start).ok()?;
        *response.headers_mut() = headers;
        Some(response)
    }

    fn of_head(head: &Parts) -> Self {
        Self::new(head.status.as_u16(), &head.headers, &[])
    }
}

impl From<&TransportError> for Failure {
    fn from(error: &TransportError) -> Self {
        Self {
            kind: KINDS.iter().position(|kind| *kind == error.kind()).unwrap_or_default(),
            not_sent: error.progress() == Progress::NotSent,
            reason: error.reason().map(ToOwned::to_owned),
            head: error.head().map(Message::of_head),
        }
    }
}

impl From<Failure> for TransportError {
    fn from(failure: Failure) -> Self {
        let kind = KINDS.get(failure.kind).copied().unwrap_or(TransportErrorKind::Other);
        let mut error = if failure.not_sent { Self::not_sent(kind) } else { Self::unknown(kind) };
        if let Some(reason) = failure.reason {
            error = error.with_reason(reason);
        }
        match failure.head.and_then(Message::into_response) {
            Some(head) => error.with_head(head.into_parts().0),
            None => error,
        }
    }
}
