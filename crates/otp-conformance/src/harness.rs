use std::ffi::OsString;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::header::{self, ACCEPT, HeaderMap, HeaderValue};
use http::{HeaderName, Method};
use otp_core::bytes::Bytes;
use otp_core::local::Transport;
use otp_core::{Endpoint, Progress, Request, Response, TransportError, TransportErrorKind};

use crate::child::{self, Folder, Place};
use crate::guard::{Guarded, State};
use crate::hostile::{Fault, Server, Wire};
use crate::mismatch::{Check, Mismatch, Symptom, expect};
use crate::secrets::Secrets;
use crate::time::{Ended, within};
use crate::unsent::{Unsent, Watched};

pub(crate) const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-auth-token");
pub(crate) const MARKER: HeaderName = HeaderName::from_static("x-marker");

pub(crate) const USER_AGENT: &str = "otp-conformance/1";

/// The time limit of a request that is not about time.
const TIME_LIMIT: Duration = Duration::from_secs(4);

/// How much longer than its limit a send is watched before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes the transport under test for a server.
pub(crate) type Make<'k> = &'k dyn Fn(&Server) -> Rc<dyn Transport>;

/// What a case works with.
pub(crate) struct Harness<'k> {
    pub(crate) wire: Wire,
    pub(crate) secrets: Secrets,
    pub(crate) state: Rc<State>,
    /// Whether the transport goes to any server.
    pub(crate) has_origins: bool,
    /// Whether a send can be dropped.
    pub(crate) has_futures: bool,
    make: Make<'k>,
    /// Where this run is, if its test can be started again.
    place: Option<Place>,
    unsent: Unsent,
}

impl<'k> Harness<'k> {
    pub(crate) fn new(
        wire: Wire,
        has_origins: bool,
        has_futures: bool,
        make: Make<'k>,
        state: Rc<State>,
    ) -> Self {
        let (secrets, unsent) = (Secrets::new(), Unsent::default());
        Self { wire, secrets, state, has_origins, has_futures, make, place: None, unsent }
    }

    /// In a test that can be started again.
    pub(crate) fn in_place(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }

    /// Starts the test again for this case, in a process of its own with these variables.
    pub(crate) async fn again(
        &self,
        case: &str,
        folder: &Folder,
        variables: Vec<(String, OsString)>,
    ) -> Result<child::Ended, Mismatch> {
        self.start_again(case, folder, variables, false).await
    }

    /// The same in a process that has its own name server.
    pub(crate) async fn again_with_names(
        &self,
        case: &str,
        folder: &Folder,
    ) -> Result<child::Ended, Mismatch> {
        self.start_again(case, folder, Vec::new(), true).await
    }

    async fn start_again(
        &self,
        case: &str,
        folder: &Folder,
        variables: Vec<(String, OsString)>,
        with_names: bool,
    ) -> Result<child::Ended, Mismatch> {
        let Some(place) = self.place.clone() else {
            return Err(Mismatch::new("a test that can be started again", "its name is not known"));
        };
        child::start(place, case, folder, variables, with_names).await
    }

    /// A server that does this to every request, and a transport to it.
    pub(crate) fn subject(&self, fault: Fault) -> Subject {
        self.subject_of(vec![fault])
    }

    /// A server that does these in turn, the last for ever, and a transport to it.
    pub(crate) fn subject_of(&self, faults: Vec<Fault>) -> Subject {
        let server = Server::sequence(self.wire, faults);
        self.subject_at(server)
    }

    /// A transport to this server.
    pub(crate) fn subject_at(&self, server: Server) -> Subject {
        self.state.uses(&server);
        let guarded = Guarded::new(&self.state, || (self.make)(&server));
        let server = Rc::new(server);
        let watched = self.unsent.watch(Rc::new(guarded), &server);
        let transport = Rc::clone(&watched) as Rc<dyn Transport>;
        let (secrets, state) = (self.secrets.clone(), Rc::clone(&self.state));
        Subject { server, transport, watched, host: None, secrets, state }
    }

