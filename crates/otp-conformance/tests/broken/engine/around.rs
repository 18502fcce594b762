//! What goes wrong between one exchange and the next.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderName, LINK, LOCATION, RETRY_AFTER, TRANSFER_ENCODING};
use http::{Method, StatusCode};
use otp_core::TransportErrorKind::{
    self, Connect, ConnectionLost, Other, Protocol, ResponseTooLarge, Timeout, Tls,
};
use otp_core::{Progress, Request, Response, TransportError};
use tokio::net::TcpSocket;

use super::Inner;
use super::pool::{Connection, Origin};
use crate::wrapper::again;

type Outcome = Result<Response, TransportError>;

const ALT_SVC: HeaderName = HeaderName::from_static("alt-svc");
const REFRESH: HeaderName = HeaderName::from_static("refresh");

fn same(request: &Request) -> Request {
    again(request, |_| {})
}

/// The same to another place.
fn to(request: &Request, place: &str) -> Option<Request> {
    let place = place.parse().ok()?;
    Some(again(request, |http| *http.uri_mut() = place))
}

fn port_of(request: &Request, port: u16) -> Option<Request> {
    let uri = request.as_http().uri();
    let authority = uri.authority()?;
    let scheme = uri.scheme_str()?;
    to(request, &format!("{scheme}://{}:{port}{}", authority.host(), uri.path()))
}

impl Inner {
    pub async fn send(self: &Arc<Self>, request: Request) -> Outcome {
        let method = request.as_http().method().clone();
        if let Some(outcome) = self.before(&request).await {
            return outcome;
        }
        let request = match *self.memory.alternative.lock().unwrap() {
            Some(port) => port_of(&request, port).unwrap_or(request),
            None => request,
        };
        let short = request.time_limit() <= Duration::from_millis(200);
        let goes_on = self.is("a send goes on after its limit")
            || (self.is("a POST goes on after its limit") && method == Method::POST);
        let outcome = if goes_on && short {
            self.send_and_go_on(&request).await
        } else if self.is("a late answer is given to the next call") && short {
            self.send_for_the_next(&request).await
        } else if self.is("a dropped send goes on") {
            let (inner, request) = (Arc::clone(self), same(&request));
            let sending = tokio::spawn(async move { inner.once(request).await });
            sending.await.unwrap()
        } else {
            self.send_and_copy(&request, &method).await
        };
        self.remember(&request, &outcome);
        match outcome {
            Ok(response) => self.repeat_for_a_status(&request, response).await,
            Err(error) => self.repeat_for_an_error(&request, error).await,
        }
    }

    /// What a call does for what earlier calls have met.
    async fn before(&self, request: &Request) -> Option<Outcome> {
        let failures = *self.memory.failures.lock().unwrap();
        if failures > 0 && self.is("after a failure it waits") {
            tokio::time::sleep(Duration::from_millis(3500)).await;
        }
        let refuses = (failures >= 3 && self.is("three failures are taken for an outage"))
            || (failures > 0 && self.is("a timeout in the handshake ends the transport"));
        if refuses {
            return Some(Err(TransportError::not_sent(Other)));
        }
        if *self.memory.in_a_row.lock().unwrap() >= 20 {
            return Some(Err(TransportError::not_sent(Other)));
        }
        let retry_after = *self.memory.retry_after.lock().unwrap();
        match retry_after {
            Some(_) if self.is("a Retry-After stops the next call") => {
                return Some(Err(TransportError::not_sent(Other)));
            }
            Some(429) if self.is("a Retry-After of a 429 is waited for") => {
                tokio::time::sleep(request.time_limit()).await;
                return Some(Err(TransportError::not_sent(Timeout)));
            }
            _ => {}
        }
        if failures == 1 && self.is("a failure fails the next call too") {
            *self.memory.failures.lock().unwrap() += 1;
            return Some(Err(TransportError::not_sent(Other)));
        }
        if self.is("each failure takes one of six permits") {
            let permit = self.memory.permits.acquire();
            match tokio::time::timeout(request.time_limit(), permit).await {
                // It is given back when the call has an answer.
                Ok(permit) => permit.unwrap().forget(),
                Err(_) => return Some(Err(TransportError::not_sent(Timeout))),
            }
        }
        if self.is("a late answer is given to the next call") {
            if let Some(late) = self.memory.late.lock().unwrap().pop() {
                return Some(late);
            }
        }
        None
    }

