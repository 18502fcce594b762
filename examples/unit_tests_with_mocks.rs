//! Business logic that depends on the OTP service, and its tests: a login that gives a person three tries.
//!
//! The tests below are the example; they run with `cargo test`. `main` plays one login.

#![allow(clippy::print_stdout, reason = "it plays a login")]

use otp_core::{Effect, Error, ErrorKind, Otp, OtpsApi};

/// How a login ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Login {
    /// The second factor was right.
    In,
    /// Three wrong codes.
    LockedOut,
    /// A code may have been used up without an answer: a new one is on its way to the phone.
    NewCodeSent,
}

/// Asks for a code by SMS, then gives the person three tries.
///
/// A typing error that cannot be a code costs no try, since nothing is sent.
///
/// # Errors
///
/// Whatever the service answers other than that a code is wrong.
pub async fn log_in(otps: &dyn OtpsApi, mut ask: impl FnMut() -> String) -> Result<Login, Error> {
    otps.receive_codes().await?;
    let mut tries = 3;
    while tries > 0 {
        let Ok(otp) = Otp::new(ask()) else { continue };
        match otps.find_ensure_otp(&otp).await {
            Ok(_) => return Ok(Login::In),
            Err(error) if error.kind() == ErrorKind::BadRequest => tries -= 1,
            // The code may be used up. Trying it again would prove nothing.
            Err(error) if error.effect() != Effect::NotApplied => {
                otps.receive_codes().await?;
                return Ok(Login::NewCodeSent);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Login::LockedOut)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let service = otp_mock::FakeOtps::new();
    let phone = service.clone();
    let mut typed = 0;
    let outcome = log_in(&service, || {
        typed += 1;
        match (typed, phone.last_sms()) {
            (2.., Some(sms)) => {
                use otp_core::secrecy::ExposeSecret;
                sms.otp.expose_secret().to_owned()
            }
            _ => "a wrong code".to_owned(),
        }
    })
    .await?;
    println!("after {typed} codes: {outcome:?}");
    Ok(())
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
        async fn three_wrong_codes_lock_out() {
            let mut otps = MockOtpsApi::new();
            otps.expect_receive_codes().once().returning(|| Ok(()));
            otps.expect_find_ensure_otp()
                .times(3)
                .returning(|_| Err(canned::error::<FindEnsureOtp>(ErrorKind::BadRequest).build()));
            let outcome = log_in(&otps, || "111 111".into()).await;
            assert_eq!(outcome.unwrap(), Login::LockedOut);
        }

        #[tokio::test]
        async fn a_code_that_may_be_used_up_is_replaced_and_not_repeated() {
            let mut otps = MockOtpsApi::new();
            otps.expect_receive_codes().times(2).returning(|| Ok(()));
            otps.expect_find_ensure_otp()
                .once()
                .returning(|_| Err(canned::unknown::<FindEnsureOtp>()));
            let outcome = log_in(&otps, || "111111".into()).await;
            assert_eq!(outcome.unwrap(), Login::NewCodeSent);
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
            let outcome = log_in(&service, || match answers.next() {
                Some(answer) => answer.to_owned(),
                None => phone.last_sms().unwrap().otp.expose_secret().to_owned(),
            })
            .await;
            // "oh no" loses its space and is a try; so there were three.
            assert_eq!(outcome.unwrap(), Login::LockedOut);

            let mut answers = vec!["wrong", "?!"].into_iter();
            let outcome = log_in(&service, || match answers.next() {
                Some(answer) => answer.to_owned(),
                None => phone.last_sms().unwrap().otp.expose_secret().to_owned(),
            })
            .await;
            assert_eq!(outcome.unwrap(), Login::In);
            assert_eq!(service.sms_outbox().len(), 2);
        }

        #[tokio::test]
        async fn a_code_that_was_used_up_unseen_is_replaced_by_a_new_sms() {
            let service = FakeOtps::new();
            service.arm(Fault::LostVerify);
            let outcome =
                log_in(&service, || service.last_sms().unwrap().otp.expose_secret().to_owned())
                    .await;
            assert_eq!(outcome.unwrap(), Login::NewCodeSent);
            let verified = Event::Verified(Factor::Sms);
            let struck = Event::Struck(Fault::LostVerify);
            let happened = [Event::SmsSent, verified, struck, Event::SmsSent];
            assert_eq!(service.journal().events(), happened);
        }
    }
}
