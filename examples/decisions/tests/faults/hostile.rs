//! The service over a wire on which one thing goes wrong.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::{
    AuthToken, OtpsClient, RecoveryCodeList, Request, Response, RetryPolicy, Transport,
    TransportError, TransportErrorKind as Kind, async_trait, blocking, http, local,
};
use otp_mock::{Event, Factor, FakeOtps, Fault};

/// What the app shows, for the endpoint that the larger SDK adds.
pub const SHOWN_BY_THE_APP: &str = "246810";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A named fault of the service.
    Named(Fault),
    /// Nothing is sent.
    NotSent(Kind),
    /// The answer is lost before its head; whether the service acted.
    Lost(Kind, bool),
    /// The service acts, and the answer is lost after its head.
    Cut(Kind),
    /// The service refuses, and does not act.
    Refused(u16),
    /// A status or a body that says nothing; whether the service acted.
    Answered(u16, &'static str, bool),
}

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// For one request.
    Once,
    /// As the named fault lasts.
    AsNamed,
    /// For each request from there on.
    FromThenOn,
    /// For one request; from there on, this goes wrong.
    Then(Wrong),
}

/// What goes wrong, from which request on.
#[derive(Clone, Copy, Debug)]
pub struct Injection {
    pub wrong: Wrong,
    pub lasting: Lasting,
    pub at: usize,
}

const KINDS: [Kind; 7] = [
    Kind::Connect,
    Kind::Tls,
    Kind::Timeout,
    Kind::ConnectionLost,
    Kind::Protocol,
    Kind::ResponseTooLarge,
    Kind::Other,
];

/// Everything that can go wrong.
pub fn everything() -> Vec<(Wrong, Lasting)> {
    let more = [
        Fault::Unavailable { times: 1 },
        Fault::Unavailable { times: 2 },
        Fault::Unavailable { times: 9 },
        Fault::Slow { delay: Duration::from_secs(1) },
        Fault::Slow { delay: Duration::from_secs(60) },
    ];
    let mut all = Vec::new();
    for &fault in Fault::ALL.iter().chain(&more) {
        all.push((Wrong::Named(fault), Lasting::AsNamed));
        all.push((Wrong::Named(fault), Lasting::Once));
        all.push((Wrong::Named(fault), Lasting::FromThenOn));
    }
    let mut wrongs = Vec::new();
    for kind in KINDS {
        wrongs.extend([Wrong::NotSent(kind), Wrong::Cut(kind)]);
        wrongs.extend([true, false].map(|acted| Wrong::Lost(kind, acted)));
    }
    wrongs.extend([400, 401, 403, 404, 422, 429].map(Wrong::Refused));
    for status in [202, 205, 302, 408, 409, 500, 502, 503, 504] {
        wrongs.extend([true, false].map(|acted| Wrong::Answered(status, "", acted)));
    }
    // A success that cannot be read.
    wrongs.extend(["{}", "[", "", "\u{fffd}"].map(|body| Wrong::Answered(200, body, true)));
    // The error of what comes after has every effect, and none of them is that of what came before.
    let then = [
        Wrong::NotSent(Kind::Connect),
        Wrong::Refused(401),
        Wrong::Lost(Kind::ConnectionLost, true),
        Wrong::Cut(Kind::ConnectionLost),
    ];
    for wrong in wrongs {
        all.push((wrong, Lasting::Once));
        all.push((wrong, Lasting::FromThenOn));
        all.extend(then.map(|then| (wrong, Lasting::Then(then))));
    }
    all
}

/// Runs it without a fault, and then with everything that can go wrong, at each request that it makes, with
/// and without the client's retries.
pub fn under_every_fault(run: impl Fn(&World)) {
    for retries in [true, false] {
        World::run(None, retries, &run);
        for (wrong, lasting) in everything() {
            for at in 1.. {
                assert!(at < 100, "it does not end");
                if !World::run(Some(Injection { wrong, lasting, at }), retries, &run) {
                    break;
                }
            }
        }
    }
}

/// A user, the service, and the wire between them.
#[derive(Clone)]
pub struct World {
    pub service: FakeOtps,
    retries: bool,
    /// The codes before the example ran.
    pub old: RecoveryCodeList,
    wire: Arc<Wire>,
}

