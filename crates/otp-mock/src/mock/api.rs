use otp_core::{Error, Otp, OtpsApi, RecoveryCodeList, Verified, blocking, local};

crate::mock_service! {
    /// A [mockall](https://docs.rs/mockall) mock of [`OtpsApi`], in every flavour.
    ///
    /// ```
    /// use otp_core::operation::ReceiveCodes;
    /// use otp_core::{ErrorKind, Otp, OtpsApi};
    /// use otp_mock::mockall::predicate::eq;
    /// use otp_mock::{MockOtpsApi, canned};
    ///
    /// let mut api = MockOtpsApi::new();
    /// api.expect_receive_codes()
    ///     .times(1)
    ///     .returning(|| Err(canned::error::<ReceiveCodes>(ErrorKind::RateLimited).build()));
    /// api.expect_find_ensure_otp()
    ///     .with(eq(Otp::new("123456")?))
    ///     .returning(|_| Ok(canned::verified()));
    ///
    /// # pollster::block_on(async {
    /// assert_eq!(api.receive_codes().await.unwrap_err().kind(), ErrorKind::RateLimited);
    /// api.find_ensure_otp(&Otp::new("123 456")?).await?;
    /// # Ok::<(), otp_core::Error>(()) })?;
    /// # Ok::<(), otp_core::Error>(())
    /// ```
    ///
    /// The same mock is a [`local::OtpsApi`], where what it answers with may hold an `Rc`, and a
    /// [`blocking::OtpsApi`]:
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use otp_core::local::OtpsApi;
    /// use otp_mock::MockOtpsApi;
    ///
    /// let sent = Rc::new(Cell::new(0));
    /// let count = Rc::clone(&sent);
    /// let mut api = MockOtpsApi::new();
    /// api.expect_receive_codes().returning_st(move || {
    ///     count.set(count.get() + 1);
    ///     Ok(())
    /// });
    /// pollster::block_on(api.receive_codes())?;
    /// assert_eq!(sent.get(), 1);
    /// # Ok::<(), otp_core::Error>(())
    /// ```
    ///
    /// A session is a mock too: what [`in_session`](OtpsApi::in_session) returns is what
    /// [`expect_in_session`](Self::expect_in_session) was told to return.
    ///
    /// ```
    /// use otp_core::{AuthToken, Error, Otp, OtpsApi};
    /// use otp_mock::{MockOtpsApi, canned};
    ///
    /// /// Holds nothing but the trait, and acts in the session that the verification gave.
    /// async fn codes_left(api: &dyn OtpsApi, otp: &Otp) -> Result<Option<usize>, Error> {
    ///     let verified = api.find_ensure_otp(otp).await?;
    ///     let Some(token) = verified.session_token() else { return Ok(None) };
    ///     Ok(Some(api.in_session(token)?.find_recovery_codes().await?.len()))
    /// }
    ///
    /// let mut api = MockOtpsApi::new();
    /// let session = AuthToken::new("session")?;
    /// api.expect_find_ensure_otp()
    ///     .returning(move |_| Ok(canned::verified().with_session_token(session.clone())));
    /// api.expect_in_session().returning(|_| {
    ///     let mut session = MockOtpsApi::new();
    ///     session.expect_find_recovery_codes().returning(|| Ok(canned::recovery_codes(["a", "b"])));
    ///     Ok(session)
    /// });
    /// assert_eq!(pollster::block_on(codes_left(&api, &Otp::new("123456")?))?, Some(2));
    /// # Ok::<(), otp_core::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// A call that no expectation fits panics, and so does one too many, or, when the mock is dropped, one too
    /// few. mockall's message says which operation it was and what is wrong; below it stand the lines of the test
    /// that say what was expected, and what came. An OTP among them is redacted.
    ///
    /// ```text
    /// MockOtpsApi::find_ensure_otp(Otp([redacted])): No matching expectation found
    ///   expected: receive_codes, as tests/login.rs:41:10 says
    ///             find_ensure_otp, as tests/login.rs:42:10 says
    ///   before it came: receive_codes
    /// ```
    ///
    /// Requires the feature `mockall`, which is on by default.
    pub otp_core::otps_api
}
