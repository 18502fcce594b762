use otp_core::{Error, Otp, OtpsApi, RecoveryCodeList, Verified, async_trait, blocking, local};

use self::mocked::MockOtpsApi as Mockall;
use super::expecting::Expecting;

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
#[derive(Debug)]
pub struct MockOtpsApi(Expecting<Mockall>);

impl MockOtpsApi {
    /// A mock that expects no call.
    pub fn new() -> Self {
        Self(Expecting::new("MockOtpsApi", Mockall::new()))
    }

    /// Expects that an OTP is verified.
    #[track_caller]
    pub fn expect_find_ensure_otp(&mut self) -> &mut expectation::FindEnsureOtp {
        self.0.expect("find_ensure_otp").expect_find_ensure_otp()
    }

    /// Expects that the recovery codes are read.
    #[track_caller]
    pub fn expect_find_recovery_codes(&mut self) -> &mut expectation::FindRecoveryCodes {
        self.0.expect("find_recovery_codes").expect_find_recovery_codes()
    }

    /// Expects that an SMS is asked for.
    #[track_caller]
    pub fn expect_receive_codes(&mut self) -> &mut expectation::ReceiveCodes {
        self.0.expect("receive_codes").expect_receive_codes()
    }

    /// Expects that new recovery codes are made.
    #[track_caller]
    pub fn expect_regenerate_codes(&mut self) -> &mut expectation::RegenerateCodes {
        self.0.expect("regenerate_codes").expect_regenerate_codes()
    }

    /// Verifies that all that was expected came, and begins anew: the mock expects nothing more.
    ///
    /// Dropping the mock verifies it too. But behind an `Arc` that something else holds, such as a task that
    /// ends with its runtime, it is dropped too late, or where no test sees it fail: there, call this at the
    /// end. Not within an answer, which it would wait for.
    ///
    /// # Panics
    ///
    /// If a call is missing.
    pub fn checkpoint(&self) {
        self.0.settle(Mockall::checkpoint);
    }
}

impl Default for MockOtpsApi {
    fn default() -> Self {
        Self::new()
    }
}

/// As [`checkpoint`](MockOtpsApi::checkpoint) does, unless the test fails already.
impl Drop for MockOtpsApi {
    fn drop(&mut self) {
        self.checkpoint();
    }
}

impl blocking::OtpsApi for MockOtpsApi {
    fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
        self.0.ask("find_ensure_otp", |mock| mock.find_ensure_otp(otp))
    }

    fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
        self.0.ask("find_recovery_codes", Mockall::find_recovery_codes)
    }

    fn receive_codes(&self) -> Result<(), Error> {
        self.0.ask("receive_codes", Mockall::receive_codes)
    }

    fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
        self.0.ask("regenerate_codes", Mockall::regenerate_codes)
    }
}

#[async_trait]
impl OtpsApi for MockOtpsApi {
    async fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
        blocking::OtpsApi::find_ensure_otp(self, otp)
    }

    async fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
        blocking::OtpsApi::find_recovery_codes(self)
    }

    async fn receive_codes(&self) -> Result<(), Error> {
        blocking::OtpsApi::receive_codes(self)
    }

    async fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
        blocking::OtpsApi::regenerate_codes(self)
    }
}

#[async_trait(?Send)]
impl local::OtpsApi for MockOtpsApi {
    async fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
        blocking::OtpsApi::find_ensure_otp(self, otp)
    }

    async fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
        blocking::OtpsApi::find_recovery_codes(self)
    }

    async fn receive_codes(&self) -> Result<(), Error> {
        blocking::OtpsApi::receive_codes(self)
    }

    async fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
        blocking::OtpsApi::regenerate_codes(self)
    }
}

pub(super) mod expectation {
    use super::mocked::__mock_MockOtpsApi as mocked;

    pub use mocked::__find_ensure_otp::Expectation as FindEnsureOtp;
    pub use mocked::__find_recovery_codes::Expectation as FindRecoveryCodes;
    pub use mocked::__receive_codes::Expectation as ReceiveCodes;
    pub use mocked::__regenerate_codes::Expectation as RegenerateCodes;
}

/// What mockall makes: no trait, so that one serves all flavours.
mod mocked {
    #![allow(missing_docs, reason = "the macro writes most of these items")]

    use super::{Error, Otp, RecoveryCodeList, Verified};

    mockall::mock! {
        #[derive(Debug)]
        pub OtpsApi {
            pub fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error>;
            pub fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error>;
            pub fn receive_codes(&self) -> Result<(), Error>;
            pub fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error>;
        }
    }
}
