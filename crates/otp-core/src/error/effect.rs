/// Whether the server acted on a call that failed.
///
/// Ordered from the least to the most that may have happened. A call of several attempts has the
/// greatest effect of any of them.
///
/// # What to do after each effect
///
/// `Ok` means that the operation worked. After an error:
///
/// | operation | [`NotApplied`] | [`Unknown`] | [`Applied`] |
/// |---|---|---|---|
/// | [`find_ensure_otp`] | The user is not in. After [`BadRequest`] the OTP is wrong, expired or used. | The user is not in. The OTP may be used up: ask the user to request a new one. | The same. The OTP is used up. |
/// | [`receive_codes`] | No SMS was sent. | Perhaps one was sent. The user looks at the phone first. | An SMS is on its way. |
/// | [`regenerate_codes`] | The old codes still work. | Read the codes and compare them with the old ones. | The old codes are dead. Read the new ones. |
/// | [`find_recovery_codes`] | Repeat it. | Repeat it. | Repeat it. |
///
/// Three rules cover the rest:
///
/// - Only `Ok` is a login. No effect and no kind is.
/// - Send an SMS only when the user asks for one. A failed verification is no such request.
/// - Keep the error of the operation that changes something. The error of a later read says nothing about
///   that change.
///
/// [`NotApplied`]: Self::NotApplied
/// [`Unknown`]: Self::Unknown
/// [`Applied`]: Self::Applied
/// [`BadRequest`]: crate::ErrorKind::BadRequest
/// [`find_ensure_otp`]: crate::OtpsApi::find_ensure_otp
/// [`receive_codes`]: crate::OtpsApi::receive_codes
/// [`regenerate_codes`]: crate::OtpsApi::regenerate_codes
/// [`find_recovery_codes`]: crate::OtpsApi::find_recovery_codes
///
/// # Verify an OTP
///
/// ```
/// use otp_core::{Effect, Error, ErrorKind, Otp, OtpsApi};
///
/// enum SecondFactor {
///     /// The only way in.
///     Verified,
///     /// The user may type another one.
///     WrongOtp,
///     /// This OTP may be used up, so a failure on it would prove nothing.
///     RequestNewOtp,
/// }
///
/// async fn verify(api: &dyn OtpsApi, otp: &Otp) -> Result<SecondFactor, Error> {
///     match api.find_ensure_otp(otp).await {
///         Ok(_) => Ok(SecondFactor::Verified),
///         Err(error) if error.effect() != Effect::NotApplied => Ok(SecondFactor::RequestNewOtp),
///         Err(error) if error.kind() == ErrorKind::BadRequest => Ok(SecondFactor::WrongOtp),
///         Err(error) => Err(error),
///     }
/// }
/// ```
///
/// # Send an SMS
///
/// Call this when the user asks for a code. It returns what to tell the user.
///
/// ```
/// use otp_core::{Effect, Error, OtpsApi};
///
/// async fn send_code(api: &dyn OtpsApi) -> Result<&'static str, Error> {
///     match api.receive_codes().await {
///         Err(error) if error.effect() == Effect::NotApplied => Err(error),
///         Err(error) if error.effect() == Effect::Unknown => {
///             Ok("Look at your phone. If no code arrives, ask again.")
///         }
///         _ => Ok("A code is on its way."),
///     }
/// }
/// ```
///
/// # Replace the recovery codes
///
/// Read the old codes first: without them there is nothing to compare with.
///
/// ```
/// use otp_core::{Effect, Error, OtpsApi, RecoveryCodeList};
///
/// /// The new codes.
/// ///
/// /// After an error, the old codes still work if its effect is `NotApplied`. Otherwise they may be dead:
/// /// call this again.
/// async fn new_codes(api: &dyn OtpsApi) -> Result<RecoveryCodeList, Error> {
///     let old = api.find_recovery_codes().await?;
///     match api.regenerate_codes().await {
///         Err(error) if error.effect() != Effect::NotApplied => {
///             match api.find_recovery_codes().await {
///                 Ok(now) if now.iter().any(|code| !old.codes().contains(code)) => Ok(now),
///                 // Still the old ones, or nobody can tell.
///                 _ => Err(error),
///             }
///         }
///         other => other,
///     }
/// }
/// ```
///
/// Calling it again is safe: codes that nobody has seen may die. One case stays open. A request that timed
/// out can reach the server later, after the codes were read, so read them once more before you rely on them.
///
/// # Read the recovery codes
///
/// Reading changes nothing. Repeat it after any effect; the client already did where that can help.
///
/// ```
/// use otp_core::{Error, OtpsApi};
///
/// async fn codes_left(api: &dyn OtpsApi) -> Result<usize, Error> {
///     Ok(api.find_recovery_codes().await?.len())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use]
pub enum Effect {
    /// The server did not act: the request provably never left, or the server refused it.
    ///
    /// Repeating is safe. [`ErrorKind`](crate::ErrorKind) says whether it helps.
    NotApplied,
    /// The server may have acted: the request was sent, or may have been, and no answer tells the outcome.
    ///
    /// Do not repeat it blindly. [What to do](#what-to-do-after-each-effect) depends on the operation.
    Unknown,
    /// The server acted, and its answer was lost or unreadable.
    ///
    /// It is not a success: the caller does not have what the answer held.
    /// [What to do](#what-to-do-after-each-effect) depends on the operation.
    Applied,
}
