//! Users who are added twice, lockouts, and what a reply says about its request.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use otp_core::{AuthToken, ErrorKind, Otp, OtpsApi};
use otp_mock::{FakeOtps, FakeUser};
use pollster::block_on;

#[test]
fn a_user_who_is_added_twice_is_one_user() {
    let service = FakeOtps::new();
    let key = AuthToken::new("k3y").unwrap();
    let bob = || FakeUser::with_phone("+1").named("bob");
    let first = service.add_user(bob());
    let codes = block_on(first.regenerate_codes()).unwrap();
    let second = service.add_user(bob());
    assert_eq!((first.token(), service.users().len()), (second.token(), 2));
    assert_eq!(block_on(second.find_recovery_codes()).unwrap(), codes, "nothing has changed");

    let carol = || FakeUser::with_app().with_token(key.clone());
    let name = service.add_user(carol()).user().unwrap().name;
    assert_eq!(service.add_user(carol()).user().unwrap().name, name);
    assert_eq!(service.add_user(carol().named(&name)).user().unwrap().name, name);
    assert_eq!(service.users().len(), 3);
    // Of those of whom nothing is said, each is another one.
    service.add_user(FakeUser::with_phone("+1"));
    service.add_user(FakeUser::with_phone("+1"));
    assert_eq!(service.users().len(), 5);

    let error = service.try_add_user(FakeUser::with_phone("+2").named("bob")).unwrap_err();
    assert_eq!(error.to_string(), "there is a user of the name \"bob\" already");
    let other_key = bob().with_token(AuthToken::new("other").unwrap());
    assert!(service.try_add_user(other_key).is_err());
    assert_eq!(service.users().len(), 5);
}

#[test]
fn a_user_who_is_added_again_has_a_token_that_works() {
    let service = FakeOtps::builder().token_lifetime(Duration::from_secs(60)).build();
    let bob = || FakeUser::with_phone("+1").named("bob");
    let first = service.add_user(bob());
    service.advance(Duration::from_secs(60));
    assert!(block_on(first.receive_codes()).is_err(), "it has expired");
    let second = service.add_user(bob());
    block_on(second.receive_codes()).unwrap();
    assert_eq!(service.users().len(), 2);

    second.revoke_token();
    first.revoke_token();
    assert_eq!(service.users().len(), 2);
    service.add_user(bob());
    let names: Vec<_> = service.users().into_iter().map(|user| user.name).collect();
    assert_eq!(
        names,
        ["user-1", "bob"],
        "the Bob who was revoked is not listed beside the new one"
    );
}

#[test]
fn a_reply_says_whose_request_it_was_and_what_struck_it() {
    use otp_core::http::Request;
    use otp_mock::{CustomFault, Fault, Reply};
    let service = FakeOtps::new();
    let request = |token: &AuthToken| {
        let request = Request::get("/metal/v1/user/otp/recovery-codes");
        request.header("x-auth-token", token.to_header_value()).body(Default::default()).unwrap()
    };
    let reply = service.handle(&request(service.token()));
    assert_eq!((reply.user(), reply.faults()), (Some("user-1"), &[][..]));
    let nobody = service.handle(&request(&AuthToken::new("nobody").unwrap()));
    assert_eq!(nobody.user(), None);

    service.arm(Fault::Slow { delay: Duration::from_secs(1) });
    service.arm(Fault::Unavailable { times: 1 });
    let reply = service.handle(&request(service.token()));
    assert_eq!(reply.faults(), ["slow=1", "unavailable=1"]);
    service.disarm_all();
    let before = CustomFault::before_acting("before", Reply::status(500)).times(1);
    service.arm_custom(before);
    service.arm_custom(CustomFault::after_acting("after", |_| Reply::status(501)));
    let faults = [(); 2].map(|()| service.handle(&request(service.token())).faults().to_vec());
    assert_eq!(faults, [["before"], ["after"]]);
}

#[test]
fn a_lockout_is_a_429_or_as_documented_a_400() {
    for (documented, kind) in [(false, ErrorKind::RateLimited), (true, ErrorKind::BadRequest)] {
        let service = FakeOtps::builder().wrong_otps(1, Duration::from_secs(60));
        let service = if documented { service.documented_lockout() } else { service }.build();
        let wrong = Otp::new("000").unwrap();
        assert!(block_on(service.find_ensure_otp(&wrong)).is_err());
        let error = block_on(service.find_ensure_otp(&wrong)).unwrap_err();
        assert_eq!((error.kind(), error.messages()), (kind, &["Too many wrong OTPs".into()][..]));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    }
}
