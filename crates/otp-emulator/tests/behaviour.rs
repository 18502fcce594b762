//! One suite of behaviour, for the service in memory and for the same service on the wire: what a caller
//! sees and what the service notes must be the same, word for word.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "behaviour/scenarios.rs"]
mod scenarios;
mod support;
#[path = "behaviour/world.rs"]
mod world;

use otp_hyper::HttpVersions;
use otp_mock::{FakeOtps, FakeOtpsBuilder};
use world::{Scenario, World};

/// Plays a scenario in every world, and holds each against the first.
async fn agree(build: impl Fn(FakeOtpsBuilder) -> FakeOtpsBuilder, scenario: Scenario) {
    let fake = || build(FakeOtps::builder().seed(7)).build();
    let worlds = [
        World::in_memory(fake()),
        World::behind_a_client(fake()),
        World::on_the_wire(fake(), HttpVersions::Http1),
        World::on_the_wire(fake(), HttpVersions::Http2),
    ];
    let mut first: Option<(String, String)> = None;
    for world in worlds {
        let name = world.name.clone();
        let told = world.play(scenario).await;
        match &first {
            None => first = Some((name, told)),
            Some((as_in, expected)) => {
                assert_eq!(&told, expected, "{name} and {as_in} do not agree");
            }
        }
    }
}

/// Each scenario is a test of its own.
macro_rules! scenarios {
    ($($name:ident $(with $build:expr)?),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            #[allow(unused_mut, unused_assignments, reason = "most need no settings")]
            let mut build: fn(FakeOtpsBuilder) -> FakeOtpsBuilder = |service| service;
            $(build = $build;)?
            agree(build, |world| Box::pin(scenarios::$name(world))).await;
        }
    )*};
}

scenarios!(
    an_otp_by_sms_works_once_for_its_user_and_until_it_expires,
    an_app_s_code_works_once_within_its_skew with |service| {
        service.user(otp_mock::FakeUser::with_app())
    },
    a_recovery_code_works_once_and_until_it_is_replaced,
    a_session_works_until_it_is_revoked,
    verifying_gives_no_session_where_there_is_none with |service| {
        service.without_session_tokens()
    },
    without_two_factor_everything_is_refused,
    wrong_otps_lock_out with |service| {
        service.wrong_otps(2, std::time::Duration::from_secs(60))
    },
    the_rate_limit_is_told_and_kept with |service| {
        service.rate_limit(2, std::time::Duration::from_secs(60))
    },
    a_lost_regeneration_is_unknown_and_happened,
    a_cut_regeneration_is_applied,
    a_lost_sms_is_unknown_and_was_sent,
    a_lost_verification_is_unknown_and_used_the_otp_up,
    an_unavailable_service_is_unknown_and_reading_is_retried,
    a_stale_connection_is_replaced_and_reads_once,
    a_slow_answer_is_a_timeout_and_the_service_acted,
    a_captive_portal_verifies_nobody,
    a_sunset_is_announced,
);
