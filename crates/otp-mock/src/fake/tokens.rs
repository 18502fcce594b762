//! The tokens of a user, and how long each works.

use std::collections::VecDeque;
use std::time::Duration;

use otp_core::AuthToken;

/// So many are kept, those that have ended included: one that has ended makes room first, then the oldest.
const KEPT: usize = 64;

/// In the order in which they were issued.
#[derive(Default)]
pub(super) struct Tokens(VecDeque<Issued>);

struct Issued {
    token: AuthToken,
    /// By the service's clock. None if it works until it is revoked.
    expires: Option<Duration>,
    revoked: bool,
}

impl Issued {
    fn works(&self, now: Duration) -> bool {
        !self.revoked && self.expires.is_none_or(|expires| expires > now)
    }
}

impl Tokens {
    pub(super) fn issue(&mut self, token: AuthToken, expires: Option<Duration>, now: Duration) {
        if self.0.len() >= KEPT {
            let ended = self.0.iter().position(|issued| !issued.works(now));
            self.0.remove(ended.unwrap_or(0));
        }
        self.0.push_back(Issued { token, expires, revoked: false });
    }

    /// Whether this is one that works. It compares all, so that the time does not tell where the match was.
    pub(super) fn accept(&self, token: &AuthToken, now: Duration) -> bool {
        self.0.iter().fold(false, |found, own| found | (own.token == *token && own.works(now)))
    }

    /// Whether this is one of them, also if it has ended.
    pub(super) fn had(&self, token: &AuthToken) -> bool {
        self.0.iter().any(|own| own.token == *token)
    }

    /// Whether this is one of them that was not revoked. It may have expired.
    pub(super) fn holds(&self, token: &AuthToken) -> bool {
        self.0.iter().any(|own| own.token == *token && !own.revoked)
    }

    pub(super) fn revoke(&mut self, token: &AuthToken) {
        self.of(token).for_each(|own| own.revoked = true);
    }

    /// Lets it work no longer than that.
    pub(super) fn expire(&mut self, token: &AuthToken, at: Duration) {
        self.of(token).for_each(|own| {
            own.expires = Some(own.expires.map_or(at, |expires| expires.min(at)));
        });
    }

    fn of(&mut self, token: &AuthToken) -> impl Iterator<Item = &mut Issued> {
        self.0.iter_mut().filter(move |own| own.token == *token)
    }

    /// How many work.
    pub(super) fn working(&self, now: Duration) -> usize {
        self.0.iter().filter(|own| own.works(now)).count()
    }

    /// The last one that works.
    pub(super) fn last_working(&self, now: Duration) -> Option<&AuthToken> {
        self.0.iter().rfind(|own| own.works(now)).map(|own| &own.token)
    }

    /// The last one that was not revoked. It may have expired.
    pub(super) fn last(&self) -> Option<&AuthToken> {
        self.0.iter().rfind(|own| !own.revoked).map(|own| &own.token)
    }

    /// The last one, whether it works or not.
    pub(super) fn last_ever(&self) -> Option<&AuthToken> {
        self.0.back().map(|own| &own.token)
    }
}
