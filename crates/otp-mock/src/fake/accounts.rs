//! The users, by token and by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use otp_core::AuthToken;

use super::account::{Account, Origin};
use super::random::Secrets;

/// In the order in which they were added. No two have the same name.
#[derive(Default)]
pub(super) struct Accounts {
    all: Vec<Account>,
    added: Added,
    /// No two users ever have the same number, so that nobody gets the SMS of a user who was removed.
    next_id: usize,
}

/// How many users were added since the start, those that were removed included: in all, and of each name.
#[derive(Clone, Default)]
struct Added {
    all: usize,
    by_name: BTreeMap<String, u64>,
}

/// Which users there are at the start, as what each was added, and what makes the secrets that follow.
#[derive(Clone, Default)]
pub(super) struct Roster {
    users: Vec<(usize, Arc<Origin>, Secrets)>,
    added: Added,
}

impl Accounts {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Account> {
        self.all.iter_mut()
    }

    pub(super) fn get(&self, id: usize) -> Option<&Account> {
        self.all.iter().find(|account| account.id == id)
    }

    pub(super) fn get_mut(&mut self, id: usize) -> Option<&mut Account> {
        self.all.iter_mut().find(|account| account.id == id)
    }

    /// Adds a user, whose token ends then. One who has no token and the same name is gone for good: gives who that was.
    pub(super) fn add(
        &mut self,
        origin: Origin,
        secrets: Secrets,
        expires: Option<Duration>,
        now: Duration,
    ) -> Option<usize> {
        let replaced = self.named_ever(&origin.name);
        replaced.into_iter().for_each(|id| self.remove(id));
        *self.added.by_name.entry(origin.name.clone()).or_default() += 1;
        self.added.all += 1;
        self.all.push(Account::new(self.next_id, Arc::new(origin), secrets, expires, now));
        self.next_id += 1;
        replaced
    }

    /// How many users of this name were added since the start.
    pub(super) fn added_as(&self, name: &str) -> u64 {
        self.added.by_name.get(name).copied().unwrap_or_default()
    }

    /// A token by chance that nobody has, for the user of this number.
    pub(super) fn new_token(&mut self, id: usize) -> Option<AuthToken> {
        loop {
            let token = self.get_mut(id)?.secrets.token();
            // With a seed, a test may have given it to somebody already.
            if self.holder(&token).is_none() {
                return Some(token);
            }
        }
    }

    /// Opens a session of the user of this number, with the token that a test chose or one by chance.
    pub(super) fn open_session(
        &mut self,
        id: usize,
        expires: Option<Duration>,
        now: Duration,
    ) -> Option<AuthToken> {
        let chosen = self.get_mut(id)?.chosen.session_token();
        let token = chosen.or_else(|| self.new_token(id))?;
        self.get_mut(id)?.sessions.issue(token.clone(), expires, now);
        Some(token)
    }

    /// Removes a user.
    pub(super) fn remove(&mut self, id: usize) {
        self.all.retain(|account| account.id != id);
    }

    /// The users as they are to be after a reset.
    pub(super) fn roster(&mut self) -> Roster {
        let users = self.all.iter_mut().map(|account| {
            account.first_secrets = account.secrets.clone();
            (account.id, Arc::clone(&account.origin), account.secrets.clone())
        });
        Roster { users: users.collect(), added: self.added.clone() }
    }

    /// Has these users, as they were added, and no others. Gives those who are no longer there.
    pub(super) fn restore(
        &mut self,
        roster: &Roster,
        expires: Option<Duration>,
        now: Duration,
    ) -> Vec<usize> {
        let users = roster.users.iter().map(|(id, origin, secrets)| {
            Account::new(*id, Arc::clone(origin), secrets.clone(), expires, now)
        });
        let before = std::mem::replace(&mut self.all, users.collect());
        self.added = roster.added.clone();
        let ids = before.iter().map(|account| account.id);
        ids.filter(|id| self.get(*id).is_none()).collect()
    }

    pub(super) fn revoke(&mut self, token: &AuthToken) {
        for account in &mut self.all {
            account.keys.revoke(token);
            account.sessions.revoke(token);
        }
    }

    pub(super) fn expire(&mut self, token: &AuthToken, at: Duration) {
        for account in &mut self.all {
            account.keys.expire(token, at);
            account.sessions.expire(token, at);
        }
    }

    /// The user whose token this is, if it works.
    pub(super) fn find(&self, token: &AuthToken, now: Duration) -> Option<usize> {
        // All are asked, so that the time does not tell who it was.
        self.all.iter().fold(None, |found, account| {
            if account.accepts(token, now) { Some(account.id) } else { found }
        })
    }

    /// The user whose token this is, or was last.
    pub(super) fn find_ever(&self, token: &AuthToken, now: Duration) -> Option<usize> {
        let ever = || self.all.iter().rfind(|account| account.had(token)).map(|account| account.id);
        self.find(token, now).or_else(ever)
    }

    /// The user who has this token: as a key, of a session, or chosen for a session. One that has expired counts too.
    pub(super) fn holder(&self, token: &AuthToken) -> Option<&Account> {
        self.all.iter().find(|account| account.holds(token))
    }

    /// The user of this name who has a key that was not revoked, and the last of these keys.
    pub(super) fn named(&self, name: &str) -> Option<(usize, &AuthToken)> {
        let account = self.get(self.named_ever(name)?)?;
        Some((account.id, account.keys.last()?))
    }

    /// The user of this name, with a key or without.
    pub(super) fn named_ever(&self, name: &str) -> Option<usize> {
        self.all.iter().find(|account| account.name() == name).map(|account| account.id)
    }

    /// A name that nobody has or had.
    pub(super) fn free_name(&self) -> String {
        let mut number = self.added.all;
        loop {
            number += 1;
            let name = format!("user-{number}");
            if self.all.iter().all(|account| account.name() != name) {
                return name;
            }
        }
    }
}
