//! How users of this SDK test their own code: with its mock, with canned errors, with a double of their own, and with
//! the service in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use otp_core::{Effect, ErrorKind, Otp, OtpsClient, async_trait};
use otp_example_larger_sdk::operations::{DeleteKey, EnableApp, FindKeys};
use otp_example_larger_sdk::{
    MetalApi, MetalError, MockMetalApi, add_routes, blocking, local, settings,
};
use otp_mock::mockall::predicate::eq;
use otp_mock::{CustomFault, Event, FakeOtps, FakeUser, Reply, canned};
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
async fn switch_to_app(api: &dyn MetalApi, typed: &str) -> Result<Switched, MetalError> {
    let Ok(otp) = Otp::new(typed) else { return Ok(Switched::AskAgain) };
    match api.enable_app(&otp).await {
        Err(failed) if failed.error().effect() == Effect::Unknown => {
            Ok(Switched::LookAtTheSettings)
        }
        Err(failed) if failed.error().effect() == Effect::NotApplied => match failed.error().kind()
        {
            ErrorKind::BadRequest => Ok(Switched::AskAgain),
            _ => Err(failed),
        },
        // The switch is done, whatever becomes of the reading.
        _ => Ok(Switched::Done(api.find_recovery_codes().await.ok().map(|codes| codes.len()))),
    }
}

#[test]
fn a_mock_answers_for_every_method() {
    let mut api = MockMetalApi::new();
    api.expect_enable_app().with(eq(Otp::new("123456").unwrap())).once().returning(|_| Ok(()));
    api.expect_find_recovery_codes().returning(|| Ok(canned::recovery_codes(["a", "b"])));
    assert_eq!(block_on(switch_to_app(&api, "123 456")).unwrap(), Switched::Done(Some(2)));

    // The same mock in the other flavours.
    api.expect_delete_key().with(eq("key-1")).times(2).returning(|_| Ok(true));
    assert!(block_on(local::MetalApi::delete_key(&api, "key-1")).unwrap());
    assert!(blocking::MetalApi::delete_key(&api, "key-1").unwrap());
}

#[test]
fn canned_errors_are_there_for_each_operation() {
    for (error, switched) in [
        (canned::error::<EnableApp<'_>>(ErrorKind::BadRequest).build(), Switched::AskAgain),
        (canned::unknown::<EnableApp<'_>>(), Switched::LookAtTheSettings),
    ] {
        assert_eq!(error.operation(), Some("enable_app"));
        let mut api = MockMetalApi::new();
        api.expect_enable_app().return_once(|_| Err(error.into()));
        assert_eq!(block_on(switch_to_app(&api, "123456")).unwrap(), switched);
    }
    assert_eq!(canned::lost_reply::<EnableApp<'_>>().effect(), Effect::Applied);
    assert_eq!(canned::lost_reply::<DeleteKey<'_>>().effect(), Effect::Applied);
}

#[test]
fn a_double_of_ones_own_needs_no_more_than_its_test() {
    struct OnlyCodes;
    #[async_trait]
    impl MetalApi for OnlyCodes {
        async fn find_recovery_codes(&self) -> Result<otp_core::RecoveryCodeList, MetalError> {
            Ok(canned::recovery_codes(["a"]))
        }
    }
    let failed = block_on(switch_to_app(&OnlyCodes, "123456")).unwrap_err();
    assert_eq!(failed.error().kind(), ErrorKind::Unimplemented);
    assert_eq!(failed.error().operation(), Some("enable_app"));
}

#[test]
fn the_service_in_memory_has_every_endpoint() {
    let service = FakeOtps::builder().user(FakeUser::with_app()).build();
    add_routes(&service, ["alpha"]);
    // It is the service itself, and a transport for a client with settings of its own.
    let client = settings(OtpsClient::builder(service.clone(), service.token().clone())).build();
    let both: [&dyn MetalApi; 2] = [&service, &client.unwrap()];
    let [api, by_client] = both;
    for typed in ["not a code!", "111111"] {
        assert_eq!(block_on(switch_to_app(api, typed)).unwrap(), Switched::AskAgain);
    }
    assert_eq!(block_on(by_client.find_user()).unwrap().two_factor_auth, None);
    let shown =
        otp_core::secrecy::ExposeSecret::expose_secret(&service.app_code().unwrap()).to_owned();
    assert_eq!(block_on(switch_to_app(api, &shown)).unwrap(), Switched::Done(Some(10)));
    let user = block_on(by_client.find_user()).unwrap();
    assert_eq!(user.two_factor_auth.as_deref(), Some("app"));
    block_on(api.disable_app(&service.app_code().unwrap())).unwrap();
    assert_eq!(block_on(by_client.find_user()).unwrap().two_factor_auth, None);

    // A reply that is lost after the service acted.
    service.arm_custom(CustomFault::after_acting("lost", |_| Reply::lost()).times(1));
    assert_eq!(block_on(switch_to_app(api, &shown)).unwrap(), Switched::LookAtTheSettings);
    assert_eq!(service.journal().count(Event::StruckBy("lost")), 1);
}

#[test]
fn a_key_of_the_service_in_memory_is_a_token_until_it_is_deleted() {
    let service = FakeOtps::new();
    add_routes(&service, [""; 0]);
    let api: &dyn MetalApi = &service;
    block_on(async {
        let key = api.create_key("ci", true).await?;
        let by_key = api.in_session(&key.token)?;
        let all = by_key.find_keys(&FindKeys::default()).await?;
        assert_eq!(all, std::slice::from_ref(&key));
        let search = FindKeys { search: Some("laptop".into()) };
        assert_eq!(by_key.find_keys(&search).await?, []);

        assert!(by_key.delete_key(&key.id).await?);
        let refused = by_key.find_user().await.unwrap_err();
        assert_eq!(refused.error().kind(), ErrorKind::Unauthorized);
        assert!(!api.delete_key(&key.id).await?, "it is gone");

        for number in 0..3 {
            api.create_key(&format!("key {number}"), false).await?;
        }
        let refused = api.create_key("one more", false).await.unwrap_err();
        assert!(matches!(refused, MetalError::TooManyKeys { limit: 3, .. }), "{refused:?}");
        assert_eq!(refused.to_string(), "a user may have 3 API keys: delete one first");
        assert_eq!(refused.error().effect(), Effect::NotApplied);
        Ok::<_, MetalError>(())
    })
    .unwrap();
}
