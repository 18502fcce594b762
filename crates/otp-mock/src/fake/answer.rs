//! From request to reply, by the OpenAPI document, and by the faults that are armed.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use otp_core::AuthToken;
use otp_core::bytes::Bytes;
use otp_core::http::{HeaderName, HeaderValue, Request, StatusCode};
use serde_json::json;

use super::account::Rate;
use super::act::{Asked, Done, Refusal};
use super::fault::Fault;
use super::routes::{Found, Route};
use super::scoped_fault::{Armed, Asking};
use super::service::Service;
use crate::reply::{self, About, Reply};
use crate::request;

/// What the service makes of a request, with what there is to say about it.
pub(super) fn handle(service: &Arc<Service>, request: &Request<Bytes>) -> Reply {
    let token = request::token(request.headers());
    // Before it acts: a fault, or the test's own code, may end the token.
    let user = token.as_ref().and_then(|token| service.name_of(token));
    let struck = RefCell::default();
    let reply = reply(service, request, token, &struck);
    reply.about(About { user, faults: struck.into_inner() })
}

fn reply(
    service: &Arc<Service>,
    request: &Request<Bytes>,
    token: Option<AuthToken>,
    struck: &RefCell<Vec<String>>,
) -> Reply {
    let found = service.routes().find(request.method(), request.uri().path());
    let asked = match found {
        Found::Route(Route { endpoint, action }, params) => {
            Ok(Asked { http: request, token: token.clone(), endpoint, action, params })
        }
        Found::OtherMethods(methods) => Err(Some(methods)),
        Found::Nothing => Err(None),
    };
    let operation = asked.as_ref().ok().map(|asked| asked.endpoint.name());
    let faults = Faults { service, token: token.as_ref(), operation, struck };

    if let Some(reply) = faults.unsent() {
        return reply;
    }
    let slow = faults
        .strikes(|armed, asking| armed.last(asking, |fault| matches!(fault, Fault::Slow { .. })));
    let reply = faults.instead().unwrap_or_else(|| match asked {
        Ok(asked) => act(service, &asked, &faults),
        Err(methods) => refuse_unknown(&faults, methods),
    });
    match slow {
        Some(Fault::Slow { delay }) => {
            let delay = delay.saturating_add(reply.delay());
            reply.after(delay)
        }
        _ => reply,
    }
}

/// Acts; what the client gets to see of it is another matter.
fn act(service: &Arc<Service>, asked: &Asked<'_>, faults: &Faults<'_>) -> Reply {
    let (rate, outcome) = service.act(asked);
    let done = match outcome {
        Ok(done) => done,
        Err(refusal) => return faults.announced(with_rate(refuse(refusal), rate)),
    };
    let (lost, cut) = match &done {
        Done::Sent => (Some(Fault::LostSms), None),
        Done::Verified(_) => (Some(Fault::LostVerify), None),
        Done::Regenerated(_) => (Some(Fault::LostRegenerate), Some(Fault::CutRegenerate)),
        Done::Read(_) | Done::Routed(_) => (None, None),
    };
    let strikes = |own: Option<Fault>, any: Fault| {
        faults.strikes_first(|fault| fault == any || Some(fault) == own).is_some()
    };
    if strikes(lost, Fault::LostReply) {
        return Reply::lost();
    }
    let reply = faults.announced(with_rate(answer(done), rate));
    // What has no body cannot be cut.
    let is_cut = reply.has_body() && strikes(cut, Fault::CutReply);
    let reply = if is_cut { reply.cut() } else { reply };
    service.strike_after(asked).into_iter().fold(reply, |reply, (name, change)| {
        faults.note(name.to_owned());
        change(reply)
    })
}

/// No operation and no route has such a path, or it has these other methods.
fn refuse_unknown(faults: &Faults<'_>, methods: Option<String>) -> Reply {
    let (status, reply) = match methods {
        None => (StatusCode::NOT_FOUND, Reply::error(404, "Not found")),
        Some(methods) => {
            let reply = Reply::error(405, "Method not allowed").with_header("allow", &methods);
            (StatusCode::METHOD_NOT_ALLOWED, reply)
        }
    };
    faults.service.refuse_unknown(status);
    faults.announced(reply)
}

/// The faults that may strike a request.
struct Faults<'a> {
    service: &'a Service,
    token: Option<&'a AuthToken>,
    operation: Option<&'static str>,
    /// Those that did, as they are written.
    struck: &'a RefCell<Vec<String>>,
}