    /// The caller is told that the time is up, and the work is not.
    async fn send_and_go_on(self: &Arc<Self>, request: &Request) -> Outcome {
        let limit = request.time_limit();
        let longer = same(request).with_time_limit(limit + Duration::from_secs(4));
        let inner = Arc::clone(self);
        let sending = tokio::spawn(async move { inner.once(longer).await });
        match tokio::time::timeout(limit, sending).await {
            Ok(outcome) => outcome.unwrap(),
            Err(_) => Err(TransportError::unknown(Timeout)),
        }
    }

    async fn send_for_the_next(self: &Arc<Self>, request: &Request) -> Outcome {
        let limit = request.time_limit();
        let longer = same(request).with_time_limit(limit + Duration::from_secs(4));
        let inner = Arc::clone(self);
        let mut sending = tokio::spawn(async move { inner.once(longer).await });
        if let Ok(outcome) = tokio::time::timeout(limit, &mut sending).await {
            return outcome.unwrap();
        }
        let late = Arc::clone(&self.memory.late);
        tokio::spawn(async move {
            let outcome = sending.await.unwrap();
            late.lock().unwrap().push(outcome);
        });
        Err(TransportError::unknown(Timeout))
    }

    async fn send_and_copy(self: &Arc<Self>, request: &Request, method: &Method) -> Outcome {
        let patience = if self.is("a second copy is sent after half a second") {
            Duration::from_millis(500)
        } else if self.is("a second copy of a GET is sent after a second") && *method == Method::GET
        {
            Duration::from_secs(1)
        } else {
            return self.once(same(request)).await;
        };
        let copy = async {
            tokio::time::sleep(patience).await;
            self.once(same(request)).await
        };
        tokio::select! {
            outcome = self.once(same(request)) => outcome,
            outcome = copy => outcome,
        }
    }

    /// For a circuit breaker.
    fn count(&self, outcome: &Outcome) {
        let fails = match outcome {
            Ok(response) => {
                let status = response.status().as_u16();
                if response.headers().contains_key(RETRY_AFTER) {
                    *self.memory.retry_after.lock().unwrap() = Some(status);
                }
                status == 503 && self.is("after twenty answers of 503 it refuses")
            }
            Err(error) => {
                self.is("after twenty failures in a row it refuses")
                    || (error.kind() == Connect
                        && self.is("after twenty connections refused it refuses"))
            }
        };
        let mut in_a_row = self.memory.in_a_row.lock().unwrap();
        *in_a_row = if fails { *in_a_row + 1 } else { 0 };
    }

    fn remember(&self, request: &Request, outcome: &Outcome) {
        self.count(outcome);
        let Err(error) = outcome else {
            if self.is("each failure takes one of six permits") {
                self.memory.permits.add_permits(1);
            }
            return;
        };
        *self.memory.failures.lock().unwrap() += 1;
        let unsent = error.progress() == Progress::NotSent;
        let leaves_a_thread = (error.kind() == Timeout && self.is("each timeout leaves a thread"))
            || (error.kind() == Connect && self.is("each refusal leaves a thread"));
        if leaves_a_thread {
            std::thread::spawn(|| std::thread::sleep(Duration::from_secs(60)));
        }
        let mut left = self.memory.left.lock().unwrap();
        if unsent && self.is("each refusal leaves a socket") {
            left.sockets.extend(TcpSocket::new_v4());
        }
        if unsent && self.is("a request not sent is kept") {
            left.bodies.push(request.as_http().body().to_vec().leak());
        }
    }

