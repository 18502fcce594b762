//! One request and its answer, on a stream of a connection.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request};
use otp_conformance::hostile::frames;
use otp_core::Progress::{NotSent, Unknown};
use otp_core::TransportErrorKind::{self, Timeout};
use otp_core::bytes::Bytes;
use otp_core::{Response, TransportError};

use super::connection::{Failed, Shared, State, Stream};
use super::{Inner, Late, Limit};

/// A stream of ours. It is reset when it is dropped before its end.
struct Open {
    id: u32,
    shared: Arc<Shared>,
}

impl Drop for Open {
    fn drop(&mut self) {
        let shared = &self.shared;
        let mut state = shared.state();
        let Some(stream) = state.streams.remove(&self.id) else { return };
        let is_over = stream.failed.is_some() || (stream.ended && stream.uploaded);
        drop(state);
        if !is_over && !shared.is("a stream that is given up goes on") {
            shared.order(&frames::reset(self.id, frames::CANCEL));
        }
        // Somebody may wait for a stream.
        shared.notify();
    }
}

impl Inner {
    pub async fn attempt(
        &self,
        http: &Request<Bytes>,
        size: usize,
        limit: Limit,
    ) -> Result<Response, TransportError> {
        let (open, _connection) = loop {
            let connection = self.connection(http.uri(), limit).await?;
            let shared = Arc::clone(&connection.shared);
            let waits = match self.flaw {
                "no limit while settings are awaited" if !shared.state().settled => {
                    Limit::new(Duration::from_secs(6))
                }
                "no limit while waiting for a stream" => Limit::new(Duration::from_secs(6)),
                _ => limit,
            };
            let opened = waits.run(self.open(&shared, http, size)).await;
            match opened {
                Ok(Some(id)) => break (Open { id, shared }, connection),
                // It goes away or has ended: the next one.
                Ok(None) => {}
                Err(Late) => {
                    if self.is("what has waited in vain is sent all the same") {
                        let (shared, http) = (Arc::clone(&shared), http.clone());
                        let flaw = self.flaw;
                        tokio::spawn(async move {
                            let _connection = connection;
                            wait_and_open(flaw, &shared, &http, size).await;
                            tokio::time::sleep(Duration::from_secs(1)).await;
                        });
                    }
                    return Err(TransportError::not_sent(Timeout));
                }
            }
        };
        if let Some(pushed) = pushed(&open.shared) {
            return Ok(Response::new(pushed.into()));
        }
        self.answer(&open, http.body(), limit).await
    }

    async fn open(&self, shared: &Shared, http: &Request<Bytes>, size: usize) -> Option<u32> {
        wait_and_open(self.flaw, shared, http, size).await
    }

    async fn answer(
        &self,
        open: &Open,
        body: &Bytes,
        limit: Limit,
    ) -> Result<Response, TransportError> {
        let (id, shared) = (open.id, &*open.shared);
        if self.is("an answer waits for the upload") {
            upload(shared, id, body).await;
        }
        let mut uploading = pin!(async {
            upload(shared, id, body).await;
            std::future::pending::<Infallible>().await
        });
        let long = Limit::new(Duration::from_secs(6));
        let before = match self.flaw {
            "over HTTP/2, no limit before the head" if body.is_empty() => long,
            "over HTTP/2, no limit while writing" if !body.is_empty() => long,
            "each frame starts the limit again" => long,
            _ => limit,
        };
        let head = async {
            tokio::select! {
                never = &mut uploading => match never {},
                head = self.head(shared, id, limit) => head,
            }
        };
        let parts = match before.run(head).await {
            Ok(Ok(parts)) => parts,
            Ok(Err(failed)) => return Err(error(failed)),
            Err(Late) => return Err(TransportError::unknown(Timeout)),
        };
        let within = match self.flaw {
            "over HTTP/2, no limit within the body" => long,
            "over HTTP/2, the body has a limit of its own" => Limit::new(limit.whole),
            _ => limit,
        };
        let rest = async {
            tokio::select! {
                never = &mut uploading => match never {},
                ended = shared.until(|state| ended(self.flaw, state, id)) => ended,
            }
        };
        let outcome = match within.run(rest).await {
            Ok(outcome) => outcome,
            Err(Late) => Err(Failed::unknown(Timeout, "late")),
        };
        match outcome {
            Ok(body) => Ok(Response::from_parts(parts, body.into())),
            Err(failed) if self.is("a refusal within the body has sent nothing") => {
                Err(TransportError::not_sent(failed.kind).with_reason(failed.reason))
            }
            // Only a flaw can prove this after a head.
            Err(failed) if failed.progress == NotSent => Err(error(failed)),
            Err(failed) => Err(error(failed).with_head(parts)),
        }
    }

