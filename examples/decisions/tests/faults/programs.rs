//! The programs: they log a user in by an SMS, and then replace the codes.

use std::io;

use otp_core::local::FromSend;
use pollster::block_on;

use crate::examples;
use crate::hostile::under_every_fault;
use crate::never::{self, Typed, effect_of};
use crate::world::World;

type BoxError = Box<dyn std::error::Error>;

/// Runs the program with each thing that a user may type.
fn logs_in_and_replaces_the_codes(program: impl Fn(&World, Typed) -> Result<(), BoxError>) {
    for typed in Typed::ALL {
        under_every_fault(|world| {
            let outcome = program(world, typed);
            never::sends_and_asks(world);
            assert!(world.regenerated() <= world.verified(), "in without a verification");
            if outcome.is_ok() {
                assert_eq!(typed, Typed::Right, "in by a wrong code");
                let in_force = world.in_force();
                never::codes(world, Ok(&in_force));
            }
            if let Err(error) = &outcome {
                never::codes(world, Err(effect_of(error.as_ref())));
            }
            assert!(!world.is_calm() || outcome.is_ok() == (typed == Typed::Right));
        });
    }
}

fn any(error: Box<dyn std::error::Error + Send + Sync>) -> BoxError {
    error
}

fn no_code() -> io::Error {
    io::Error::other("no code was typed")
}

#[test]
fn quickstart() {
    logs_in_and_replaces_the_codes(|world, typed| {
        let phone = || typed.otp(world).ok_or_else(|| no_code().into());
        let client = world.client();
        let codes = block_on(examples::quickstart::four_operations(&client, phone, false, false))?;
        assert_eq!(codes, world.in_force(), "these codes do not work");
        Ok(())
    });
}

#[test]
fn the_example_transports() {
    logs_in_and_replaces_the_codes(|world, typed| {
        let ask = |_: &str| typed.text(world).ok_or_else(no_code);
        let client = FromSend(world.client());
        block_on(examples::transports::replace_codes(&client, ask)).map_err(any)
    });
    logs_in_and_replaces_the_codes(|world, typed| {
        let ask = |_: &str| typed.text(world).ok_or_else(no_code);
        block_on(examples::transports::replace_codes(&world.local_client(), ask)).map_err(any)
    });
    logs_in_and_replaces_the_codes(|world, typed| {
        let ask = |_: &str| typed.text(world).ok_or_else(no_code);
        examples::ureq::replace_codes(&world.blocking_client(), ask).map_err(any)
    });
}
