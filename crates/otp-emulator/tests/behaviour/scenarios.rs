//! What happens. A scenario asserts what it is about; that all worlds see the same, the suite asserts.

use std::time::Duration;

use otp_core::operation::{FindRecoveryCodes, ReceiveCodes};
use otp_core::{AuthToken, Effect, ErrorKind, Otp};
use otp_mock::{Event, Factor, FakeUser, Fault};

use crate::world::World;

fn wrong() -> Otp {
    Otp::new("wrong").unwrap()
}

/// An OTP by SMS.
async fn otp(world: &World) -> Otp {
    world.saw(world.alice().receive_codes().await).unwrap();
    world.fake.last_sms().unwrap().otp
}

pub async fn an_otp_by_sms_works_once_for_its_user_and_until_it_expires(world: &World) {
    let alice = world.alice();
    let bob = world.api_of(&world.fake.add_user(FakeUser::with_phone("+1 555 0100")));
    let first = otp(world).await;
    assert!(world.saw(bob.find_ensure_otp(&first).await).is_none());
    assert!(world.saw(alice.find_ensure_otp(&wrong()).await).is_none());
    assert!(world.saw(alice.find_ensure_otp(&first).await).is_some());
    assert!(world.saw(alice.find_ensure_otp(&first).await).is_none());

    let second = otp(world).await;
    world.fake.advance(Duration::from_secs(300));
    assert!(world.saw(alice.find_ensure_otp(&second).await).is_none());
}

pub async fn an_app_s_code_works_once_within_its_skew(world: &World) {
    let alice = world.alice();
    assert!(world.saw(alice.receive_codes().await).is_none());
    let code = world.fake.app_code().unwrap();
    world.fake.advance(Duration::from_secs(30));
    assert!(world.saw(alice.find_ensure_otp(&code).await).is_some());
    assert!(world.saw(alice.find_ensure_otp(&code).await).is_none());
    let late = world.fake.app_code().unwrap();
    world.fake.advance(Duration::from_secs(60));
    assert!(world.saw(alice.find_ensure_otp(&late).await).is_none());
}

pub async fn a_recovery_code_works_once_and_until_it_is_replaced(world: &World) {
    let alice = world.alice();
    let codes = world.saw(alice.find_recovery_codes().await).unwrap();
    let code = |at: usize| Otp::try_from(&codes.codes()[at]).unwrap();
    assert!(world.saw(alice.find_ensure_otp(&code(0)).await).is_some());
    assert!(world.saw(alice.find_ensure_otp(&code(0)).await).is_none());
    assert_eq!(world.saw(alice.find_recovery_codes().await).unwrap().len(), 9);
    let new = world.saw(alice.regenerate_codes().await).unwrap();
    assert_eq!(new.len(), 10);
    assert_eq!(world.saw(alice.find_recovery_codes().await).unwrap(), new);
    assert!(world.saw(alice.find_ensure_otp(&code(1)).await).is_none());
}

pub async fn a_session_works_until_it_is_revoked(world: &World) {
    let otp = otp(world).await;
    let verified = world.saw(world.alice().find_ensure_otp(&otp).await).unwrap();
    let token = verified.into_session_token().unwrap();
    let session = (world.api)(token.clone());
    assert!(world.saw(session.find_recovery_codes().await).is_some());
    world.fake.with_token(token).revoke_token();
    assert!(world.saw(session.find_recovery_codes().await).is_none());
    let nobody = (world.api)(AuthToken::new("nobody").unwrap());
    assert!(world.saw(nobody.regenerate_codes().await).is_none());
    assert!(world.saw(world.alice().find_recovery_codes().await).is_some());
}

pub async fn verifying_gives_no_session_where_there_is_none(world: &World) {
    let otp = otp(world).await;
    let verified = world.saw(world.alice().find_ensure_otp(&otp).await).unwrap();
    assert_eq!(verified.session_token(), None);
}

pub async fn without_two_factor_everything_is_refused(world: &World) {
    let off = world.api_of(&world.fake.add_user(FakeUser::without_two_factor()));
    assert!(world.saw(off.receive_codes().await).is_none());
    assert!(world.saw(off.find_recovery_codes().await).is_none());
    assert!(world.saw(off.regenerate_codes().await).is_none());
    assert!(world.saw(off.find_ensure_otp(&wrong()).await).is_none());
    assert!(world.fake.sms_outbox().is_empty());
}

pub async fn wrong_otps_lock_out(world: &World) {
    let alice = world.alice();
    let sent = otp(world).await;
    for _ in 0..2 {
        assert!(world.saw(alice.find_ensure_otp(&wrong()).await).is_none());
    }
    let error = alice.find_ensure_otp(&sent).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    world.saw::<()>(Err(error));
    world.fake.advance(Duration::from_secs(60));
    assert!(world.saw(alice.find_ensure_otp(&sent).await).is_none());
    let new = otp(world).await;
    assert!(world.saw(alice.find_ensure_otp(&new).await).is_some());
}