    async fn repeat_for_a_status(
        self: &Arc<Self>,
        request: &Request,
        response: Response,
    ) -> Outcome {
        let status = response.status().as_u16();
        let method = request.as_http().method();
        let value = |name: &HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let after = value(&RETRY_AFTER).and_then(|seconds| seconds.parse::<u64>().ok());
        let closes = value(&http::header::CONNECTION).is_some_and(|value| value == "close");
        let kept = *self.memory.sends.lock().unwrap() > 1;
        let repeats = match status {
            408 if kept && *method == Method::GET => {
                self.is("a 408 to a GET on a kept connection is sent again")
            }
            408 if closes => self.is("a 408 that closes is sent again"),
            408 => self.is("a 408 to a GET is sent again") && *method == Method::GET,
            413 => self.is("a 413 is sent again if it says so") && after.is_some(),
            417 => self.is("a 417 is sent again"),
            421 => self.is("a misdirected request is sent again"),
            425 => self.is("a 425 is sent again"),
            429 => self.is("a 429 is sent again after a second") && after == Some(1),
            503 if after == Some(0) => self.is("a 503 is sent again at once if it says so"),
            503 if after == Some(1) && *method == Method::PUT => {
                self.is("a PUT is sent again after a second if a 503 says so")
            }
            505 => self.is("a 505 is sent again"),
            _ => false,
        };
        if repeats {
            tokio::time::sleep(Duration::from_secs(after.unwrap_or_default())).await;
            return self.once(same(request)).await;
        }
        let mut place = None;
        if self.is("the location of a 201 is fetched") && status == 201
            || self.is("the location of a 202 is polled") && status == 202
            || self.is("a 305 names a proxy to use") && status == 305
        {
            place = value(&LOCATION);
        } else if self.is("a refresh is followed") {
            place =
                value(&REFRESH).and_then(|text| text.split_once("url=").map(|p| p.1.to_owned()));
        } else if self.is("what is linked is fetched ahead") {
            place = value(&LINK).and_then(|text| {
                let (place, _) = text.strip_prefix('<')?.split_once('>')?;
                Some(place.to_owned())
            });
        } else if self.is("an alternative service is used") {
            let port = value(&ALT_SVC)
                .and_then(|text| text.split(['"', ':']).nth(2).and_then(|port| port.parse().ok()));
            if let Some(port) = port {
                *self.memory.alternative.lock().unwrap() = Some(port);
            }
        } else if self.is("a misdirected request goes to another server") && status == 421 {
            return match self.elsewhere(request) {
                Some(other) => self.once(other).await,
                None => Ok(response),
            };
        }
        if let Some(there) = place.and_then(|place| to(request, &place)) {
            let _ = self.once(there).await;
        }
        Ok(response)
    }

    /// The same request to the first server, if that is another one.
    fn elsewhere(&self, request: &Request) -> Option<Request> {
        let first = self.memory.first.lock().unwrap().clone()?;
        port_of(request, first.port)
    }

    async fn repeat_for_an_error(
        self: &Arc<Self>,
        request: &Request,
        error: TransportError,
    ) -> Outcome {
        let method = request.as_http().method();
        let is = |wanted: Method| *method == wanted;
        let large = request.as_http().body().len() > 1024 * 1024;
        let unsent = error.progress() == Progress::NotSent;
        let kept = *self.memory.sends.lock().unwrap() > 1;
        let with_body = error.head().is_some();
        let kind = error.kind();
        let lost = kind == ConnectionLost && !unsent;
        if self.is("what one server has closed goes to another") && lost && !with_body {
            return match self.elsewhere(request) {
                Some(other) => self.once(other).await,
                None => Err(error),
            };
        }
        let repeats = (kind == Timeout && !unsent && self.is("what is late is sent again"))
            || (kind == Timeout
                && kept
                && self.is("what is late on a kept connection is sent again"))
            || (lost && is(Method::GET) && self.is("a lost GET is sent again"))
            || (lost && is(Method::PUT) && self.is("a lost PUT is sent again"))
            || (lost && is(Method::DELETE) && self.is("a lost DELETE is sent again"))
            || (lost
                && kept
                && is(Method::GET)
                && self.is("a GET lost on a kept connection is sent again"))
            || (lost
                && kept
                && is(Method::POST)
                && self.is("a POST lost on a kept connection is sent again"))
            || (lost && is(Method::HEAD) && self.is("a lost HEAD is sent again"))
            || (lost && is(Method::OPTIONS) && self.is("a lost OPTIONS is sent again"))
            || (lost
                && request.as_http().headers().contains_key("idempotency-key")
                && self.is("a lost request with an idempotency key is sent again"))
            || (lost && with_body && self.is("a lost body is asked for again"))
            || (lost && large && self.is("a write that fails is tried again"))
            || (kind == Tls && self.is("what ended by an alert is sent again"));
        if repeats {
            return self.once(same(request)).await;
        }
        if lost && self.is("what was lost is sent again after a second") {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return self.once(same(request)).await;
        }
        if lost && large && self.is("a large body that is lost has sent nothing")
            || lost
                && !with_body
                && is(Method::POST)
                && self.is("a POST whose connection closes was not sent")
        {
            return Err(TransportError::not_sent(kind));
        }
        Err(error)
    }

    /// Where a request goes: to the origin of its URL, unless a flaw says otherwise.
    pub async fn destination(&self, origin: Origin) -> Origin {
        let first = self.memory.first.lock().unwrap().get_or_insert_with(|| origin.clone()).clone();
        if self.is("every request goes to the first server") {
            return first;
        }
        if self.is("two at once go where the last one goes") {
            *self.memory.last.lock().unwrap() = Some(origin);
            tokio::time::sleep(Duration::from_millis(1)).await;
            return self.memory.last.lock().unwrap().clone().unwrap();
        }
        origin
    }