    async fn head(
        &self,
        shared: &Shared,
        id: u32,
        limit: Limit,
    ) -> Result<http::response::Parts, Failed> {
        let find = |state: &mut State| {
            let stream = state.streams.get_mut(&id)?;
            match (stream.failed, &stream.head) {
                (_, Some(head)) => Some(Ok(head.clone())),
                (Some(failed), None) => Some(Err(failed)),
                (None, None) => None,
            }
        };
        if !self.is("each frame starts the limit again") {
            return shared.until(find).await;
        }
        // What the caller gives up after its limit goes on here while frames come.
        let mut seen = 0;
        loop {
            let waiting = Limit::new(limit.whole);
            let next = shared.until(|state| match find(state) {
                Some(found) => Some(Some(found)),
                None if state.controls > seen => {
                    seen = state.controls;
                    Some(None)
                }
                None => None,
            });
            match waiting.run(next).await {
                Ok(Some(found)) => return found,
                Ok(None) => {}
                Err(Late) => return Err(Failed::unknown(Timeout, "late")),
            }
        }
    }
}

/// Waits for a free stream and sends the head of the request; none if the connection takes no more.
async fn wait_and_open(
    flaw: &'static str,
    shared: &Shared,
    http: &Request<Bytes>,
    size: usize,
) -> Option<u32> {
    shared
        .until(|state| {
            let is_closed = state.closed.is_some()
                && !super::is(flaw, "over HTTP/2, a closed connection is used");
            if is_closed || state.going_away {
                return Some(None);
            }
            let open = state.streams.iter().filter(|(_, stream)| stream.failed.is_none()).count();
            let may = match flaw {
                "the limit of streams is ignored" => true,
                _ => open < state.max_streams,
            };
            if !state.settled || !may {
                return None;
            }
            let id = state.next;
            state.next += 2;
            let end = http.body().is_empty();
            let stream = Stream {
                window: state.initial,
                limit: size,
                head: None,
                informational: 0,
                early: HeaderMap::new(),
                body: Vec::new(),
                empty: 0,
                uploaded: end,
                ended: false,
                failed: None,
            };
            state.streams.insert(id, stream);
            let block = super::fields::request(flaw, state, http);
            let flags = frames::END_HEADERS | if end { frames::END_STREAM } else { 0 };
            shared.order(&frames::Frame::new(frames::HEADERS, flags, id, block));
            Some(Some(id))
        })
        .await
}

/// Sends the body as the server's windows allow, until it is sent or the stream is over.
async fn upload(shared: &Shared, id: u32, body: &Bytes) {
    let mut rest = match shared.flaw {
        "the end of a large body is dropped" if body.len() > 100_000 => &body[..100_000],
        _ => &body[..],
    };
    while !rest.is_empty() {
        let size = shared
            .until(|state| {
                let max_frame = match shared.flaw {
                    "a body is sent in one frame" => usize::MAX,
                    _ => state.max_frame,
                };
                let connection = state.window;
                let Some(stream) = state.streams.get_mut(&id) else { return Some(0) };
                let is_over = stream.ended && !shared.is("an answer waits for the upload");
                if stream.failed.is_some() || is_over {
                    return Some(0);
                }
                let window = match shared.flaw {
                    "windows are ignored" => i64::MAX,
                    "only the connection's window counts" => connection,
                    "only the stream's window counts" => stream.window,
                    _ => connection.min(stream.window),
                };
                let size = usize::try_from(window).unwrap_or(0).min(max_frame).min(rest.len());
                if size == 0 {
                    return None;
                }
                stream.window -= size as i64;
                state.window -= size as i64;
                Some(size)
            })
            .await;
        if size == 0 {
            return;
        }
        let (piece, others) = rest.split_at(size);
        rest = others;
        let end = rest.is_empty();
        if end {
            if let Some(stream) = shared.state().streams.get_mut(&id) {
                stream.uploaded = true;
            }
        }
        shared.order(&frames::data(id, piece, end));
    }
}

/// The body, or why there is none.
fn ended(flaw: &'static str, state: &mut State, id: u32) -> Option<Result<Vec<u8>, Failed>> {
    let stream = state.streams.get_mut(&id)?;
    let waits = super::is(flaw, "a reset discards an answer") && !stream.uploaded;
    match stream.failed {
        Some(failed) => Some(Err(failed)),
        None if waits => None,
        None => stream.ended.then(|| Ok(std::mem::take(&mut stream.body))),
    }
}

/// What was pushed, for the one who takes it for its own.
fn pushed(shared: &Shared) -> Option<Vec<u8>> {
    if !shared.is("a pushed answer is the next one's") {
        return None;
    }
    shared.state().pushed.take().map(|(_, body)| body)
}

fn error(failed: Failed) -> TransportError {
    let kind: TransportErrorKind = failed.kind;
    let error = match failed.progress {
        NotSent => TransportError::not_sent(kind),
        Unknown => TransportError::unknown(kind),
    };
    error.with_reason(failed.reason)
}
