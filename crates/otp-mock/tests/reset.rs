//! Back to the start, chosen values, and faults for some requests alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_core::operation::{FindRecoveryCodes, ReceiveCodes};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Effect, ErrorKind, Operation, Otp, OtpsApi, RecoveryCode};
use otp_mock::{CustomFault, Event, FakeOtps, FakeUser, Fault, Reply, ScopedFault};
use pollster::block_on;

fn otp(text: &str) -> Otp {
    Otp::new(text).unwrap()
}

fn kind(outcome: Result<(), otp_core::Error>) -> Option<ErrorKind> {
    outcome.err().map(|error| error.kind())
}

#[test]
fn a_reset_brings_back_users_faults_clock_and_secrets() {
    let service = FakeOtps::builder().seed(7).token_lifetime(Duration::from_secs(60)).build();
    let ann = service.add_user(FakeUser::with_app().named("ann"));
    service.arm(Fault::Sunset);
    service.arm_custom(CustomFault::before_acting("own", Reply::status(418)).for_user("ann"));
    service.mark_start();
    let start = service.date();
    let round = || {
        let codes = block_on(service.find_recovery_codes()).unwrap();
        block_on(service.receive_codes()).unwrap();
        let sms = service.next_sms_within(Duration::ZERO).unwrap();
        let session = block_on(service.find_ensure_otp(&sms.otp)).unwrap();
        let token = session.into_session_token().unwrap().expose_secret().to_owned();
        let added = service.add_user(FakeUser::with_app());
        let name = added.user().unwrap().name;
        service.advance(Duration::from_secs(61));
        assert_eq!(kind(block_on(service.receive_codes())), Some(ErrorKind::Unauthorized));
        service.disarm_all();
        service.remove_user("ann");
        (codes, sms, token, name, added.app_secret().unwrap().expose_secret().to_owned())
    };
    let first = round();
    service.reset();
    assert_eq!(service.date(), start);
    assert_eq!(service.users().len(), 2);
    assert_eq!((service.armed(), service.armed_custom()), (vec![Fault::Sunset], vec!["own"]));
    assert!(service.sms_outbox().is_empty() && service.journal().events().is_empty());
    assert_eq!(kind(block_on(ann.receive_codes())), Some(ErrorKind::Rejected), "its fault is back");
    let session = service.with_token(AuthToken::new(first.2.clone()).unwrap());
    assert!(session.user().is_none(), "no session is left");
    service.reset();
    let second = round();
    assert_eq!(second.0, first.0);
    assert_eq!((second.1, second.2, second.3, second.4), (first.1, first.2, first.3, first.4));
}

#[test]
fn without_a_seed_no_secret_is_made_twice() {
    let service = FakeOtps::new();
    block_on(service.receive_codes()).unwrap();
    let sent = (0..5).map(|_| {
        service.reset();
        block_on(service.receive_codes()).unwrap();
        service.last_sms().unwrap().otp.expose_secret().to_owned()
    });
    let mut sent: Vec<_> = sent.collect();
    sent.dedup();
    assert!(sent.len() > 1, "{sent:?}");
}

#[test]
fn a_clock_in_real_time_starts_again_at_the_system_s_date() {
    let service = FakeOtps::builder().real_time().build();
    service.advance(Duration::from_secs(86_400));
    service.reset();
    let now = std::time::SystemTime::now();
    let off = now.duration_since(service.date()).unwrap_or_else(|later| later.duration());
    assert!(off < Duration::from_secs(60), "{off:?}");
}

#[test]
fn the_sms_of_a_user_who_was_removed_reaches_nobody_else() {
    let service = FakeOtps::new();
    let bob = service.add_user(FakeUser::with_phone("+1").named("bob"));
    block_on(bob.receive_codes()).unwrap();
    assert!(service.remove_user("bob") && !service.remove_user("bob"));
    assert!(bob.user().is_none() && bob.last_sms().is_none());
    assert_eq!(kind(block_on(bob.receive_codes())), Some(ErrorKind::Unauthorized));
    let carol = service.add_user(FakeUser::with_phone("+2").named("carol"));
    block_on(carol.receive_codes()).unwrap();
    assert!(bob.next_sms_within(Duration::ZERO).is_none());
    assert_eq!(carol.next_sms_within(Duration::ZERO).unwrap().user, "carol");
    // The journal is history.
    assert_eq!(service.journal().of_user("bob").count(Event::SmsSent), 1);
}

#[test]
fn a_chosen_otp_works_once_for_each_sms() {
    let user = FakeUser::with_phone("+1").with_otp(otp("111111"));
    let service = FakeOtps::builder().otp(otp("222222")).user(user).build();
    let other = service.add_user(FakeUser::with_phone("+2"));
    service.choose_otp(otp("333333"));
    for expected in ["333333", "111111", "111111"] {
        block_on(service.receive_codes()).unwrap();
        assert_eq!(service.last_sms().unwrap().otp, otp(expected));
    }
    block_on(service.find_ensure_otp(&otp("111111"))).unwrap();
    block_on(service.find_ensure_otp(&otp("111111"))).unwrap_err();
    block_on(other.receive_codes()).unwrap();
    block_on(other.find_ensure_otp(&otp("222222"))).unwrap();
}

