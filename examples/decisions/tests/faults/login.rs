//! The examples that send a code, or check one.

use std::rc::Rc;
use std::sync::Arc;

use otp_core::{Otp, OtpsApi, blocking};
use pollster::block_on;

use crate::examples;
use crate::hostile::under_every_fault;
use crate::never::{self, Login, Sms, Typed};
use crate::wire::SHOWN_BY_THE_APP;
use crate::world::World;

/// Sends a code under every fault. It returns what it told the user.
fn sends_a_code(send: impl Fn(&World) -> Result<String, ()>) {
    under_every_fault(|world| {
        let told = match send(world) {
            Ok(told) if told.starts_with("No SMS was sent") => Sms::NotSent,
            Ok(told) if told.starts_with("Look at your phone") => Sms::Perhaps,
            Ok(told) if told.contains("on its way") => Sms::OnItsWay,
            Ok(told) => panic!("{told}"),
            Err(()) => Sms::NotSent,
        };
        never::sms(world, told);
        assert!(!world.is_calm() || told == Sms::OnItsWay);
    });
}

/// Checks what the user typed, under every fault, after an SMS that arrived.
fn checks_a_code(check: impl Fn(&World, &str) -> Login) {
    for typed in Typed::ALL {
        under_every_fault(|world| {
            block_on(world.service.receive_codes()).unwrap();
            let Some(text) = typed.text(world) else { return };
            let login = check(world, &text);
            never::login(world, login);
            assert_eq!(world.sms(), 1, "nobody asked for another SMS");
            assert!(typed == Typed::Right || login != Login::In, "in by a wrong code");
            assert!(!world.is_calm() || (typed == Typed::Right) == (login == Login::In));
        });
    }
}

/// What an error of the client itself says to the user.
fn by_its_error<T>(checked: Result<T, otp_core::Error>) -> Login {
    match checked {
        Ok(_) => Login::In,
        Err(error) if error.effect() == otp_core::Effect::NotApplied => Login::TryAgain,
        Err(_) => Login::NewCodeNeeded,
    }
}

#[test]
fn readme_sends_a_code() {
    sends_a_code(|world| {
        block_on(examples::readme_program::send_code(&world.client()))
            .map(str::to_owned)
            .map_err(drop)
    });
}

#[test]
fn readme_checks_a_code() {
    checks_a_code(|world, typed| {
        match block_on(examples::readme_program::check_code(&world.client(), typed)) {
            Ok(_) => Login::In,
            Err(told) if told.starts_with("That code may be used up") => Login::NewCodeNeeded,
            Err(_) => Login::TryAgain,
        }
    });
}

#[test]
fn readme_checks_a_code_without_async() {
    checks_a_code(|world, typed| {
        by_its_error(examples::readme_blocking::check_code(&world.blocking_client(), typed))
    });
}

#[test]
fn the_effects_docs_send_a_code() {
    sends_a_code(|world| {
        block_on(examples::effect_sms::send_code(&world.client())).map(str::to_owned).map_err(drop)
    });
}

#[test]
fn the_effects_docs_verify() {
    use examples::effect_verify::{SecondFactor, verify};
    checks_a_code(|world, typed| {
        let Ok(otp) = Otp::new(typed) else { return Login::Failed };
        match block_on(verify(&world.client(), &otp)) {
            Ok(SecondFactor::Verified) => Login::In,
            Ok(SecondFactor::WrongOtp) => Login::TryAgain,
            Ok(SecondFactor::RequestNewOtp) => Login::NewCodeNeeded,
            Err(_) => Login::Failed,
        }
    });
}

#[test]
fn the_errors_docs_send_a_code() {
    sends_a_code(|world| Ok(block_on(examples::error_text_me::text_me(&world.client()))));
}

#[test]
fn the_crates_docs_check_a_code() {
    checks_a_code(|world, typed| {
        by_its_error(block_on(examples::core_lib::second_factor(&world.client(), typed)))
    });
    checks_a_code(|world, typed| {
        let login = examples::core_api::Login { otps: Arc::new(world.client()) };
        by_its_error(block_on(login.second_factor(typed)))
    });
    checks_a_code(|world, typed| {
        let login = examples::core_local_api::Login { otps: Rc::new(world.local_client()) };
        by_its_error(block_on(login.second_factor(typed)))
    });
    checks_a_code(|world, typed| {
        let otps: Box<dyn blocking::OtpsApi> = Box::new(world.blocking_client());
        by_its_error(examples::core_blocking_api::Login { otps }.second_factor(typed))
    });
}

