//! The port beside the service: what a test in any language, or a person, needs to know and to turn.

mod access;
mod clock;
mod compare;
mod expected;
mod faults;
mod journal;
mod json;
mod page;
mod query;
mod routes;
mod sms;
mod state;
mod tokens;
mod users;

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_NONE_MATCH, LOCATION, REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use otp_core::bytes::Bytes;
use otp_mock::FakeOtps;
use serde_json::Value;
use tokio::sync::Semaphore;

pub(crate) use self::access::Access;
pub(crate) use self::page::StatusPage;
use self::routes::{Call, Found};
use crate::answer::read;
use crate::body::ReplyBody;
use crate::connections::{Busy, Seat};
use crate::serve::Handler;

/// How many requests may wait for an SMS at a time.
const WAITING: usize = 256;

/// How many connections the admin port has room for: however many wait, others are answered.
pub(crate) const CONNECTIONS: usize = WAITING + 64;

/// The admin port's handler.
#[derive(Clone)]
pub(crate) struct AdminHandler(Arc<Admin>);

/// What it answers from.
pub(crate) struct Admin {
    pub(crate) fake: FakeOtps,
    /// Where the service is, to be shown.
    pub(crate) base_url: String,
    pub(crate) page: StatusPage,
    /// Empty if there is none.
    pub(crate) ca_pem: String,
    pub(crate) access: Access,
    pub(crate) patience: Duration,
    /// Places for those who wait for an SMS.
    pub(crate) waiting: Semaphore,
}

/// What is answered.
enum Answer {
    Page(StatusCode, page::Rendered),
    /// A file of the page: its type and text.
    File(&'static str, &'static str),
    /// A form is done: the page is there.
    SeeOther(String),
    Pem(String),
    Json(StatusCode, Value),
    Nothing,
    Refused(StatusCode, String),
    /// There are only these methods.
    NotAllowed(String),
    /// The token is missing or wrong.
    Unauthorized,
}

/// Whatever the page holds, it loads and runs only its own files, and sends only to this port.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

impl Handler for AdminHandler {
    async fn answer(
        &self,
        request: Request<Incoming>,
        seat: &Arc<Seat>,
    ) -> Result<Response<ReplyBody>, h2::Error> {
        let known = request.headers().get(IF_NONE_MATCH).cloned();
        let (Ok(answer) | Err(answer)) = self.0.answer(request, &mut seat.busy()).await;
        Ok(unless_known(known.as_ref(), answer.into_response()))
    }
}

/// The answer, or only that it is the one that the client has already (RFC 9110 §13.1.2).
fn unless_known(
    known: Option<&HeaderValue>,
    mut response: Response<ReplyBody>,
) -> Response<ReplyBody> {
    let is_known = known.is_some_and(|known| Some(known) == response.headers().get(ETAG));
    if is_known && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = ReplyBody::whole(Bytes::new());
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response
}

impl AdminHandler {
    pub(crate) fn new(admin: Admin) -> Self {
        Self(Arc::new(admin))
    }
}

