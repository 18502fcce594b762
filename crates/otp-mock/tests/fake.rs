//! The service in memory, through the API that a program uses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Effect, ErrorKind, Otp, OtpsApi, OtpsClient};
use otp_mock::{Event, Factor, FakeOtps, FakeUser, Sms, TwoFactor};
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
        let again = service.find_ensure_otp(&otp).await.unwrap_err();
        assert!(error.request_id().is_some_and(|id| id.len() == 16));
        assert_ne!(error.request_id(), again.request_id());
    });
}

#[test]
fn an_otp_expires_at_the_end_of_its_lifetime() {
    let lifetime = Duration::from_secs(1000);
    for (later, works) in [(999, true), (1000, false)] {
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
    let bob = service.add_user(FakeUser::with_phone("+1 555 0100"));
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
    let off = service.add_user(FakeUser::without_two_factor());
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

fn recovery_otp(service: &FakeOtps) -> Otp {
    let codes = block_on(service.find_recovery_codes()).unwrap();
    Otp::try_from(&codes.codes()[0]).unwrap()
}

#[test]
fn a_recovery_code_works_once_in_place_of_an_otp() {
    for user in [FakeUser::with_phone("+1"), FakeUser::with_app()] {
        let service = FakeOtps::builder().user(user).build();
        let code = recovery_otp(&service);
        block_on(async {
            service.find_ensure_otp(&code).await.unwrap();
            assert_eq!(service.find_recovery_codes().await.unwrap().len(), 9);
            let again = service.find_ensure_otp(&code).await.unwrap_err();
            assert_eq!(again.kind(), ErrorKind::BadRequest);
        });
        assert_eq!(service.journal().count(Event::Verified(Factor::RecoveryCode)), 1);
    }
}

#[test]
fn regenerating_kills_the_old_recovery_codes_also_for_verifying() {
    let service = FakeOtps::new();
    let old = recovery_otp(&service);
    block_on(async {
        service.regenerate_codes().await.unwrap();
        assert!(service.find_ensure_otp(&old).await.is_err());
        assert!(service.find_ensure_otp(&recovery_otp(&service)).await.is_ok());
    });
}

#[test]
fn a_session_ends_when_its_token_is_revoked() {
    let service = FakeOtps::new();
    block_on(async {
        let otp = otp_by_sms(&service).await;
        let session = service.find_ensure_otp(&otp).await.unwrap().into_session_token().unwrap();
        let session = service.with_token(session);
        assert!(session.find_recovery_codes().await.is_ok());
        session.revoke_token();
        let error = session.find_recovery_codes().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(service.find_recovery_codes().await.is_ok(), "the key is another token");
        service.revoke_token();
        assert!(service.find_recovery_codes().await.is_err());
    });
}

#[test]
fn verifying_may_give_no_session_as_the_document_has_it() {
    let service = FakeOtps::builder().without_session_tokens().build();
    let verified = block_on(async {
        let otp = otp_by_sms(&service).await;
        service.find_ensure_otp(&otp).await.unwrap()
    });
    assert_eq!(verified.session_token(), None);
}

#[test]
fn the_next_sms_is_waited_for_and_given_once() {
    let service = FakeOtps::new();
    // One that came before the wait is not missed.
    block_on(service.receive_codes()).unwrap();
    let first = block_on(service.next_sms());
    assert_eq!(Some(&first), service.last_sms().as_ref());
    assert_eq!(service.next_sms_within(Duration::ZERO), None);

    let waiting = std::thread::spawn({
        let service = service.clone();
        move || block_on(service.next_sms())
    });
    let blocking = std::thread::spawn({
        let service = service.clone();
        move || service.next_sms_within(Duration::from_secs(60)).unwrap()
    });
    // Nobody gets Bob's.
    let bob = service.add_user(FakeUser::with_phone("+2"));
    block_on(bob.receive_codes()).unwrap();
    block_on(service.receive_codes()).unwrap();
    block_on(service.receive_codes()).unwrap();
    let got = [waiting.join().unwrap(), blocking.join().unwrap()];
    assert_ne!(got[0], got[1]);
    assert!(got.iter().all(|sms| sms.to == "+1 555 0123" && *sms != first));
}

#[test]
fn the_state_of_users_and_the_journal_can_be_looked_at() {
    let service = FakeOtps::builder().user(FakeUser::with_phone("+1").named("alice")).build();
    service.add_user(FakeUser::without_two_factor());
    block_on(async {
        let otp = otp_by_sms(&service).await;
        service.find_ensure_otp(&otp).await.unwrap();
        service.find_ensure_otp(&otp).await.unwrap_err();
    });
    let users = service.users();
    assert_eq!(users[0].two_factor, TwoFactor::Sms { phone: "+1".into() });
    assert_eq!((users[0].sessions, users[0].recovery_codes.len()), (1, 10));
    assert_eq!((users[1].name.as_str(), &users[1].two_factor), ("user-2", &TwoFactor::Off));

    let journal = service.journal();
    assert_eq!(
        journal.events(),
        [Event::SmsSent, Event::Verified(Factor::Sms), Event::Refused(StatusCode::BAD_REQUEST)]
    );
    let shown = journal.to_string();
    assert!(shown.lines().all(|line| line.contains("alice")), "{shown}");
    assert!(shown.contains("find_ensure_otp       refused with 400 Bad Request"), "{shown}");
}

#[test]
fn it_is_the_same_service_in_every_flavour() {
    use otp_core::{blocking, local};
    let service = FakeOtps::new();
    blocking::OtpsApi::receive_codes(&service).unwrap();
    block_on(local::OtpsApi::receive_codes(&service)).unwrap();
    block_on(service.receive_codes()).unwrap();
    assert_eq!(service.journal().events(), [Event::SmsSent; 3]);

    assert_eq!(service.journal().count(Event::SmsSent), 3);
    assert_eq!(service.journal().count(Event::CodesRead), 0);
    let wrong = Otp::new("wrong").unwrap();
    assert!(blocking::OtpsApi::find_ensure_otp(&service, &wrong).is_err());
    assert!(block_on(local::OtpsApi::find_ensure_otp(&service, &wrong)).is_err());

    // As a transport too: there is one OTP for each client.
    let token = service.token().clone();
    let otp = || service.next_sms_within(Duration::ZERO).unwrap().otp;
    let client = blocking::OtpsClient::new(service.clone(), token.clone());
    blocking::OtpsApi::find_ensure_otp(&client, &otp()).unwrap();
    let client = local::OtpsClient::new(service.clone(), token.clone());
    block_on(local::OtpsApi::find_ensure_otp(&client, &otp())).unwrap();
    let client = OtpsClient::new(service.clone(), token);
    block_on(client.find_ensure_otp(&otp())).unwrap();
    assert_eq!(service.user().unwrap().sessions, 3);
}

#[test]
fn a_user_is_found_by_name_until_the_token_is_revoked() {
    let token = AuthToken::new("k3y").unwrap();
    let service = FakeOtps::builder().token(token.clone()).build();
    assert_eq!(*service.token(), token);
    let ann = service.add_user(FakeUser::with_app().named("ann"));
    let found = service.of_user("ann").unwrap();
    assert_eq!((found.token(), found.app_code()), (ann.token(), ann.app_code()));
    assert_eq!(ann.user().unwrap().name, "ann");
    assert_eq!(service.user().unwrap().name, "user-1");

    let secret = ann.app_secret().unwrap();
    assert_eq!(secret.expose_secret().len(), 32, "160 bits in base32");
    assert!(service.app_secret().is_none());

    ann.revoke_token();
    assert!(service.of_user("ann").is_none() && service.of_user("nobody").is_none());
    assert!(ann.user().is_none() && ann.last_sms().is_none());
}

#[test]
fn a_name_by_default_is_one_that_nobody_had() {
    let service = FakeOtps::new();
    let by_hand = service.add_user(FakeUser::with_app().named("user-3"));
    let by_default = service.add_user(FakeUser::with_app());
    let names: Vec<_> = service.users().into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["user-1", "user-3", "user-4"]);
    for (name, user) in [("user-3", by_hand), ("user-4", by_default)] {
        assert_eq!(service.of_user(name).unwrap().token(), user.token());
    }
}

#[test]
fn the_name_and_the_token_of_a_user_who_was_revoked_are_free_again() {
    let service = FakeOtps::new();
    let token = AuthToken::new("k3y").unwrap();
    let bob = || FakeUser::with_app().named("bob").with_token(token.clone());
    let first = service.add_user(bob());
    first.revoke_token();
    let second = service.add_user(bob());
    let secret = |user: &FakeOtps| user.app_secret().unwrap().expose_secret().to_owned();
    assert_eq!(secret(&service.of_user("bob").unwrap()), secret(&second));
    assert_eq!(second.user().unwrap().name, "bob");
}

#[test]
fn a_second_user_of_the_same_name_or_token_is_the_test_s_mistake() {
    let service = FakeOtps::new();
    let bob = service.add_user(FakeUser::with_phone("+1").named("bob"));
    let session = block_on(async {
        let otp = otp_by_sms(&bob).await;
        bob.find_ensure_otp(&otp).await.unwrap().into_session_token().unwrap()
    });
    for (user, told) in [
        (FakeUser::with_app().named("bob"), "there is a user of the name \"bob\" already"),
        (
            FakeUser::with_app().with_token(bob.token().clone()),
            "the user \"bob\" has this token already",
        ),
        (FakeUser::with_app().with_token(session), "the user \"bob\" has this token already"),
    ] {
        let adding = std::panic::AssertUnwindSafe(|| service.add_user(user));
        let panic = std::panic::catch_unwind(adding).unwrap_err();
        let sentence = panic.downcast::<String>().unwrap();
        assert_eq!(*sentence, format!("the user cannot be added: {told}"));
    }
    assert_eq!(service.users().len(), 2);
    assert_eq!(bob.user().unwrap().name, "bob", "the token is still Bob's");
}

#[test]
fn what_is_no_operation_is_refused_and_noted() {
    use otp_core::http::Request;
    let service = FakeOtps::new();
    for (method, path, status, allow) in [
        ("GET", "/metal/v1/user/otp/verify/", StatusCode::NOT_FOUND, None),
        ("GET", "/metal/v1/user/otp/verify/1/2", StatusCode::NOT_FOUND, None),
        ("GET", "/metal/v1/user/otp/verify/1", StatusCode::METHOD_NOT_ALLOWED, Some("POST")),
        (
            "PUT",
            "/metal/v1/user/otp/recovery-codes",
            StatusCode::METHOD_NOT_ALLOWED,
            Some("GET, POST"),
        ),
    ] {
        let request = Request::builder().method(method).uri(path).body(Default::default()).unwrap();
        let answer = service.respond(&request);
        assert_eq!(answer.status(), status, "{method} {path}");
        let allowed = answer.headers().get("allow").map(|allow| allow.to_str().unwrap());
        assert_eq!(allowed, allow, "{method} {path}");
        let entry = service.journal().entries().next_back().unwrap().clone();
        assert_eq!((entry.event, entry.operation), (Event::Refused(status), None));
    }
}

#[test]
fn its_debug_shows_no_secret() {
    let service = FakeOtps::builder().seed(3).build();
    let otp = block_on(otp_by_sms(&service));
    let shown = format!("{service:?} {:?}", service.sms_outbox());
    assert!(shown.contains("users: 1") && shown.contains("journal: 1"), "{shown}");
    assert!(!shown.contains(otp.expose_secret()), "{shown}");
    assert!(!shown.contains(service.token().expose_secret()), "{shown}");
}
