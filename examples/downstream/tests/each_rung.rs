//! The same test with every double: after a lost reply, does the program have the codes that work?

use downstream::{rotate, rotate_and_wait, rotate_locally};
use otp_core::operation::{FindRecoveryCodes, RegenerateCodes};
use otp_core::{AuthToken, Error, OtpsApi, OtpsClient, blocking, local};
use otp_emulator::Emulator;
use otp_hyper::{HyperTransport, Roots};
use otp_mock::mockall::Sequence;
use otp_mock::{
    Event, Expected, FakeOtps, FakeUser, Fault, MockOtpsApi, Recorder, Recording, Reply,
    ScriptedTransport, canned,
};

fn token() -> AuthToken {
    AuthToken::new("k3y").unwrap()
}

#[tokio::test]
async fn with_a_mock() {
    let mut order = Sequence::new();
    let mut otps = MockOtpsApi::new();
    otps.expect_find_recovery_codes()
        .once()
        .in_sequence(&mut order)
        .returning(|| Ok(canned::recovery_codes(["old"])));
    otps.expect_regenerate_codes()
        .once()
        .in_sequence(&mut order)
        .returning(|| Err(canned::lost_reply::<RegenerateCodes>()));
    otps.expect_find_recovery_codes()
        .once()
        .in_sequence(&mut order)
        .returning(|| Ok(canned::recovery_codes(["a", "b"])));
    assert_eq!(rotate(&otps).await.unwrap().len(), 2);
}

#[tokio::test]
async fn with_a_mock_of_another_flavour() {
    fn lost() -> Result<otp_core::RecoveryCodeList, Error> {
        Err(canned::unknown::<RegenerateCodes>())
    }
    let mut otps = MockOtpsApi::new();
    otps.expect_regenerate_codes().returning(lost);
    otps.expect_find_recovery_codes().once().returning(|| Ok(canned::recovery_codes(["old"])));
    otps.expect_find_recovery_codes().once().returning(|| Ok(canned::recovery_codes(["a"])));
    assert_eq!(rotate_locally(&otps).await.unwrap(), canned::recovery_codes(["a"]));

    let mut otps = MockOtpsApi::new();
    otps.expect_regenerate_codes().returning(lost);
    otps.expect_find_recovery_codes().returning(|| Ok(canned::recovery_codes(["old"])));
    assert!(rotate_and_wait(&otps).is_err(), "the old codes are not new ones");
}

#[tokio::test]
async fn with_the_service_in_memory() {
    for fault in [Fault::LostRegenerate, Fault::CutRegenerate] {
        let service = FakeOtps::builder().seed(7).user(FakeUser::with_app()).build();
        service.arm(fault);
        let codes = rotate(&service).await.unwrap();
        assert_eq!(codes, OtpsApi::find_recovery_codes(&service).await.unwrap());
        assert_eq!(service.journal().count(Event::CodesRegenerated), 1);

        let service = FakeOtps::new();
        service.arm(fault);
        assert_eq!(rotate_locally(&service).await.unwrap().len(), 10);
        service.arm(fault);
        assert_eq!(rotate_and_wait(&service).unwrap().len(), 10);
    }
}

#[tokio::test]
async fn with_a_script() {
    let script = ScriptedTransport::in_order()
        .answer(FindRecoveryCodes, Reply::recovery_codes(["old"]))
        .answer(
            Expected::call(RegenerateCodes).with_token(token()),
            Reply::recovery_codes(["a"]).cut(),
        )
        .answer(FindRecoveryCodes, Reply::recovery_codes(["a"]));
    let client = OtpsClient::new(script.clone(), token());
    assert_eq!(rotate(&client).await.unwrap().len(), 1);
    assert_eq!(script.requests()[2].token(), Some(token()));
    script.finish();
}

#[tokio::test]
async fn with_a_recording() {
    let service = FakeOtps::new();
    service.arm(Fault::LostRegenerate);
    let recorder = Recorder::new(service.clone());
    let client = OtpsClient::new(recorder.clone(), service.token().clone());
    let recorded = rotate(&client).await.unwrap();

    let recording: Recording = recorder.recording().to_string().parse().unwrap();
    let replay = recording.replay();
    let client = local::OtpsClient::new(replay.clone(), token());
    let played = rotate_locally(&client).await.unwrap();
    assert_eq!(played.len(), recorded.len());
    assert_ne!(played, recorded, "the file has no secret");
    let client = blocking::OtpsClient::new(recording.replay(), token());
    assert_eq!(rotate_and_wait(&client).unwrap(), played);
    replay.finish();
}

#[tokio::test]
async fn over_a_real_connection() {
    let emulator = Emulator::start().unwrap();
    let transport =
        HyperTransport::builder().roots(Roots::pem(emulator.ca_pem()).unwrap()).build().unwrap();
    let client = OtpsClient::builder(transport, emulator.token())
        .base_url(emulator.base_url())
        .build()
        .unwrap();
    emulator.arm(Fault::CutRegenerate);
    let codes = rotate(&client).await.unwrap();
    assert_eq!(codes, OtpsApi::find_recovery_codes(emulator.fake()).await.unwrap());
}
