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
