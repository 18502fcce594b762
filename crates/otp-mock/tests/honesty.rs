//! What an error says that the service did, against what the service noted that it did: for any story.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_core::{Effect, Error, ErrorKind, Otp, OtpsApi, blocking};
use otp_mock::{Event, FakeOtps, FakeUser, Fault};
use pollster::block_on;
use proptest::prelude::*;

/// One thing that happens in a story.
#[derive(Clone, Debug)]
enum Act {
    Arm(Fault),
    DisarmAll,
    Advance(u64),
    ReceiveCodes,
    /// The last OTP by SMS, or what the app shows.
    VerifyRight,
    VerifyWrong,
    VerifyByRecoveryCode,
    FindRecoveryCodes,
    RegenerateCodes,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let fault = prop_oneof![
        prop::sample::select(Fault::ALL),
        (0..4_u32).prop_map(|times| Fault::Unavailable { times }),
        (0..12_u64).prop_map(|seconds| Fault::Slow { delay: Duration::from_secs(seconds) }),
    ];
    let act = prop_oneof![
        fault.prop_map(Act::Arm),
        Just(Act::DisarmAll),
        (0..400_u64).prop_map(Act::Advance),
        Just(Act::ReceiveCodes),
        Just(Act::VerifyRight),
        Just(Act::VerifyWrong),
        Just(Act::VerifyByRecoveryCode),
        Just(Act::FindRecoveryCodes),
        Just(Act::RegenerateCodes),
    ];
    prop::collection::vec(act, 1..40)
}

/// Makes the call of an act, if it is one.
async fn call(service: &FakeOtps, act: &Act) -> Option<Result<(), Error>> {
    Some(match act {
        Act::Arm(fault) => {
            service.arm(*fault);
            return None;
        }
        Act::DisarmAll => {
            service.disarm_all();
            return None;
        }
        Act::Advance(seconds) => {
            service.advance(Duration::from_secs(*seconds));
            return None;
        }
        Act::ReceiveCodes => service.receive_codes().await,
        Act::VerifyRight => {
            let otp = service.app_code().or_else(|| Some(service.last_sms()?.otp))?;
            service.find_ensure_otp(&otp).await.map(drop)
        }
        Act::VerifyWrong => service.find_ensure_otp(&Otp::new("wrong").unwrap()).await.map(drop),
        Act::VerifyByRecoveryCode => {
            let user = service.user().unwrap();
            let code = user.recovery_codes.first()?.expose_secret();
            service.find_ensure_otp(&Otp::new(code).unwrap()).await.map(drop)
        }
        Act::FindRecoveryCodes => service.find_recovery_codes().await.map(drop),
        Act::RegenerateCodes => service.regenerate_codes().await.map(drop),
    })
}

/// How often the service acted so far, reading apart.
fn deeds(service: &FakeOtps) -> usize {
    let did =
        |event| matches!(event, Event::SmsSent | Event::Verified(_) | Event::CodesRegenerated);
    service.journal().events().into_iter().filter(|event| did(*event)).count()
}

proptest! {
    #[test]
    fn what_an_error_says_of_the_effect_is_what_the_service_noted(
        seed: u64,
        app: bool,
        acts in acts(),
    ) {
        let user = if app { FakeUser::with_app() } else { FakeUser::with_phone("+1") };
        let service = FakeOtps::builder()
            .seed(seed)
            .user(user)
            .rate_limit(20, Duration::from_secs(60))
            .build();
        for act in &acts {
            let before = deeds(&service);
            let Some(outcome) = block_on(call(&service, act)) else { continue };
            let did = deeds(&service) - before;
            let reads = matches!(act, Act::FindRecoveryCodes);
            match outcome {
                Ok(()) => prop_assert_eq!(did, usize::from(!reads), "{:?} succeeded", act),
                Err(error) => {
                    prop_assert!(did <= 1, "{act:?} acted twice: {error}");
                    match error.effect() {
                        Effect::NotApplied => prop_assert_eq!(did, 0, "{}", error),
                        // The head arrived; its body cannot be read, or was cut off.
                        Effect::Applied if reads => prop_assert!(
                            matches!(error.kind(), ErrorKind::Decode | ErrorKind::ConnectionLost),
                            "{}", error
                        ),
                        // A portal's page has the status that a list of codes has.
                        Effect::Applied => prop_assert!(
                            did == 1 || error.kind() == ErrorKind::Decode,
                            "{}", error
                        ),
                        Effect::Unknown => {}
                    }
                }
            }
            prop_assert!(service.user().unwrap().recovery_codes.len() <= 10);
        }
    }

    #[test]
    fn a_story_is_the_same_every_time_by_its_seed(seed: u64, acts in acts()) {
        let play = || {
            let service = FakeOtps::builder().seed(seed).build();
            let seen: Vec<_> = acts
                .iter()
                .filter_map(|act| block_on(call(&service, act)))
                .map(|outcome| outcome.err().map(|error| {
                    // By its attempts too, and so by when each began and how long it took.
                    let told = format!("{error:?} {:?}", error.attempts());
                    (error.kind(), error.effect(), error.request_id().map(str::to_owned), told)
                }))
                .collect();
            let codes = service.user().unwrap().recovery_codes;
            (seen, service.journal(), service.date(), codes, service.sms_outbox())
        };
        prop_assert_eq!(play(), play());
    }
}

#[test]
fn by_its_seed_a_call_that_was_repeated_takes_the_same_time_in_every_run() {
    // Shorter than many a backoff by chance: an OTP would outlive one run's and not another's.
    let lifetime = Duration::from_millis(50);
    let play = || {
        let service = FakeOtps::builder().seed(7).otp_lifetime(lifetime).build();
        let sent = block_on(async {
            service.receive_codes().await.unwrap();
            service.arm(Fault::Unavailable { times: 2 });
            service.find_recovery_codes().await.unwrap();
            service.last_sms().unwrap().otp
        });
        let works = blocking::OtpsApi::find_ensure_otp(&service, &sent).is_ok();
        service.arm(Fault::StaleConnection);
        blocking::OtpsApi::receive_codes(&service).unwrap();
        (works, service.journal(), service.date())
    };
    let first = play();
    assert!(first.0, "its waits are short");
    for _ in 0..20 {
        assert_eq!(play(), first);
    }
}
