#![allow(missing_docs, reason = "the macro writes most of these items")]

use std::time::Duration;

use mockall::mock;
use otp_core::{
    Error, Otp, OtpsApi, RecoveryCodeList, Request, Response, Transport, TransportError, Verified,
};

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
    /// # Panics
    ///
    /// As mockall does: a call without an expectation that fits names the method and what came; too many
    /// or too few calls name the method, what was expected and how often it came. An OTP among them is
    /// redacted.
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

mock! {
    /// A [mockall](https://docs.rs/mockall) mock of [`Transport`], where
    /// [`ScriptedTransport`](crate::ScriptedTransport) does not say enough.
    ///
    /// ```
    /// use std::time::Duration;
    /// use otp_core::{AuthToken, OtpsApi, OtpsClient, Response};
    /// use otp_mock::MockTransport;
    ///
    /// let mut transport = MockTransport::new();
    /// transport.expect_now().return_const(Duration::ZERO);
    /// transport
    ///     .expect_send()
    ///     .withf(|request| request.endpoint().name() == "receive_codes")
    ///     .once()
    ///     .returning(|_| {
    ///         let mut response = Response::default();
    ///         *response.status_mut() = otp_core::http::StatusCode::NO_CONTENT;
    ///         Ok(response)
    ///     });
    /// let client = OtpsClient::new(transport, AuthToken::new("k3y")?);
    /// pollster::block_on(client.receive_codes())?;
    /// # Ok::<(), otp_core::Error>(())
    /// ```
    #[derive(Debug)]
    pub Transport {}

    #[async_trait::async_trait]
    impl Transport for Transport {
        async fn send(&self, request: Request) -> Result<Response, TransportError>;
        async fn sleep(&self, duration: Duration);
        fn now(&self) -> Duration;
    }
}
