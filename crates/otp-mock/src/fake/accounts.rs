//! The users, by token and by name.

use otp_core::AuthToken;

use super::account::Account;

/// In the order in which they were added; none is ever removed.
#[derive(Default)]
pub(super) struct Accounts(Vec<Account>);

impl Accounts {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.0.iter()
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
        self.0.iter_mut().for_each(|account| account.revoke(token));
    }

    /// The user who has this token.
    pub(super) fn find(&self, token: &AuthToken) -> Option<usize> {
        // All are asked, so that the time does not tell who it was.
        let users = self.0.iter().enumerate();
        users.fold(None, |found, (at, account)| if account.has(token) { Some(at) } else { found })
    }

    /// The key of the user of this name, if it was not revoked.
    pub(super) fn key_of(&self, name: &str) -> Option<&AuthToken> {
        let mut named = self.0.iter().filter(|account| account.name == name);
        named.find_map(|account| account.key.as_ref())
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
