//! The users, by token and by name.

use std::time::Duration;

use otp_core::AuthToken;

use super::account::Account;

/// In the order in which they were added; none is ever removed.
#[derive(Default)]
pub(super) struct Accounts(Vec<Account>);

impl Accounts {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Account> {
        self.0.iter_mut()
    }

    /// Without those who were revoked and whose name another one has since.
    pub(super) fn each_once(&self) -> impl Iterator<Item = &Account> {
        self.0.iter().enumerate().filter_map(|(at, account)| {
            let later = self.0.iter().skip(at + 1);
            let is_replaced = account.keys.last().is_none()
                && later.into_iter().any(|later| later.name == account.name);
            (!is_replaced).then_some(account)
        })
    }

    pub(super) fn get(&self, at: usize) -> Option<&Account> {
        self.0.get(at)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Account> {
        self.0.get_mut(at)
    }

    pub(super) fn add(&mut self, account: Account) {
        self.0.push(account);
    }

    pub(super) fn revoke(&mut self, token: &AuthToken) {
        for account in &mut self.0 {
            account.keys.revoke(token);
            account.sessions.revoke(token);
        }
    }

    pub(super) fn expire(&mut self, token: &AuthToken, at: Duration) {
        for account in &mut self.0 {
            account.keys.expire(token, at);
            account.sessions.expire(token, at);
        }
    }

    /// The user whose token this is, if it works.
    pub(super) fn find(&self, token: &AuthToken, now: Duration) -> Option<usize> {
        // All are asked, so that the time does not tell who it was.
        self.0.iter().enumerate().fold(None, |found, (at, account)| {
            if account.accepts(token, now) { Some(at) } else { found }
        })
    }

    /// The user whose token this is, or was last.
    pub(super) fn find_ever(&self, token: &AuthToken, now: Duration) -> Option<usize> {
        self.find(token, now).or_else(|| self.0.iter().rposition(|account| account.had(token)))
    }

    /// The user of this name who has a key that was not revoked, and the last of these keys.
    pub(super) fn named(&self, name: &str) -> Option<(usize, &AuthToken)> {
        let mut named = self.0.iter().enumerate().filter(|(_, account)| account.name == name);
        named.find_map(|(at, account)| Some((at, account.keys.last()?)))
    }

    /// A name that nobody has or had.
    pub(super) fn free_name(&self) -> String {
        let mut number = self.0.len();
        loop {
            number += 1;
            let name = format!("user-{number}");
            if self.0.iter().all(|account| account.name != name) {
                return name;
            }
        }
    }
}