pub async fn the_rate_limit_is_told_and_kept(world: &World) {
    let client = world.alices_client();
    for _ in 0..2 {
        let answer = world.saw(client.call(ReceiveCodes).send().await).unwrap();
        world.write(format!("{:?}", answer.metadata.rate_limit().unwrap()));
    }
    assert!(world.saw(client.call(ReceiveCodes).send().await).is_none());
    let never = otp_core::RetryPolicy::never();
    assert!(world.saw(client.call(FindRecoveryCodes).retry(never).send().await).is_none());
    world.fake.advance(Duration::from_secs(60));
    assert!(world.saw(client.call(ReceiveCodes).send().await).is_some());
}

pub async fn a_lost_regeneration_is_unknown_and_happened(world: &World) {
    let alice = world.alice();
    let old = world.saw(alice.find_recovery_codes().await).unwrap();
    world.fake.arm(Fault::LostRegenerate);
    let error = alice.regenerate_codes().await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    world.saw::<()>(Err(error));
    assert_ne!(world.saw(alice.find_recovery_codes().await).unwrap(), old);
}

pub async fn a_cut_regeneration_is_applied(world: &World) {
    let alice = world.alice();
    world.fake.arm(Fault::CutRegenerate);
    let error = alice.regenerate_codes().await.unwrap_err();
    assert_eq!(error.effect(), Effect::Applied);
    world.saw::<()>(Err(error));
    assert!(world.saw(alice.find_recovery_codes().await).is_some());
}

pub async fn a_lost_sms_is_unknown_and_was_sent(world: &World) {
    let alice = world.alice();
    world.fake.arm(Fault::LostSms);
    let error = alice.receive_codes().await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    world.saw::<()>(Err(error));
    let sms = world.fake.next_sms().await;
    assert!(world.saw(alice.find_ensure_otp(&sms.otp).await).is_some());
}

pub async fn a_lost_verification_is_unknown_and_used_the_otp_up(world: &World) {
    let alice = world.alice();
    let otp = otp(world).await;
    world.fake.arm(Fault::LostVerify);
    let error = alice.find_ensure_otp(&otp).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    world.saw::<()>(Err(error));
    assert!(world.saw(alice.find_ensure_otp(&otp).await).is_none());
    assert_eq!(world.fake.journal().count(Event::Verified(Factor::Sms)), 1);
}

pub async fn an_unavailable_service_is_unknown_and_reading_is_retried(world: &World) {
    world.fake.arm(Fault::Unavailable { times: 3 });
    assert!(world.saw(world.alice().receive_codes().await).is_none());
    let answer = world.alices_client().call(FindRecoveryCodes).send().await.unwrap();
    assert_eq!(answer.metadata.attempts(), 3);
    assert!(world.fake.armed().is_empty());
}

pub async fn a_stale_connection_is_replaced_and_reads_once(world: &World) {
    world.fake.arm(Fault::StaleConnection);
    let answer = world.alices_client().call(FindRecoveryCodes).send().await.unwrap();
    assert_eq!(answer.metadata.attempts(), 2);
    assert!(world.fake.armed().is_empty());
}

pub async fn a_slow_answer_is_a_timeout_and_the_service_acted(world: &World) {
    let client = world.alices_client();
    // The connection is there, so that the short time is for the answer alone.
    world.saw(client.call(FindRecoveryCodes).send().await).unwrap();
    world.fake.arm(Fault::Slow { delay: Duration::from_secs(60) });
    let call = client.call(ReceiveCodes).attempt_timeout(Duration::from_millis(400));
    let error = call.send().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
    world.saw::<()>(Err(error));
    assert_eq!(world.fake.sms_outbox().len(), 1);
}

pub async fn a_captive_portal_verifies_nobody(world: &World) {
    let alice = world.alice();
    let otp = otp(world).await;
    world.fake.arm(Fault::CaptivePortal);
    assert!(world.saw(alice.find_ensure_otp(&otp).await).is_none());
    assert!(world.saw(alice.find_recovery_codes().await).is_none());
    assert!(world.saw(alice.regenerate_codes().await).is_none());
    assert!(world.saw(alice.receive_codes().await).is_none());
    world.fake.disarm_all();
    assert!(world.saw(alice.find_ensure_otp(&otp).await).is_some());
}

pub async fn a_sunset_is_announced(world: &World) {
    world.fake.arm(Fault::Sunset);
    let metadata = world.alices_client().call(ReceiveCodes).send().await.unwrap().metadata;
    assert!(metadata.sunset().is_some());
    world.write(format!("{:?} {:?}", metadata.sunset(), metadata.deprecation()));
}
