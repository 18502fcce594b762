//! Every named fault, and what a caller must do about it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime};

use otp_core::operation::ReceiveCodes;
use otp_core::{Deprecation, Effect, ErrorKind, OtpsApi, OtpsClient};
use otp_mock::{Event, Factor, FakeOtps, Fault};
use pollster::block_on;

/// A service with this fault armed.
fn with(fault: Fault) -> FakeOtps {
    let service = FakeOtps::new();
    service.arm(fault);
    service
}

#[test]
fn after_a_lost_regeneration_read_the_codes_and_compare_them_with_the_old_ones() {
    let service = FakeOtps::new();
    block_on(async {
        let old = service.find_recovery_codes().await.unwrap();
        service.arm(Fault::LostRegenerate);
        let error = service.regenerate_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::ConnectionLost, Effect::Unknown));
        assert_eq!(error.attempts().len(), 1, "repeating it would kill the codes again");

        let now = service.find_recovery_codes().await.unwrap();
        assert_ne!(now, old, "they did change");
    });
    assert_eq!(service.journal().count(Event::CodesRegenerated), 1);
}

#[test]
fn after_a_cut_regeneration_the_codes_did_change_so_read_them() {
    let service = FakeOtps::new();
    block_on(async {
        let old = service.find_recovery_codes().await.unwrap();
        service.arm(Fault::CutRegenerate);
        let error = service.regenerate_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::ConnectionLost, Effect::Applied));
        assert!(error.to_string().contains("read them with find_recovery_codes"), "{error}");
        assert_ne!(service.find_recovery_codes().await.unwrap(), old);
    });
}

#[test]
fn after_a_lost_sms_look_at_the_phone_before_asking_for_another() {
    let service = with(Fault::LostSms);
    block_on(async {
        let error = service.receive_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::ConnectionLost, Effect::Unknown));
        // It is there, and it works.
        let sms = service.next_sms().await;
        service.find_ensure_otp(&sms.otp).await.unwrap();
    });
    assert_eq!(service.sms_outbox().len(), 1);
}

#[test]
fn after_a_lost_verification_ask_for_a_new_otp_since_the_old_one_proves_nothing() {
    let service = with(Fault::LostVerify);
    block_on(async {
        service.receive_codes().await.unwrap();
        let otp = service.next_sms().await.otp;
        let error = service.find_ensure_otp(&otp).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown);
        // The same one is refused, though it was right: that is no proof that it was wrong.
        let again = service.find_ensure_otp(&otp).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::BadRequest);
        assert_eq!(service.journal().count(Event::Verified(Factor::Sms)), 1);

        service.receive_codes().await.unwrap();
        service.find_ensure_otp(&service.next_sms().await.otp).await.unwrap();
    });
}

#[test]
fn while_the_service_is_unavailable_look_at_the_phone_and_repeat_what_only_reads() {
    let service = with(Fault::Unavailable { times: 3 });
    block_on(async {
        // Whether a 503 is of before or after the act, no client can know: it was sent once.
        let error = service.receive_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Server, Effect::Unknown));
        assert_eq!(error.attempts().len(), 1);
        assert!(service.last_sms().is_none());
        assert_eq!(service.armed(), [Fault::Unavailable { times: 2 }]);

        // Reading was repeated by the client itself.
        service.find_recovery_codes().await.unwrap();
    });
    assert!(service.armed().is_empty());
    let struck = |times| Event::Struck(Fault::Unavailable { times });
    assert_eq!(service.journal().events(), [struck(3), struck(2), struck(1), Event::CodesRead]);
}

#[test]
fn a_stale_connection_asks_nothing_of_the_caller_and_the_sms_is_sent_once() {
    let service = with(Fault::StaleConnection);
    let client = OtpsClient::new(service.clone(), service.token().clone());
    let answer = block_on(client.call(ReceiveCodes).send()).unwrap();
    assert_eq!(answer.metadata.attempts(), 2);
    assert_eq!(answer.metadata.failed_attempts()[0].effect, Effect::NotApplied);
    assert_eq!(service.sms_outbox().len(), 1);
    assert!(service.armed().is_empty());
}

#[test]
fn after_an_answer_that_is_too_slow_look_at_the_phone_before_asking_again() {
    let service = with(Fault::Slow { delay: Duration::from_secs(11) });
    let before = service.date();
    block_on(async {
        let error = service.receive_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
        assert!(service.last_sms().is_some());
    });
    let limit = Duration::from_secs(10);
    assert_eq!(service.date().duration_since(before).unwrap(), limit, "by the service's clock");
}

