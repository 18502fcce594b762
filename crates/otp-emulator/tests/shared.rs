//! One emulator for all tests of a suite, as a `static`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::LazyLock;

use otp_core::{OtpsApi, OtpsClient};
use otp_emulator::{Emulator, EmulatorBuilder};
use otp_hyper::HttpVersions;
use otp_mock::FakeUser;
use support::client;

static EMULATOR: LazyLock<Emulator> = LazyLock::new(|| Emulator::start().unwrap());

/// Tests share it through a reference, on any thread.
const _: () = {
    const fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Emulator>();
    const fn is_sent<T: Send + 'static>() {}
    is_sent::<EmulatorBuilder>();
};

/// A client for a user of the test's own, and what is on that user's phone.
fn user(name: &str) -> (OtpsClient, otp_mock::FakeOtps) {
    let user = EMULATOR.fake().add_user(FakeUser::with_phone("+1 555 0100").named(name));
    let versions = HttpVersions::Negotiated;
    let client = client(EMULATOR.base_url(), user.token().clone(), EMULATOR.ca_pem(), versions);
    (client, user)
}

async fn logs_in(name: &str) {
    let (client, user) = user(name);
    for _ in 0..5 {
        client.receive_codes().await.unwrap();
        let sms = user.next_sms().await;
        client.find_ensure_otp(&sms.otp).await.unwrap();
    }
    assert_eq!(user.user().unwrap().sessions, 5);
}

macro_rules! tests {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            logs_in(stringify!($name)).await;
        }
    )*};
}

// Each has a runtime, and a user, of its own.
tests! {
    many_tests_share_it_1 many_tests_share_it_2 many_tests_share_it_3 many_tests_share_it_4
    many_tests_share_it_5 many_tests_share_it_6 many_tests_share_it_7 many_tests_share_it_8
}

#[test]
fn threads_of_a_test_without_a_runtime_share_it() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let (_, user) = user("the same for all");
                assert_eq!(user.user().unwrap().name, "the same for all");
                assert!(EMULATOR.max_connections() >= 1);
            });
        }
    });
    let users = EMULATOR.fake().users();
    assert_eq!(users.iter().filter(|user| user.name == "the same for all").count(), 1);
}
