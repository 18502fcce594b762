#![allow(missing_docs, reason = "the macro writes most of these items")]

use std::time::Duration;

use mockall::mock;
use otp_core::local::{OtpsApi, Transport};
use otp_core::{Error, Otp, RecoveryCodeList, Request, Response, TransportError, Verified};

mock! {
    /// A [mockall](https://docs.rs/mockall) mock of [`local::OtpsApi`](OtpsApi).
    ///
    /// An expectation that holds an `Rc` is `returning_st`.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use otp_core::local::OtpsApi;
    /// use otp_mock::local::MockOtpsApi;
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
    #[derive(Debug)]
    pub OtpsApi {}

    #[async_trait::async_trait(?Send)]
    impl OtpsApi for OtpsApi {
        async fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error>;
        async fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error>;
        async fn receive_codes(&self) -> Result<(), Error>;
        async fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error>;
    }
}

mock! {
    /// A [mockall](https://docs.rs/mockall) mock of [`local::Transport`](Transport).
    #[derive(Debug)]
    pub Transport {}

    #[async_trait::async_trait(?Send)]
    impl Transport for Transport {
        async fn send(&self, request: Request) -> Result<Response, TransportError>;
        async fn sleep(&self, duration: Duration);
        fn now(&self) -> Duration;
    }
}
