//! The phones, as a handle has them.

use std::sync::Arc;
use std::time::Duration;

use otp_core::Otp;
use otp_core::secrecy::SecretString;

use super::outbox::Waiting;
use super::{FakeOtps, Sms};

impl FakeOtps {
    /// The last SMS that was sent to this handle's user.
    pub fn last_sms(&self) -> Option<Sms> {
        self.service.outbox().last(self.service.user_ever(&self.token)?)
    }

    /// Waits for an SMS to this handle's user. Each is given once, oldest first, so none is missed that
    /// came before the wait began, of the last 1000.
    ///
    /// It works on any runtime, and wakes when the SMS is sent. It waits without limit, for a user
    /// who is unknown forever.
    ///
    /// # Cancellation
    ///
    /// An SMS that was not given stays for the next one who waits.
    pub async fn next_sms(&self) -> Sms {
        match self.try_next_sms().await {
            Some(sms) => sms,
            None => std::future::pending().await,
        }
    }

    /// The same, but without waiting in vain: it ends with nothing as soon as the service has no such user, because
    /// the user was removed or is unknown.
    ///
    /// # Cancellation
    ///
    /// As with [`next_sms`](Self::next_sms).
    pub async fn try_next_sms(&self) -> Option<Sms> {
        self.waiting()?.next().await
    }

    /// The same on this thread, for at most this long of the system's time.
    pub fn next_sms_within(&self, limit: Duration) -> Option<Sms> {
        self.waiting()?.next_within(limit)
    }

    fn waiting(&self) -> Option<Waiting<'_>> {
        let user = self.service.user_ever(&self.token)?;
        let waiting = self.service.outbox().wait(user);
        // The user may have been removed in between.
        (self.service.user_ever(&self.token) == Some(user)).then_some(waiting)
    }

    /// The SMS that were sent to all users, oldest first: the last 1000 to each. Older ones are forgotten,
    /// waited for or not.
    pub fn sms_outbox(&self) -> Vec<Sms> {
        self.service.outbox().all()
    }

    /// The SMS that were sent to this handle's user, oldest first: the last 1000.
    pub fn sms_to_user(&self) -> Vec<Sms> {
        self.service
            .user_ever(&self.token)
            .map(|user| self.service.outbox().of(user))
            .unwrap_or_default()
    }

    /// The SMS that [`next_sms`](Self::next_sms) would give, which stays to be given.
    pub fn peek_sms(&self) -> Option<Sms> {
        self.service.outbox().peek(self.service.user_ever(&self.token)?)
    }

    /// Calls this for every SMS from now on, in place of a phone. It replaces the one before, which is
    /// dropped.
    ///
    /// It may call the service. A clone of the service in it keeps the service, with all that it holds, in
    /// memory until another one takes its place: `service.on_sms(|_| {})` lets go of it.
    pub fn on_sms(&self, deliver: impl Fn(&Sms) + Send + Sync + 'static) {
        self.service.outbox().on_sms(Arc::new(deliver));
    }

    /// Forgets the SMS to this handle's user, and ends the OTPs in them.
    pub fn discard_sms(&self) {
        self.service.discard_sms(Some(&self.token));
    }

    /// Forgets the SMS to all users, and ends the OTPs in them.
    pub fn discard_all_sms(&self) {
        self.service.discard_sms(None);
    }

    /// The code that the user's authenticator app shows now, if the user has one.
    pub fn app_code(&self) -> Option<Otp> {
        self.service.app_code(&self.token)
    }

    /// The secret of the user's authenticator app in base32, as a person types it into a real one.
    pub fn app_secret(&self) -> Option<SecretString> {
        self.service.app_secret(&self.token)
    }
}
