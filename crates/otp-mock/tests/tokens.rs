//! Tokens that expire, are revoked and are replaced, as a test of a token refresh needs them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::{AuthToken, Effect, Error, ErrorKind, OtpsApi};
use otp_mock::{Event, FakeOtps, FakeUser};
use pollster::block_on;

const HOUR: Duration = Duration::from_secs(3600);

fn is_refused(service: &FakeOtps) -> bool {
    match block_on(service.find_recovery_codes()) {
        Ok(_) => false,
        Err(error) => {
            let seen = (error.kind(), error.effect(), error.attempts().len());
            assert_eq!(seen, (ErrorKind::Unauthorized, Effect::NotApplied, 1), "{error}");
            true
        }
    }
}

/// A handle that is in a session of its user.
async fn logged_in(service: &FakeOtps) -> Result<FakeOtps, Error> {
    service.receive_codes().await?;
    let verified = service.find_ensure_otp(&service.next_sms().await.otp).await?;
    Ok(service.with_token(verified.into_session_token().unwrap()))
}

#[test]
fn a_token_expires_to_the_second_and_another_one_works() {
    let service = FakeOtps::new();
    service.expire_token_after(HOUR);
    service.expire_token_after(HOUR * 2);
    service.advance(HOUR - Duration::from_nanos(1));
    assert!(!is_refused(&service));
    service.advance(Duration::from_nanos(1));
    assert!(is_refused(&service), "the earlier time counts");
    assert_eq!(service.journal().events().pop(), Some(Event::Refused(StatusCode::UNAUTHORIZED)));
    assert!(service.user().is_none(), "the token is no longer anybody's");

    let refreshed = service.with_token(service.issue_token());
    assert!(!is_refused(&refreshed) && is_refused(&service));
    assert_eq!(refreshed.user().unwrap().name, "user-1", "it is the same user");
    assert_eq!(service.of_user("user-1").unwrap().token(), refreshed.token());
    // The next one too, from the old handle: for a provider that is called again and again.
    assert!(!is_refused(&service.with_token(service.issue_token())));
    assert!(!is_refused(&refreshed), "the tokens before keep working");
}

#[test]
fn a_token_that_is_revoked_or_expires_at_once_is_refused_from_the_next_call_on() {
    let end: [fn(&FakeOtps); 2] =
        [FakeOtps::revoke_token, |service| service.expire_token_after(Duration::ZERO)];
    for end in end {
        let service = FakeOtps::new();
        end(&service);
        assert!(is_refused(&service));
        assert!(!is_refused(&service.with_token(service.issue_token())));
    }
}

#[test]
fn a_session_expires_alone() {
    let service = FakeOtps::new();
    let session = block_on(logged_in(&service)).unwrap();
    session.expire_token_after(HOUR);
    assert_eq!(service.user().unwrap().sessions, 1);
    service.advance(HOUR);
    assert!(is_refused(&session) && !is_refused(&service));
    assert_eq!(service.user().unwrap().sessions, 0);
}

#[test]
fn by_a_lifetime_every_token_expires_that_the_service_gave_out() {
    let service = FakeOtps::builder().token_lifetime(HOUR).build();
    let bob = service.add_user(FakeUser::with_app().with_token(AuthToken::new("bob").unwrap()));
    let session = block_on(logged_in(&service)).unwrap();
    service.advance(HOUR / 2);
    let late = service.with_token(service.issue_token());
    service.advance(HOUR / 2);
    assert!(is_refused(&service) && is_refused(&bob) && is_refused(&session));
    assert!(!is_refused(&late));
    service.advance(HOUR / 2);
    assert!(is_refused(&late));
    assert_eq!(service.users().len(), 2);
    let again = service.of_user("user-1").unwrap();
    assert!(!is_refused(&again.with_token(again.issue_token())), "the name is still the user's");
}

#[test]
fn of_a_user_s_tokens_64_work_and_those_that_ended_make_room_first() {
    let service = FakeOtps::new();
    let ended = service.with_token(service.issue_token());
    ended.expire_token_after(Duration::ZERO);
    for _ in 0..63 {
        service.issue_token();
    }
    assert!(!is_refused(&service), "the one that ended made room");
    service.issue_token();
    assert!(is_refused(&service));
}

#[test]
fn an_expired_token_is_still_its_user_s_and_a_revoked_one_is_free() {
    let service = FakeOtps::new();
    let ann = service.add_user(FakeUser::with_app().named("ann"));
    ann.expire_token_after(Duration::ZERO);
    let same_token = || FakeUser::with_app().with_token(ann.token().clone());
    let adding = AssertUnwindSafe(|| service.add_user(same_token()));
    let sentence = catch_unwind(adding).unwrap_err().downcast::<String>().unwrap();
    assert_eq!(*sentence, "the user cannot be added: the user \"ann\" has this token already");
    ann.revoke_token();
    assert!(!is_refused(&service.add_user(same_token())));
}

#[test]
fn a_token_is_issued_for_a_known_user_alone() {
    let service = FakeOtps::new();
    let bob = service.add_user(FakeUser::with_app().named("bob"));
    bob.revoke_token();
    let second =
        service.add_user(FakeUser::with_app().named("bob").with_token(bob.token().clone()));
    let new = service.with_token(bob.issue_token());
    assert_eq!(new.app_code(), second.app_code(), "the token is the second Bob's now");

    let carol = service.add_user(FakeUser::with_app().named("carol"));
    carol.revoke_token();
    service.add_user(FakeUser::with_app().named("carol"));
    let nobody = service.with_token(AuthToken::new("nobody").unwrap());
    for (handle, why) in [
        (carol, "the token of this handle is no user's"),
        (nobody, "the token of this handle is no user's"),
    ] {
        let panic = catch_unwind(AssertUnwindSafe(|| handle.issue_token())).unwrap_err();
        let sentence = panic.downcast::<String>().unwrap();
        assert_eq!(*sentence, format!("no token can be issued: {why}"));
    }
}