#[test]
fn a_slow_answer_within_the_limit_only_takes_its_time() {
    let service = with(Fault::Slow { delay: Duration::from_secs(9) });
    let before = service.date();
    block_on(service.receive_codes()).unwrap();
    assert_eq!(service.date().duration_since(before).unwrap(), Duration::from_secs(9));
}

#[test]
fn behind_a_captive_portal_nobody_is_verified_and_the_user_must_get_onto_the_network_first() {
    let service = FakeOtps::new();
    block_on(async {
        service.receive_codes().await.unwrap();
        let otp = service.next_sms().await.otp;
        service.arm(Fault::CaptivePortal);
        let error = service.find_ensure_otp(&otp).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains("no proxy answers in its place"), "{error}");
        assert_eq!(service.receive_codes().await.unwrap_err().kind(), ErrorKind::UnexpectedStatus);
        assert_eq!(service.find_recovery_codes().await.unwrap_err().kind(), ErrorKind::Decode);

        // Once the user is on the network, the OTP still works: the service never saw it.
        service.disarm_all();
        service.find_ensure_otp(&otp).await.unwrap();
    });
}

#[test]
fn behind_a_captive_portal_it_is_unknown_whether_the_codes_changed() {
    let service = FakeOtps::new();
    block_on(async {
        let old = service.find_recovery_codes().await.unwrap();
        service.arm(Fault::CaptivePortal);
        let error = service.regenerate_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Decode, Effect::Unknown));
        assert_eq!(service.journal().count(Event::CodesRegenerated), 0);

        service.disarm_all();
        assert_eq!(service.find_recovery_codes().await.unwrap(), old);
    });
}

#[test]
fn when_the_service_announces_its_end_the_metadata_says_when_to_have_moved() {
    let service = with(Fault::Sunset);
    let client = OtpsClient::new(service.clone(), service.token().clone());
    let metadata = block_on(client.call(ReceiveCodes).send()).unwrap().metadata;
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(metadata.sunset(), Some(at(1_782_863_999)));
    assert_eq!(metadata.deprecation(), Some(Deprecation::At(at(1_735_689_600))));
}

#[test]
fn a_fault_strikes_the_operation_it_is_about_and_no_other() {
    let service = with(Fault::LostRegenerate);
    block_on(async {
        service.receive_codes().await.unwrap();
        service.find_recovery_codes().await.unwrap();
        service.find_ensure_otp(&service.next_sms().await.otp).await.unwrap();
        assert_eq!(service.armed(), [Fault::LostRegenerate]);
        service.regenerate_codes().await.unwrap_err();
        service.regenerate_codes().await.unwrap();
    });
}

#[test]
fn a_server_that_can_only_answer_says_so_of_a_lost_reply() {
    use otp_core::http::{Request, StatusCode};
    let service = with(Fault::LostSms);
    let request = || {
        Request::post("/metal/v1/user/otp/sms/receive")
            .header("x-auth-token", service.token().to_header_value())
            .body(Default::default())
            .unwrap()
    };
    let statuses = [(); 2].map(|()| service.respond(&request()).status());
    assert_eq!(statuses, [StatusCode::BAD_GATEWAY, StatusCode::NO_CONTENT]);
    assert_eq!(service.sms_outbox().len(), 2);
}

#[test]
fn a_fault_that_lasts_is_armed_once_and_the_last_delay_counts() {
    let service = FakeOtps::new();
    let slow = |seconds| Fault::Slow { delay: Duration::from_secs(seconds) };
    for _ in 0..2 {
        for fault in [slow(1), Fault::Sunset, slow(2), Fault::CaptivePortal] {
            service.arm(fault);
        }
    }
    assert_eq!(service.armed(), [Fault::Sunset, slow(2), Fault::CaptivePortal]);
    let before = service.date();
    block_on(service.find_recovery_codes()).unwrap_err();
    assert_eq!(service.date().duration_since(before).unwrap(), Duration::from_secs(2));

    // What strikes once is armed as often as it is to strike.
    service.disarm_all();
    service.arm(Fault::LostSms);
    service.arm(Fault::LostSms);
    assert_eq!(service.armed(), [Fault::LostSms; 2]);
}
