//! `MockOtpsApi` as a downstream test uses it.

#![cfg(feature = "mockall")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use otp_core::operation::RegenerateCodes;
use otp_core::{Effect, Otp, OtpsApi};
use otp_mock::mockall::{Sequence, predicate};
use otp_mock::{MockOtpsApi, canned};
use pollster::block_on;

#[test]
fn it_answers_what_it_was_told_behind_a_pointer() {
    let mut order = Sequence::new();
    let mut mock = MockOtpsApi::new();
    mock.expect_regenerate_codes()
        .once()
        .in_sequence(&mut order)
        .returning(|| Err(canned::lost_reply::<RegenerateCodes>()));
    mock.expect_find_recovery_codes()
        .once()
        .in_sequence(&mut order)
        .returning(|| Ok(canned::recovery_codes(["a", "b"])));
    let api: Arc<dyn OtpsApi> = Arc::new(mock);
    block_on(async {
        assert_eq!(api.regenerate_codes().await.unwrap_err().effect(), Effect::Applied);
        assert_eq!(api.find_recovery_codes().await.unwrap().len(), 2);
    });
}

#[test]
fn an_unexpected_call_names_the_method_and_hides_the_otp() {
    let mut mock = MockOtpsApi::new();
    mock.expect_find_ensure_otp()
        .with(predicate::eq(Otp::new("111111").unwrap()))
        .returning(|_| Ok(canned::verified()));
    let call = || block_on(mock.find_ensure_otp(&Otp::new("canary-222").unwrap()));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("find_ensure_otp"), "{message}");
    assert!(!message.contains("canary-222") && !message.contains("111111"), "{message}");
}
