//! The service in memory as time goes by: apps, limits, and the clock itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime};

use otp_core::operation::{FindRecoveryCodes, ReceiveCodes};
use otp_core::{AuthToken, Effect, ErrorKind, Otp, OtpsApi, OtpsClient};
use otp_mock::{Event, Factor, FakeOtps, FakeUser};
use pollster::block_on;

async fn otp_by_sms(service: &FakeOtps) -> Otp {
    service.receive_codes().await.unwrap();
    service.last_sms().unwrap().otp
}

#[test]
fn an_app_s_code_works_once_within_its_skew_and_no_sms_is_sent() {
    let service = FakeOtps::builder().user(FakeUser::with_app()).build();
    block_on(async {
        let code = service.app_code().unwrap();
        assert_eq!(service.app_code().unwrap(), code, "it changes by time alone");
        service.advance(Duration::from_secs(30));
        assert_ne!(service.app_code().unwrap(), code);
        service.find_ensure_otp(&code).await.unwrap();
        assert!(service.find_ensure_otp(&code).await.is_err(), "a replay");

        let late = service.app_code().unwrap();
        service.advance(Duration::from_secs(60));
        assert!(service.find_ensure_otp(&late).await.is_err(), "beyond the skew");

        let error = service.receive_codes().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unprocessable);
        assert_eq!(error.messages(), ["Two-factor authentication is not by SMS"]);
    });
    let mut events = service.journal().events();
    events.retain(|event| matches!(event, Event::Verified(_)));
    assert_eq!(events, [Event::Verified(Factor::App)]);
    assert!(service.with_token(AuthToken::new("nobody").unwrap()).app_code().is_none());
}

#[test]
fn an_app_s_step_and_skew_are_the_test_s_to_choose() {
    let user = FakeUser::with_app();
    let service = FakeOtps::builder().user(user).app_step(60).app_skew(0).build();
    let code = service.app_code().unwrap();
    service.advance(Duration::from_secs(59));
    assert_eq!(service.app_code().unwrap(), code);
    service.advance(Duration::from_secs(1));
    assert!(block_on(service.find_ensure_otp(&code)).is_err());
}

#[test]
fn too_many_wrong_otps_lock_out_for_a_while_and_void_what_was_sent() {
    let lockout = Duration::from_secs(60);
    let service = FakeOtps::builder().wrong_otps(3, lockout).build();
    block_on(async {
        let sent = otp_by_sms(&service).await;
        let wrong = Otp::new("wrong").unwrap();
        for _ in 0..3 {
            let error = service.find_ensure_otp(&wrong).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadRequest);
        }
        let error = service.find_ensure_otp(&sent).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(lockout));
        service.advance(Duration::from_millis(500));
        let error = service.find_ensure_otp(&sent).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(lockout), "rounded up, so that it is long enough");
        assert!(service.user().unwrap().locked_out);

        service.advance(lockout - Duration::from_millis(500));
        assert!(!service.user().unwrap().locked_out);
        let error = service.find_ensure_otp(&sent).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "it was voided");
        let new = otp_by_sms(&service).await;
        service.find_ensure_otp(&new).await.unwrap();
    });
}

#[test]
fn a_right_otp_forgives_the_wrong_ones_before_it() {
    let service = FakeOtps::builder().wrong_otps(2, Duration::from_secs(60)).build();
    block_on(async {
        for _ in 0..3 {
            let otp = otp_by_sms(&service).await;
            assert!(service.find_ensure_otp(&Otp::new("wrong").unwrap()).await.is_err());
            service.find_ensure_otp(&otp).await.unwrap();
        }
    });
}

#[test]
fn the_rate_limit_is_told_with_every_answer_and_refuses_beyond() {
    let window = Duration::from_secs(60);
    let service = FakeOtps::builder().rate_limit(2, window).build();
    let client = OtpsClient::new(service.clone(), service.token().clone());
    block_on(async {
        for (later, remaining, reset) in [(0, 1, 60), (20, 0, 40)] {
            service.advance(Duration::from_secs(later));
            let answer = client.call(ReceiveCodes).send().await.unwrap();
            let rate = answer.metadata.rate_limit().unwrap();
            assert_eq!(
                (rate.limit, rate.remaining, rate.reset),
                (Some(2), Some(remaining), Some(reset))
            );
        }
        let error = client.receive_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::RateLimited, Effect::NotApplied));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
        assert_eq!(service.sms_outbox().len(), 2);

        // Others are not limited by it, and the next window is a new one.
        let bob = service.add_user(FakeUser::with_phone("+2"));
        bob.receive_codes().await.unwrap();
        service.advance(Duration::from_secs(40));
        client.receive_codes().await.unwrap();
    });
}

#[test]
fn a_wait_that_fits_the_deadline_turns_the_clock_and_takes_no_time() {
    let service = FakeOtps::builder().rate_limit(1, Duration::from_secs(20)).build();
    let before = service.date();
    let client = OtpsClient::new(service.clone(), service.token().clone());
    let answer = block_on(async {
        client.find_recovery_codes().await.unwrap();
        client.call(FindRecoveryCodes).send().await.unwrap()
    });
    assert_eq!(answer.metadata.attempts(), 2);
    assert!(service.date().duration_since(before).unwrap() >= Duration::from_secs(20));
}