    /// A send of this case that said `NotSent`, though its request was received, also a little later.
    pub(crate) async fn was_sent_after_all(&self) -> Check {
        self.unsent.check().await
    }
}

/// A transport under test, and the server that it was made for.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) server: Rc<Server>,
    pub(crate) transport: Rc<dyn Transport>,
    watched: Rc<Watched>,
    /// In the place of the server's address in URLs.
    host: Option<&'static str>,
    secrets: Secrets,
    state: Rc<State>,
}

impl Subject {
    /// The same transport, and another server.
    pub(crate) fn at(&self, server: Server) -> Self {
        self.state.uses(&server);
        let server = Rc::new(server);
        self.watched.also_to(&server);
        Self { server, ..self.clone() }
    }

    /// The same transport and the same server, which has this name.
    pub(crate) fn named(&self, host: &'static str) -> Self {
        Self { host: Some(host), ..self.clone() }
    }

    /// The base URL of its requests.
    pub(crate) fn base_url(&self) -> String {
        match self.host {
            Some(host) => self.server.base_url_of(host),
            None => self.server.base_url().to_string(),
        }
    }

    /// A `POST` as the client makes one: with the token in a header and the OTP in the path.
    pub(crate) fn post(&self) -> Request {
        self.request(Method::POST, &format!("/user/otp/verify/{}", self.secrets.otp))
    }

    pub(crate) fn get(&self) -> Request {
        self.request(Method::GET, "/user/otp/recovery-codes")
    }

    /// A `GET` that an echoing server answers with this.
    pub(crate) fn marked(&self, marker: &str) -> Request {
        self.changed(self.get(), |http| {
            http.headers_mut().insert(MARKER, HeaderValue::from_str(marker).expect("a marker"));
        })
    }

    /// A request of this method and path, with the headers that the client sets.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        let uri = format!("{}{path}", self.base_url());
        let mut http = http::Request::new(Bytes::new());
        *http.method_mut() = method;
        *http.uri_mut() = uri.parse().expect("a URI of a case");
        let mut token = HeaderValue::from_str(&self.secrets.token).expect("a token");
        token.set_sensitive(true);
        let headers: &mut HeaderMap = http.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(TOKEN_HEADER, token);
        limited(http, TIME_LIMIT)
    }

    /// The same request with something about it changed.
    pub(crate) fn changed(
        &self,
        request: Request,
        change: impl FnOnce(&mut http::Request<Bytes>),
    ) -> Request {
        let time_limit = request.time_limit();
        let response_limit = request.response_limit();
        let mut http = request.into_http();
        change(&mut http);
        limited(http, time_limit).with_response_limit(response_limit)
    }

    /// Sends it and sees what happens.
    pub(crate) async fn send(&self, request: Request) -> Observed {
        let patience = request.time_limit().saturating_add(PATIENCE);
        self.send_within(patience, request).await
    }

    /// Sends it and sees what happens within this time.
    pub(crate) async fn send_within(&self, patience: Duration, request: Request) -> Observed {
        let started = Instant::now();
        let ended = within(patience, self.transport.send(request)).await;
        Observed { ended, took: started.elapsed(), state: Rc::clone(&self.state) }
    }
}

/// The endpoint is told by the method: what a transport does must not depend on it.
fn limited(http: http::Request<Bytes>, time_limit: Duration) -> Request {
    static GET: Endpoint = Endpoint::get("conformance_get", "/conformance");
    static POST: Endpoint = Endpoint::post("conformance_post", "/conformance");
    static PUT: Endpoint = Endpoint::put("conformance_put", "/conformance");
    static PATCH: Endpoint = Endpoint::patch("conformance_patch", "/conformance");
    static DELETE: Endpoint = Endpoint::delete("conformance_delete", "/conformance");
    let endpoint = match *http.method() {
        Method::GET => &GET,
        Method::PUT => &PUT,
        Method::PATCH => &PATCH,
        Method::DELETE => &DELETE,
        _ => &POST,
    };
    Request::new(endpoint, http).with_time_limit(time_limit)
}

