use std::sync::Arc;

use super::OtpsClient;
use crate::api::unimplemented;
use crate::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use crate::{Error, Operation, Otp, RecoveryCodeList, Verified};

/// The OTP service for a thread that may wait: [`OtpsApi`](crate::OtpsApi) without async.
///
/// [`OtpsClient`] implements it; so do the doubles of `otp-mock`, and `&T`, `Box<T>` and `Arc<T>`
/// of an implementor, `dyn` included. A method that is not implemented returns
/// [`ErrorKind::Unimplemented`](crate::ErrorKind::Unimplemented).
///
/// ```
/// use otp_core::blocking::OtpsApi;
/// use otp_core::{Error, Otp, Verified};
///
/// struct Login {
///     otps: Box<dyn OtpsApi>,
/// }
///
/// impl Login {
///     /// Only `Ok` lets the user in.
///     fn second_factor(&self, typed: &str) -> Result<Verified, Error> {
///         self.otps.find_ensure_otp(&Otp::new(typed)?)
///     }
/// }
/// ```
///
/// # Errors
///
/// See each method of [`OtpsApi`](crate::OtpsApi), and
/// [what to do after each effect](crate::Effect#what-to-do-after-each-effect).
pub trait OtpsApi: Send + Sync {
    /// Verifies the user by an OTP, which uses the OTP up; see
    /// [`OtpsApi::find_ensure_otp`](crate::OtpsApi::find_ensure_otp).
    #[doc(alias = "verify")]
    #[doc(alias = "login")]
    fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
        let _ = otp;
        Err(unimplemented(FindEnsureOtp::ENDPOINT))
    }

    /// Reads the recovery codes, which changes nothing; see
    /// [`OtpsApi::find_recovery_codes`](crate::OtpsApi::find_recovery_codes).
    #[doc(alias = "backup_codes")]
    fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
        Err(unimplemented(FindRecoveryCodes::ENDPOINT))
    }

    /// Sends an OTP to the user's phone, which costs money; see
    /// [`OtpsApi::receive_codes`](crate::OtpsApi::receive_codes).
    #[doc(alias = "sms")]
    #[doc(alias = "send")]
    fn receive_codes(&self) -> Result<(), Error> {
        Err(unimplemented(ReceiveCodes::ENDPOINT))
    }

    /// Generates new recovery codes, which kills the old ones; see
    /// [`OtpsApi::regenerate_codes`](crate::OtpsApi::regenerate_codes).
    #[doc(alias = "reset")]
    fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
        Err(unimplemented(RegenerateCodes::ENDPOINT))
    }
}

impl OtpsApi for OtpsClient {
    fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
        self.call(FindEnsureOtp::new(otp.clone())).send().map(|answer| answer.value)
    }

    fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
        self.call(FindRecoveryCodes).send().map(|answer| answer.value)
    }

    fn receive_codes(&self) -> Result<(), Error> {
        self.call(ReceiveCodes).send().map(|answer| answer.value)
    }

    fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
        self.call(RegenerateCodes).send().map(|answer| answer.value)
    }
}

/// A pointer to an implementor is one.
macro_rules! delegate_to_pointee {
    ($([$($generics:tt)*] $pointer:ty),* $(,)?) => {$(
        impl<$($generics)*> OtpsApi for $pointer {
            fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
                (**self).find_ensure_otp(otp)
            }

            fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
                (**self).find_recovery_codes()
            }

            fn receive_codes(&self) -> Result<(), Error> {
                (**self).receive_codes()
            }

            fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
                (**self).regenerate_codes()
            }
        }
    )*};
}

delegate_to_pointee!(
    ['a, T: OtpsApi + ?Sized] &'a T,
    [T: OtpsApi + ?Sized] Box<T>,
    [T: OtpsApi + ?Sized] Arc<T>,
);
