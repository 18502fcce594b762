#![allow(missing_docs, reason = "the macro writes most of these items")]

use mockall::mock;
use otp_core::{Error, Otp, OtpsApi, RecoveryCodeList, Verified};

mock! {
    /// A [mockall](https://docs.rs/mockall) mock of [`OtpsApi`].
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
    /// A call without an expectation panics, as mockall does, and names the method; an OTP among the
    /// arguments is redacted.
    #[derive(Debug)]
    pub OtpsApi {}

    #[async_trait::async_trait]
    impl OtpsApi for OtpsApi {
        async fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error>;
        async fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error>;
        async fn receive_codes(&self) -> Result<(), Error>;
        async fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error>;
    }
}
