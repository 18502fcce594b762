//! The wire between the client and the service.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::{Request, Response, Transport, TransportError, async_trait, blocking, http};
use otp_mock::FakeOtps;

use crate::hostile::{Injection, Lasting, Wrong};

/// What the app shows, for the endpoint that the larger SDK adds.
pub const SHOWN_BY_THE_APP: &str = "246810";

/// One thing goes wrong on it.
pub struct Wire {
    service: FakeOtps,
    state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    pub injection: Option<Injection>,
    pub requests: usize,
    pub struck: bool,
    /// Whether the user was asked for a code.
    pub asked: bool,
    pub app_enabled: bool,
    /// Whether a verification was answered as such.
    pub said_verified: bool,
    /// Whether the last request was to read the codes.
    pub tried_to_read: bool,
    /// Whether it did, and they arrived.
    pub read_the_codes: bool,
    /// No answer arrives any more. Whether the service acts.
    pub silence: Option<bool>,
    /// The token of the last request.
    pub token: Vec<u8>,
}

impl Wire {
    pub fn new(service: FakeOtps, injection: Option<Injection>) -> Self {
        let state = State { injection, ..State::default() };
        Self { service, state: Mutex::new(state) }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What goes wrong with this request.
    fn strikes(&self) -> Option<Wrong> {
        let mut state = self.state();
        state.requests += 1;
        let now = state.requests;
        let injection = state.injection.filter(|injection| now >= injection.at)?;
        let wrong = match injection.lasting {
            _ if now == injection.at => Some(injection.wrong),
            Lasting::FromThenOn => Some(injection.wrong),
            Lasting::Then(then) => Some(then),
            Lasting::Once | Lasting::AsNamed => None,
        };
        state.struck = true;
        wrong
    }

    fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        self.state().token = request.as_http().headers()["x-auth-token"].as_bytes().to_vec();
        let reads = request.endpoint().name() == "find_recovery_codes";
        let verifies = request.endpoint().name() == "find_ensure_otp";
        let wrong = self.strikes();
        let lasting = self.state().injection.map(|injection| injection.lasting);
        if lasting != Some(Lasting::AsNamed) {
            self.service.disarm_all();
        }
        let (outcome, arrived) = match wrong {
            None => (self.act(request), true),
            Some(Wrong::Named(fault)) => {
                self.service.disarm_all();
                self.service.arm(fault);
                (self.act(request), true)
            }
            Some(Wrong::NotSent(kind)) => (Err(TransportError::not_sent(kind)), false),
            Some(Wrong::Lost(kind, acts)) => {
                self.act_if(acts, request);
                (Err(TransportError::unknown(kind)), false)
            }
            Some(Wrong::Cut(kind)) => match self.act(request) {
                Ok(answer) if answer.status().is_success() => {
                    let head = answer.into_parts().0;
                    (Err(TransportError::unknown(kind).with_head(head)), false)
                }
                other => (other, false),
            },
            // Only what succeeded is answered as a success.
            Some(Wrong::Answered(200, body, _)) => match self.act(request) {
                Ok(success) if success.status().is_success() => (Ok(answer(200, body)), false),
                other => (other, false),
            },
            Some(Wrong::Portal(status, page, kind)) => (Ok(page_of(status, page, kind)), false),
            Some(Wrong::Refused(status)) => (Ok(answer(status, "")), false),
            Some(Wrong::Answered(status, body, acts)) => {
                self.act_if(acts, request);
                (Ok(answer(status, body)), false)
            }
        };
        let is_json = |answer: &Response| {
            let kind = answer.headers().get(http::header::CONTENT_TYPE);
            kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
        };
        let success =
            outcome.as_ref().is_ok_and(|answer| answer.status() == 200 && is_json(answer));
        let is_success = |answer: &Response| answer.status().is_success();
        let mut state = self.state();
        state.said_verified |= verifies && arrived && outcome.as_ref().is_ok_and(is_success);
        state.tried_to_read = reads;
        state.read_the_codes = reads && arrived && success;
        drop(state);
        outcome
    }

    fn act_if(&self, acts: bool, request: Request) {
        if acts {
            let _ = self.act(request);
        }
    }

    /// The service, with the endpoint that the larger SDK adds.
    fn act(&self, request: Request) -> Result<Response, TransportError> {
        if request.endpoint().name() != "enable_app" {
            return blocking::Transport::send(&self.service, request);
        }
        let right = request.as_http().headers()["x-otp-token"] == SHOWN_BY_THE_APP;
        self.state().app_enabled |= right;
        Ok(answer(if right { 200 } else { 400 }, ""))
    }
}

fn answer(status: u16, body: &'static str) -> Response {
    page_of(status, body, Some("application/json"))
}

fn page_of(status: u16, body: &'static str, kind: Option<&'static str>) -> Response {
    let mut answer = http::Response::builder().status(status);
    if let Some(kind) = kind {
        answer = answer.header(http::header::CONTENT_TYPE, kind);
    }
    answer.body(Bytes::from_static(body.as_bytes())).unwrap()
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let silence = self.state().silence;
        if let Some(acts) = silence {
            self.state().requests += 1;
            self.act_if(acts, request);
            return std::future::pending().await;
        }
        self.exchange(request)
    }

    async fn sleep(&self, duration: Duration) {
        blocking::Transport::sleep(&self.service, duration);
    }

    fn now(&self) -> Duration {
        blocking::Transport::now(&self.service)
    }
}

impl blocking::Transport for Wire {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.exchange(request)
    }

    fn sleep(&self, duration: Duration) {
        blocking::Transport::sleep(&self.service, duration);
    }

    fn now(&self) -> Duration {
        blocking::Transport::now(&self.service)
    }
}
