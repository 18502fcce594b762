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
