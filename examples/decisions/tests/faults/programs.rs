//! The programs: they log a user in by an SMS, and then replace the codes.

use std::cell::Cell;
use std::io::{self, Write};

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
        let phone = |_: &mut dyn Write| typed.otp(world).ok_or_else(|| no_code().into());
        let (client, out) = (world.client(), &mut io::sink());
        let codes =
            block_on(examples::quickstart::four_operations(&client, out, phone, false, false))?;
        assert_eq!(codes, world.in_force(), "these codes do not work");
        Ok(())
    });
}

/// A terminal that takes so many more pieces of text.
struct Terminal(usize);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(1) {
            Some(left) => self.0 = left,
            None => return Err(io::Error::other("the disk is full")),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn quickstart_says_that_the_codes_are_replaced_where_it_cannot_print_them() {
    let replaced_unseen = Cell::new(0);
    let printed = (0..1000).position(|pieces| {
        let is_done = Cell::new(false);
        World::run(None, true, |world| {
            let phone = |_: &mut dyn Write| Ok(Typed::Right.otp(world).unwrap());
            let (client, out) = (world.client(), &mut Terminal(pieces));
            let run = examples::quickstart::four_operations(&client, out, phone, false, false);
            match block_on(run) {
                Ok(_) => is_done.set(true),
                Err(error) => {
                    let said = error.to_string();
                    assert!(said.contains("the disk is full"), "{said}");
                    let told =
                        said.contains("were replaced") && said.contains("find_recovery_codes");
                    assert_eq!(told, world.regenerated() == 1, "{said}");
                    replaced_unseen.set(replaced_unseen.get() + world.regenerated());
                }
            }
        });
        is_done.get()
    });
    assert!(printed.is_some());
    assert!(replaced_unseen.get() > 3);
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
