//! What a handle chooses, ends and resets.

use otp_core::{AuthToken, Otp, RecoveryCode};

use super::FakeOtps;
#[cfg(doc)]
use super::FakeOtpsBuilder;
use super::account::Account;

impl FakeOtps {
    /// Gives this handle's user another token, of your choice, which no other user may have. As with
    /// [`issue_token`](Self::issue_token), the other tokens keep working.
    ///
    /// # Panics
    ///
    /// As [`issue_token`](Self::issue_token), or if another user has the token, as a key or of a session.
    #[track_caller]
    #[allow(clippy::panic, reason = "a test that mixes up its users must fail")]
    pub fn issue_this_token(&self, token: AuthToken) {
        if let Err(why) = self.service.issue_token(&self.token, Some(token)) {
            panic!("the token cannot be issued: {why}");
        }
    }

    /// The OTP of the next SMS to this handle's user: one call for each SMS, the first one first. At most 64 wait.
    ///
    /// ```
    /// use otp_core::{Otp, OtpsApi};
    /// use otp_mock::FakeOtps;
    ///
    /// # pollster::block_on(async {
    /// let service = FakeOtps::new();
    /// service.choose_otp(Otp::new("123456")?);
    /// service.receive_codes().await?;
    /// service.find_ensure_otp(&Otp::new("123456")?).await?;
    /// # Ok::<(), otp_core::Error>(()) }).unwrap();
    /// ```
    pub fn choose_otp(&self, otp: Otp) {
        self.service.with_account(&self.token, |account| account.chosen.add_otp(otp));
    }

    /// What the next regeneration gives this handle's user: one call for each, the first one first. At most 64
    /// wait.
    pub fn choose_recovery_codes(&self, codes: impl IntoIterator<Item = RecoveryCode>) {
        let codes = codes.into_iter().collect();
        self.service.with_account(&self.token, |account| account.chosen.add_recovery_codes(codes));
    }

    /// The token of the next session of this handle's user: one call for each, the first one first. At most 64
    /// wait.
    ///
    /// # Panics
    ///
    /// If this handle's token never was a user's, or if another user has that token.
    #[track_caller]
    #[allow(clippy::panic, reason = "a test that mixes up its users must fail")]
    pub fn choose_session_token(&self, token: AuthToken) {
        if let Err(why) = self.service.choose_session_token(&self.token, token) {
            panic!("the session token cannot be chosen: {why}");
        }
    }

    /// Replaces the recovery codes of this handle's user, without an entry in the journal.
    pub fn set_recovery_codes(&self, codes: impl IntoIterator<Item = RecoveryCode>) {
        let codes = codes.into_iter().collect();
        self.service.with_account(&self.token, |account| account.recovery_codes = codes);
    }

    /// Lets this handle's user verify again after too many wrong OTPs, and forgets the wrong ones.
    pub fn end_lockout(&self) {
        self.service.with_account(&self.token, Account::end_lockout);
    }

    /// Forgets the requests of this handle's user that the [rate limit](FakeOtpsBuilder::rate_limit) counted.
    pub fn reset_rate_limit(&self) {
        self.service.with_account(&self.token, Account::open_window);
    }

    /// Ends all sessions of this handle's user. The user's own tokens keep working.
    pub fn end_sessions(&self) {
        self.service.with_account(&self.token, Account::end_sessions);
    }

    /// Forgets what the service did so far. The entries' numbers go on, so that a number from before still works with
    /// [`Journal::since`](crate::Journal::since).
    pub fn clear_journal(&self) {
        self.service.clear_journal();
    }

    /// Removes the user of this name, whose tokens and sessions are answered `401` then and whose SMS are
    /// forgotten. The name is free for another user, and the journal's entries stay. Returns whether there was
    /// such a user.
    pub fn remove_user(&self, name: &str) -> bool {
        self.service.remove_user(name)
    }

    /// Brings the service back to its start: as it was built, or as it was at the last
    /// [`mark_start`](Self::mark_start).
    ///
    /// - The users are those of the start, each as when the user was added: the first token works and no other,
    ///   the recovery codes are the first ones, there are no sessions, OTPs, lockouts and counted requests.
    /// - The outbox and the journal are empty, and the clock shows the date of the start. The numbers of the journal's
    ///   entries go on.
    /// - The armed faults are those of the start.
    /// - With a [seed](FakeOtpsBuilder::seed), the same secrets follow as followed after the start.
    ///
    /// [Routes](Self::route) and the [phone](Self::on_sms) stay. Handles of users of the start keep working.
    ///
    /// ```
    /// use otp_core::OtpsApi;
    /// use otp_mock::{FakeOtps, FakeUser, Fault};
    ///
    /// # pollster::block_on(async {
    /// let service = FakeOtps::new();
    /// let codes = service.find_recovery_codes().await?;
    /// service.regenerate_codes().await?;
    /// service.add_user(FakeUser::with_app());
    /// service.arm(Fault::LostSms);
    ///
    /// service.reset();
    /// assert_eq!((service.users().len(), service.armed().len()), (1, 0));
    /// assert_eq!(service.find_recovery_codes().await?, codes);
    /// # Ok::<(), otp_core::Error>(()) }).unwrap();
    /// ```
    pub fn reset(&self) {
        self.service.reset();
    }

    /// Makes the user of this name as when the user was added: the first token works and no other, the recovery
    /// codes are the first ones, and there are no sessions, OTPs, SMS, lockouts, counted requests, chosen values
    /// and entries in the journal. Faults for this user alone are disarmed. The clock, the other users and the
    /// other faults stay. Returns whether there is or was such a user.
    pub fn reset_user(&self, name: &str) -> bool {
        self.service.reset_user(name)
    }

    /// Makes the users and faults that are there now those of the start, which [`reset`](Self::reset) goes back
    /// to. An emulator does this when it starts.
    pub fn mark_start(&self) {
        self.service.mark_start();
    }
}
