//! The state of the service, and what its four operations do to it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otp_core::{AuthToken, Otp, RecoveryCode};

use super::clock::Clock;
use super::random::Random;

const RECOVERY_CODES: usize = 10;

/// A user of the service.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FakeUser {
    phone: Option<String>,
}

impl FakeUser {
    /// A user whose two-factor authentication is on, by SMS to this number.
    pub fn with_phone(phone: impl Into<String>) -> Self {
        Self { phone: Some(phone.into()) }
    }

    /// A user whose two-factor authentication is off: every operation but verifying is refused as
    /// unprocessable.
    pub fn without_two_factor() -> Self {
        Self::default()
    }
}

/// An SMS that the service sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sms {
    /// The phone number.
    pub to: String,
    /// The OTP in it.
    pub otp: Otp,
}

/// Why the service refuses: each is a documented status of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownToken,
    WrongOtp,
    NoTwoFactor,
}

pub(super) struct Service {
    clock: Clock,
    otp_lifetime: Duration,
    state: Mutex<State>,
    deliver: Mutex<Option<Deliver>>,
}

type Deliver = Arc<dyn Fn(&Sms) + Send + Sync>;

struct State {
    random: Random,
    accounts: Vec<Account>,
    outbox: Vec<Sms>,
}

struct Account {
    phone: Option<String>,
    /// The API key, then the session tokens that verifying gave back.
    tokens: Vec<AuthToken>,
    otps: Vec<LiveOtp>,
    recovery_codes: Vec<RecoveryCode>,
}

struct LiveOtp {
    otp: Otp,
    expires: Duration,
}

impl Service {
    pub(super) fn new(random: Random, otp_lifetime: Duration) -> Self {
        Self {
            clock: Clock::default(),
            otp_lifetime,
            state: Mutex::new(State { random, accounts: Vec::new(), outbox: Vec::new() }),
            deliver: Mutex::new(None),
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn add_user(&self, user: FakeUser) -> AuthToken {
        let token = self.state().random.token();
        self.add_user_with(user, token)
    }

    pub(super) fn add_user_with(&self, user: FakeUser, token: AuthToken) -> AuthToken {
        let mut state = self.state();
        let recovery_codes = state.new_codes();
        state.accounts.push(Account {
            phone: user.phone,
            tokens: vec![token.clone()],
            otps: Vec::new(),
            recovery_codes,
        });
        token
    }

    pub(super) fn outbox(&self) -> Vec<Sms> {
        self.state().outbox.clone()
    }

    pub(super) fn on_sms(&self, deliver: Deliver) {
        *self.deliver.lock().unwrap_or_else(PoisonError::into_inner) = Some(deliver);
    }

    pub(super) fn request_id(&self) -> String {
        self.state().random.request_id()
    }

    /// Sends an OTP by SMS.
    pub(super) fn receive_codes(&self, token: &AuthToken) -> Result<(), Refusal> {
        let sms = {
            let mut state = self.state();
            let State { random, accounts, outbox } = &mut *state;
            let account = find(accounts, token)?;
            let to = account.phone.clone().ok_or(Refusal::NoTwoFactor)?;
            let otp = random.otp();
            let expires = self.clock.now().saturating_add(self.otp_lifetime);
            account.otps.push(LiveOtp { otp: otp.clone(), expires });
            let sms = Sms { to, otp };
            outbox.push(sms.clone());
            sms
        };
        // Outside the lock, so that the phone may call the service.
        let deliver = self.deliver.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(deliver) = deliver {
            deliver(&sms);
        }
        Ok(())
    }

    /// Uses an OTP up and gives a session token back.
    pub(super) fn find_ensure_otp(
        &self,
        token: &AuthToken,
        otp: Option<&Otp>,
    ) -> Result<AuthToken, Refusal> {
        let now = self.clock.now();
        let mut state = self.state();
        let State { random, accounts, .. } = &mut *state;
        let account = find(accounts, token)?;
        account.otps.retain(|live| live.expires > now);
        let otp = otp.ok_or(Refusal::WrongOtp)?;
        let at = position(&account.otps, |live| live.otp == *otp).ok_or(Refusal::WrongOtp)?;
        account.otps.swap_remove(at);
        let session = random.token();
        account.tokens.push(session.clone());
        Ok(session)
    }

    pub(super) fn find_recovery_codes(
        &self,
        token: &AuthToken,
    ) -> Result<Vec<RecoveryCode>, Refusal> {
        let mut state = self.state();
        let account = find(&mut state.accounts, token)?;
        account.phone.as_ref().ok_or(Refusal::NoTwoFactor)?;
        Ok(account.recovery_codes.clone())
    }

    pub(super) fn regenerate_codes(&self, token: &AuthToken) -> Result<Vec<RecoveryCode>, Refusal> {
        let mut state = self.state();
        let codes = state.new_codes();
        let account = find(&mut state.accounts, token)?;
        account.phone.as_ref().ok_or(Refusal::NoTwoFactor)?;
        account.recovery_codes.clone_from(&codes);
        Ok(codes)
    }

    /// Whether some user has this token.
    pub(super) fn authenticate(&self, token: &AuthToken) -> Result<(), Refusal> {
        find(&mut self.state().accounts, token).map(drop)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new_codes(&mut self) -> Vec<RecoveryCode> {
        (0..RECOVERY_CODES).map(|_| self.random.recovery_code()).collect()
    }
}

fn find<'a>(accounts: &'a mut [Account], token: &AuthToken) -> Result<&'a mut Account, Refusal> {
    let at = position(accounts, |account| position(&account.tokens, |own| own == token).is_some());
    at.and_then(|at| accounts.get_mut(at)).ok_or(Refusal::UnknownToken)
}

/// The last match. It compares all, so that the time does not tell where the match was.
fn position<T>(items: &[T], matches: impl Fn(&T) -> bool) -> Option<usize> {
    items
        .iter()
        .enumerate()
        .fold(None, |found, (i, item)| if matches(item) { Some(i) } else { found })
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Service")
            .field("users", &state.accounts.len())
            .field("sms_sent", &state.outbox.len())
            .finish_non_exhaustive()
    }
}
