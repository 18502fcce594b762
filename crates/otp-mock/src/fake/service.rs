//! The state of the service.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::secrecy::SecretString;
use otp_core::{AuthToken, Endpoint, Otp, RecoveryCode};

use super::account::{Account, SecondFactor};
use super::accounts::Accounts;
use super::act::Asked;
use super::app::Authenticator;
use super::builder::Settings;
use super::clock::Clock;
use super::custom_fault::{Change, CustomFaults};
use super::fault::{Armed, Fault};
use super::journal::{Event, Journal, JournalEntry};
use super::outbox::Outbox;
use super::random::Random;
use super::routes::{Handler, Routes};
use super::user::{FakeUser, TwoFactor, UserState};
use crate::Replies;

const RECOVERY_CODES: usize = 10;

pub(super) struct Service {
    clock: Clock,
    pub(super) settings: Settings,
    outbox: Outbox,
    routes: Mutex<Routes>,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) random: Random,
    pub(super) accounts: Accounts,
    armed: Armed,
    custom_faults: CustomFaults,
    journal: Journal,
}

impl Service {
    pub(super) fn new(clock: Clock, random: Random, settings: Settings) -> Self {
        let state = Mutex::new(State {
            random,
            accounts: Accounts::default(),
            armed: Armed::default(),
            custom_faults: CustomFaults::default(),
            journal: Journal::default(),
        });
        let (outbox, routes) = (Outbox::default(), Mutex::default());
        Self { clock, settings, outbox, routes, state }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Adds a user, or finds the one that was added just so; or says what of it another user has.
    pub(super) fn add_user(&self, user: FakeUser) -> Result<AuthToken, String> {
        let now = self.clock.now();
        let State { random, accounts, .. } = &mut *self.state();
        if let Some(account) = accounts.iter_mut().find(|account| account.is(&user, now)) {
            let token = user.token.as_ref().or(account.keys.last_working(now)).cloned();
            return Ok(token.unwrap_or_else(|| {
                let token = random.token();
                account.keys.issue(token.clone(), self.expiry(now), now);
                token
            }));
        }
        if let Some(name) = user.name.as_ref().filter(|name| accounts.named(name).is_some()) {
            return Err(name_is_taken(name));
        }
        let token = user.token.as_ref();
        let other = token.and_then(|token| accounts.iter().find(|other| other.holds(token)));
        if let Some(other) = other {
            return Err(format!("the user {:?} has this token already", other.name));
        }
        let name = user.name.unwrap_or_else(|| accounts.free_name());
        let token = user.token.unwrap_or_else(|| random.token());
        let second = match user.two_factor {
            TwoFactor::Off => SecondFactor::Off,
            TwoFactor::Sms { phone } => SecondFactor::Sms { phone },
            TwoFactor::App => {
                SecondFactor::App(Authenticator::new(random.app_secret(), self.settings.app))
            }
        };
        let mut account = Account::new(name, second, new_codes(random));
        account.keys.issue(token.clone(), self.expiry(now), now);
        accounts.add(account);
        Ok(token)
    }

    /// Gives the user of this token another one, or says why not.
    pub(super) fn issue_token(&self, token: &AuthToken) -> Result<AuthToken, String> {
        let now = self.clock.now();
        let State { random, accounts, .. } = &mut *self.state();
        let Some(at) = accounts.find_ever(token, now) else {
            return Err("the token of this handle is no user's".to_owned());
        };
        let name = accounts.get(at).map(|account| account.name.clone()).unwrap_or_default();
        // Since the user was revoked, another one may have got the name.
        if accounts.named(&name).is_some_and(|(other, _)| other != at) {
            return Err(name_is_taken(&name));
        }
        let new = random.token();
        if let Some(account) = accounts.get_mut(at) {
            account.keys.issue(new.clone(), self.expiry(now), now);
        }
        Ok(new)
    }

    /// When a token ends that is issued now.
    pub(super) fn expiry(&self, now: Duration) -> Option<Duration> {
        self.settings.token_lifetime.map(|lifetime| now.saturating_add(lifetime))
    }

    pub(super) fn users(&self) -> Vec<UserState> {
        let now = self.clock.now();
        self.state().accounts.each_once().map(|account| account.state(now)).collect()
    }

    pub(super) fn user_state(&self, token: &AuthToken) -> Option<UserState> {
        let now = self.clock.now();
        let accounts = &self.state().accounts;
        Some(accounts.get(accounts.find(token, now)?)?.state(now))
    }

    /// Which user has this token.
    pub(super) fn user(&self, token: &AuthToken) -> Option<usize> {
        let now = self.clock.now();
        self.state().accounts.find(token, now)
    }

    /// The name of the user who has this token.
    pub(super) fn name_of(&self, token: &AuthToken) -> Option<String> {
        let now = self.clock.now();
        let accounts = &self.state().accounts;
        let user = accounts.find(token, now).and_then(|at| accounts.get(at));
        user.map(|account| account.name.clone())
    }

    pub(super) fn token_of(&self, name: &str) -> Option<AuthToken> {
        self.state().accounts.named(name).map(|(_, token)| token.clone())
    }

    pub(super) fn revoke(&self, token: &AuthToken) {
        self.state().accounts.revoke(token);
    }

    pub(super) fn expire(&self, token: &AuthToken, after: Duration) {
        let at = self.clock.now().saturating_add(after);
        self.state().accounts.expire(token, at);
    }

    /// The secret of the user's app.
    pub(super) fn app_secret(&self, token: &AuthToken) -> Option<SecretString> {
        self.with_app(token, |app| Some(app.secret()))
    }

    /// What the user's app shows now.
    pub(super) fn app_code(&self, token: &AuthToken) -> Option<Otp> {
        let now = self.clock.unix_seconds();
        self.with_app(token, |app| app.code_at(now))
    }

    fn with_app<T>(
        &self,
        token: &AuthToken,
        ask: impl FnOnce(&Authenticator) -> Option<T>,
    ) -> Option<T> {
        let now = self.clock.now();
        let state = self.state();
        let at = state.accounts.find(token, now)?;
        match &state.accounts.get(at)?.second {
            SecondFactor::App(app) => ask(app),
            _ => None,
        }
    }

    #[track_caller]
    #[allow(clippy::panic, reason = "a test that cannot have its route must fail")]
    pub(super) fn add_route(&self, endpoint: &'static Endpoint, handler: Handler) {
        // Handlers are dropped outside the lock: what they hold may call the service then.
        let added = self.routes().add(endpoint, handler.clone());
        if let Err(why) = added.map(drop) {
            panic!("there can be no route to {}: {why}", endpoint.name());
        }
    }

    pub(super) fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn disarm_all(&self) {
        let mut state = self.state();
        state.armed.clear();
        let custom = std::mem::take(&mut state.custom_faults);
        // As with a handler.
        drop(state);
        drop(custom);
    }

    pub(super) fn with_custom_faults<T>(&self, change: impl FnOnce(&mut CustomFaults) -> T) -> T {
        change(&mut self.state().custom_faults)
    }

    /// Lets a fault of the test's own strike before the service acts, and notes it.
    pub(super) fn strike_before(
        &self,
        token: Option<&AuthToken>,
        operation: Option<&'static str>,
    ) -> Option<(&'static str, Replies)> {
        self.strike_custom(token, operation, CustomFaults::before).into_iter().next()
    }

    /// Lets the faults of the test's own strike after the service acted, and notes them.
    pub(super) fn strike_after(&self, asked: &Asked<'_>) -> Vec<(&'static str, Change)> {
        let operation = Some(asked.endpoint.name());
        self.strike_custom(asked.token.as_ref(), operation, CustomFaults::after)
    }

    fn strike_custom<T, S: IntoIterator<Item = (&'static str, T)>>(
        &self,
        token: Option<&AuthToken>,
        operation: Option<&'static str>,
        strike: impl FnOnce(&mut CustomFaults, Option<&str>, Option<&str>) -> S,
    ) -> Vec<(&'static str, T)> {
        let now = self.clock.now();
        let mut state = self.state();
        let user = token.and_then(|token| state.accounts.find(token, now));
        let State { accounts, custom_faults, .. } = &mut *state;
        let name = user.and_then(|at| accounts.get(at)).map(|account| account.name.as_str());
        let struck = strike(custom_faults, name, operation).into_iter();
        let struck: Vec<_> = struck.collect();
        let noted = struck.into_iter().map(|(name, does)| {
            state.note(now, user, operation, Event::StruckBy(name));
            (name, does)
        });
        noted.collect()
    }

    pub(super) fn with_faults<T>(&self, change: impl FnOnce(&mut Armed) -> T) -> T {
        change(&mut self.state().armed)
    }

    /// Lets an armed fault strike, and notes it.
    pub(super) fn strike(
        &self,
        token: Option<&AuthToken>,
        operation: Option<&'static str>,
        strike: impl FnOnce(&mut Armed) -> Option<Fault>,
    ) -> Option<Fault> {
        let now = self.clock.now();
        let mut state = self.state();
        let fault = strike(&mut state.armed)?;
        let user = token.and_then(|token| state.accounts.find(token, now));
        state.note(now, user, operation, Event::Struck(fault));
        Some(fault)
    }

    pub(super) fn journal(&self) -> Journal {
        self.state().journal.clone()
    }

    pub(super) fn request_id(&self) -> String {
        self.state().random.request_id()
    }

    /// Notes a request that is no operation.
    pub(super) fn refuse_unknown(&self, status: StatusCode) {
        let now = self.clock.now();
        self.state().note(now, None, None, Event::Refused(status));
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn note(
        &mut self,
        at: Duration,
        user: Option<usize>,
        operation: Option<&'static str>,
        event: Event,
    ) {
        let user = user.and_then(|at| self.accounts.get(at)).map(|account| account.name.clone());
        self.journal.write(JournalEntry { at, user, operation, event });
    }
}

fn name_is_taken(name: &str) -> String {
    format!("there is a user of the name {name:?} already")
}

pub(super) fn new_codes(random: &mut Random) -> Vec<RecoveryCode> {
    (0..RECOVERY_CODES).map(|_| random.recovery_code()).collect()
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Service")
            .field("users", &state.accounts.iter().len())
            .field("armed", &state.armed.list())
            .field("journal", &state.journal.entries().len())
            .finish_non_exhaustive()
    }
}
