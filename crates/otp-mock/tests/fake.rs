//! The service in memory, through the API that a program uses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Effect, ErrorKind, Otp, OtpsApi, OtpsClient};
use otp_mock::{FakeOtps, FakeUser, Sms};
use pollster::block_on;

async fn otp_by_sms(service: &FakeOtps) -> Otp {
    service.receive_codes().await.unwrap();
    service.last_sms().unwrap().otp
}

#[test]
fn an_otp_works_once_and_gives_a_session() {
    let service = FakeOtps::new();
    block_on(async {
        let otp = otp_by_sms(&service).await;
        let session = service.find_ensure_otp(&otp).await.unwrap().into_session_token().unwrap();
        let in_session = service.with_token(session);
        assert_eq!(
            in_session.find_recovery_codes().await.unwrap(),
            service.find_recovery_codes().await.unwrap(),
        );

        let error = service.find_ensure_otp(&otp).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
        assert_eq!(error.messages(), ["OTP is invalid"]);
        assert!(error.request_id().is_some());
    });
}

#[test]
fn an_otp_expires_at_the_end_of_its_lifetime() {
    let lifetime = Duration::from_secs(1000);
    for (later, works) in [(990, true), (1000, false)] {
        let service = FakeOtps::builder().otp_lifetime(lifetime).build();
        block_on(async {
            let otp = otp_by_sms(&service).await;
            service.advance(Duration::from_secs(later));
            assert_eq!(service.find_ensure_otp(&otp).await.is_ok(), works, "{later} s later");
        });
    }
}

#[test]
fn regenerating_replaces_all_ten_codes() {
    let service = FakeOtps::new();
    block_on(async {
        let before = service.find_recovery_codes().await.unwrap();
        assert_eq!(before.len(), 10);
        assert_eq!(service.find_recovery_codes().await.unwrap(), before);
        let new = service.regenerate_codes().await.unwrap();
        assert_eq!(new.len(), 10);
        assert!(new.iter().all(|code| !before.codes().contains(code)));
        assert_eq!(service.find_recovery_codes().await.unwrap(), new);
    });
}

#[test]
fn users_do_not_share_otps_codes_or_tokens() {
    let service = FakeOtps::new();
    let bob = service.with_token(service.add_user(FakeUser::with_phone("+1 555 0100")));
    block_on(async {
        let otp = otp_by_sms(&service).await;
        assert!(bob.find_ensure_otp(&otp).await.is_err());
        assert!(service.find_ensure_otp(&otp).await.is_ok(), "Bob's failure did not use it up");
        assert_ne!(
            bob.find_recovery_codes().await.unwrap(),
            service.find_recovery_codes().await.unwrap(),
        );
        let nobody = service.with_token(AuthToken::new("nobody").unwrap());
        let error = nobody.receive_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthorized, Effect::NotApplied));
        assert_eq!(service.sms_outbox().len(), 1);
    });
}

#[test]
fn without_two_factor_nothing_is_sent_or_shown() {
    let service = FakeOtps::new();
    let off = service.with_token(service.add_user(FakeUser::without_two_factor()));
    block_on(async {
        for error in [
            off.receive_codes().await.unwrap_err(),
            off.find_recovery_codes().await.unwrap_err(),
            off.regenerate_codes().await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unprocessable);
            assert_eq!(error.messages(), ["Two-factor authentication is not enabled"]);
        }
        assert!(service.sms_outbox().is_empty());
    });
}

#[test]
fn the_same_seed_gives_the_same_secrets() {
    let story = |seed| {
        let service = FakeOtps::builder().seed(seed).build();
        let codes = block_on(service.find_recovery_codes()).unwrap();
        (service.token().clone(), block_on(otp_by_sms(&service)), codes)
    };
    assert_eq!(story(1), story(1));
    assert_ne!(story(1), story(2));
}

#[test]
fn a_phone_may_call_the_service_while_it_receives() {
    let service = FakeOtps::new();
    let received = Arc::new(Mutex::new(Vec::<Sms>::new()));
    let (phone, caller) = (Arc::clone(&received), service.clone());
    service.on_sms(move |sms| {
        block_on(caller.find_ensure_otp(&sms.otp)).unwrap();
        phone.lock().unwrap().push(sms.clone());
    });
    block_on(service.receive_codes()).unwrap();
    assert_eq!(*received.lock().unwrap(), service.sms_outbox());
}

#[test]
fn it_is_a_transport_for_a_client_of_your_own_settings() {
    let service = FakeOtps::new();
    let client = OtpsClient::builder(service.clone(), service.token().clone())
        .timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    block_on(client.receive_codes()).unwrap();
    assert_eq!(service.sms_outbox().len(), 1);
}

#[test]
fn its_debug_shows_no_secret() {
    let service = FakeOtps::builder().seed(3).build();
    let otp = block_on(otp_by_sms(&service));
    let shown = format!("{service:?} {:?}", service.sms_outbox());
    assert!(!shown.contains(otp.expose_secret()), "{shown}");
    assert!(!shown.contains(service.token().expose_secret()), "{shown}");
}
