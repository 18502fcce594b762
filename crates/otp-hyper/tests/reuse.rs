//! Connections that are kept, closed behind the client's back, or given up in the middle of a call: the
//! next call gets its own answer, and nothing is sent twice.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use otp_conformance::hostile::{Fault, Protocol, Reply, Server};
use otp_core::bytes::Bytes;
use otp_core::http::{HeaderName, HeaderValue, Response};
use otp_core::operation::{
    Exposed, FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes,
};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, BaseUrl, Effect, ErrorKind, Otp, OtpsApi, OtpsClient};
use otp_hyper::{HttpVersions, HyperTransport, Roots};
use support::larger::{CreateKey, FindKey};
use support::{OPERATIONS, OTP, PROTOCOLS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn trusting(server: &Server) -> OtpsClient {
    let transport =
        HyperTransport::builder().roots(Roots::pem(server.ca_pem()).unwrap()).build().unwrap();
    OtpsClient::builder(transport, AuthToken::new("t").unwrap())
        .base_url(server.base_url())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced_unnoticed() {
    for protocol in PROTOCOLS {
        let fault = Fault::AnswerAndClose(Reply::status(204));
        let server = Server::start(protocol, fault);
        let client = trusting(&server);
        for calls in 1..=5 {
            let answer = client.call(ReceiveCodes).send().await.unwrap();
            assert_eq!(answer.metadata.attempts(), 1, "over {protocol:?}");
            assert_eq!(server.requests(), calls);
            // Until the client's side of the connection has seen the end.
            while server.closed() < calls {
                tokio::task::yield_now().await;
            }
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_takes_the_request_and_closes_leaves_the_effect_unknown() {
    for protocol in PROTOCOLS {
        let faults = vec![Fault::Answer(Reply::status(204)), Fault::Close];
        let server = Server::sequence(protocol, faults);
        let client = trusting(&server);
        client.receive_codes().await.unwrap();
        let error = client.receive_codes().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::ConnectionLost, Effect::Unknown));
        assert_eq!(server.requests(), 2, "over {protocol:?}");
    }
}

#[tokio::test]
async fn calls_share_a_connection() {
    for protocol in PROTOCOLS {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let client = trusting(&server);
        for _ in 0..20 {
            client.receive_codes().await.unwrap();
        }
        assert_eq!((server.requests(), server.connections()), (20, 1), "over {protocol:?}");
    }
}

#[tokio::test]
async fn many_first_calls_at_once_share_one_http2_connection() {
    let server = Server::start(Protocol::Http2, Fault::Answer(Reply::status(204)));
    let client = trusting(&server);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.receive_codes().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((server.requests(), server.connections()), (50, 1));
}

#[tokio::test]
async fn a_dead_http2_connection_gets_no_further_call_even_if_the_caller_gave_up() {
    let server = Server::start(Protocol::Http2, Fault::Deaf);
    let client = trusting(&server);
    for calls in 1..=3 {
        let patience = Duration::from_millis(800);
        assert!(tokio::time::timeout(patience, client.receive_codes()).await.is_err());
        assert_eq!(server.connections(), calls);
    }
}

#[tokio::test]
async fn twenty_dropped_calls_cost_no_healthy_connection() {
    let server = Server::start(Protocol::Http2, Fault::Silence);
    let client = trusting(&server);
    for calls in 1..=20 {
        let mut call = Box::pin(client.receive_codes());
        // Dropped when the server has it.
        while server.requests() < calls {
            tokio::select! {
                biased;
                _ = &mut call => panic!("nothing is answered"),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
    }
    assert_eq!((server.requests(), server.connections()), (20, 1));
}

#[tokio::test]
async fn a_call_that_is_never_polled_again_does_not_hold_up_the_others() {
    for protocol in PROTOCOLS {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let transport = HyperTransport::builder()
            .roots(Roots::pem(server.ca_pem()).unwrap())
            .connect_timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        let client = OtpsClient::builder(transport, AuthToken::new("t").unwrap())
            .base_url(server.base_url())
            .build()
            .unwrap();
        // It starts to connect, for all others too, and is left there.
        let mut parked = client.receive_codes();
        let pending = poll_fn(|cx| Poll::Ready(parked.as_mut().poll(cx).is_pending())).await;
        assert!(pending);
        client.call(ReceiveCodes).timeout(Duration::from_secs(3)).send().await.unwrap();
    }
}

/// The server's SETTINGS say how many streams it takes. What is sent before must not be too many.
#[tokio::test]
async fn a_burst_of_first_calls_is_not_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut server = h2::server::Builder::new();
                let mut connection: h2::server::Connection<_, Bytes> =
                    server.max_concurrent_streams(100).handshake(stream).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let response = Response::builder().status(204).body(()).unwrap();
                    let _ = respond.send_response(response, true);
                }
            });
        }
    });
    let transport = HyperTransport::builder().http_versions(HttpVersions::Http2).build().unwrap();
    let client = OtpsClient::builder(transport, AuthToken::new("t").unwrap())
        .base_url(BaseUrl::new(format!("http://{address}/metal/v1")).unwrap())
        .build()
        .unwrap();
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call(ReceiveCodes).send().await.unwrap() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().metadata.attempts(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_was_idle_too_long_is_not_used() {
    for protocol in PROTOCOLS {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let transport = HyperTransport::builder()
            .roots(Roots::pem(server.ca_pem()).unwrap())
            .pool_idle_timeout(Duration::ZERO)
            .build()
            .unwrap();
        let client = OtpsClient::builder(transport, AuthToken::new("t").unwrap())
            .base_url(server.base_url())
            .build()
            .unwrap();
        for calls in 1..=3 {
            client.receive_codes().await.unwrap();
            assert_eq!((server.requests(), server.connections()), (calls, calls));
        }
    }
}

/// A server that answers with what it was asked for: the header `x-marker`.
async fn echo() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            let service = hyper::service::service_fn(move |request: hyper::Request<_>| {
                let _: &hyper::body::Incoming = request.body();
                count.fetch_add(1, Ordering::SeqCst);
                let marker = request.headers()["x-marker"].to_str().unwrap().to_owned();
                let codes = request.uri().path().ends_with("recovery-codes");
                let response = Response::builder();
                let response = if codes {
                    let body = format!(r#"{{"recovery_codes": ["{marker}"]}}"#);
                    response.body(Full::new(Bytes::from(body)))
                } else {
                    response.status(204).header("x-auth-token", marker).body(Full::default())
                };
                async move { Ok::<_, Infallible>(response.unwrap()) }
            });
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, received)
}

