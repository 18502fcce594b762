//! Errors of every kind can be had without the client.

use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{Effect, ErrorKind, Operation};
use otp_mock::canned;

#[test]
fn there_is_an_error_of_every_kind_for_every_operation() {
    fn check<O: Operation>() {
        for kind in ErrorKind::ALL {
            let error = canned::error::<O>(*kind).build();
            assert_eq!(error.kind(), *kind);
            assert_eq!(error.operation(), Some(O::ENDPOINT.name()));
            let sentence = error.to_string();
            assert!(sentence.starts_with(O::ENDPOINT.name()), "{sentence}");
            assert!(sentence.len() > 60, "one word is no sentence: {sentence}");
        }
        assert_eq!(canned::unknown::<O>().effect(), Effect::Unknown);
        let lost = canned::lost_reply::<O>();
        assert_eq!(lost.effect(), Effect::Applied);
        assert!(O::ENDPOINT.is_acknowledged_by(lost.status().expect("a head arrived")));
    }
    check::<FindEnsureOtp>();
    check::<FindRecoveryCodes>();
    check::<ReceiveCodes>();
    check::<RegenerateCodes>();
}

#[test]
fn whatever_a_test_is_about_can_be_said_of_an_error() {
    use otp_core::http::StatusCode;
    use std::time::Duration;

    let failed = |cause| {
        let mut attempt = otp_core::Attempt::new(cause);
        attempt.started = Duration::from_millis(5);
        attempt
    };
    for effect in [Effect::NotApplied, Effect::Unknown, Effect::Applied] {
        let error = canned::error::<ReceiveCodes>(ErrorKind::Server)
            .effect(effect)
            .status(StatusCode::BAD_GATEWAY)
            .messages(["one", "two"])
            .request_id("req-1".to_owned())
            .retry_after(Duration::from_secs(7))
            .attempts([failed(ErrorKind::Timeout), failed(ErrorKind::Server)])
            .build();
        assert_eq!(error.effect(), effect);
        assert_eq!(error.status(), Some(StatusCode::BAD_GATEWAY));
        assert_eq!(error.messages(), ["one", "two"]);
        assert_eq!(error.request_id(), Some("req-1"));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        let causes: Vec<_> = error.attempts().iter().map(|attempt| attempt.cause).collect();
        assert_eq!(causes, [ErrorKind::Timeout, ErrorKind::Server]);
    }
}

#[test]
fn the_service_s_refusals_are_what_the_service_in_memory_answers() {
    use otp_core::{AuthToken, Otp, OtpsApi};
    use otp_mock::{FakeOtps, FakeUser};
    use pollster::block_on;

    let service = FakeOtps::builder().rate_limit(2, std::time::Duration::from_secs(60)).build();
    let off = service.add_user(FakeUser::without_two_factor());
    let nobody = service.with_token(AuthToken::new("nobody").expect("a token"));
    let wrong = Otp::new("wrong").expect("an OTP");
    let answered = [
        block_on(service.find_ensure_otp(&wrong)).expect_err("a wrong OTP"),
        block_on(nobody.receive_codes()).expect_err("no user"),
        block_on(off.receive_codes()).expect_err("no two-factor"),
        block_on(async {
            service.receive_codes().await?;
            service.receive_codes().await
        })
        .expect_err("a third request"),
    ];
    let prepared = [
        canned::error::<FindEnsureOtp>(ErrorKind::BadRequest).build(),
        canned::error::<ReceiveCodes>(ErrorKind::Unauthorized).build(),
        canned::error::<ReceiveCodes>(ErrorKind::Unprocessable).build(),
        canned::error::<ReceiveCodes>(ErrorKind::RateLimited).build(),
    ];
    for (answered, prepared) in answered.iter().zip(&prepared) {
        assert_eq!(prepared.kind(), answered.kind());
        assert_eq!(prepared.effect(), answered.effect());
        assert_eq!(prepared.status(), answered.status());
        assert_eq!(prepared.messages(), answered.messages());
    }
}

#[test]
fn what_comes_from_the_service_says_what_it_says_and_what_does_not_says_nothing() {
    for kind in ErrorKind::ALL {
        let error = canned::error::<RegenerateCodes>(*kind).build();
        // A status is the service's; so is a message.
        assert_eq!(error.messages().is_empty(), error.status().is_none(), "{kind:?}");
        assert!(error.messages().iter().all(|message| message.len() > 8), "{error}");
        let tried = !matches!(kind, ErrorKind::InvalidInput | ErrorKind::Unimplemented);
        assert_eq!(error.attempts().len(), usize::from(tried), "{kind:?}");
    }
}

#[test]
fn a_verification_has_the_session_that_it_was_given() {
    let token = otp_core::AuthToken::new("s3ssion").expect("a token");
    assert_eq!(canned::verified().session_token(), None);
    assert_eq!(canned::verified_with_session(token.clone()).into_session_token(), Some(token));
}
