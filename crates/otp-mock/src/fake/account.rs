//! What the service holds of one user.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Otp, RecoveryCode};

use super::app::Authenticator;
use super::builder::Settings;
use super::chosen::Chosen;
use super::journal::Factor;
use super::random::Secrets;
use super::tokens::Tokens;
use super::user::{FakeUser, TwoFactor, UserState};

/// So many OTPs work at a time: the oldest end beyond that.
const LIVE_OTPS: usize = 8;

pub(super) struct Account {
    /// No other user ever has it.
    pub(super) id: usize,
    pub(super) origin: Arc<Origin>,
    pub(super) second: SecondFactor,
    /// The user's own, such as API keys.
    pub(super) keys: Tokens,
    pub(super) sessions: Tokens,
    pub(super) recovery_codes: Vec<RecoveryCode>,
    /// What a test chose for the user.
    pub(super) chosen: Chosen,
    pub(super) secrets: Secrets,
    /// What makes the secrets that follow after a reset.
    pub(super) first_secrets: Secrets,
    otps: VecDeque<LiveOtp>,
    wrong: u32,
    locked_until: Option<Duration>,
    window: Option<Window>,
}

/// As what a user was added, and what a reset makes of the user again.
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) token: AuthToken,
    pub(super) second: SecondFactor,
    pub(super) recovery_codes: Vec<RecoveryCode>,
    /// What every SMS to the user has in it, if a test chose that.
    pub(super) otp: Option<Otp>,
}

#[derive(Clone)]
pub(super) enum SecondFactor {
    Off,
    Sms { phone: String },
    App(Authenticator),
}

struct LiveOtp {
    otp: Otp,
    expires: Duration,
}

/// The requests that a user made since the rate limit's window opened.
struct Window {
    closes: Duration,
    used: u32,
}

/// What the rate limit says to a request.
pub(super) struct Rate {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// Until the next window opens.
    pub(super) reset: Duration,
    pub(super) exceeded: bool,
}

/// How an OTP was taken.
pub(super) enum Check {
    Right(Factor),
    Wrong,
    /// After too many wrong ones, for so long.
    LockedOut(Duration),
}

impl Account {
    /// A user whose token ends then, and whose further secrets these make.
    pub(super) fn new(
        id: usize,
        origin: Arc<Origin>,
        secrets: Secrets,
        expires: Option<Duration>,
        now: Duration,
    ) -> Self {
        let mut keys = Tokens::default();
        keys.issue(origin.token.clone(), expires, now);
        Self {
            id,
            second: origin.second.clone(),
            keys,
            sessions: Tokens::default(),
            recovery_codes: origin.recovery_codes.clone(),
            chosen: Chosen::every_otp(origin.otp.clone()),
            secrets: secrets.again(),
            first_secrets: secrets,
            origin,
            otps: VecDeque::new(),
            wrong: 0,
            locked_until: None,
            window: None,
        }
    }

    /// Whether this user matches the whole description: the name or the token, and all else that is given.
    pub(super) fn is(&self, user: &FakeUser, now: Duration) -> bool {
        let has_name = user.name.as_ref().map(|name| *name == self.name());
        let has_token = user.token.as_ref().map(|token| self.keys.accept(token, now));
        let is_known = has_name.or(has_token).is_some() && self.keys.last().is_some();
        is_known
            && has_name.unwrap_or(true)
            && has_token.unwrap_or(true)
            && self.two_factor() == user.two_factor
            && user.otp.as_ref().is_none_or(|otp| self.origin.otp.as_ref() == Some(otp))
            && user.recovery_codes.as_ref().is_none_or(|codes| *codes == self.origin.recovery_codes)
    }