/// In front of a server: everything that it answers arrives byte by byte.
async fn trickling(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            client.set_nodelay(true).unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let server = TcpStream::connect(server).await.unwrap();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
            });
            tokio::spawn(async move {
                while let Ok(byte) = from_server.read_u8().await {
                    if to_client.write_u8(byte).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
    });
    address
}

/// Polls a call so often, lets everybody else run in between, and drops it.
async fn drop_after(polls: usize, client: &OtpsClient, operation: &str) {
    let marker = HeaderName::from_static("x-marker");
    let dropped = HeaderValue::from_static("dropped");
    macro_rules! polled {
        ($operation:expr) => {{
            let mut call = pin!(client.call($operation).header(marker, dropped).send());
            for _ in 0..polls {
                let done = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_ready())).await;
                if done {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }};
    }
    match operation {
        "find_ensure_otp" => polled!(FindEnsureOtp::new(Otp::new(OTP).unwrap())),
        "receive_codes" => polled!(ReceiveCodes),
        "regenerate_codes" => polled!(RegenerateCodes),
        "create_key" => {
            let otp = Otp::new(OTP).unwrap();
            polled!(CreateKey { description: "ci", otp: Exposed(&otp) });
        }
        "find_key" => {
            let otp = Otp::new(OTP).unwrap();
            polled!(FindKey(&otp));
        }
        _ => polled!(FindRecoveryCodes),
    }
}

