//! The service as an implementation of the SDK's traits, in every flavour.

use std::sync::Arc;
use std::time::Duration;

use otp_core::{
    Error, Otp, OtpsApi, RecoveryCodeList, Request, RetryPolicy, Verified, blocking, local,
};

use super::service::Service;
use super::{FakeOtps, answer};
use crate::in_memory::{InMemory, Passing, Played, transport_in_all_flavours};

/// How long the service's own clients wait between attempts, unless it asks for more.
const BACKOFF: Duration = Duration::from_millis(1);

/// The default, but for the backoff: it is chosen by chance, and chance would advance the clock.
pub(super) fn retry() -> RetryPolicy {
    RetryPolicy::default().with_backoff(BACKOFF, BACKOFF)
}

/// What the service's own clients send by.
#[derive(Debug)]
pub(super) struct OwnTransport(pub(super) Arc<Service>);

impl InMemory for OwnTransport {
    /// Requests take no time but what a fault makes them take.
    fn play(&self, request: Request) -> Played {
        Played::of(answer::handle(&self.0, request.as_http()), &request)
    }

    fn turn(&self, time: Duration) {
        self.0.clock().advance(time);
    }

    fn pass(&self, time: Duration) -> Option<Passing> {
        self.0.clock().pass(time)
    }

    /// The whole backoff, however much of it was chosen.
    fn wait(&self, time: Duration) -> Duration {
        time.max(BACKOFF)
    }

    fn time(&self) -> Duration {
        self.0.clock().now()
    }
}

impl InMemory for FakeOtps {
    fn play(&self, request: Request) -> Played {
        Played::of(self.handle(request.as_http()), &request)
    }

    fn turn(&self, time: Duration) {
        self.advance(time);
    }

    fn pass(&self, time: Duration) -> Option<Passing> {
        self.service.clock().pass(time)
    }

    fn time(&self) -> Duration {
        self.service.clock().now()
    }
}

transport_in_all_flavours!(OwnTransport);
transport_in_all_flavours!(FakeOtps);

crate::fake_service!(otp_core::otps_api);
