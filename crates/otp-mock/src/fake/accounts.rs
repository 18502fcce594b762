//! The users, by token and by name.

use std::sync::Arc;
use std::time::Duration;

use otp_core::AuthToken;

use super::account::{Account, Origin};

/// In the order in which they were added.
#[derive(Default)]
pub(super) struct Accounts {
    all: Vec<Account>,
    /// How many were added since the start, those that were removed included.
    added: usize,
    /// No two users ever have the same number, so that nobody gets the SMS of a user who was removed.
    next_id: usize,
}

/// Which users there are at the start, and as what each was added.
#[derive(Clone, Default)]
pub(super) struct Roster {
    users: Vec<(usize, Arc<Origin>)>,
    added: usize,
}

impl Accounts {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Account> {
        self.all.iter_mut()
    }

    /// Without those who were revoked and whose name another one has since.
    pub(super) fn each_once(&self) -> impl Iterator<Item = &Account> {
        self.all.iter().enumerate().filter_map(|(at, account)| {
            let later = self.all.iter().skip(at + 1);
            let is_replaced = account.keys.last().is_none()
                && later.into_iter().any(|later| later.name() == account.name());
            (!is_replaced).then_some(account)
        })
    }

    pub(super) fn get(&self, id: usize) -> Option<&Account> {
        self.all.iter().find(|account| account.id == id)
    }

    pub(super) fn get_mut(&mut self, id: usize) -> Option<&mut Account> {
        self.all.iter_mut().find(|account| account.id == id)
    }

    /// Adds a user, whose token ends then.
    pub(super) fn add(&mut self, origin: Origin, expires: Option<Duration>, now: Duration) {
        self.all.push(Account::new(self.next_id, Arc::new(origin), expires, now));
        self.next_id += 1;
        self.added += 1;
    }

    /// Removes a user.
    pub(super) fn remove(&mut self, id: usize) {
        self.all.retain(|account| account.id != id);
    }

    pub(super) fn roster(&self) -> Roster {
        let users = self.all.iter().map(|account| (account.id, Arc::clone(&account.origin)));
        Roster { users: users.collect(), added: self.added }
    }

    /// Has these users, as they were added, and no others.
    pub(super) fn restore(&mut self, roster: &Roster, expires: Option<Duration>, now: Duration) {
        let users = roster.users.iter();
        let users = users.map(|(id, origin)| Account::new(*id, Arc::clone(origin), expires, now));
        self.all = users.collect();
        self.added = roster.added;
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

    /// The other user who has this token, as a key or of a session. One that has expired counts too.
    pub(super) fn holder(&self, token: &AuthToken) -> Option<&Account> {
        self.all.iter().find(|account| account.holds(token))
    }

    /// The user of this name who has a key that was not revoked, and the last of these keys.
    pub(super) fn named(&self, name: &str) -> Option<(usize, &AuthToken)> {
        let mut named = self.all.iter().filter(|account| account.name() == name);
        named.find_map(|account| Some((account.id, account.keys.last()?)))
    }

    /// The user of this name, or else the one who had it last.
    pub(super) fn named_ever(&self, name: &str) -> Option<usize> {
        let ever = || self.all.iter().rfind(|account| account.name() == name);
        self.named(name).map(|(id, _)| id).or_else(|| ever().map(|account| account.id))
    }

    /// A name that nobody has or had.
    pub(super) fn free_name(&self) -> String {
        let mut number = self.added;
        loop {
            number += 1;
            let name = format!("user-{number}");
            if self.all.iter().all(|account| account.name() != name) {
                return name;
            }
        }
    }
}
