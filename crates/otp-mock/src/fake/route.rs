//! From request to reply, by the OpenAPI document, and by the faults that are armed.

use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use otp_core::{AuthToken, Otp};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::account::Rate;
use super::fault::{Armed, Fault};
use super::service::{Action, Done, Refusal, Service};
use crate::X_AUTH_TOKEN;
use crate::reply::{self, Reply};

const PREFIX: &str = "/metal/v1";

/// A path of the document.
enum Resource<'a> {
    RecoveryCodes,
    ReceiveSms,
    Verify(&'a str),
}

impl<'a> Resource<'a> {
    fn at(path: &'a str) -> Option<Self> {
        match path.strip_prefix(PREFIX)? {
            "/user/otp/recovery-codes" => Some(Self::RecoveryCodes),
            "/user/otp/sms/receive" => Some(Self::ReceiveSms),
            path => match path.strip_prefix("/user/otp/verify/")? {
                otp if otp.is_empty() || otp.contains('/') => None,
                otp => Some(Self::Verify(otp)),
            },
        }
    }

    /// The methods that it has.
    fn allows(&self) -> &'static str {
        match self {
            Self::RecoveryCodes => "GET, POST",
            Self::ReceiveSms | Self::Verify(_) => "POST",
        }
    }

    fn action(&self, method: &Method) -> Option<Action> {
        match (self, method) {
            (Self::RecoveryCodes, &Method::GET) => Some(Action::FindRecoveryCodes),
            (Self::RecoveryCodes, &Method::POST) => Some(Action::RegenerateCodes),
            (Self::ReceiveSms, &Method::POST) => Some(Action::ReceiveCodes),
            (Self::Verify(otp), &Method::POST) => Some(Action::FindEnsureOtp(decode(otp))),
            _ => None,
        }
    }
}

/// A request: who asks for what.
struct Asked<'a> {
    service: &'a Service,
    token: Option<AuthToken>,
    operation: Option<&'static str>,
}

/// What the service makes of a request.
pub(super) fn handle(service: &Service, request: &Request<Bytes>) -> Reply {
    let resource = Resource::at(request.uri().path());
    let action = resource.as_ref().and_then(|resource| resource.action(request.method()));
    let operation = action.as_ref().map(Action::operation);
    let asked = Asked { service, token: token(request), operation };

    if asked.strikes_once(Fault::StaleConnection) {
        return Reply::not_sent();
    }
    let slow = asked.strikes(|armed| armed.slow());
    let reply = match (asked.instead(), action, resource) {
        (Some(reply), _, _) => reply,
        (None, Some(action), _) => asked.act(&action, !request.body().is_empty()),
        (None, None, resource) => asked.refuse_unknown(resource),
    };
    match slow {
        Some(Fault::Slow { delay }) => reply.after(delay),
        _ => reply,
    }
}

impl Asked<'_> {
    fn strikes(&self, strike: impl FnOnce(&mut Armed) -> Option<Fault>) -> Option<Fault> {
        self.service.strike(self.token.as_ref(), self.operation, strike)
    }

    /// Whether this fault strikes now; it is disarmed by that.
    fn strikes_once(&self, fault: Fault) -> bool {
        self.strikes(|armed| armed.strikes(fault).then_some(fault)).is_some()
    }

    /// What is answered in the service's place.
    fn instead(&self) -> Option<Reply> {
        let portal = Fault::CaptivePortal;
        if self.strikes(|armed| armed.has(portal).then_some(portal)).is_some() {
            return Some(reply::portal());
        }
        self.strikes(Armed::unavailable)?;
        Some(self.announced(Reply::error(503, "The service is unavailable")))
    }

    /// Acts; what the client gets to see of it is another matter.
    fn act(&self, action: &Action, has_body: bool) -> Reply {
        let (rate, outcome) = self.service.act(action, self.token.as_ref(), has_body);
        let lost = match &outcome {
            Ok(Done::Sent) => self.strikes_once(Fault::LostSms),
            Ok(Done::Verified(_)) => self.strikes_once(Fault::LostVerify),
            Ok(Done::Regenerated(_)) => self.strikes_once(Fault::LostRegenerate),
            Ok(Done::Read(_)) | Err(_) => false,
        };
        if lost {
            return Reply::lost();
        }
        let may_be_cut = matches!(outcome, Ok(Done::Regenerated(_)));
        let reply = with_rate(outcome.map_or_else(refuse, answer), rate);
        let reply = self.announced(reply);
        if may_be_cut && self.strikes_once(Fault::CutRegenerate) { reply.cut() } else { reply }
    }

    /// No operation has such a path, or not with such a method.
    fn refuse_unknown(&self, resource: Option<Resource<'_>>) -> Reply {
        let status =
            if resource.is_some() { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_FOUND };
        self.service.refuse_unknown(status);
        self.announced(match resource {
            None => Reply::error(status.as_u16(), "Not found"),
            Some(resource) => Reply::error(status.as_u16(), "Method not allowed")
                .with_header("allow", resource.allows()),
        })
    }

    /// What every answer of the service carries.
    fn announced(&self, reply: Reply) -> Reply {
        let reply = reply.with_header("x-request-id", &self.service.request_id());
        if self.service.with_faults(|armed| armed.has(Fault::Sunset)) {
            return reply
                .with_header("deprecation", "@1735689600")
                .with_header("sunset", "Tue, 30 Jun 2026 23:59:59 GMT");
        }
        reply
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

/// The token of a request that has exactly one.
fn token(request: &Request<Bytes>) -> Option<AuthToken> {
    let mut values = request.headers().get_all(X_AUTH_TOKEN).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    AuthToken::new(value.to_str().ok()?).ok()
}

/// The path segment as an OTP; what cannot be one is simply wrong.
fn decode(segment: &str) -> Option<Otp> {
    Otp::new(percent_decode_str(segment).decode_utf8().ok()?).ok()
}

fn answer(done: Done) -> Reply {
    match done {
        Done::Sent | Done::Verified(None) => Reply::no_content(),
        Done::Verified(Some(session)) => Reply::verified_with_session(&session),
        Done::Read(codes) | Done::Regenerated(codes) => reply::list(&codes),
    }
}

fn refuse(refusal: Refusal) -> Reply {
    let status = refusal.status().as_u16();
    match refusal {
        Refusal::UnknownToken => Reply::error(status, "Invalid authentication token"),
        Refusal::WrongOtp => Reply::error(status, "OTP is invalid"),
        Refusal::LockedOut(left) => wait(Reply::error(status, "Too many wrong OTPs"), left),
        Refusal::RateLimited(left) => wait(Reply::error(status, "Too many requests"), left),
        // As the service has it for what cannot be processed: the document's `errors`.
        Refusal::HasBody => errors(status, "This operation takes no body"),
        Refusal::NoTwoFactor => errors(status, "Two-factor authentication is not enabled"),
        Refusal::NotBySms => errors(status, "Two-factor authentication is not by SMS"),
    }
}

fn errors(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({ "errors": [message] }).to_string())
}

fn wait(reply: Reply, left: Duration) -> Reply {
    reply.with_header("retry-after", &whole_seconds(left).to_string())
}
