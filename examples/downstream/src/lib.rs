//! What a program does with the SDK, in each flavour: it replaces the recovery codes, and ends up with those
//! that work, whatever happens on the way.

use otp_core::{Effect, Error, OtpsApi, RecoveryCodeList, blocking, local};

/// Replaces the codes; gives those that work now.
///
/// # Errors
///
/// If the service did not act, or cannot be asked what it did.
pub async fn rotate(otps: &dyn OtpsApi) -> Result<RecoveryCodeList, Error> {
    match otps.regenerate_codes().await {
        Err(error) if error.effect() != Effect::NotApplied => otps.find_recovery_codes().await,
        other => other,
    }
}

/// The same on one thread.
///
/// # Errors
///
/// As [`rotate`].
pub async fn rotate_locally(otps: &dyn local::OtpsApi) -> Result<RecoveryCodeList, Error> {
    match otps.regenerate_codes().await {
        Err(error) if error.effect() != Effect::NotApplied => otps.find_recovery_codes().await,
        other => other,
    }
}

/// The same without async.
///
/// # Errors
///
/// As [`rotate`].
pub fn rotate_and_wait(otps: &dyn blocking::OtpsApi) -> Result<RecoveryCodeList, Error> {
    match otps.regenerate_codes() {
        Err(error) if error.effect() != Effect::NotApplied => otps.find_recovery_codes(),
        other => other,
    }
}
