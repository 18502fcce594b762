//! Back to the start, and the smaller steps on the way there.

use otp_core::AuthToken;

use super::account::Account;
use super::accounts::Roster;
use super::custom_fault::CustomFaults;
use super::random::Random;
use super::scoped_fault::Armed;
use super::service::Service;

/// What [`Service::reset`] goes back to.
pub(super) struct Start {
    roster: Roster,
    random: Random,
    armed: Armed,
    custom_faults: CustomFaults,
}

impl Start {
    pub(super) fn new(random: &Random) -> Self {
        Self {
            roster: Roster::default(),
            random: random.clone(),
            armed: Armed::default(),
            custom_faults: CustomFaults::default(),
        }
    }
}

impl Service {
    /// Makes what is there now what a reset goes back to.
    pub(super) fn mark_start(&self) {
        let mut state = self.state();
        let roster = state.accounts.roster();
        let start = Start {
            roster,
            random: state.random.clone(),
            armed: state.armed.clone(),
            custom_faults: state.custom_faults.clone(),
        };
        let replaced = std::mem::replace(&mut state.start, start);
        // Outside the lock: what faults hold may call the service as it is dropped.
        drop(state);
        drop(replaced);
    }

    pub(super) fn reset(&self) {
        self.clock().restart();
        let now = self.clock().now();
        let mut guard = self.state();
        let state = &mut *guard;
        let gone = state.accounts.restore(&state.start.roster, self.expiry(now), now);
        state.random.restart(&state.start.random);
        state.armed.restore(&state.start.armed);
        state.journal.forget(None);
        let custom_faults = state.start.custom_faults.clone();
        let replaced = std::mem::replace(&mut state.custom_faults, custom_faults);
        // While nobody can send another SMS.
        self.outbox().discard(None);
        gone.into_iter().for_each(|id| self.outbox().remove(id));
        drop(guard);
        drop(replaced);
    }

    /// Makes a user as when the user was added. Says whether there is such a user, or who has the user's first token.
    pub(super) fn reset_user(&self, name: &str) -> Result<bool, String> {
        let now = self.clock().now();
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(id) = state.accounts.named_ever(name) else { return Ok(false) };
        let Some(account) = state.accounts.get(id) else { return Ok(false) };
        let (origin, secrets) = (account.origin.clone(), account.first_secrets.again());
        if let Some(other) = state.accounts.holder(&origin.token).filter(|other| other.id != id) {
            return Err(format!("the user {:?} has the first token of {name:?}", other.name()));
        }
        let expires = self.expiry(now);
        if let Some(account) = state.accounts.get_mut(id) {
            *account = Account::new(id, origin, secrets, expires, now);
        }
        state.armed.restore_of_user(name, &state.start.armed);
        let replaced = state.custom_faults.restore_of_user(name, &state.start.custom_faults);
        state.journal.forget(Some(name));
        self.outbox().discard(Some(id));
        drop(guard);
        drop(replaced);
        Ok(true)
    }

    /// Removes a user. Says whether there was such a user.
    pub(super) fn remove_user(&self, name: &str) -> bool {
        let mut state = self.state();
        let Some(id) = state.accounts.named_ever(name) else { return false };
        state.accounts.remove(id);
        self.outbox().remove(id);
        true
    }

    /// Forgets the SMS to the user of this token, and ends the OTPs in them; or those of all users.
    pub(super) fn discard_sms(&self, token: Option<&AuthToken>) {
        let now = self.clock().now();
        let mut state = self.state();
        match token {
            Some(token) => {
                let Some(id) = state.accounts.find_ever(token, now) else { return };
                self.outbox().discard(Some(id));
                state.accounts.get_mut(id).into_iter().for_each(Account::end_otps);
            }
            None => {
                self.outbox().discard(None);
                state.accounts.iter_mut().for_each(Account::end_otps);
            }
        }
    }

    pub(super) fn clear_journal(&self) {
        self.state().journal.forget(None);
    }

    /// Changes the account of this token, which may have ended. Nothing if it never was a user's.
    pub(super) fn with_account<T>(
        &self,
        token: &AuthToken,
        change: impl FnOnce(&mut Account) -> T,
    ) -> Option<T> {
        let now = self.clock().now();
        let mut state = self.state();
        let id = state.accounts.find_ever(token, now)?;
        state.accounts.get_mut(id).map(change)
    }
}
