//! What must never happen, whatever goes wrong.

use otp_core::{Effect, Error, Otp, RecoveryCodeList};

use crate::world::World;

/// What the user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// What the phone shows; nothing if no SMS arrived.
    Right,
    /// Another code.
    Wrong,
    /// What cannot be a code.
    Garbage,
    /// Nothing.
    Nothing,
}

impl Typed {
    pub const ALL: [Self; 4] = [Self::Right, Self::Wrong, Self::Garbage, Self::Nothing];

    pub fn text(self, world: &World) -> Option<String> {
        use otp_core::secrecy::ExposeSecret;
        world.ask();
        match self {
            Self::Right => Some(world.service.last_sms()?.otp.expose_secret().to_owned()),
            Self::Wrong => Some("wrong-one".to_owned()),
            Self::Garbage => Some("../recovery-codes".to_owned()),
            Self::Nothing => None,
        }
    }

    pub fn otp(self, world: &World) -> Option<Otp> {
        Otp::new(self.text(world)?).ok()
    }
}

/// What the user knows after a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    In,
    /// The same code may be typed again.
    TryAgain,
    /// This code is of no use any more, or nothing was typed.
    NewCodeNeeded,
    /// It failed, and no code was used up.
    Failed,
}

/// Nobody is in without a verification, and a code that was used up is not offered again.
pub fn login(world: &World, login: Login) {
    let verified = world.verified();
    assert!(verified <= 1, "verified {verified} times");
    match login {
        Login::In => {
            assert_eq!(verified, 1, "in without a verification");
            assert!(world.said_verified(), "in by an error");
        }
        Login::NewCodeNeeded => {}
        Login::TryAgain | Login::Failed => {
            assert_eq!(verified, 0, "the code is used up, and the user does not learn it");
        }
    }
}

/// A program that sends a code itself sends one at most, and asks the user for it: whoever is not asked starts
/// again, and gets another SMS.
pub fn sends_and_asks(world: &World) {
    let sent = world.sms();
    assert!(sent <= 1, "{sent} SMS, and the user asked for one");
    assert!(sent == 0 || world.asked(), "an SMS was sent, and the user was not asked for the code");
}

/// What the user knows after asking for an SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sms {
    OnItsWay,
    Perhaps,
    NotSent,
}

/// One SMS at most, and the user knows of it.
pub fn sms(world: &World, told: Sms) {
    let sent = world.sms();
    assert!(sent <= 1, "{sent} SMS, and the user asked for one");
    match told {
        Sms::OnItsWay => assert_eq!(sent, 1, "no SMS is on its way"),
        Sms::Perhaps => {}
        Sms::NotSent => assert_eq!(sent, 0, "an SMS was sent, and the user asks for another"),
    }
}

/// No old code is given as a new one, no new ones are lost while they can be read, and the user knows when the
/// old ones may be dead.
pub fn codes(world: &World, outcome: Result<&RecoveryCodeList, Effect>) {
    let regenerated = world.regenerated();
    assert!(regenerated <= 1, "regenerated {regenerated} times");
    let read = world.read_the_codes();
    match outcome {
        Ok(new) => {
            assert!(!new.is_empty());
            let old = new.iter().filter(|code| world.old.codes().contains(code)).count();
            assert_eq!(old, 0, "old codes are given as new ones");
            assert_eq!(regenerated, 1, "new codes from nowhere");
            assert_eq!(new.codes(), world.in_force().codes(), "these codes do not work");
        }
        Err(effect) if regenerated == 1 => {
            assert_ne!(
                effect,
                Effect::NotApplied,
                "the old codes are dead, and the user does not learn it"
            );
            assert!(!read, "the new codes were read, and are lost");
            // Where the reading would have worked, the example must have tried it.
            assert!(world.tried_to_read(), "the new codes are lost: nobody read them");
        }
        Err(_) => {}
    }
}

/// The same for a program that ends with an error of any type: of this SDK, or because it was given no code.
pub fn effect_of(error: &(dyn std::error::Error + 'static)) -> Effect {
    error.downcast_ref::<Error>().map_or(Effect::NotApplied, Error::effect)
}
