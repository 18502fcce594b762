//! What a request does to the state of the service, or why it does nothing.

use std::sync::Arc;
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::{Request, StatusCode};
use otp_core::{AuthToken, Endpoint, RecoveryCode};

use super::account::{Account, Check, Rate, SecondFactor};
use super::journal::Event;
use super::outbox::Sms;
use super::route_request::{RouteRequest, decoded};
use super::routes::{Action, Handler};
use super::service::{Service, new_codes};
use crate::{Reply, request};

/// A request: who asks for what.
pub(super) struct Asked<'a> {
    pub(super) http: &'a Request<Bytes>,
    pub(super) token: Option<AuthToken>,
    pub(super) endpoint: &'static Endpoint,
    pub(super) action: Action,
    /// Those of the path, still encoded.
    pub(super) params: Vec<(&'static str, &'a str)>,
}

/// What the service did.
pub(super) enum Done {
    Sent,
    Verified(Option<AuthToken>),
    Read(Vec<RecoveryCode>),
    Regenerated(Vec<RecoveryCode>),
    /// On a route, which made this of it.
    Routed(Reply),
}

/// Why the service refuses.
pub(super) enum Refusal {
    UnknownToken,
    HasBody,
    WrongOtp,
    NoTwoFactor,
    NotBySms,
    /// For so long, with this status.
    LockedOut(Duration, StatusCode),
    RateLimited(Duration),
    /// By a route, with this.
    Routed(Reply),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Routed(reply) => reply.answer_status().unwrap_or(StatusCode::BAD_GATEWAY),
            Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::WrongOtp => StatusCode::BAD_REQUEST,
            Self::HasBody | Self::NoTwoFactor | Self::NotBySms => StatusCode::UNPROCESSABLE_ENTITY,
            Self::LockedOut(_, status) => *status,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl Service {
    /// Does what a request asks for, or refuses to, and notes it.
    pub(super) fn act(
        self: &Arc<Self>,
        asked: &Asked<'_>,
    ) -> (Option<Rate>, Result<Done, Refusal>) {
        let (now, date) = (self.clock().now(), self.clock().unix_seconds());
        let mut state = self.state();
        let user = asked.token.as_ref().and_then(|token| state.accounts.find(token, now));
        let account = user.and_then(|at| state.accounts.get_mut(at));
        let (mut rate, mut sms) = (None, None);
        let outcome = match (account, &asked.token) {
            (Some(account), Some(token)) => {
                let limit = self.settings.rate_limit;
                rate = limit.map(|(limit, per)| account.count(limit, per, now));
                match (&rate, &asked.action) {
                    (Some(rate), _) if rate.exceeded => Err(Refusal::RateLimited(rate.reset)),
                    (_, Action::Route(handler)) => {
                        let name = account.name().to_owned();
                        // The handler may call the service, and may panic.
                        drop(state);
                        let outcome = self.route(handler, asked, token, &name);
                        state = self.state();
                        outcome
                    }
                    _ if !asked.http.body().is_empty() => Err(Refusal::HasBody),
                    _ => self.operate(asked, account, (now, date), &mut sms),
                }
            }
            _ => Err(Refusal::UnknownToken),
        };
        let outcome = outcome.map(|(event, done)| match (done, user) {
            (Done::Verified(_), Some(id)) if self.settings.session_tokens => {
                let session = state.accounts.open_session(id, self.expiry(now), now);
                (event, Done::Verified(session))
            }
            (done, _) => (event, done),
        });
        let event = match &outcome {
            Ok((event, _)) => *event,
            Err(refusal) => Event::Refused(refusal.status()),
        };
        state.note(now, user, Some(asked.endpoint.name()), event);
        drop(state);
        // Outside the lock, so that the phone may call the service.
        if let (Some(user), Some(sms)) = (user, sms) {
            self.outbox().send(user, sms);
        }
        (rate, outcome.map(|(_, done)| done))
    }

    fn route(
        self: &Arc<Self>,
        handler: &Handler,
        asked: &Asked<'_>,
        token: &AuthToken,
        user: &str,
    ) -> Result<(Event, Done), Refusal> {
        let params = asked.params.iter().map(|(name, value)| (*name, decoded(value)));
        let request = RouteRequest {
            service: self,
            endpoint: asked.endpoint,
            http: asked.http,
            params: params.collect(),
            user,
            token,
        };
        match handler.handle(&request) {
            Ok(reply) => Ok((Event::Acted, Done::Routed(reply))),
            Err(reply) => Err(Refusal::Routed(reply)),
        }
    }

    fn operate(
        &self,
        asked: &Asked<'_>,
        account: &mut Account,
        (now, date): (Duration, u64),
        sms: &mut Option<Sms>,
    ) -> Result<(Event, Done), Refusal> {
        match &asked.action {
            Action::FindEnsureOtp => {
                // What cannot be an OTP is simply wrong.
                let otp = asked.params.first().and_then(|(_, otp)| request::otp(otp));
                match account.check(otp.as_ref(), &self.settings, now, date) {
                    Check::Wrong => Err(Refusal::WrongOtp),
                    Check::LockedOut(left) => {
                        let documented = self.settings.documented_lockout;
                        let status = if documented {
                            StatusCode::BAD_REQUEST
                        } else {
                            StatusCode::TOO_MANY_REQUESTS
                        };
                        Err(Refusal::LockedOut(left, status))
                    }
                    // The session is opened afterwards, with a token that nobody else has.
                    Check::Right(factor) => Ok((Event::Verified(factor), Done::Verified(None))),
                }
            }
            Action::ReceiveCodes => {
                let to = match &account.second {
                    SecondFactor::Off => return Err(Refusal::NoTwoFactor),
                    SecondFactor::App(_) => return Err(Refusal::NotBySms),
                    SecondFactor::Sms { phone } => phone.clone(),
                };
                let chosen = account.chosen.otp().or_else(|| self.settings.otp.clone());
                let otp = chosen.unwrap_or_else(|| account.secrets.otp());
                account.add_otp(otp.clone(), now.saturating_add(self.settings.otp_lifetime));
                *sms = Some(Sms { user: account.name().to_owned(), at: now, to, otp });
                Ok((Event::SmsSent, Done::Sent))
            }
            _ if matches!(account.second, SecondFactor::Off) => Err(Refusal::NoTwoFactor),
            Action::FindRecoveryCodes => {
                Ok((Event::CodesRead, Done::Read(account.recovery_codes.clone())))
            }
            Action::RegenerateCodes => {
                let chosen = account.chosen.recovery_codes();
                account.recovery_codes = chosen.unwrap_or_else(|| new_codes(&mut account.secrets));
                let codes = account.recovery_codes.clone();
                Ok((Event::CodesRegenerated, Done::Regenerated(codes)))
            }
            Action::Route(_) => unreachable!("a route is no operation"),
        }
    }
}