/// What came of a send.
pub(crate) struct Observed {
    ended: Ended<Result<Response, TransportError>>,
    pub(crate) took: Duration,
    state: Rc<State>,
}

impl Observed {
    /// The answer, or a mismatch.
    pub(crate) fn answer(&self) -> Result<&Response, Mismatch> {
        match &self.ended {
            Ended::Returned(Ok(response)) => Ok(response),
            _ => Err(Mismatch::new("an answer", self.describe()).of(self.symptom())),
        }
    }

    /// The answer, with this status.
    pub(crate) fn status(&self, status: u16) -> Check {
        let got = self.answer()?.status().as_u16();
        expect(got == status, format!("an answer with status {status}"), || self.describe())
    }

    /// The error, or a mismatch.
    pub(crate) fn error(&self) -> Result<&TransportError, Mismatch> {
        match &self.ended {
            Ended::Returned(Err(error)) => Ok(error),
            _ => Err(Mismatch::new("an error", self.describe()).of(self.symptom())),
        }
    }

    /// An error of one of these kinds.
    pub(crate) fn kind(&self, kinds: &[TransportErrorKind]) -> Check {
        let kind = self.error()?.kind();
        if kinds.contains(&kind) || self.state.accepts(kind, kinds) {
            return Ok(());
        }
        let wrong = Mismatch::new(format!("an error of kind {}", names(kinds)), self.describe());
        Err(wrong.of(Symptom::Kind(kind)))
    }

    /// An error that says how far the request got.
    pub(crate) fn progress(&self, progress: Progress) -> Check {
        let said = self.error()?.progress();
        if said == progress {
            return Ok(());
        }
        let wrong = Mismatch::new(format!("an error that says {progress:?}"), self.describe());
        Err(wrong.of(Symptom::Progress(said)))
    }

    /// Whether it did not end, as long as it was watched.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self.ended, Ended::Late)
    }

    /// What a panic said, if there was one.
    pub(crate) fn panic(&self) -> Option<&str> {
        match &self.ended {
            Ended::Panicked(message) => Some(message),
            _ => None,
        }
    }

    /// That the send ended at all, with whatever outcome.
    pub(crate) fn ended(&self) -> Check {
        match self.ended {
            Ended::Returned(_) => Ok(()),
            _ => Err(Mismatch::new("an answer or an error", self.describe()).of(self.symptom())),
        }
    }

    /// What it is a symptom of, if it is wrong.
    pub(crate) fn symptom(&self) -> Symptom {
        match self.ended {
            Ended::Late => Symptom::Hangs,
            Ended::Panicked(_) => Symptom::Panics,
            Ended::Returned(Ok(_)) => Symptom::NoError,
            Ended::Returned(Err(_)) => Symptom::NoAnswer,
        }
    }

    pub(crate) fn describe(&self) -> String {
        let took = self.took.as_millis();
        match &self.ended {
            Ended::Late => format!("nothing within {took} ms: it hangs"),
            Ended::Panicked(message) => format!("a panic after {took} ms: {message}"),
            Ended::Returned(Ok(response)) => {
                let body = String::from_utf8_lossy(response.body());
                let mut start: String = body.chars().take(60).collect();
                if start.len() < body.len() {
                    start.push('…');
                }
                let (status, size) = (response.status(), response.body().len());
                format!("an answer after {took} ms: {status}, {size} bytes: {start:?}")
            }
            Ended::Returned(Err(error)) => {
                let mut text = format!(
                    "an error after {took} ms: {:?}, {:?}: {error}",
                    error.kind(),
                    error.progress()
                );
                let mut source = std::error::Error::source(error);
                while let Some(cause) = source {
                    write!(text, ": {cause}").expect("a String takes everything");
                    source = cause.source();
                }
                text
            }
        }
    }
}

fn names(kinds: &[TransportErrorKind]) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
    names.join(" or ")
}
