//! How users of this SDK test their own code: with its mock, with canned errors for its operation, and with
//! the service in memory, to which the endpoint is added.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use otp_core::{
    Effect, Error, ErrorKind, Otp, OtpsApi, Request, Response, Transport, TransportError,
};
use otp_example_larger_sdk::client;
use otp_example_larger_sdk::operations::enable_app::{AppApi, EnableApp, MockAppApi};
use otp_mock::{FakeOtps, canned};
use pollster::block_on;

/// What a user of the SDK has written, and tests.
#[derive(Debug, PartialEq, Eq)]
enum Switched {
    /// With so many recovery codes to write down, if they could be read.
    Done(Option<usize>),
    /// The code was not right.
    AskAgain,
    /// It may have happened: a person has to look.
    LookAtTheSettings,
}

/// After an error, nothing has changed.
async fn switch_to_app(api: &dyn AppApi, typed: &str) -> Result<Switched, Error> {
    let Ok(otp) = Otp::new(typed) else { return Ok(Switched::AskAgain) };
    match api.enable_app(&otp).await {
        Err(error) if error.effect() == Effect::Unknown => Ok(Switched::LookAtTheSettings),
        Err(error) if error.effect() == Effect::NotApplied => match error.kind() {
            ErrorKind::BadRequest => Ok(Switched::AskAgain),
            _ => Err(error),
        },
        // The switch is done, whatever becomes of the reading.
        _ => Ok(Switched::Done(api.find_recovery_codes().await.ok().map(|codes| codes.len()))),
    }
}

#[test]
fn a_mock_answers_for_the_endpoint_and_for_the_service() {
    let mut api = MockAppApi::new();
    api.expect_enable_app()
        .with(mockall::predicate::eq(Otp::new("123456").unwrap()))
        .once()
        .returning(|_| Ok(()));
    api.expect_find_recovery_codes().returning(|| Ok(canned::recovery_codes(["a", "b"])));
    assert_eq!(block_on(switch_to_app(&api, "123 456")).unwrap(), Switched::Done(Some(2)));
}

#[test]
fn canned_errors_are_there_for_the_endpoint_too() {
    for (error, switched) in [
        (canned::error::<EnableApp>(ErrorKind::BadRequest).build(), Switched::AskAgain),
        (canned::unknown::<EnableApp>(), Switched::LookAtTheSettings),
    ] {
        assert_eq!(error.operation(), Some("enable_app"));
        let mut api = MockAppApi::new();
        api.expect_enable_app().return_once(|_| Err(error));
        assert_eq!(block_on(switch_to_app(&api, "123456")).unwrap(), switched);
    }
    assert_eq!(canned::lost_reply::<EnableApp>().effect(), Effect::Applied);
}

#[test]
fn a_double_of_ones_own_needs_no_more_than_its_test() {
    struct OnlyCodes;
    #[async_trait]
    impl OtpsApi for OnlyCodes {}
    impl AppApi for OnlyCodes {}
    let error = block_on(switch_to_app(&OnlyCodes, "123456")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unimplemented);
    assert_eq!(error.operation(), Some("enable_app"));
}

/// The service in memory with the endpoint added, below the client: what it answers is read as in earnest.
struct WithApp {
    service: FakeOtps,
    shown_by_the_app: Otp,
    enabled: AtomicBool,
}

#[async_trait]
impl Transport for WithApp {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        use otp_core::secrecy::ExposeSecret;
        if request.endpoint().name() != "enable_app" {
            return self.service.send(request).await;
        }
        let right =
            request.as_http().headers()["x-otp-token"] == self.shown_by_the_app.expose_secret();
        let mut response = Response::default();
        *response.status_mut() = if right { 200 } else { 400 }.try_into().unwrap();
        self.enabled.fetch_or(right, Ordering::SeqCst);
        Ok(response)
    }

    async fn sleep(&self, duration: Duration) {
        Transport::sleep(&self.service, duration).await;
    }

    fn now(&self) -> Duration {
        Transport::now(&self.service)
    }
}

#[test]
fn the_service_in_memory_learns_the_endpoint() {
    let service = FakeOtps::new();
    let transport = Arc::new(WithApp {
        service: service.clone(),
        shown_by_the_app: Otp::new("246810").unwrap(),
        enabled: AtomicBool::new(false),
    });
    let api = client(Arc::clone(&transport), service.token().clone()).unwrap();
    for typed in ["not a code!", "111111"] {
        assert_eq!(block_on(switch_to_app(&api, typed)).unwrap(), Switched::AskAgain);
    }
    assert!(!transport.enabled.load(Ordering::SeqCst));
    assert_eq!(block_on(switch_to_app(&api, "246 810")).unwrap(), Switched::Done(Some(10)));
    assert!(transport.enabled.load(Ordering::SeqCst));
}