impl Admin {
    /// Places for those who wait for an SMS, of so many connections: so many fewer may wait that others are answered.
    pub(crate) fn places(room: usize) -> Semaphore {
        Semaphore::new(WAITING.min(room * WAITING / CONNECTIONS))
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        busy: &mut Busy<'_>,
    ) -> Result<Answer, Answer> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let found = routes::find(&head.method, path);
        if !matches!(found, Found::Call(call, _) if call.is_public()) {
            self.access.check(&head)?;
        }
        let body = read(body, self.patience, busy).await;
        let body = body.map_err(|(status, why)| Answer::Refused(status, why.to_owned()))?;
        match found {
            Found::Call(call, parameter) => {
                let query = head.uri.query().unwrap_or_default();
                self.call(call, &parameter, query, &body, head.method != Method::HEAD).await
            }
            Found::OtherMethods(methods) => Err(Answer::NotAllowed(methods)),
            Found::Nothing => self.page.answer(&self.fake, &head, &body).unwrap_or_else(|| {
                Err(Answer::Refused(StatusCode::NOT_FOUND, format!("there is {}", routes::list())))
            }),
        }
    }

    /// Answers a call. Unless it is `whole`, only the head is asked for, and nothing may change.
    async fn call(
        &self,
        call: Call,
        parameter: &str,
        query: &str,
        body: &Bytes,
        whole: bool,
    ) -> Result<Answer, Answer> {
        let (fake, name) = (&self.fake, parameter);
        if !call.has_query() {
            query::Query::read(query, &[])?;
        }
        if !call.has_body() && !body.is_empty() {
            let why = match call.has_query() {
                true => "this request takes no body; its parameters are in the query",
                false => "this request takes no body",
            };
            return Err(Answer::bad(why));
        }
        match call {
            Call::Healthz => Ok(state::healthy()),
            Call::Readyz => Ok(state::ready(&self.base_url)),
            Call::CaPem => Ok(state::ca_pem(&self.ca_pem)),
            Call::Openapi => Ok(state::document(self.access.needs_token())),
            Call::Reset => state::reset(fake, query),
            Call::Outbox => sms::outbox(fake, query),
            Call::NextSms => sms::next(fake, query, &self.waiting, whole).await,
            Call::DiscardSms => sms::discard(fake, query),
            Call::Users => Ok(users::all(fake)),
            Call::AddUser => users::add(fake, body),
            Call::User => users::one(fake, name),
            Call::RemoveUser => users::remove(fake, name),
            Call::AppCode => users::app_code(fake, name),
            Call::AppSecret => users::app_secret(fake, name),
            Call::IssueToken => tokens::issue(fake, name, body),
            Call::EndToken => tokens::end(fake, name, query),
            Call::RevokeToken => tokens::revoke(fake, body),
            Call::RecoveryCodes => users::codes(fake, name),
            Call::SetRecoveryCodes => users::set_codes(fake, name, body),
            Call::Choose => users::choose(fake, name, body),
            Call::EndLockout => users::change(fake, name, FakeOtps::end_lockout),
            Call::ResetRateLimit => users::change(fake, name, FakeOtps::reset_rate_limit),
            Call::EndSessions => users::change(fake, name, FakeOtps::end_sessions),
            Call::Faults => Ok(faults::all(fake)),
            Call::Arm => faults::arm(fake, parameter, query),
            Call::Disarm => Ok(faults::disarm(fake, parameter)),
            Call::DisarmAll => Ok(Answer::after(|| fake.disarm_all())),
            Call::Journal => journal::entries(fake, query),
            Call::CountJournal => journal::count(fake, query),
            Call::VerifyJournal => journal::verify(fake, body),
            Call::ClearJournal => Ok(Answer::after(|| fake.clear_journal())),
            Call::Clock => Ok(clock::shown(fake)),
            Call::Advance => clock::advance(fake, query),
        }
    }
}

impl Answer {
    /// That the request says something that cannot be done.
    fn bad(why: impl Into<String>) -> Self {
        Self::Refused(StatusCode::BAD_REQUEST, why.into())
    }

    fn no_such_user() -> Self {
        Self::Refused(StatusCode::NOT_FOUND, "there is no such user".to_owned())
    }

    /// That what is there stands against it.
    fn conflict(why: &str) -> Self {
        Self::Refused(StatusCode::CONFLICT, why.to_owned())
    }

    /// That it is done.
    fn after(act: impl FnOnce()) -> Self {
        act();
        Self::Nothing
    }

    fn into_response(self) -> Response<ReplyBody> {
        let error = |why: &str| serde_json::json!({ "error": why }).to_string();
        let mut more: Vec<(HeaderName, HeaderValue)> = Vec::new();
        let (status, kind, body) = match self {
            Self::Page(status, page) => {
                more.extend(HeaderValue::try_from(page.tag).map(|tag| (ETAG, tag)));
                (status, "text/html; charset=utf-8", page.html)
            }
            Self::File(kind, text) => (StatusCode::OK, kind, text.to_owned()),
            Self::SeeOther(place) => {
                more.extend(HeaderValue::try_from(place).map(|place| (LOCATION, place)));
                (StatusCode::SEE_OTHER, "", String::new())
            }
            Self::Pem(pem) => (StatusCode::OK, "application/x-pem-file", pem),
            Self::Json(status, json) => (status, "application/json", json.to_string()),
            Self::Nothing => (StatusCode::NO_CONTENT, "", String::new()),
            Self::Refused(status, why) => (status, "application/json", error(&why)),
            Self::NotAllowed(methods) => {
                let why = error(&format!("this path has {methods}"));
                more.extend(HeaderValue::try_from(methods).map(|methods| (ALLOW, methods)));
                (StatusCode::METHOD_NOT_ALLOWED, "application/json", why)
            }
            Self::Unauthorized => {
                for way in ["Bearer", "Basic realm=\"otp-emulator admin\", charset=\"UTF-8\""] {
                    more.push((WWW_AUTHENTICATE, HeaderValue::from_static(way)));
                }
                let why = "this admin port asks for its token: send it as Authorization: Bearer TOKEN; \
                           in a browser it is the password, and the user name does not matter";
                (StatusCode::UNAUTHORIZED, "application/json", error(why))
            }
        };
        let mut response = Response::new(ReplyBody::whole(Bytes::from(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let fixed: [(HeaderName, HeaderValue); 4] = [
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            // With `no-referrer`, browsers would send the page's own forms with `Origin: null`.
            (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        headers.extend(fixed);
        for (name, value) in more {
            headers.append(name, value);
        }
        response
    }
}
