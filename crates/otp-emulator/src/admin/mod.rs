//! The port beside the service: what a test in any language, or a person, needs to know and to turn.

mod api;
mod clock;
mod page;
mod users;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, HeaderMap, HeaderName,
    HeaderValue, IF_NONE_MATCH, LOCATION, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use otp_core::bytes::Bytes;
use otp_mock::FakeOtps;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::sync::Semaphore;

use self::page::StatusPage;
use crate::answer::read;
use crate::body::ReplyBody;
use crate::connections::Seat;
use crate::serve::Handler;

/// How a browser says from where a request comes (Fetch Metadata, §2.3).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// How many requests may wait for an SMS at a time.
const WAITING: usize = 256;

/// How many connections the admin port has room for: however many wait, others are answered.
pub(crate) const CONNECTIONS: usize = WAITING + 64;

/// The admin port's handler.
#[derive(Clone)]
pub(crate) struct AdminHandler {
    fake: FakeOtps,
    page: StatusPage,
    patience: Duration,
    waiting: Arc<Semaphore>,
}

/// What is answered.
enum Answer {
    Page(StatusCode, page::Rendered),
    /// A file of the page: its type and text.
    File(&'static str, &'static str),
    /// A form is done: the page is there.
    SeeOther(String),
    Json(StatusCode, Value),
    Nothing,
    Refused(StatusCode, String),
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
        let _busy = seat.busy();
        let (head, body) = request.into_parts();
        let authority = head.uri.authority().map(|authority| authority.host().to_owned());
        if !is_local(&head.headers, authority.as_deref()) {
            let why = "Pages of other sites have no business here".to_owned();
            return Ok(Answer::Refused(StatusCode::FORBIDDEN, why).into_response());
        }
        let answer = match read(body, self.patience).await {
            Ok(body) => self.route(&head.method, &head.uri, &body).await,
            Err((status, why)) => Answer::Refused(status, why.to_owned()),
        };
        Ok(unless_known(&head.headers, answer.into_response()))
    }
}

/// The answer, or only that it is the one that the client has already (RFC 9110 §13.1.2).
fn unless_known(asked: &HeaderMap, mut response: Response<ReplyBody>) -> Response<ReplyBody> {
    let tag = response.headers().get(ETAG);
    if tag.is_some() && tag == asked.get(IF_NONE_MATCH) && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = ReplyBody::whole(Bytes::new());
        response.headers_mut().remove(CONTENT_TYPE);
    }
    response
}

impl AdminHandler {
    pub(crate) fn new(
        fake: FakeOtps,
        base_url: Arc<str>,
        show_otps: bool,
        patience: Duration,
    ) -> Self {
        let page = StatusPage::new(base_url, show_otps);
        Self { fake, page, patience, waiting: Arc::new(Semaphore::new(WAITING)) }
    }

    async fn route(&self, method: &Method, uri: &hyper::Uri, body: &Bytes) -> Answer {
        let path: Vec<&str> = uri.path().split('/').skip(1).collect();
        let query = uri.query().unwrap_or_default();
        let fake = &self.fake;
        match (method, path.as_slice()) {
            (&Method::GET, [""]) => Answer::Page(StatusCode::OK, self.page.render(fake, query)),
            (&Method::GET, [file @ ("style.css" | "page.js" | "icon.svg")]) => page::file(file),
            (&Method::POST, ["page", form]) => self.page.submit(fake, form, query, body),
            (&Method::GET, ["sms"]) => api::outbox(fake),
            (&Method::GET, ["sms", "next"]) => api::next_sms(fake, query, &self.waiting).await,
            (&Method::GET, ["users"]) => users::all(fake),
            (&Method::POST, ["users"]) => users::add(fake, body),
            (&Method::GET, ["users", name, "app-code"]) => users::app_code(fake, name),
            (&Method::GET, ["users", name, "app-secret"]) => users::app_secret(fake, name),
            (&Method::POST, ["users", name, "token"]) => users::issue_token(fake, name),
            (&Method::DELETE, ["users", name, "token"]) => users::end_token(fake, name, query),
            (&Method::POST, ["tokens", "revoke"]) => users::revoke_token(fake, body),
            (&Method::GET, ["faults"]) => api::faults(fake),
            (&Method::POST, ["faults", fault]) => api::arm(fake, fault),
            (&Method::DELETE, ["faults"]) => {
                fake.disarm_all();
                Answer::Nothing
            }
            (&Method::GET, ["journal"]) => api::journal(fake),
            (&Method::POST, ["reset"]) => api::reset(fake, query),
            (&Method::GET, ["clock"]) => clock::shown(fake),
            (&Method::POST, ["clock", "advance"]) => clock::advance(fake, query),
            _ => Answer::Refused(StatusCode::NOT_FOUND, format!("There is {}", api::PATHS)),
        }
    }
}

/// Whether a program or a page of this port asks. A page of another site says so by its origin, and by its
/// host if its name was made to lead here.
fn is_local(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let host = match (authority, headers.get(HOST).map(HeaderValue::to_str)) {
        (Some(host), _) => host,
        (None, Some(Ok(host))) => host,
        (None, _) => return false,
    };
    let name = match host.parse::<hyper::http::uri::Authority>() {
        Ok(authority) => authority.host().trim_matches(['[', ']']).to_owned(),
        Err(_) => return false,
    };
    // A request without an origin, such as for an image, says by this which page caused it.
    let same_page =
        headers.get(SEC_FETCH_SITE).is_none_or(|site| site == "same-origin" || site == "none");
    let local_name = name == "localhost" || name.parse::<IpAddr>().is_ok();
    let same_site = match headers.get(ORIGIN) {
        None => true,
        Some(origin) => origin.to_str().is_ok_and(|origin| origin == format!("http://{host}")),
    };
    local_name && same_site && same_page
}

/// The value of a parameter of this name.
fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}

impl Answer {
    /// That the request says something that cannot be done.
    fn bad(why: impl Into<String>) -> Self {
        Self::Refused(StatusCode::BAD_REQUEST, why.into())
    }

    fn no_such_user() -> Self {
        Self::Refused(StatusCode::NOT_FOUND, "there is no such user".to_owned())
    }

    fn into_response(self) -> Response<ReplyBody> {
        let mut more = None;
        let (status, kind, body) = match self {
            Self::Page(status, page) => {
                more = Some((ETAG, page.tag));
                (status, "text/html; charset=utf-8", page.html)
            }
            Self::File(kind, text) => (StatusCode::OK, kind, text.to_owned()),
            Self::SeeOther(place) => {
                more = Some((LOCATION, place));
                (StatusCode::SEE_OTHER, "", String::new())
            }
            Self::Json(status, json) => (status, "application/json", json.to_string()),
            Self::Nothing => (StatusCode::NO_CONTENT, "", String::new()),
            Self::Refused(status, why) => {
                (status, "application/json", serde_json::json!({ "error": why }).to_string())
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
        if let Some((name, Ok(value))) = more.map(|(name, text)| (name, text.try_into())) {
            headers.insert(name, value);
        }
        response
    }
}
