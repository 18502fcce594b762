use std::fmt;

use otp_core::{AuthToken, Otp, RecoveryCode};

/// A user to [add](crate::FakeOtps::add_user) to the service.
///
/// ```
/// use otp_mock::{FakeOtps, FakeUser};
///
/// let service = FakeOtps::new();
/// let bob = service.add_user(FakeUser::with_app().named("bob"));
/// assert!(bob.app_code().is_some());
/// ```
#[derive(Clone, Debug)]
#[must_use = "`FakeOtps::add_user` adds it"]
pub struct FakeUser {
    pub(super) name: Option<String>,
    pub(super) token: Option<AuthToken>,
    pub(super) otp: Option<Otp>,
    pub(super) recovery_codes: Option<Vec<RecoveryCode>>,
    pub(super) two_factor: TwoFactor,
}

/// How a user proves a login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TwoFactor {
    /// Not at all: every operation is refused.
    Off,
    /// By an OTP that is sent to this phone, or by a recovery code.
    Sms {
        /// The phone number.
        phone: String,
    },
    /// By the code that an authenticator app shows (RFC 6238), or by a recovery code.
    App,
}

impl FakeUser {
    fn new(two_factor: TwoFactor) -> Self {
        Self { name: None, token: None, otp: None, recovery_codes: None, two_factor }
    }

    /// A user whose two-factor authentication is by SMS to this number.
    pub fn with_phone(phone: impl Into<String>) -> Self {
        Self::new(TwoFactor::Sms { phone: phone.into() })
    }

    /// A user whose two-factor authentication is by an authenticator app, which
    /// [shows](crate::FakeOtps::app_code) the codes. An SMS is refused as unprocessable.
    pub fn with_app() -> Self {
        Self::new(TwoFactor::App)
    }

    /// A user whose two-factor authentication is off: no OTP is right, and every other operation is
    /// refused as unprocessable.
    pub fn without_two_factor() -> Self {
        Self::new(TwoFactor::Off)
    }

    /// What the journal calls the user, and what [`of_user`](crate::FakeOtps::of_user) finds the user by. No
    /// two users whose tokens work may have the same one. By default `user-1`, `user-2`, …, of those that
    /// nobody had.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The user's token, which no other user may have. By default a random one.
    pub fn with_token(self, token: AuthToken) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The OTP in every SMS to the user. Each SMS makes it work once more. By default each has another one.
    ///
    /// ```
    /// use otp_core::{Otp, OtpsApi};
    /// use otp_mock::{FakeOtps, FakeUser};
    ///
    /// # pollster::block_on(async {
    /// let otp = Otp::new("123456")?;
    /// let user = FakeUser::with_phone("+1 555 0100").with_otp(otp.clone());
    /// let service = FakeOtps::builder().user(user).build();
    ///
    /// assert!(service.find_ensure_otp(&otp).await.is_err(), "it was not sent yet");
    /// service.receive_codes().await?;
    /// service.find_ensure_otp(&otp).await?;
    /// # Ok::<(), otp_core::Error>(()) }).unwrap();
    /// ```
    pub fn with_otp(self, otp: Otp) -> Self {
        Self { otp: Some(otp), ..self }
    }

    /// The user's recovery codes, until they are regenerated. By default ten random ones.
    pub fn with_recovery_codes(self, codes: impl IntoIterator<Item = RecoveryCode>) -> Self {
        Self { recovery_codes: Some(codes.into_iter().collect()), ..self }
    }
}

/// That another user has the name or the token of a user who was to be [added](crate::FakeOtps::add_user). Its
/// sentence names that user, and not the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserTaken(pub(super) String);

impl fmt::Display for UserTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UserTaken {}

/// That the service refuses what a test asks of it. Its sentence says why, and names no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub(super) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// What the service holds of a user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UserState {
    /// What the journal calls the user.
    pub name: String,
    /// How the user proves a login.
    pub two_factor: TwoFactor,
    /// The recovery codes that still work.
    pub recovery_codes: Vec<RecoveryCode>,
    /// How many session tokens work, 64 at most.
    pub sessions: usize,
    /// How many wrong OTPs in a row were tried since the last right one or the last lockout.
    pub wrong_otps: u32,
    /// Whether verifying is refused for now, after too many wrong OTPs.
    pub locked_out: bool,
}