#[test]
fn its_clock_stands_still_unless_it_is_told_to_run() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let service = FakeOtps::builder().starts_at(start).build();
    assert_eq!(service.date(), start);
    service.advance(Duration::from_secs(5));
    assert_eq!(service.date(), start + Duration::from_secs(5));

    let standing = FakeOtps::builder().real_time().starts_at(start).build();
    assert_eq!(standing.date(), start, "the last word counts");

    let running = FakeOtps::builder().starts_at(start).real_time().build();
    let passed = running.date().duration_since(start).unwrap();
    assert!(passed < Duration::from_secs(100), "it runs from that date: {passed:?}");
    std::thread::sleep(Duration::from_millis(2));
    assert!(running.date().duration_since(start).unwrap() > passed);

    let before = SystemTime::now();
    let running = FakeOtps::builder().real_time().build();
    running.advance(Duration::from_secs(1000));
    let ahead = running.date().duration_since(before).unwrap();
    assert!((1000..1100).contains(&ahead.as_secs()), "{ahead:?}");
}

#[test]
fn its_dates_are_those_that_http_can_write() {
    let (day, earliest) = (Duration::from_secs(86_400), SystemTime::UNIX_EPOCH);
    let latest = earliest + Duration::from_secs(253_402_300_799);
    for (start, taken) in [
        (earliest - day, earliest),
        (earliest, earliest),
        (latest, latest),
        (latest + Duration::from_nanos(1), latest),
        (latest + day, latest),
    ] {
        let service = FakeOtps::builder().starts_at(start).build();
        assert_eq!(service.date(), taken, "{start:?}");
        let running = FakeOtps::builder().starts_at(start).real_time().build();
        assert!(running.date() >= taken && running.date() <= latest, "{start:?}");
    }

    let service = FakeOtps::builder().user(FakeUser::with_app()).build();
    for far in [Duration::from_secs(10_u64.pow(19)), Duration::MAX] {
        service.advance(far);
        assert_eq!(service.date(), latest, "after {far:?}");
    }
    let code = service.app_code().unwrap();
    block_on(service.find_ensure_otp(&code)).unwrap();
}

#[test]
fn at_the_last_date_the_whole_clock_stops() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_789);
    let service =
        FakeOtps::builder().otp_lifetime(Duration::from_secs(10)).starts_at(start).build();
    service.advance(Duration::from_secs(3600));
    assert_eq!(service.date(), start + Duration::from_secs(10));
    block_on(service.receive_codes()).unwrap();
    let sms = service.last_sms().unwrap();
    assert_eq!(sms.at, Duration::from_secs(10));
    service.advance(Duration::from_secs(3600));
    assert_eq!(service.date(), start + Duration::from_secs(10));
    block_on(service.find_ensure_otp(&sms.otp)).expect("it expires by the date that is shown");
}

#[test]
fn a_flood_does_not_fill_its_memory() {
    let service = FakeOtps::new();
    block_on(async {
        for _ in 0..5000 {
            service.receive_codes().await.unwrap();
            let otp = service.last_sms().unwrap().otp;
            service.find_ensure_otp(&otp).await.unwrap();
        }
    });
    assert_eq!(service.sms_outbox().len(), 1000);
    assert_eq!(service.journal().entries().len(), 4096);
    assert_eq!(service.journal().count(Event::SmsSent), 4096 / 2, "of those that are kept");
    assert_eq!(service.user().unwrap().sessions, 64);
}

#[test]
fn a_ninth_otp_ends_the_first_and_a_65th_login_the_first_session() {
    let service = FakeOtps::new();
    block_on(async {
        for _ in 0..9 {
            service.receive_codes().await.unwrap();
        }
        let sent = service.sms_outbox();
        assert!(service.find_ensure_otp(&sent[0].otp).await.is_err());
        let first = service.find_ensure_otp(&sent[1].otp).await.unwrap();
        let first = service.with_token(first.into_session_token().unwrap());
        for login in 2..=65 {
            assert!(first.find_recovery_codes().await.is_ok(), "before login {login}");
            let otp = otp_by_sms(&service).await;
            service.find_ensure_otp(&otp).await.unwrap();
        }
        let error = first.find_recovery_codes().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    });
}

#[test]
fn a_client_s_deadline_is_by_the_service_s_clock() {
    let service = FakeOtps::new();
    service.arm(otp_mock::Fault::Slow { delay: Duration::from_secs(60) });
    let client = OtpsClient::new(service.clone(), service.token().clone());
    for error in [
        block_on(client.find_recovery_codes()).unwrap_err(),
        block_on(service.find_recovery_codes()).unwrap_err(),
    ] {
        // Ten seconds an attempt, thirty in all: the waits between leave less for the third.
        let last = error.attempts().last().unwrap();
        assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::Timeout, 3));
        assert_eq!(last.started + last.duration, Duration::from_secs(30), "{error}");
    }
}
