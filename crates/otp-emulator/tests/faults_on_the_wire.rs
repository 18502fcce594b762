//! Faults for every operation, over real connections of both versions of HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use otp_core::operation::FindRecoveryCodes;
use otp_core::{Effect, ErrorKind, RetryPolicy};
use otp_emulator::{Emulator, Fault};
use otp_hyper::HttpVersions;
use support::client;

#[tokio::test]
async fn each_is_seen_as_what_it_is() {
    const LOST: ErrorKind = ErrorKind::ConnectionLost;
    for versions in [HttpVersions::Http1, HttpVersions::Http2] {
        let http2 = versions == HttpVersions::Http2;
        // HTTP/1.1 has no word for a request that was not processed.
        let refused = if http2 { Effect::NotApplied } else { Effect::Unknown };
        for (fault, kind, effect) in [
            (Fault::Status { status: 403 }, ErrorKind::Forbidden, Effect::NotApplied),
            (Fault::Status { status: 503 }, ErrorKind::Server, Effect::Unknown),
            (Fault::RefusedConnection, LOST, refused),
            (Fault::StaleConnection, LOST, refused),
            (Fault::LostRequest, LOST, Effect::Unknown),
            (Fault::LostReply, LOST, Effect::Unknown),
            (Fault::CutReply, LOST, Effect::Applied),
        ] {
            let emulator = Emulator::start().unwrap();
            let (token, pem) = (emulator.token(), emulator.ca_pem());
            let client = client(emulator.base_url(), token, pem, versions);
            let read = || client.call(FindRecoveryCodes).retry(RetryPolicy::never()).send();
            emulator.arm(fault.for_user("nobody"));
            read().await.unwrap();
            emulator.arm(fault.for_user("user-1").times(2));
            for _ in 0..2 {
                let error = read().await.unwrap_err();
                let seen = (error.kind(), error.effect());
                assert_eq!(seen, (kind, effect), "{fault} over {versions:?}: {error}");
            }
            read().await.unwrap();
        }
    }
}