async fn drop_at_each_poll(protocol: Protocol, trickle: bool) {
    let (server, received) = echo().await;
    let address = if trickle { trickling(server).await } else { server };
    let versions = match protocol {
        Protocol::Http1 => HttpVersions::Http1,
        Protocol::Http2 => HttpVersions::Http2,
    };
    let transport = HyperTransport::builder().http_versions(versions).build().unwrap();
    let client = OtpsClient::builder(transport, AuthToken::new("t").unwrap())
        .base_url(BaseUrl::new(format!("http://{address}/metal/v1")).unwrap())
        .build()
        .unwrap();
    for operation in OPERATIONS {
        for polls in 0..200 {
            let at = format!("{operation} dropped after {polls} polls over {protocol:?}");
            let before = received.load(Ordering::SeqCst);
            drop_after(polls, &client, operation).await;

            let own = HeaderValue::from(polls);
            let marker = HeaderName::from_static("x-marker");
            let next = client.call(FindRecoveryCodes).header(marker, own.clone()).send().await;
            let answer = next.unwrap_or_else(|error| panic!("{at}: the next call: {error}"));
            let code = answer.value.codes()[0].expose_secret();
            assert_eq!(code, own.to_str().unwrap(), "{at}: the next call got another's answer");

            let requests = received.load(Ordering::SeqCst) - before;
            assert!(requests <= 2, "{at}: {requests} requests received");
            if polls == 0 {
                assert_eq!(requests, 1, "{at}: sent without being polled");
            }
        }
    }
}

#[tokio::test]
async fn a_call_dropped_at_any_poll_over_http1_sends_once_at_most_and_spoils_nothing() {
    drop_at_each_poll(Protocol::Http1, false).await;
}

#[tokio::test]
async fn a_call_dropped_at_any_poll_over_http2_sends_once_at_most_and_spoils_nothing() {
    drop_at_each_poll(Protocol::Http2, false).await;
}

#[tokio::test]
async fn a_call_dropped_within_a_trickling_answer_spoils_nothing_over_http1() {
    drop_at_each_poll(Protocol::Http1, true).await;
}

#[tokio::test]
async fn a_call_dropped_within_a_trickling_answer_spoils_nothing_over_http2() {
    drop_at_each_poll(Protocol::Http2, true).await;
}

#[tokio::test]
async fn answers_are_not_mixed_under_concurrency() {
    for versions in [HttpVersions::Http1, HttpVersions::Http2] {
        let (server, received) = echo().await;
        let transport = HyperTransport::builder().http_versions(versions).build().unwrap();
        let client = OtpsClient::builder(transport, AuthToken::new("t").unwrap())
            .base_url(BaseUrl::new(format!("http://{server}/metal/v1")).unwrap())
            .build()
            .unwrap();
        let calls: Vec<_> = (0..500_u32)
            .map(|i| {
                let client = client.clone();
                tokio::spawn(async move {
                    let marker = HeaderName::from_static("x-marker");
                    let call = client.call(FindRecoveryCodes).header(marker, HeaderValue::from(i));
                    let answer = call.send().await.unwrap();
                    assert_eq!(answer.value.codes()[0].expose_secret(), i.to_string());
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(received.load(Ordering::SeqCst), 500);
    }
}

/// The clock of a paused runtime runs ahead. A real one in the same process must not notice.
#[test]
fn a_paused_runtime_elsewhere_does_not_stop_the_deadlines_here() {
    let runtime = |paused| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(paused)
            .build()
            .unwrap()
    };
    runtime(true).block_on(async {
        tokio::time::advance(Duration::from_secs(1_000_000)).await;
        let transport = HyperTransport::builder().http_versions(HttpVersions::Http1);
        let _ = otp_core::Transport::now(&transport.build().unwrap());
    });
    runtime(false).block_on(async {
        let server = Server::start(Protocol::Http1, Fault::Silence);
        let client = trusting(&server);
        let started = std::time::Instant::now();
        let call = client.call(FindRecoveryCodes);
        let limited =
            call.timeout(Duration::from_millis(600)).attempt_timeout(Duration::from_millis(250));
        let error = limited.send().await.unwrap_err();
        assert!(started.elapsed() < Duration::from_millis(850), "{error}");
    });
}
