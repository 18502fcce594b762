//! `find_recovery_codes` through otp-hyper, side by side with the same call by a hand-written hyper-util
//! client that has none of the protections: no deadline, no limits, no retries, no secrets, no error
//! mapping.
//!
//! Both run in one process against one server on loopback, in alternating rounds; figures are ratios of
//! the medians. `cargo bench -p otp-hyper --bench loopback`; `-- --quick` for a short run.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints a table"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use otp_core::bytes::Bytes;
use otp_core::http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use otp_core::http::{Request, Response, StatusCode};
use otp_core::{AuthToken, BaseUrl, OtpsApi, OtpsClient};
use otp_hyper::{HttpVersions, HyperTransport};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const BODY: &str = r#"{"recovery_codes":["aaaaa-aaaaa","bbbbb-bbbbb","ccccc-ccccc","ddddd-ddddd","eeeee-eeeee","fffff-fffff","ggggg-ggggg","hhhhh-hhhhh","iiiii-iiiii","jjjjj-jjjjj"]}"#;

/// What a program has without this project.
#[derive(Clone)]
struct ByHand {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

#[derive(serde::Deserialize)]
struct Codes {
    recovery_codes: Vec<String>,
}

impl ByHand {
    fn new(base: String, http2: bool) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).http2_only(http2).build(tcp);
        Self { client, base }
    }

    async fn call(&self) -> usize {
        let request = Request::get(format!("{}/user/otp/recovery-codes", self.base))
            .header("x-auth-token", TOKEN)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "by-hand/1.0")
            .body(Full::default())
            .unwrap();
        let response = self.client.request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Codes>(&body).unwrap().recovery_codes.len()
    }
}

fn ours(base: &str, http2: bool) -> OtpsClient {
    let versions = if http2 { HttpVersions::Http2 } else { HttpVersions::Http1 };
    let transport = HyperTransport::builder().http_versions(versions).build().unwrap();
    OtpsClient::builder(transport, AuthToken::new(TOKEN).unwrap())
        .base_url(BaseUrl::new(base).unwrap())
        .build()
        .unwrap()
}

/// A server on a thread of its own, so that only the clients are measured.
fn serve() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(|_| async {
                        Response::builder()
                            .header(CONTENT_TYPE, "application/json")
                            .body(Full::new(Bytes::from_static(BODY.as_bytes())))
                    });
                    let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    });
    address
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// How long `calls` calls take with this many of them in flight.
async fn time<F, Fut>(in_flight: usize, calls: usize, call: F) -> Duration
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = usize> + Send,
{
    let call = Arc::new(call);
    let started = Instant::now();
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let call = Arc::clone(&call);
            tokio::spawn(async move {
                for _ in 0..calls / in_flight {
                    assert_eq!(call().await, 10);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    started.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, calls) = if quick { (3, 1280) } else { (21, 6400) };
    let address = serve();
    let base = format!("http://{address}/metal/v1");

    println!("| find_recovery_codes | otp-hyper | by hand | ratio |");
    println!("|---|--:|--:|--:|");
    for http2 in [false, true] {
        let version = if http2 { "HTTP/2" } else { "HTTP/1.1" };
        let runtime = runtime();
        let (client, by_hand) = (ours(&base, http2), ByHand::new(base.clone(), http2));
        let ours = move || {
            let client = client.clone();
            async move { client.find_recovery_codes().await.unwrap().len() }
        };
        let theirs = move || {
            let by_hand = by_hand.clone();
            async move { by_hand.call().await }
        };

        for in_flight in [1, 64] {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            for round in 0..=rounds {
                let first = runtime.block_on(time(in_flight, calls, ours.clone()));
                let second = runtime.block_on(time(in_flight, calls, theirs.clone()));
                // The first round opens the connections.
                if round > 0 {
                    a.push(calls as f64 / first.as_secs_f64());
                    b.push(calls as f64 / second.as_secs_f64());
                }
            }
            let ratio = median(a.iter().zip(&b).map(|(a, b)| a / b).collect());
            println!(
                "| {version}, {in_flight} in flight, calls/s | {:.0} | {:.0} | {ratio:.2} |",
                median(a),
                median(b),
            );
        }

        let count = 1000_u64;
        let per_call = |call: &dyn Fn()| {
            let info = allocation_counter::measure(|| (0..count).for_each(|_| call()));
            (info.count_total as f64 / count as f64, info.bytes_total as f64 / count as f64)
        };
        let ours = per_call(&|| {
            runtime.block_on(ours());
        });
        let theirs = per_call(&|| {
            runtime.block_on(theirs());
        });
        println!(
            "| {version}, allocations a call | {:.1} | {:.1} | {:+.1} |",
            ours.0,
            theirs.0,
            ours.0 - theirs.0
        );
        println!(
            "| {version}, bytes allocated a call | {:.0} | {:.0} | {:.2} |",
            ours.1,
            theirs.1,
            ours.1 / theirs.1
        );
    }
}
