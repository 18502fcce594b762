//! The examples that replace the recovery codes.

use std::sync::Arc;

use otp_core::{Effect, Error, Otp, OtpsApi, RecoveryCodeList};
use pollster::block_on;

use crate::examples;
use crate::hostile::under_every_fault;
use crate::never;
use crate::world::World;

/// Replaces the codes under every fault; and once more when nothing goes wrong, if it says that the old ones may
/// be dead.
fn replaces_the_codes(replace: impl Fn(&World) -> Result<RecoveryCodeList, Effect>) {
    under_every_fault(|world| {
        let outcome = replace(world);
        never::codes(world, outcome.as_ref().map_err(|effect| *effect));
        if outcome.is_err() {
            assert!(!world.is_calm());
            world.calm();
            let new = replace(world).unwrap();
            assert_eq!(new, world.in_force(), "calling it again must help");
        }
    });
}

fn by_its_error(outcome: Result<RecoveryCodeList, Error>) -> Result<RecoveryCodeList, Effect> {
    outcome.map_err(|error| error.effect())
}

#[test]
fn readme_replaces_the_codes() {
    replaces_the_codes(|world| {
        let sdk = examples::readme_sdk::Sdk { otps: Arc::new(world.client()) };
        by_its_error(block_on(sdk.new_codes()))
    });
}

#[test]
fn the_effects_docs_replace_the_codes() {
    replaces_the_codes(|world| {
        by_its_error(block_on(examples::effect_codes::new_codes(&world.client())))
    });
}

#[test]
fn embed_in_sdk_replaces_the_codes() {
    use examples::embed_in_sdk::{Metal, MetalError};
    replaces_the_codes(|world| {
        block_on(Metal::with_otps(world.client()).new_recovery_codes()).map_err(|error| match error
        {
            MetalError::CodesInDoubt(error) => {
                assert_ne!(error.effect(), Effect::NotApplied);
                Effect::Unknown
            }
            MetalError::LoggedOut(_) | MetalError::NothingChanged(_) => Effect::NotApplied,
            other => panic!("{other:?}"),
        })
    });
}

#[test]
fn downstream_replaces_the_codes_in_each_flavour() {
    use examples::downstream::{rotate, rotate_and_wait, rotate_locally};
    replaces_the_codes(|world| by_its_error(block_on(rotate(&world.client()))));
    replaces_the_codes(|world| by_its_error(block_on(rotate_locally(&world.local_client()))));
    replaces_the_codes(|world| by_its_error(rotate_and_wait(&world.blocking_client())));
}

/// The user gets in by a code of the paper. In that session everything goes wrong.
#[test]
fn the_guide_recovers_an_account() {
    replaces_the_codes(|world| {
        let used = Otp::try_from(&world.in_force().codes()[3]).unwrap();
        let verified = block_on(world.service.find_ensure_otp(&used)).unwrap();
        let in_session = world.client_of(verified.into_session_token().unwrap());
        by_its_error(block_on(examples::guide_recovery::replace(&in_session, &world.old)))
    });
}

/// Two nights. In the first one, everything goes wrong.
macro_rules! fills_the_vault {
    ($rotate:path) => {
        under_every_fault(|world| {
            let mut vault = world.old.clone();
            let outcome = block_on($rotate(&world.client(), &mut vault));
            let outcome = outcome.map_err(|error| error.effect());
            never::codes(world, outcome.as_ref().map(|()| &vault).map_err(|effect| *effect));
            if outcome != Err(Effect::Unknown) && outcome != Err(Effect::Applied) {
                assert_eq!(vault, world.in_force(), "the vault has dead codes");
            }
            world.calm();
            block_on($rotate(&world.client(), &mut vault)).unwrap();
            assert_eq!(vault, world.in_force(), "the vault has dead codes after a good night");
        });
    };
}

#[test]
fn the_guides_nightly_job_fills_the_vault() {
    fills_the_vault!(examples::guide_nightly::rotate);
    // The same, as the page has it for the property test, where it is hidden.
    fills_the_vault!(examples::guide_property::rotate);
}
