use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;

use super::{LocalBoxFuture, OtpsClient};
use crate::api::unimplemented;
use crate::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use crate::pointers::delegate_api;
use crate::{Error, Operation, Otp, RecoveryCodeList, Verified};

/// The OTP service on one thread: [`OtpsApi`](crate::OtpsApi) without `Send` and `Sync`.
///
/// [`OtpsClient`] implements it; so do the doubles of `otp-mock`, and `&T`, `Box<T>`, `Rc<T>` and
/// `Arc<T>` of an implementor, `dyn` included. A method that is not implemented returns
/// [`ErrorKind::Unimplemented`](crate::ErrorKind::Unimplemented). An implementation is an
/// `#[async_trait(?Send)]`.
///
/// ```
/// use std::rc::Rc;
/// use otp_core::local::OtpsApi;
/// use otp_core::{Error, Otp, Verified};
///
/// struct Login {
///     otps: Rc<dyn OtpsApi>,
/// }
///
/// impl Login {
///     /// Only `Ok` lets the user in.
///     async fn second_factor(&self, typed: &str) -> Result<Verified, Error> {
///         self.otps.find_ensure_otp(&Otp::new(typed)?).await
///     }
/// }
/// ```
///
/// # Errors
///
/// See each method of [`OtpsApi`](crate::OtpsApi), and
/// [what to do after each effect](crate::Effect#what-to-do-after-each-effect).
///
/// # Cancellation
///
/// Dropping the future of a method gives the call up. Once it has been polled, whether the server acted
/// is unknown.
#[async_trait(?Send)]
pub trait OtpsApi {
    /// Verifies the user by an OTP, which uses the OTP up; see
    /// [`OtpsApi::find_ensure_otp`](crate::OtpsApi::find_ensure_otp).
    #[doc(alias = "verify")]
    #[doc(alias = "login")]
    async fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
        let _ = otp;
        Err(unimplemented(FindEnsureOtp::ENDPOINT))
    }

    /// Reads the recovery codes, which changes nothing; see
    /// [`OtpsApi::find_recovery_codes`](crate::OtpsApi::find_recovery_codes).
    #[doc(alias = "backup_codes")]
    async fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
        Err(unimplemented(FindRecoveryCodes::ENDPOINT))
    }

    /// Sends an OTP to the user's phone, which costs money; see
    /// [`OtpsApi::receive_codes`](crate::OtpsApi::receive_codes).
    #[doc(alias = "sms")]
    #[doc(alias = "send")]
    async fn receive_codes(&self) -> Result<(), Error> {
        Err(unimplemented(ReceiveCodes::ENDPOINT))
    }

    /// Generates new recovery codes, which kills the old ones; see
    /// [`OtpsApi::regenerate_codes`](crate::OtpsApi::regenerate_codes).
    #[doc(alias = "reset")]
    async fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
        Err(unimplemented(RegenerateCodes::ENDPOINT))
    }
}

#[async_trait(?Send)]
impl OtpsApi for OtpsClient {
    async fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
        self.call(FindEnsureOtp::new(otp.clone())).send().await.map(|answer| answer.value)
    }

    async fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
        self.call(FindRecoveryCodes).send().await.map(|answer| answer.value)
    }

    async fn receive_codes(&self) -> Result<(), Error> {
        self.call(ReceiveCodes).send().await.map(|answer| answer.value)
    }

    async fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
        self.call(RegenerateCodes).send().await.map(|answer| answer.value)
    }
}

// A pointer to an implementor is one.
delegate_api!(
    OtpsApi, LocalBoxFuture:
    ['a, T: OtpsApi + ?Sized] &'a T,
    [T: OtpsApi + ?Sized] Box<T>,
    [T: OtpsApi + ?Sized] Rc<T>,
    [T: OtpsApi + ?Sized] Arc<T>,
);