impl Faults<'_> {
    fn strikes(
        &self,
        strike: impl FnOnce(&mut Armed, Asking<'_>) -> Option<Fault>,
    ) -> Option<Fault> {
        let fault = self.service.strike(self.token, self.operation, strike)?;
        self.note(fault.to_string());
        Some(fault)
    }

    fn note(&self, fault: String) {
        self.struck.borrow_mut().push(fault);
    }

    /// The oldest of these faults that strikes now.
    fn strikes_first(&self, is_meant: impl Fn(Fault) -> bool) -> Option<Fault> {
        self.strikes(|armed, asking| armed.first(asking, is_meant))
    }

    /// What becomes of a request that does not reach the service.
    fn unsent(&self) -> Option<Reply> {
        let struck = self.strikes_first(|fault| {
            matches!(fault, Fault::StaleConnection | Fault::RefusedConnection | Fault::LostRequest)
        })?;
        Some(match struck {
            Fault::StaleConnection => Reply::not_sent(),
            Fault::RefusedConnection => Reply::connection_refused(),
            _ => Reply::lost(),
        })
    }

    /// What is answered in the service's place.
    fn instead(&self) -> Option<Reply> {
        if self.strikes_first(|fault| fault == Fault::CaptivePortal).is_some() {
            return Some(reply::portal());
        }
        let status = |fault| matches!(fault, Fault::Unavailable { .. } | Fault::Status { .. });
        match self.strikes_first(status) {
            Some(Fault::Status { status }) => Some(self.announced(with_status(status))),
            Some(_) => Some(self.announced(Reply::error(503, "The service is unavailable"))),
            None => {
                let (name, replies) = self.service.strike_before(self.token, self.operation)?;
                self.note(name.to_owned());
                Some(replies.next())
            }
        }
    }

    /// What every answer of the service carries.
    fn announced(&self, reply: Reply) -> Reply {
        let reply = reply.with_header("x-request-id", &self.service.request_id());
        if self.strikes_first(|fault| fault == Fault::Sunset).is_some() {
            return reply
                .with_header("deprecation", "@1735689600")
                .with_header("sunset", "Tue, 30 Jun 2026 23:59:59 GMT");
        }
        reply
    }
}

/// An answer with a status that was asked for.
fn with_status(status: u16) -> Reply {
    let status = match StatusCode::from_u16(status) {
        Ok(status) if (200..600).contains(&status.as_u16()) => status,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    match status.as_u16() {
        // These have no body (RFC 9110 §15.3.5, §15.3.6, §15.4.5).
        status @ (204 | 205 | 304) => Reply::status(status),
        number => Reply::error(number, status.canonical_reason().unwrap_or("An armed fault")),
    }
}

fn with_rate(reply: Reply, rate: Option<Rate>) -> Reply {
    let Some(rate) = rate else { return reply };
    [
        ("x-ratelimit-limit", u64::from(rate.limit)),
        ("x-ratelimit-remaining", u64::from(rate.remaining)),
        ("x-ratelimit-reset", whole_seconds(rate.reset)),
    ]
    .into_iter()
    .fold(reply, |reply, (name, value)| {
        reply.set_header(HeaderName::from_static(name), HeaderValue::from(value))
    })
}

/// Rounded up: whoever waits for so long has waited long enough.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

fn answer(done: Done) -> Reply {
    match done {
        Done::Sent | Done::Verified(None) => Reply::no_content(),
        Done::Verified(Some(session)) => Reply::verified_with_session(&session),
        Done::Read(codes) | Done::Regenerated(codes) => reply::list(&codes),
        Done::Routed(reply) => reply,
    }
}

fn refuse(refusal: Refusal) -> Reply {
    let status = refusal.status().as_u16();
    match refusal {
        Refusal::Routed(reply) => reply,
        Refusal::UnknownToken => Reply::error(status, "Invalid authentication token"),
        Refusal::WrongOtp => Reply::error(status, "OTP is invalid"),
        Refusal::LockedOut(left, _) => wait(Reply::error(status, "Too many wrong OTPs"), left),
        Refusal::RateLimited(left) => wait(Reply::error(status, "Too many requests"), left),
        // As the service has it for what cannot be processed: the document's `errors`.
        Refusal::HasBody => errors(status, "This operation takes no body"),
        Refusal::NoTwoFactor => errors(status, "Two-factor authentication is not enabled"),
        Refusal::NotBySms => errors(status, "Two-factor authentication is not by SMS"),
    }
}

fn errors(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({ "errors": [message] }))
}

fn wait(reply: Reply, left: Duration) -> Reply {
    reply.with_header("retry-after", &whole_seconds(left).to_string())
}