    /// A connection of another origin, for one that could not be made.
    pub fn stand_in(&self, error: &TransportError) -> Option<Connection> {
        let stands_in =
            error.kind() == Connect && self.is("a kept connection stands in for one refused");
        if stands_in { self.pool.any() } else { None }
    }

    /// Whether a connection on which something went wrong is kept all the same.
    pub fn keeps(&self, connection: &Connection, error: &TransportError, large: bool) -> bool {
        let (kind, head) = (error.kind(), error.head());
        let chunked = head.is_some_and(|head| head.headers.contains_key(TRANSFER_ENCODING));
        let begun = !connection.buffer.is_empty();
        match kind {
            Timeout if self.is("a connection is kept after any timeout") => true,
            Timeout if large => self.is("a connection is kept after a timeout while writing"),
            Timeout if chunked => self.is("a connection is kept after a timeout within a chunk"),
            Timeout if head.is_some() => {
                self.is("a connection is kept after a timeout within the body")
            }
            Timeout if begun => self.is("a connection is kept after a timeout within the head"),
            Timeout => self.is("a connection is kept after a timeout before the head"),
            ResponseTooLarge if self.is("a connection is kept after any answer too large") => true,
            ResponseTooLarge if chunked => self.is("a connection is kept after a chunk too large"),
            ResponseTooLarge if head.is_none() => {
                self.is("a connection is kept after a head too large")
            }
            ResponseTooLarge if !begun => {
                self.is("a connection is kept while a body too large comes")
            }
            ResponseTooLarge => self.is("a connection is kept after a length too large"),
            Protocol if self.is("a connection is emptied after what is malformed, and kept") => {
                true
            }
            Protocol if chunked => self.is("a connection is kept after a wrong chunk"),
            Protocol if head.is_some() => {
                self.is("a connection is kept after lengths that disagree")
            }
            Protocol => self.is("a connection is kept after what is not HTTP"),
            ConnectionLost if head.is_some() => {
                self.is("a lost connection is kept")
                    || self.is("a body cut off is followed by the next answer")
            }
            ConnectionLost => self.is("a lost connection is kept"),
            _ => false,
        }
    }

    /// Whether a connection is kept though more than the answer has come.
    pub fn keeps_with_more(&self, connection: &Connection, response: &Response) -> bool {
        let chunked = response.headers().contains_key(TRANSFER_ENCODING);
        let more = !connection.buffer.is_empty();
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => self.is("a 101 is an answer like any other"),
            StatusCode::NO_CONTENT => more && self.is("what follows a 204 is the next answer"),
            StatusCode::NOT_MODIFIED => more && self.is("what follows a 304 is the next answer"),
            _ if chunked => more && self.is("what follows a last chunk is kept for the next"),
            _ => more && self.is("what follows a length is the next answer"),
        }
    }

    /// Keeps for ever what should be closed, if that is the flaw.
    pub fn leave_open(&self, connection: Connection, kind: TransportErrorKind) {
        let stays = self.is("a connection that failed stays open")
            || (kind == Timeout && self.is("a connection that timed out stays open"))
            || (kind == ConnectionLost
                && self.is("a connection that the server closed stays open"))
            || (kind == ResponseTooLarge
                && self.is("a connection of an answer too large stays open"));
        let mut left = self.memory.left.lock().unwrap();
        if self.is("a body cut off is kept") {
            let mut connection = connection;
            left.bodies.push(std::mem::take(&mut connection.buffer).leak());
        } else if stays {
            left.connections.push(connection);
        }
    }

    /// Whether a kept connection is used without a look at it.
    pub fn looks_away(&self) -> bool {
        const KEPT: [&str; 3] = ["a connection is kept ", "a lost connection", "what follows "];
        self.is("a farewell is the next answer")
            || self.is("a farewell fails the next call")
            || self.is("a 101 is an answer like any other")
            || self.is("a body cut off is followed by the next answer")
            || KEPT.iter().any(|kept| self.flaw.starts_with(kept))
    }

    /// How long a sleep is.
    pub fn slept(&self, told: Duration) -> Duration {
        if self.is("a sleep is whole seconds") {
            Duration::from_secs(told.as_secs())
        } else if self.is("a sleep is a second at most") {
            told.min(Duration::from_secs(1))
        } else if self.is("a short sleep is none") && told < Duration::from_millis(10) {
            Duration::ZERO
        } else if self.is("a sleep of nothing is for ever") && told.is_zero() {
            Duration::from_secs(20)
        } else {
            told
        }
    }
}
