//! What a handle chooses, ends and resets.

use otp_core::{AuthToken, Otp, RecoveryCode};

use super::FakeOtps;
#[cfg(doc)]
use super::FakeOtpsBuilder;
use super::account::Account;
use super::chosen::Choice;
use super::user::Refused;

impl FakeOtps {
    /// Gives this handle's user another token, of your choice, which no other user may have. As with
    /// [`issue_token`](Self::issue_token), the other tokens keep working.
    ///
    /// # Panics
    ///
    /// As [`issue_token`](Self::issue_token), or if a user has the token: as a key, of a session, or chosen for
    /// one.
    #[track_caller]
    #[allow(clippy::panic, reason = "a test that mixes up its users must fail")]
    pub fn issue_this_token(&self, token: AuthToken) {
        if let Err(why) = self.service.issue_token(&self.token, Some(token)) {
            panic!("the token cannot be issued: {why}");
        }
    }

    /// The OTP of the next SMS to this handle's user: one call for each SMS, the first one first. At most 64 wait.
    ///
    /// # Panics
    ///
    /// As [`choose_session_token`](Self::choose_session_token).
    ///
    /// # Examples
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
    #[track_caller]
    pub fn choose_otp(&self, otp: Otp) {
        self.choose(Choice { otp: Some(otp), ..Choice::default() });
    }

    /// What the next regeneration gives this handle's user: one call for each, the first one first. At most 64
    /// wait.
    ///
    /// # Panics
    ///
    /// As [`choose_session_token`](Self::choose_session_token).
    #[track_caller]
    pub fn choose_recovery_codes(&self, codes: impl IntoIterator<Item = RecoveryCode>) {
        let recovery_codes = Some(codes.into_iter().collect());
        self.choose(Choice { recovery_codes, ..Choice::default() });
    }

    /// The token of the next session of this handle's user: one call for each, the first one first. At most 64
    /// wait.
    ///
    /// # Panics
    ///
    /// If this handle's token never was a user's; if 64 values of the kind wait already; or if a user, this one included,
    /// has that token: as a key, of a session, or chosen for one.
    #[track_caller]
    pub fn choose_session_token(&self, token: AuthToken) {
        self.choose(Choice { session_token: Some(token), ..Choice::default() });
    }

    #[track_caller]
    #[allow(clippy::panic, reason = "a test that mixes up its users must fail")]
    fn choose(&self, choice: Choice) {
        if let Err(why) = self.service.choose(&self.token, choice) {
            panic!("the value cannot be chosen: {why}");
        }
    }

    /// Chooses several values at once, as [`choose_otp`](Self::choose_otp),
    /// [`choose_recovery_codes`](Self::choose_recovery_codes) and
    /// [`choose_session_token`](Self::choose_session_token) do: all of them, or none if there is an error.
    ///
    /// # Errors
    ///
    /// Where those methods panic.
    pub fn try_choose(
        &self,
        otp: Option<Otp>,
        recovery_codes: Option<Vec<RecoveryCode>>,
        session_token: Option<AuthToken>,
    ) -> Result<(), Refused> {
        let choice = Choice { otp, recovery_codes, session_token };
        self.service.choose(&self.token, choice).map_err(Refused)
    }

    /// Gives this handle's user another token, as [`issue_token`](Self::issue_token) does, or this one.
    ///
    /// # Errors
    ///
    /// Where [`issue_this_token`](Self::issue_this_token) panics.
    pub fn try_issue_token(&self, chosen: Option<AuthToken>) -> Result<AuthToken, Refused> {
        self.service.issue_token(&self.token, chosen).map_err(Refused)
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
    /// forgotten; who waits for one gets none. The name is free for another user, and the journal's entries stay. Returns whether there was
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
    /// and entries in the journal. The faults for this user alone are those of the start. With a
    /// [seed](FakeOtpsBuilder::seed), the same secrets follow for this user as followed after the start, or after the
    /// user was added. The clock, the other users and the other faults stay. Returns whether there is such a user.
    ///
    /// # Panics
    ///
    /// If the user's first token was revoked, and another user has it.
    #[track_caller]
    #[allow(clippy::panic, reason = "a test that mixes up its users must fail")]
    pub fn reset_user(&self, name: &str) -> bool {
        match self.try_reset_user(name) {
            Ok(is_known) => is_known,
            Err(why) => panic!("the user cannot be reset: {why}"),
        }
    }

    /// The same as [`reset_user`](Self::reset_user), with an error in place of the panic.
    ///
    /// # Errors
    ///
    /// If the user's first token was revoked, and another user has it.
    pub fn try_reset_user(&self, name: &str) -> Result<bool, Refused> {
        self.service.reset_user(name).map_err(Refused)
    }

    /// Makes the users and faults that are there now those of the start, which [`reset`](Self::reset) goes back
    /// to. An emulator does this when it starts.
    pub fn mark_start(&self) {
        self.service.mark_start();
    }
}
