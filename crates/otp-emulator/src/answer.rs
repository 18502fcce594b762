//! From a request on the wire to what goes back on the wire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Version};
use otp_core::bytes::Bytes;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes};
use otp_core::{Operation, Progress};
use otp_mock::{FakeOtps, Outcome, Reply};

use crate::Cors;
use crate::body::ReplyBody;
use crate::connections::{Busy, Seat};
use crate::log::{Ended, Log, Logged};
use crate::serve::Handler;

/// Only routes take a body.
const MAX_BODY: usize = 64 * 1024;

/// How much of a body that is too large is read and thrown away.
const MAX_DRAINED: usize = 256 * 1024;

/// How long the rest of a body that is too large is kept open.
const LINGER: Duration = Duration::from_secs(1);

const TOO_LARGE: (StatusCode, &str) = (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large");

const PHONE_PANICKED: (StatusCode, &str) =
    (StatusCode::INTERNAL_SERVER_ERROR, "The SMS was sent, and the callback of on_sms panicked");

const HANDLER_PANICKED: (StatusCode, &str) =
    (StatusCode::INTERNAL_SERVER_ERROR, "The handler of the route panicked");

/// After the half of an answer that is cut off: it is on its way by then.
const CUT_AFTER: Duration = Duration::from_millis(50);

/// The service's handler.
#[derive(Clone)]
pub(crate) struct ServiceHandler {
    pub(crate) fake: FakeOtps,
    pub(crate) log: Log,
    pub(crate) cors: Option<Cors>,
    /// How long a client may take over the body of a request.
    pub(crate) patience: Duration,
}

impl Handler for ServiceHandler {
    fn note_refused(&self, request: &Request<Incoming>, status: StatusCode) {
        self.log.write(Logged::of(request, &self.fake), status);
    }

    /// A client may set its own clock by it, as by a real server's.
    fn date(&self) -> Option<SystemTime> {
        Some(self.fake.date())
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        seat: &Arc<Seat>,
    ) -> Result<Response<ReplyBody>, h2::Error> {
        let mut busy = seat.busy();
        let logged = Logged::of(&request, &self.fake);
        let (head, body) = request.into_parts();
        if body.is_end_stream() {
            busy.whole();
        }
        if let Some(preflight) = self.cors.as_ref().and_then(|cors| cors.preflight(&head)) {
            self.log.write(logged, preflight.status());
            return Ok(preflight);
        }
        let mut response = self.act(head, body, (seat, busy), logged).await?;
        if let Some(cors) = &self.cors {
            cors.allow(response.headers_mut());
        }
        Ok(response)
    }
}

impl ServiceHandler {
    /// What the service says, or what to refuse with if the test's own code panicked: a phone, or the handler
    /// of a route. Such code may take long, or call this server, so it runs on another thread.
    async fn handle(
        &self,
        request: Request<Bytes>,
        logged: &Logged,
    ) -> Result<Reply, (StatusCode, &'static str)> {
        const SENDS_SMS: &str = ReceiveCodes::ENDPOINT.path_template();
        const VERIFIES: &str = FindEnsureOtp::ENDPOINT.path_template();
        const HAS_CODES: &str = FindRecoveryCodes::ENDPOINT.path_template();
        let panicked = match logged.path_template() {
            None | Some(VERIFIES | HAS_CODES) => return Ok(self.fake.handle(&request)),
            Some(SENDS_SMS) => PHONE_PANICKED,
            Some(_) => HANDLER_PANICKED,
        };
        let fake = self.fake.clone();
        let handling = tokio::task::spawn_blocking(move || fake.handle(&request));
        handling.await.map_err(|_| panicked)
    }

    async fn act(
        &self,
        head: Parts,
        body: Incoming,
        (seat, mut busy): (&Arc<Seat>, Busy<'_>),
        mut logged: Logged,
    ) -> Result<Response<ReplyBody>, h2::Error> {
        let version = head.version;
        let body = match read(body, self.patience, &mut busy).await {
            Ok(body) => body,
            Err(why) => {
                self.log.write(logged, why.0);
                let mut response = refuse(why);
                if version < Version::HTTP_2 {
                    // The rest of the body is not going to be read.
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                return Ok(response);
            }
        };
        let reply = match self.handle(Request::from_parts(head, body), &logged).await {
            Ok(reply) => reply,
            Err(panicked) => {
                self.log.write(logged, panicked.0);
                return Ok(refuse(panicked));
            }
        };
        logged.learn(&reply);
        if !reply.delay().is_zero() {
            tokio::time::sleep(reply.delay()).await;
        }
        match reply.into_outcome() {
            Outcome::Answered(answered) => {
                self.log.write(logged, answered.0.status());
                Ok(answered.0.map(ReplyBody::whole))
            }
            Outcome::Cut(answered) => {
                self.log.write(logged, Ended::CutOff(answered.0.status()));
                seat.end_after(CUT_AFTER);
                Ok(answered.0.map(ReplyBody::cut))
            }
            // RFC 9113 §8.7: a refused stream was not processed. HTTP/1.1 has no word for it.
            outcome if version == Version::HTTP_2 && is_not_sent(&outcome) => {
                self.log.write(logged, Ended::RefusedStream);
                Err(h2::Reason::REFUSED_STREAM.into())
            }
            _ => {
                self.log.write(logged, Ended::Lost);
                seat.end();
                std::future::pending().await
            }
        }
    }
}

fn is_not_sent(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::NotSent => true,
        Outcome::Failed(error) => error.progress() == Progress::NotSent,
        _ => false,
    }
}

/// The body of a request, or what to refuse it with. The connection is busy once all of it is here.
pub(crate) async fn read(
    mut body: Incoming,
    patience: Duration,
    busy: &mut Busy<'_>,
) -> Result<Bytes, (StatusCode, &'static str)> {
    // By what it announces, before any of it is read.
    if body.size_hint().lower() > MAX_BODY as u64 {
        tokio::spawn(drain(body));
        return Err(TOO_LARGE);
    }
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    let reading = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            seen = seen.saturating_add(data.len());
            // What is too large is read on for a while: closing with some of it unread would reset the
            // connection, and the client might never see why.
            if seen <= MAX_BODY {
                kept.extend_from_slice(&data);
            } else if seen > MAX_DRAINED {
                break;
            }
        }
        Ok::<_, hyper::Error>(())
    };
    let outcome = tokio::time::timeout(patience, reading).await;
    match outcome {
        _ if seen > MAX_BODY => {
            tokio::spawn(drain(body));
            Err(TOO_LARGE)
        }
        Ok(Ok(())) => {
            busy.whole();
            Ok(Bytes::from(kept))
        }
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "The body is broken")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time")),
    }
}

/// Throws the rest of a body away while the answer is on its way. HTTP/2 resets the stream as soon as nobody
/// reads it, and the body of the answer would be lost by that.
async fn drain(mut body: Incoming) {
    let mut seen = 0_usize;
    let draining = async {
        while let Some(Ok(frame)) = body.frame().await {
            seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if seen > MAX_DRAINED {
                // The client goes on, and need not read its answer before it is done.
                std::future::pending::<()>().await;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, draining).await;
}

pub(crate) fn refuse((status, message): (StatusCode, &str)) -> Response<ReplyBody> {
    let body = Bytes::from(format!(r#"{{"error":"{message}"}}"#));
    let mut response = Response::new(ReplyBody::whole(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
