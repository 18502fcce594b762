//! Services other than a client on the network.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::future::{Pending, pending};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use otp_core::bytes::Bytes;
use otp_core::http::{HeaderName, HeaderValue, Request, Response};
use otp_core::{Effect, ErrorKind, OtpsApi, OtpsClient, RetryPolicy};
use otp_emulator::FakeOtps;
use otp_example_tower::{BoxError, TowerTransport};
use tower::{Service, ServiceBuilder, service_fn};
use tower_http::set_header::SetRequestHeaderLayer;

#[tokio::test]
async fn a_function_is_a_service_and_layers_apply_to_its_requests() {
    let fake = FakeOtps::new();
    let service = fake.clone();
    let answer = service_fn(move |request: Request<Full<Bytes>>| {
        let service = service.clone();
        async move {
            assert_eq!(request.headers()["x-consumer"], "test");
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let response = service.respond(&Request::from_parts(head, body));
            Ok::<_, Infallible>(response.map(Full::new))
        }
    });
    let consumer = HeaderName::from_static("x-consumer");
    let layered = ServiceBuilder::new()
        .layer(SetRequestHeaderLayer::overriding(consumer, HeaderValue::from_static("test")))
        .service(answer);
    let client = OtpsClient::new(TowerTransport::new(layered), fake.token().clone());
    client.receive_codes().await.unwrap();
    client.find_ensure_otp(&fake.last_sms().unwrap().otp).await.unwrap();
}

/// Never ready, as a limit that others have used up.
#[derive(Clone)]
struct Busy;

impl Service<Request<Full<Bytes>>> for Busy {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pending<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        pending()
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waited_for_its_turn_in_vain_was_not_sent() {
    let client = client(Busy);
    let error = client.receive_codes().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::NotApplied));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_answers_too_late_may_have_acted() {
    let late = service_fn(|_: Request<Full<Bytes>>| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
    });
    let error = client(late).receive_codes().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::Unknown));
}

#[tokio::test]
async fn of_an_error_that_says_nothing_nothing_is_known() {
    let broken = service_fn(|_: Request<Full<Bytes>>| async {
        Err::<Response<Full<Bytes>>, BoxError>("?".into())
    });
    let error = client(broken).receive_codes().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Transport, Effect::Unknown));
}

fn client<S>(service: S) -> OtpsClient
where
    TowerTransport<S>: otp_core::Transport + 'static,
{
    OtpsClient::builder(TowerTransport::new(service), FakeOtps::new().token().clone())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}
