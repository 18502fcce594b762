//! The state of the service.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::secrecy::SecretString;
use otp_core::{AuthToken, Endpoint, Otp, RecoveryCode};

use super::account::{Account, Origin, SecondFactor};
use super::accounts::Accounts;
use super::app::Authenticator;
use super::builder::Settings;
use super::chosen::{Choice, KEPT};
use super::clock::Clock;
use super::custom_fault::CustomFaults;
use super::journal::{Event, Journal};
use super::outbox::Outbox;
use super::random::{Random, Secrets};
use super::reset::Start;
use super::routes::{Handler, Routes};
use super::scoped_fault::{Armed, Asking};
use super::user::{FakeUser, TwoFactor, UserState};

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
    pub(super) armed: Armed,
    pub(super) custom_faults: CustomFaults,
    pub(super) journal: Journal,
    pub(super) start: Start,
}

impl Service {
    pub(super) fn new(clock: Clock, random: Random, settings: Settings) -> Self {
        let state = Mutex::new(State {
            start: Start::new(&random),
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
        let same = accounts.iter().find(|account| account.is(&user, now)).map(|account| {
            let token = user.token.as_ref().or(account.keys.last_working(now));
            (account.id, token.cloned())
        });
        match same {
            Some((_, Some(token))) => return Ok(token),
            Some((id, None)) => return self.issue(accounts, id, None, now),
            None => {}
        }
        if let Some(name) = user.name.as_ref().filter(|name| accounts.named(name).is_some()) {
            return Err(name_is_taken(name));
        }
        let token = user.token.as_ref();
        if let Some(other) = token.and_then(|token| accounts.holder(token)) {
            return Err(token_is_taken(other));
        }
        let name = user.name.unwrap_or_else(|| accounts.free_name());
        let mut secrets = random.secrets_of(&name, accounts.added_as(&name));
        let token = user.token.unwrap_or_else(|| {
            // With a seed, a test may have given it to somebody already.
            let mut by_chance = std::iter::repeat_with(|| secrets.token());
            by_chance
                .find(|token| accounts.holder(token).is_none())
                .unwrap_or_else(|| unreachable!())
        });
        let second = match user.two_factor {
            TwoFactor::Off => SecondFactor::Off,
            TwoFactor::Sms { phone } => SecondFactor::Sms { phone },
            TwoFactor::App => {
                SecondFactor::App(Authenticator::new(secrets.app_secret(), self.settings.app))
            }
        };
        let recovery_codes = user.recovery_codes.unwrap_or_else(|| new_codes(&mut secrets));
        let origin = Origin { name, token: token.clone(), second, recovery_codes, otp: user.otp };
        let replaced = accounts.add(origin, secrets, self.expiry(now), now);
        replaced.into_iter().for_each(|id| self.outbox.remove(id));
        Ok(token)
    }

    /// Gives the user of this token another one, by chance or this one, or says why not.
    pub(super) fn issue_token(
        &self,
        token: &AuthToken,
        chosen: Option<AuthToken>,
    ) -> Result<AuthToken, String> {
        let now = self.clock.now();
        let accounts = &mut self.state().accounts;
        let Some(id) = accounts.find_ever(token, now) else { return Err(no_user()) };
        self.issue(accounts, id, chosen, now)
    }

    fn issue(
        &self,
        accounts: &mut Accounts,
        id: usize,
        chosen: Option<AuthToken>,
        now: Duration,
    ) -> Result<AuthToken, String> {
        if let Some(other) = chosen.as_ref().and_then(|chosen| accounts.holder(chosen)) {
            return Err(token_is_taken(other));
        }
        let new = chosen.or_else(|| accounts.new_token(id)).ok_or_else(no_user)?;
        if let Some(account) = accounts.get_mut(id) {
            account.keys.issue(new.clone(), self.expiry(now), now);
        }
        Ok(new)
    }

    /// Chooses all of these values for the user of this token, or says why not and chooses none.
    pub(super) fn choose(&self, token: &AuthToken, choice: Choice) -> Result<(), String> {
        let now = self.clock.now();
        let accounts = &mut self.state().accounts;
        let Some(id) = accounts.find_ever(token, now) else { return Err(no_user()) };
        let session = choice.session_token.as_ref();
        if let Some(holder) = session.and_then(|session| accounts.holder(session)) {
            return Err(token_is_taken(holder));
        }
        let Some(account) = accounts.get_mut(id) else { return Err(no_user()) };
        if !account.chosen.has_room_for(&choice) {
            return Err(format!("{KEPT} chosen values of this kind wait to be used already"));
        }
        account.chosen.add(choice);
        Ok(())
    }

    /// When a token ends that is issued now.
    pub(super) fn expiry(&self, now: Duration) -> Option<Duration> {
        self.settings.token_lifetime.map(|lifetime| now.saturating_add(lifetime))
    }

    /// What the service holds of the user of this number.
    pub(super) fn user_state(&self, id: usize) -> Option<UserState> {
        let now = self.clock.now();
        self.state().accounts.get(id).map(|account| account.state(now))
    }

    pub(super) fn users(&self) -> Vec<UserState> {
        let now = self.clock.now();
        self.state().accounts.iter().map(|account| account.state(now)).collect()
    }

    /// Which user has this token, or had it last.
    pub(super) fn user_ever(&self, token: &AuthToken) -> Option<usize> {
        let now = self.clock.now();
        self.state().accounts.find_ever(token, now)
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
        user.map(|account| account.name().to_owned())
    }

    pub(super) fn token_of(&self, name: &str) -> Option<AuthToken> {
        self.state().accounts.named(name).map(|(_, token)| token.clone())
    }

    /// The last token of the user of this name, whether it works or not.
    pub(super) fn token_ever_of(&self, name: &str) -> Option<AuthToken> {
        let accounts = &self.state().accounts;
        accounts.get(accounts.named_ever(name)?)?.keys.last_ever().cloned()
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
        let at = state.accounts.find_ever(token, now)?;
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
    /// Asks the faults about a request. Gives its user, too.
    pub(super) fn ask<T>(
        &mut self,
        token: Option<&AuthToken>,
        operation: Option<&'static str>,
        now: Duration,
        ask: impl FnOnce(&mut Self, Asking<'_>) -> T,
    ) -> (Option<usize>, T) {
        let user = token.and_then(|token| self.accounts.find(token, now));
        let name = self.name(user);
        let is_calling = user.is_some() && operation.is_some();
        let answer = ask(self, Asking { user: name.as_deref(), operation, is_calling });
        (user, answer)
    }

    fn name(&self, user: Option<usize>) -> Option<String> {
        user.and_then(|id| self.accounts.get(id)).map(|account| account.name().to_owned())
    }

    pub(super) fn note(
        &mut self,
        at: Duration,
        user: Option<usize>,
        operation: Option<&'static str>,
        event: Event,
    ) {
        let user = self.name(user);
        self.journal.write(at, user, operation, event);
    }
}

fn no_user() -> String {
    "the token of this handle is no user's".to_owned()
}

fn token_is_taken(holder: &Account) -> String {
    format!("the user {:?} has this token already", holder.name())
}

fn name_is_taken(name: &str) -> String {
    format!("there is a user of the name {name:?} already")
}

pub(super) fn new_codes(secrets: &mut Secrets) -> Vec<RecoveryCode> {
    (0..RECOVERY_CODES).map(|_| secrets.recovery_code()).collect()
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
