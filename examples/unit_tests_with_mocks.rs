//! Business logic that depends on the OTP service, and its tests: a login that gives the user three tries.
//!
//! The tests below are the example; they run with `cargo test`. `main` plays one login.

use std::io::{self, Write};
use std::process::ExitCode;

use otp_core::{Effect, Error, ErrorKind, Otp, OtpsApi};

/// How a login ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Login {
    /// The second factor was right.
    In,
    /// Three wrong codes.
    ThreeWrongCodes,
    /// No SMS arrived, or the code may be used up: the user should ask for a new one.
    NewCodeNeeded,
}

/// Sends a code by SMS, then gives the user three tries. `ask` returns what the user typed, or `None` if no
/// SMS arrived.
///
/// A typing error that cannot be a code costs no try, since nothing is sent.
///
/// # Errors
///
/// If no SMS was sent, or a code could not be checked.
pub async fn log_in(
    otps: &dyn OtpsApi,
    mut ask: impl FnMut() -> Option<String>,
) -> Result<Login, Error> {
    match otps.receive_codes().await {
        Err(error) if error.effect() == Effect::NotApplied => return Err(error),
        // An SMS is on its way, or it may be: the user looks at the phone.
        _ => {}
    }
    let mut tries = 3;
    while tries > 0 {
        let Some(typed) = ask() else { return Ok(Login::NewCodeNeeded) };
        let Ok(otp) = Otp::new(typed) else { continue };
        match otps.find_ensure_otp(&otp).await {
            Ok(_) => return Ok(Login::In),
            // The code may be used up. Trying it again would prove nothing.
            Err(error) if error.effect() != Effect::NotApplied => return Ok(Login::NewCodeNeeded),
            Err(error) if error.kind() == ErrorKind::BadRequest => tries -= 1,
            Err(error) => return Err(error),
        }
    }
    Ok(Login::ThreeWrongCodes)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be nobody to tell.
            let _ = writeln!(io::stderr(), "{}", in_full(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<(), Box<dyn std::error::Error>> {
    let service = otp_mock::FakeOtps::new();
    let phone = service.clone();
    let mut typed = 0;
    let outcome = log_in(&service, || {
        typed += 1;
        let sms = phone.last_sms()?;
        if typed == 1 {
            return Some("a wrong code".to_owned());
        }
        use otp_core::secrecy::ExposeSecret;
        Some(sms.otp.expose_secret().to_owned())
    })
    .await?;
    writeln!(io::stdout(), "after {typed} codes: {outcome:?}")
        .map_err(|error| format!("cannot print: {error}"))?;
    Ok(())
}

/// What an error says, and each of its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join("\n  because: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::operation::{FindEnsureOtp, ReceiveCodes};
    use otp_core::secrecy::ExposeSecret;
    use otp_mock::{Event, Factor, FakeOtps, Fault, MockOtpsApi, canned};

    /// With a mock: "given this answer, my code does that".
    mod with_a_mock {
        use super::*;

        #[tokio::test]
        async fn three_wrong_codes_end_the_login() {
            let mut otps = MockOtpsApi::new();
            otps.expect_receive_codes().once().returning(|| Ok(()));
            otps.expect_find_ensure_otp()
                .times(3)
                .returning(|_| Err(canned::error::<FindEnsureOtp>(ErrorKind::BadRequest).build()));
            let outcome = log_in(&otps, || Some("111 111".into())).await;
            assert_eq!(outcome.unwrap(), Login::ThreeWrongCodes);
        }

        #[tokio::test]
        async fn a_code_that_may_be_used_up_is_not_repeated() {
            let mut otps = MockOtpsApi::new();
            otps.expect_receive_codes().once().returning(|| Ok(()));
            otps.expect_find_ensure_otp()
                .once()
                .returning(|_| Err(canned::unknown::<FindEnsureOtp>()));
            let outcome = log_in(&otps, || Some("111111".into())).await;
            assert_eq!(outcome.unwrap(), Login::NewCodeNeeded);
        }

        #[tokio::test]
        async fn after_a_lost_reply_to_the_sms_the_user_looks_at_the_phone() {
            let mut otps = MockOtpsApi::new();
            otps.expect_receive_codes().once().returning(|| Err(canned::unknown::<ReceiveCodes>()));
            let outcome = log_in(&otps, || None).await;
            assert_eq!(outcome.unwrap(), Login::NewCodeNeeded);
        }

        #[tokio::test]
        async fn without_an_sms_nobody_is_asked_for_a_code() {
            let mut otps = MockOtpsApi::new();
            otps.expect_receive_codes()
                .returning(|| Err(canned::error::<ReceiveCodes>(ErrorKind::RateLimited).build()));
            let error = log_in(&otps, || panic!("asked for a code")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RateLimited);
        }
    }

    /// With the service in memory: a story.
    mod with_the_fake {
        use super::*;

        #[tokio::test]
        async fn the_right_code_at_the_third_try_is_in() {
            let service = FakeOtps::new();
            let phone = service.clone();
            let mut answers = vec!["wrong", "oh no", "WRONG"].into_iter();
            let mut typed = || match answers.next() {
                Some(answer) => Some(answer.to_owned()),
                None => Some(phone.last_sms()?.otp.expose_secret().to_owned()),
            };
            let outcome = log_in(&service, &mut typed).await;
            // "oh no" loses its space and is a try; so there were three.
            assert_eq!(outcome.unwrap(), Login::ThreeWrongCodes);

            let mut answers = vec!["wrong", "?!"].into_iter();
            let mut typed = || match answers.next() {
                Some(answer) => Some(answer.to_owned()),
                None => Some(phone.last_sms()?.otp.expose_secret().to_owned()),
            };
            let outcome = log_in(&service, &mut typed).await;
            assert_eq!(outcome.unwrap(), Login::In);
            assert_eq!(service.sms_outbox().len(), 2);
        }

        #[tokio::test]
        async fn a_code_that_was_used_up_unseen_is_no_login() {
            let service = FakeOtps::new();
            service.arm(Fault::LostVerify);
            let typed = || Some(service.last_sms()?.otp.expose_secret().to_owned());
            let outcome = log_in(&service, typed).await;
            assert_eq!(outcome.unwrap(), Login::NewCodeNeeded);
            let verified = Event::Verified(Factor::Sms);
            let struck = Event::Struck(Fault::LostVerify);
            assert_eq!(service.journal().events(), [Event::SmsSent, verified, struck]);
        }
    }
}