    fn two_factor(&self) -> TwoFactor {
        match &self.second {
            SecondFactor::Off => TwoFactor::Off,
            SecondFactor::Sms { phone } => TwoFactor::Sms { phone: phone.clone() },
            SecondFactor::App(_) => TwoFactor::App,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.origin.name
    }

    /// Whether this is a token of the user that works.
    pub(super) fn accepts(&self, token: &AuthToken, now: Duration) -> bool {
        self.keys.accept(token, now) | self.sessions.accept(token, now)
    }

    /// Whether this is a token of the user that was not revoked, or one that was chosen for the user's next
    /// sessions. It may have expired.
    pub(super) fn holds(&self, token: &AuthToken) -> bool {
        self.keys.holds(token) || self.sessions.holds(token) || self.chosen.has_session(token)
    }

    /// Whether this is or was a token of the user.
    pub(super) fn had(&self, token: &AuthToken) -> bool {
        self.keys.had(token) || self.sessions.had(token)
    }

    pub(super) fn add_otp(&mut self, otp: Otp, expires: Duration) {
        // One that a test chose may be sent again. It works once all the same.
        self.otps.retain(|live| live.otp != otp);
        if self.otps.len() >= LIVE_OTPS {
            self.otps.pop_front();
        }
        self.otps.push_back(LiveOtp { otp, expires });
    }

    /// Takes an OTP, a code of the app, or a recovery code, and uses it up if it is right.
    pub(super) fn check(
        &mut self,
        otp: Option<&Otp>,
        settings: &Settings,
        now: Duration,
        unix_seconds: u64,
    ) -> Check {
        if let Some(until) = self.locked_until.filter(|until| *until > now) {
            return Check::LockedOut(until.saturating_sub(now));
        }
        match otp.and_then(|otp| self.use_up(otp, now, unix_seconds)) {
            Some(factor) => {
                self.wrong = 0;
                Check::Right(factor)
            }
            None => {
                self.wrong = self.wrong.saturating_add(1);
                if self.wrong >= settings.wrong_otps {
                    self.wrong = 0;
                    self.otps.clear();
                    self.locked_until = Some(now.saturating_add(settings.lockout));
                }
                Check::Wrong
            }
        }
    }

    /// Forgets the wrong OTPs, and lets the user verify again.
    pub(super) fn end_lockout(&mut self) {
        (self.wrong, self.locked_until) = (0, None);
    }

    /// Forgets the requests that the rate limit counted.
    pub(super) fn open_window(&mut self) {
        self.window = None;
    }

    pub(super) fn end_sessions(&mut self) {
        self.sessions = Tokens::default();
    }

    /// Ends the OTPs that were sent by SMS.
    pub(super) fn end_otps(&mut self) {
        self.otps.clear();
    }

    fn use_up(&mut self, otp: &Otp, now: Duration, unix_seconds: u64) -> Option<Factor> {
        let factor = match &mut self.second {
            SecondFactor::Off => return None,
            SecondFactor::Sms { .. } => {
                self.otps.retain(|live| live.expires > now);
                let at = position(self.otps.iter(), |live| live.otp == *otp);
                at.and_then(|at| self.otps.remove(at)).map(|_| Factor::Sms)
            }
            SecondFactor::App(app) => app.accept(otp, unix_seconds).then_some(Factor::App),
        };
        factor.or_else(|| {
            let typed = RecoveryCode::new(otp.expose_secret());
            let at = position(self.recovery_codes.iter(), |code| *code == typed)?;
            self.recovery_codes.remove(at);
            Some(Factor::RecoveryCode)
        })
    }

    /// Counts a request.
    pub(super) fn count(&mut self, limit: u32, per: Duration, now: Duration) -> Rate {
        let window = match &mut self.window {
            Some(window) if window.closes > now => window,
            window => window.insert(Window { closes: now.saturating_add(per), used: 0 }),
        };
        let exceeded = window.used >= limit;
        window.used = window.used.saturating_add(1).min(limit);
        Rate {
            limit,
            remaining: limit.saturating_sub(window.used),
            reset: window.closes.saturating_sub(now),
            exceeded,
        }
    }

    pub(super) fn state(&self, now: Duration) -> UserState {
        UserState {
            name: self.name().to_owned(),
            two_factor: self.two_factor(),
            recovery_codes: self.recovery_codes.clone(),
            sessions: self.sessions.working(now),
            wrong_otps: self.wrong,
            locked_out: self.locked_until.is_some_and(|until| until > now),
        }
    }
}

/// The last match. It compares all, so that the time does not tell where the match was.
fn position<T>(items: impl Iterator<Item = T>, matches: impl Fn(T) -> bool) -> Option<usize> {
    items.enumerate().fold(None, |found, (i, item)| if matches(item) { Some(i) } else { found })
}