/// What a user may type in three tries.
const TRIES: [[Typed; 3]; 8] = {
    use Typed::{Garbage, Nothing, Right, Wrong};
    [
        [Right, Right, Right],
        [Wrong, Right, Nothing],
        [Wrong, Wrong, Right],
        [Wrong, Wrong, Wrong],
        [Garbage, Right, Nothing],
        [Garbage, Garbage, Garbage],
        [Wrong, Nothing, Right],
        [Nothing, Right, Right],
    ]
};

/// Logs in, by a code that it sends itself.
fn logs_in(log_in: impl Fn(&World, [Typed; 3]) -> Login) {
    for tries in TRIES {
        under_every_fault(|world| {
            let login = log_in(world, tries);
            never::login(world, login);
            never::sends_and_asks(world);
            assert!(tries.contains(&Typed::Right) || login != Login::In, "in by a wrong code");
            let first = tries.iter().find(|typed| !matches!(typed, Typed::Wrong | Typed::Garbage));
            assert!(!world.is_calm() || (first == Some(&Typed::Right)) == (login == Login::In));
        });
    }
}

#[test]
fn the_guide_logs_in() {
    use examples::guide_login::{Login as Guide, log_in};
    logs_in(|world, tries| {
        let mut tries = tries.iter();
        // What cannot be a code is not typed here.
        let ask = async || {
            world.ask();
            tries.find(|typed| **typed != Typed::Garbage).and_then(|typed| typed.otp(world))
        };
        match block_on(log_in(&world.client(), ask)) {
            Ok(Guide::In) => Login::In,
            Ok(Guide::ThreeWrongCodes) => Login::TryAgain,
            Ok(Guide::NewCodeNeeded) => Login::NewCodeNeeded,
            Err(_) => Login::Failed,
        }
    });
}

#[test]
fn unit_tests_with_mocks_logs_in() {
    use examples::unit_tests_with_mocks::{Login as Example, log_in};
    logs_in(|world, tries| {
        let mut tries = tries.iter();
        let ask = || tries.next().and_then(|typed| typed.text(world));
        match block_on(log_in(&world.client(), ask)) {
            Ok(Example::In) => Login::In,
            Ok(Example::ThreeWrongCodes) => Login::TryAgain,
            Ok(Example::NewCodeNeeded) => Login::NewCodeNeeded,
            Err(_) => Login::Failed,
        }
    });
}

#[test]
fn embed_in_sdk_sends_a_code() {
    use examples::embed_in_sdk::{Metal, Sms};
    sends_a_code(|world| match block_on(Metal::with_otps(world.client()).send_code()) {
        Ok(Sms::Sent) => Ok("on its way".to_owned()),
        Ok(Sms::Perhaps) => Ok("Look at your phone".to_owned()),
        Err(_) => Err(()),
    });
}

#[test]
fn embed_in_sdk_checks_a_code() {
    use examples::embed_in_sdk::{Metal, MetalError};
    checks_a_code(|world, typed| {
        match block_on(Metal::with_otps(world.client()).check_code(typed)) {
            Ok(_) => Login::In,
            Err(MetalError::WrongCode(_)) => Login::TryAgain,
            Err(MetalError::CodeUsedUp(_)) => Login::NewCodeNeeded,
            Err(MetalError::CodesInDoubt(error)) => panic!("{error}"),
            Err(_) => Login::Failed,
        }
    });
}

#[test]
fn the_larger_sdk_switches_to_the_app() {
    use examples::larger_sdk::{Switched, switch_to_app};
    for typed in [SHOWN_BY_THE_APP, "111111", "not a code!"] {
        under_every_fault(|world| {
            let switched = block_on(switch_to_app(&world.client(), typed));
            match &switched {
                Ok(Switched::Done(_)) => assert!(world.app_enabled(), "it was not switched"),
                Ok(Switched::LookAtTheSettings) => {}
                Ok(Switched::AskAgain) | Err(_) => {
                    assert!(
                        !world.app_enabled(),
                        "it was switched, and the user does not learn it"
                    );
                }
            }
            if world.is_calm() {
                let done = Switched::Done(Some(10));
                let expected = if typed == SHOWN_BY_THE_APP { done } else { Switched::AskAgain };
                assert_eq!(switched.unwrap(), expected);
            }
        });
    }
}
