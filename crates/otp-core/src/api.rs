use crate::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use crate::{Error, Otp, RecoveryCodeList, Verified};

crate::service! {
    /// The OTP service: what a program takes as a dependency, so that its tests can put a double there.
    ///
    /// [`OtpsClient`](crate::OtpsClient) implements it over any transport. So do the doubles of `otp-mock`, and `&T`,
    /// `Box<T>` and `Arc<T>` of an implementor, `dyn` included. [`service!`](crate::service) defines it, in all
    /// flavours.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use otp_core::{Error, Otp, OtpsApi, Verified};
    ///
    /// struct Login {
    ///     otps: Arc<dyn OtpsApi>,
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
    /// Every method returns the same [`Error`]. Its [`effect`](Error::effect) says whether the server acted, and
    /// [this table](crate::Effect#what-to-do-after-each-effect) says what to do next.
    ///
    /// # Cancellation
    ///
    /// Dropping the future of a method gives the call up. Once it has been polled, whether the server acted
    /// is unknown.
    ///
    /// # Implementing it
    ///
    /// A method that is not implemented returns [`ErrorKind::Unimplemented`](crate::ErrorKind::Unimplemented), which
    /// names it, and sends nothing. So a hand-written double implements what its test needs, and a method that the API
    /// gains later breaks nobody. The trait is an [`async_trait`](macro@crate::async_trait), and so is each
    /// implementation:
    ///
    /// ```
    /// use otp_core::{Error, OtpsApi, async_trait};
    ///
    /// struct NoPhone;
    ///
    /// #[async_trait]
    /// impl OtpsApi for NoPhone {
    ///     async fn receive_codes(&self) -> Result<(), Error> {
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub trait OtpsApi as #[macro_export] otps_api {
        /// Verifies the user by an OTP, which uses the OTP up: `POST /user/otp/verify/{otp}`.
        ///
        /// # Errors
        ///
        /// Documented: [`BadRequest`](crate::ErrorKind::BadRequest) for an OTP that is wrong, expired or used,
        /// [`Unauthorized`](crate::ErrorKind::Unauthorized) for the token. Only `Ok` is a login. After
        /// [`Effect::Unknown`](crate::Effect::Unknown) the user needs a new OTP: a failure on the same one
        /// proves nothing ([example](crate::Effect#verify-an-otp)). The client retries it only if it can prove
        /// that nothing was sent.
        #[doc(alias = "verify")]
        #[doc(alias = "login")]
        fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> =
            FindEnsureOtp::new(otp.clone());

        /// Reads the recovery codes, which changes nothing: `GET /user/otp/recovery-codes`.
        ///
        /// # Errors
        ///
        /// Documented: [`Unauthorized`](crate::ErrorKind::Unauthorized), [`NotFound`](crate::ErrorKind::NotFound),
        /// [`Unprocessable`](crate::ErrorKind::Unprocessable). Safe to retry after any error; the client does so
        /// automatically where it helps.
        #[doc(alias = "backup_codes")]
        fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> = FindRecoveryCodes;

        /// Sends an OTP to the user's phone, which costs money: `POST /user/otp/sms/receive`.
        ///
        /// # Errors
        ///
        /// Documented: [`BadRequest`](crate::ErrorKind::BadRequest), [`Unauthorized`](crate::ErrorKind::Unauthorized),
        /// [`Unprocessable`](crate::ErrorKind::Unprocessable), [`Server`](crate::ErrorKind::Server). After
        /// [`Effect::Unknown`](crate::Effect::Unknown) the user looks at the phone before asking again
        /// ([example](crate::Effect#send-an-sms)). The client retries it only if it can prove that nothing was
        /// sent.
        #[doc(alias = "sms")]
        #[doc(alias = "send")]
        fn receive_codes(&self) -> Result<(), Error> = ReceiveCodes;

        /// Generates new recovery codes, which kills the old ones: `POST /user/otp/recovery-codes`.
        ///
        /// # Errors
        ///
        /// Documented: [`Unauthorized`](crate::ErrorKind::Unauthorized), [`NotFound`](crate::ErrorKind::NotFound),
        /// [`Unprocessable`](crate::ErrorKind::Unprocessable). After
        /// [`Effect::Applied`](crate::Effect::Applied) the codes changed and the new ones were lost: read them
        /// with [`find_recovery_codes`](Self::find_recovery_codes). After
        /// [`Effect::Unknown`](crate::Effect::Unknown) they may have changed: read them and compare them with
        /// the old ones ([example](crate::Effect#replace-the-recovery-codes)). The client retries it only if it
        /// can prove that nothing was sent.
        #[doc(alias = "reset")]
        fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> = RegenerateCodes;
    }
}
