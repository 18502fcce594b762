//! `MockOtpsApi` as a downstream test uses it.

#![cfg(feature = "mockall")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::operation::RegenerateCodes;
use otp_core::{
    AuthToken, Effect, Error, Otp, OtpsApi, OtpsClient, RecoveryCodeList, Response, blocking, local,
};
use otp_mock::mockall::{Sequence, predicate};
use otp_mock::{MockOtpsApi, MockTransport, canned};
use pollster::block_on;

#[test]
fn it_answers_what_it_was_told_behind_a_pointer() {
    let mut order = Sequence::new();
    let mut mock = MockOtpsApi::new();
    mock.expect_regenerate_codes().once().in_sequence(&mut order).returning(lost);
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

/// The line of this file that is so many below the one that asks.
macro_rules! at {
    ($below:expr) => {
        format!("{}:{}:", file!(), line!() + $below)
    };
}

/// What a test prints that fails by this.
fn panic_of(test: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).unwrap_err();
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn a_wrong_number_of_calls_tells_the_operation_what_was_expected_and_what_came() {
    let otp = Otp::new("canary-222").unwrap();
    let place = at!(4);
    let expecting = |times: usize| {
        let mut mock = MockOtpsApi::new();
        let otp = otp.clone();
        mock.expect_find_ensure_otp()
            .with(predicate::eq(otp))
            .times(times)
            .returning(|_| Ok(canned::verified()));
        mock.expect_receive_codes().times(..).returning(|| Ok(()));
        block_on(mock.receive_codes()).unwrap();
        mock
    };
    let too_few = panic_of(|| drop(expecting(1)));
    let at_a_checkpoint = panic_of(|| expecting(1).checkpoint());
    let too_many = panic_of(|| {
        let mock = expecting(1);
        for _ in 0..2 {
            block_on(mock.find_ensure_otp(&otp)).unwrap();
        }
    });
    let never = panic_of(|| drop(block_on(expecting(0).find_ensure_otp(&otp))));
    for (message, came, calls) in [
        (too_few, "called 0 time(s)", "it came: receive_codes"),
        (at_a_checkpoint, "called 0 time(s)", "it came: receive_codes"),
        (too_many, "called 2 times", "before it came: receive_codes, find_ensure_otp"),
        (never, "should not have been called", "before it came: receive_codes"),
    ] {
        let expected = format!("expected: find_ensure_otp, as {place}");
        let parts = ["MockOtpsApi::find_ensure_otp", "Otp([redacted])", came, &expected, calls];
        assert_tells(&message, &parts);
    }
}

#[test]
fn an_expectation_without_an_answer_tells_how_to_give_one() {
    let mut mock = MockOtpsApi::new();
    mock.expect_receive_codes();
    let message = panic_of(|| drop(block_on(mock.receive_codes())));
    assert_tells(&message, &["an answer to receive_codes: `.returning(..)` says which"]);
}

/// What a test is told of a call that no expectation fits.
#[track_caller]
fn assert_tells(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert!(!message.contains("canary"), "{message}");
}

#[test]
fn another_argument_tells_what_came_and_where_what_was_expected() {
    let [otp, other] = ["canary-111", "canary-222"].map(|otp| Otp::new(otp).unwrap());
    let mut mock = MockOtpsApi::new();
    let [first, second] = [at!(1), at!(2)];
    mock.expect_receive_codes().returning(|| Ok(()));
    mock.expect_find_ensure_otp().with(predicate::eq(otp)).returning(|_| Ok(canned::verified()));
    block_on(mock.receive_codes()).unwrap();
    let message = panic_of(|| drop(block_on(mock.find_ensure_otp(&other))));
    let want = format!(
        "MockOtpsApi::find_ensure_otp(Otp([redacted])): No matching expectation found\n  \
         expected: receive_codes, as {first}10 says\n            \
         find_ensure_otp, as {second}10 says\n  \
         before it came: receive_codes"
    );
    assert_eq!(message, want);
}

#[test]
fn a_call_too_many_for_all_expectations_tells_where_they_are_and_what_came_before() {
    let mut mock = MockOtpsApi::new();
    let [first, second] = [at!(1), at!(2)];
    mock.expect_find_recovery_codes().once().returning(|| Ok(canned::recovery_codes(["a"])));
    mock.expect_find_recovery_codes().once().returning(|| Ok(canned::recovery_codes(["b"])));
    for _ in 0..2 {
        block_on(mock.find_recovery_codes()).unwrap();
    }
    let message = panic_of(|| drop(block_on(mock.find_recovery_codes())));
    let parts = [
        "MockOtpsApi::find_recovery_codes()",
        &format!("expected: find_recovery_codes, as {first}"),
        &format!("find_recovery_codes, as {second}"),
        "before it came: find_recovery_codes, find_recovery_codes",
    ];
    assert_tells(&message, &parts);
}

#[test]
fn a_call_out_of_order_tells_the_order() {
    let mut order = Sequence::new();
    let mut mock = MockOtpsApi::new();
    let [first, second] = [at!(1), at!(2)];
    mock.expect_regenerate_codes().once().in_sequence(&mut order).returning(lost);
    mock.expect_receive_codes().once().in_sequence(&mut order).returning(|| Ok(()));
    let message = panic_of(move || drop(block_on(mock.receive_codes())));
    let parts = [
        "MockOtpsApi::receive_codes()",
        "Method sequence violation",
        &format!("expected: regenerate_codes, as {first}"),
        &format!("receive_codes, as {second}"),
        "before it came: nothing",
    ];
    assert_tells(&message, &parts);
}

#[test]
fn a_call_that_nobody_expected_tells_how_to_expect_it() {
    let message = panic_of(|| drop(block_on(MockOtpsApi::new().regenerate_codes())));
    let parts = [
        "MockOtpsApi::regenerate_codes()",
        "expected: no regenerate_codes: `expect_regenerate_codes()` says what it answers",
    ];
    assert_tells(&message, &parts);

    let mut mock = MockTransport::new();
    mock.expect_now().return_const(Duration::ZERO);
    let client = OtpsClient::new(mock, AuthToken::new("canary-k3y").unwrap());
    let otp = Otp::new("canary-222").unwrap();
    let message = panic_of(|| drop(block_on(client.find_ensure_otp(&otp))));
    let parts = [
        "MockTransport::send(Request",
        "/user/otp/verify/{otp}",
        "no send: `expect_send()` says what it answers",
    ];
    assert_tells(&message, &parts);
}

fn lost() -> Result<RecoveryCodeList, Error> {
    Err(canned::lost_reply::<RegenerateCodes>())
}

#[test]
fn the_panic_of_an_answer_is_the_tests_own() {
    let mut mock = MockOtpsApi::new();
    mock.expect_receive_codes().returning(|| panic!("the caller's own"));
    assert_eq!(panic_of(|| drop(block_on(mock.receive_codes()))), "the caller's own");
}

#[test]
fn the_panic_of_another_mock_within_an_answer_is_that_mocks_own() {
    let inner = MockTransport::new();
    let mut mock = MockOtpsApi::new();
    mock.expect_receive_codes().returning(move || {
        blocking::Transport::sleep(&inner, Duration::ZERO);
        Ok(())
    });
    let message = panic_of(|| drop(block_on(mock.receive_codes())));
    assert_tells(&message, &["MockTransport::sleep", "expected: no sleep"]);
    assert!(!message.contains("receive_codes"), "{message}");
}

#[test]
fn a_checkpoint_settles_what_came_and_begins_anew() {
    let mut mock = MockOtpsApi::new();
    mock.expect_receive_codes().once().returning(|| Ok(()));
    block_on(mock.receive_codes()).unwrap();
    mock.checkpoint();
    let after = panic_of(|| drop(block_on(mock.receive_codes())));
    assert!(after.contains("expected: no receive_codes"), "{after}");
    assert!(after.contains("before it came: nothing"), "{after}");

    mock.expect_receive_codes().once().returning(|| Ok(()));
    let missing = panic_of(|| mock.checkpoint());
    assert!(missing.contains("called 0 time(s)"), "{missing}");
    let after = panic_of(|| drop(block_on(mock.receive_codes())));
    assert!(after.contains("expected: no receive_codes"), "{after}");
}

#[test]
fn a_checkpoint_sees_what_is_missing_also_while_others_hold_the_mock() {
    let mut mock = MockOtpsApi::new();
    mock.expect_receive_codes().once().returning(|| Ok(()));
    let mock = Arc::new(mock);
    let held: Arc<dyn OtpsApi> = Arc::clone(&mock) as _;
    let missing = panic_of(|| mock.checkpoint());
    assert_tells(&missing, &["MockOtpsApi::receive_codes", "called 0 time(s)"]);
    drop(held);
}

#[test]
fn only_the_latest_calls_are_told() {
    let mut mock = MockOtpsApi::new();
    mock.expect_receive_codes().returning(|| Ok(()));
    for _ in 0..100 {
        block_on(mock.receive_codes()).unwrap();
    }
    let message = panic_of(|| drop(block_on(mock.regenerate_codes())));
    assert_eq!(message.matches("receive_codes").count(), 1 + 8, "{message}");
}

#[test]
fn one_mock_serves_every_flavour() {
    fn transport() -> MockTransport {
        let mut transport = MockTransport::new();
        transport.expect_now().return_const(Duration::ZERO);
        transport.expect_send().once().returning(|_| {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        });
        transport
    }
    fn api() -> MockOtpsApi {
        let mut api = MockOtpsApi::new();
        api.expect_regenerate_codes()
            .once()
            .returning(|| Err(canned::unknown::<RegenerateCodes>()));
        api
    }
    let token = AuthToken::new("k3y").unwrap();

    block_on(OtpsClient::new(transport(), token.clone()).receive_codes()).unwrap();
    let mock: Arc<dyn OtpsApi> = Arc::new(api());
    assert_eq!(block_on(mock.regenerate_codes()).unwrap_err().effect(), Effect::Unknown);

    let client: Rc<dyn local::OtpsApi> =
        Rc::new(local::OtpsClient::new(transport(), token.clone()));
    block_on(client.receive_codes()).unwrap();
    let mock: Rc<dyn local::OtpsApi> = Rc::new(api());
    assert_eq!(block_on(mock.regenerate_codes()).unwrap_err().effect(), Effect::Unknown);

    let client: Box<dyn blocking::OtpsApi> =
        Box::new(blocking::OtpsClient::new(transport(), token));
    client.receive_codes().unwrap();
    let mock: Box<dyn blocking::OtpsApi> = Box::new(api());
    assert_eq!(mock.regenerate_codes().unwrap_err().effect(), Effect::Unknown);
}
