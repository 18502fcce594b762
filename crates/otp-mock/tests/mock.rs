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

/// What a test prints that fails by this.
fn panic_of(test: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn a_failed_expectation_tells_the_operation_what_was_expected_and_what_came() {
    let otp = Otp::new("canary-222").unwrap();
    let expecting = |times: usize| {
        let mut mock = MockOtpsApi::new();
        mock.expect_find_ensure_otp()
            .with(predicate::eq(otp.clone()))
            .times(times)
            .returning(|_| Ok(canned::verified()));
        mock
    };
    let too_few = panic_of(|| drop(expecting(1)));
    let too_many = panic_of(|| {
        let mock = expecting(1);
        for _ in 0..2 {
            block_on(mock.find_ensure_otp(&otp)).unwrap();
        }
    });
    for (message, came) in [(too_few, "called 0 time(s)"), (too_many, "called 2 times")] {
        assert!(message.contains("MockOtpsApi::find_ensure_otp"), "{message}");
        assert!(message.contains("Otp([redacted])"), "{message}");
        assert!(message.contains(came), "{message}");
        assert!(!message.contains("canary"), "{message}");
    }
}

#[test]
fn there_is_a_mock_of_api_and_transport_in_every_flavour() {
    use otp_core::http::StatusCode;
    use otp_core::{AuthToken, OtpsClient, Response, blocking, local};
    use otp_mock::{MockTransport, blocking as blocking_mock, local as local_mock};
    use std::rc::Rc;
    use std::time::Duration;

    fn no_content() -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    }
    let token = AuthToken::new("k3y").unwrap();

    let mut transport = MockTransport::new();
    transport.expect_now().return_const(Duration::ZERO);
    transport.expect_send().once().returning(|_| Ok(no_content()));
    block_on(OtpsClient::new(transport, token.clone()).receive_codes()).unwrap();

    let mut transport = local_mock::MockTransport::new();
    transport.expect_now().return_const(Duration::ZERO);
    transport.expect_send().once().returning(|_| Ok(no_content()));
    let client: Rc<dyn local::OtpsApi> = Rc::new(local::OtpsClient::new(transport, token.clone()));
    block_on(client.receive_codes()).unwrap();
    let mut api = local_mock::MockOtpsApi::new();
    api.expect_regenerate_codes().returning(|| Err(canned::unknown::<RegenerateCodes>()));
    let api: Rc<dyn local::OtpsApi> = Rc::new(api);
    assert_eq!(block_on(api.regenerate_codes()).unwrap_err().effect(), Effect::Unknown);

    let mut transport = blocking_mock::MockTransport::new();
    transport.expect_now().return_const(Duration::ZERO);
    transport.expect_send().once().returning(|_| Ok(no_content()));
    let client: Box<dyn blocking::OtpsApi> = Box::new(blocking::OtpsClient::new(transport, token));
    client.receive_codes().unwrap();
    let mut api = blocking_mock::MockOtpsApi::new();
    api.expect_regenerate_codes().returning(|| Err(canned::unknown::<RegenerateCodes>()));
    let api: Box<dyn blocking::OtpsApi> = Box::new(api);
    assert_eq!(api.regenerate_codes().unwrap_err().effect(), Effect::Unknown);
}