#[test]
fn chosen_codes_come_with_the_next_regenerations() {
    let codes =
        |codes: &[&str]| codes.iter().map(|code| RecoveryCode::new(*code)).collect::<Vec<_>>();
    let user = FakeUser::with_app().with_recovery_codes(codes(&["a-1"]));
    let service = FakeOtps::builder().user(user).build();
    service.choose_recovery_codes(codes(&["b-2"]));
    service.choose_recovery_codes(codes(&[]));
    assert_eq!(block_on(service.find_recovery_codes()).unwrap().codes(), codes(&["a-1"]));
    assert_eq!(block_on(service.regenerate_codes()).unwrap().codes(), codes(&["b-2"]));
    assert_eq!(block_on(service.regenerate_codes()).unwrap().len(), 0);
    assert_eq!(block_on(service.regenerate_codes()).unwrap().len(), 10);
    service.reset();
    assert_eq!(block_on(service.regenerate_codes()).unwrap().len(), 10, "no choice is left");
}

#[test]
fn a_narrowed_fault_strikes_only_what_it_is_for() {
    let service = FakeOtps::new();
    let bob = service.add_user(FakeUser::with_phone("+1").named("bob"));
    let forbidden = Fault::Status { status: 403 };
    service.arm(forbidden.for_user("bob").for_operation(ReceiveCodes::ENDPOINT).times(2));
    block_on(service.receive_codes()).unwrap();
    block_on(bob.find_recovery_codes()).unwrap();
    for expected in [Some(ErrorKind::Forbidden), Some(ErrorKind::Forbidden), None] {
        assert_eq!(kind(block_on(bob.receive_codes())), expected);
    }
    // One that lasts is replaced only by one for the same requests.
    let slow = |seconds| Fault::Slow { delay: Duration::from_secs(seconds) };
    service.arm(slow(1));
    service.arm(slow(2).for_user("bob"));
    service.arm(slow(3).for_user("bob"));
    let delays: Vec<_> =
        service.armed_numbered().iter().map(|(_, fault)| fault.to_string()).collect();
    assert_eq!(delays, ["slow=1", "slow=3:user=bob"]);
    let took = |handle: &FakeOtps| {
        let before = service.date();
        block_on(handle.find_recovery_codes()).unwrap();
        service.date().duration_since(before).unwrap().as_secs()
    };
    assert_eq!((took(&service), took(&bob)), (1, 3), "the later one counts");
    assert_eq!(service.disarm_named("slow=3:user=bob"), 1);
    assert_eq!(took(&bob), 1);
    let (number, _) = service.armed_numbered()[0].clone();
    assert!(service.disarm(number) && !service.disarm(number));
    assert_eq!(took(&bob), 0);
}

#[test]
fn what_usually_lasts_may_strike_once_and_the_other_way_round() {
    let service = FakeOtps::new();
    service.arm(Fault::CaptivePortal.times(1));
    service.arm(Fault::LostReply.for_operation(FindRecoveryCodes::ENDPOINT).until_disarmed());
    assert_eq!(kind(block_on(service.receive_codes())), Some(ErrorKind::UnexpectedStatus));
    block_on(service.receive_codes()).unwrap();
    for _ in 0..3 {
        let error = block_on(service.find_recovery_codes()).unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown);
    }
    assert_eq!(service.armed(), [Fault::LostReply]);
    service.arm(Fault::Unavailable { times: 3 }.times(0));
    service.arm(ScopedFault::from(Fault::Unavailable { times: 3 }).for_user("nobody"));
    assert_eq!(service.disarm_named("unavailable=1"), 1, "the number counts down");
}

#[test]
fn an_answer_without_a_body_is_not_cut() {
    let service = FakeOtps::new();
    service.arm(Fault::CutReply);
    block_on(service.receive_codes()).unwrap();
    assert_eq!(service.armed(), [Fault::CutReply]);
    let error = block_on(service.regenerate_codes()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::ConnectionLost, Effect::Applied));
    assert!(service.armed().is_empty());
}

#[test]
fn any_status_is_answered_and_the_service_does_not_act() {
    for (status, expected) in [
        (204, None),
        (302, Some(ErrorKind::UnexpectedStatus)),
        (404, Some(ErrorKind::NotFound)),
        (429, Some(ErrorKind::RateLimited)),
        (504, Some(ErrorKind::Server)),
        (7, Some(ErrorKind::Server)),
    ] {
        let service = FakeOtps::new();
        service.arm(Fault::Status { status });
        assert_eq!(kind(block_on(service.receive_codes())), expected, "{status}");
        assert!(service.sms_outbox().is_empty(), "{status}");
    }
}

#[test]
fn a_lockout_counted_requests_and_sessions_are_ended_by_hand() {
    let hour = Duration::from_secs(3600);
    let service = FakeOtps::builder().rate_limit(2, hour).wrong_otps(1, hour).build();
    let wrong = || block_on(service.find_ensure_otp(&otp("wrong"))).unwrap_err().kind();
    assert_eq!(wrong(), ErrorKind::BadRequest);
    assert_eq!(wrong(), ErrorKind::RateLimited, "locked out");
    service.end_lockout();
    assert_eq!(wrong(), ErrorKind::RateLimited, "the requests are counted");
    service.reset_rate_limit();
    assert_eq!(wrong(), ErrorKind::BadRequest);
    service.reset_user("user-1");
    service.choose_session_token(AuthToken::new("session").unwrap());
    block_on(service.receive_codes()).unwrap();
    block_on(service.find_ensure_otp(&service.last_sms().unwrap().otp)).unwrap();
    let session = service.with_token(AuthToken::new("session").unwrap());
    assert!(session.user().is_some());
    service.end_sessions();
    assert!(session.user().is_none() && service.user().is_some());
}
