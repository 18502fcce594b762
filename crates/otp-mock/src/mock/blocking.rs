#![allow(missing_docs, reason = "the macro writes most of these items")]

use std::time::Duration;

use mockall::mock;
use otp_core::blocking::{OtpsApi, Transport};
use otp_core::{Error, Otp, RecoveryCodeList, Request, Response, TransportError, Verified};

mock! {
    /// A [mockall](https://docs.rs/mockall) mock of [`blocking::OtpsApi`](OtpsApi).
    ///
    /// ```
    /// use otp_core::blocking::OtpsApi;
    /// use otp_mock::{blocking::MockOtpsApi, canned};
    ///
    /// let mut api = MockOtpsApi::new();
    /// api.expect_find_recovery_codes().returning(|| Ok(canned::recovery_codes(["abcde-fghij"])));
    /// assert_eq!(api.find_recovery_codes()?.len(), 1);
    /// # Ok::<(), otp_core::Error>(())
    /// ```
    #[derive(Debug)]
    pub OtpsApi {}

    impl OtpsApi for OtpsApi {
        fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error>;
        fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error>;
        fn receive_codes(&self) -> Result<(), Error>;
        fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error>;
    }
}

mock! {
    /// A [mockall](https://docs.rs/mockall) mock of [`blocking::Transport`](Transport).
    #[derive(Debug)]
    pub Transport {}

    impl Transport for Transport {
        fn send(&self, request: Request) -> Result<Response, TransportError>;
        fn sleep(&self, duration: Duration);
        fn now(&self) -> Duration;
    }
}
