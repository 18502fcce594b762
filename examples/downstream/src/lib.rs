//! What a program does with the SDK, in each flavour: it replaces the recovery codes, and ends up with those
//! that work, whatever fails on the way.

use otp_core::{Effect, Error, OtpsApi, RecoveryCodeList, blocking, local};

/// Replaces the codes; returns the new ones.
///
/// # Errors
///
/// If the effect is `NotApplied`, the old codes still work. Otherwise they may be dead: call this again.
pub async fn rotate(otps: &dyn OtpsApi) -> Result<RecoveryCodeList, Error> {
    let old = otps.find_recovery_codes().await?;
    match otps.regenerate_codes().await {
        Err(error) if error.effect() != Effect::NotApplied => {
            new_ones(&old, otps.find_recovery_codes().await).ok_or(error)
        }
        other => other,
    }
}

/// The same on one thread.
///
/// # Errors
///
/// As [`rotate`].
pub async fn rotate_locally(otps: &dyn local::OtpsApi) -> Result<RecoveryCodeList, Error> {
    let old = otps.find_recovery_codes().await?;
    match otps.regenerate_codes().await {
        Err(error) if error.effect() != Effect::NotApplied => {
            new_ones(&old, otps.find_recovery_codes().await).ok_or(error)
        }
        other => other,
    }
}

/// The same without async.
///
/// # Errors
///
/// As [`rotate`].
pub fn rotate_and_wait(otps: &dyn blocking::OtpsApi) -> Result<RecoveryCodeList, Error> {
    let old = otps.find_recovery_codes()?;
    match otps.regenerate_codes() {
        Err(error) if error.effect() != Effect::NotApplied => {
            new_ones(&old, otps.find_recovery_codes()).ok_or(error)
        }
        other => other,
    }
}

/// What was read, if it is not the old list: a code that was not there before is a new one.
fn new_ones(
    old: &RecoveryCodeList,
    read: Result<RecoveryCodeList, Error>,
) -> Option<RecoveryCodeList> {
    read.ok().filter(|now| now.iter().any(|code| !old.codes().contains(code)))
}