struct Wire {
    service: FakeOtps,
    app_enabled: AtomicBool,
    asked: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    injection: Option<Injection>,
    requests: usize,
    struck: bool,
    /// Whether a verification was answered as such.
    said_verified: bool,
    /// Whether the last request was to read the codes.
    tried_to_read: bool,
    /// Whether it did, and they arrived.
    read_the_codes: bool,
}

impl World {
    /// Whether the injection struck.
    fn run(injection: Option<Injection>, retries: bool, run: impl Fn(&Self)) -> bool {
        let service = FakeOtps::builder().seed(7).build();
        let old = blocking::OtpsApi::find_recovery_codes(&service).unwrap();
        let state = State { injection, ..State::default() };
        let wire = Arc::new(Wire {
            service: service.clone(),
            app_enabled: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        let world = Self { service, retries, old, wire };
        let shown = Shown(&world);
        run(&world);
        drop(shown);
        world.wire.state().struck
    }

    fn retry(&self) -> RetryPolicy {
        if self.retries { RetryPolicy::default() } else { RetryPolicy::never() }
    }

    pub fn client(&self) -> OtpsClient {
        self.client_of(self.service.token().clone())
    }

    pub fn client_of(&self, token: AuthToken) -> OtpsClient {
        OtpsClient::builder(Arc::clone(&self.wire), token).retry(self.retry()).build().unwrap()
    }

    pub fn local_client(&self) -> local::OtpsClient {
        let token = self.service.token().clone();
        let transport = local::FromSend(Arc::clone(&self.wire));
        local::OtpsClient::builder(transport, token).retry(self.retry()).build().unwrap()
    }

    pub fn blocking_client(&self) -> blocking::OtpsClient {
        let token = self.service.token().clone();
        let builder = blocking::OtpsClient::builder(Arc::clone(&self.wire), token);
        builder.retry(self.retry()).build().unwrap()
    }

    /// Whether nothing goes wrong.
    pub fn is_calm(&self) -> bool {
        self.wire.state().injection.is_none()
    }

    /// From here on nothing goes wrong.
    pub fn calm(&self) {
        self.wire.state().injection = None;
        self.service.disarm_all();
    }

    pub fn sms(&self) -> usize {
        self.service.journal().count(Event::SmsSent)
    }

    /// Whether the client was told that the user is verified.
    pub fn said_verified(&self) -> bool {
        self.wire.state().said_verified
    }

    pub fn verified(&self) -> usize {
        let journal = self.service.journal();
        [Factor::Sms, Factor::App, Factor::RecoveryCode]
            .map(|factor| journal.count(Event::Verified(factor)))
            .iter()
            .sum()
    }

    pub fn regenerated(&self) -> usize {
        self.service.journal().count(Event::CodesRegenerated)
    }

    /// Whether the user was asked for a code.
    pub fn asked(&self) -> bool {
        self.wire.asked.load(Ordering::SeqCst)
    }

    pub fn ask(&self) {
        self.wire.asked.store(true, Ordering::SeqCst);
    }

    pub fn app_enabled(&self) -> bool {
        self.wire.app_enabled.load(Ordering::SeqCst)
    }

    /// Whether the example's last request was to read the codes.
    pub fn tried_to_read(&self) -> bool {
        self.wire.state().tried_to_read
    }

    /// Whether the example's last request read the codes, and they arrived.
    pub fn read_the_codes(&self) -> bool {
        self.wire.state().read_the_codes
    }

    /// The codes that work now.
    pub fn in_force(&self) -> RecoveryCodeList {
        self.service.disarm_all();
        blocking::OtpsApi::find_recovery_codes(&self.service).unwrap()
    }
}

/// Shows what went wrong if the test fails.
struct Shown<'a>(&'a World);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:?}", self.0);
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.wire.state();
        let retries = if self.retries { "with" } else { "without" };
        writeln!(f, "{:?}, {retries} retries", state.injection)?;
        write!(f, "{} requests\n{}", state.requests, self.service.journal())
    }
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
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
        self.app_enabled.fetch_or(right, Ordering::SeqCst);
        Ok(answer(if right { 200 } else { 400 }, ""))
    }
}

fn answer(status: u16, body: &'static str) -> Response {
    http::Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
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
