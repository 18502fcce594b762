//! A server that says goodbye again and again while requests are on their way: each is handled once at
//! most, and never reported as unsent when it was handled.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_conformance::hostile::frames::{self, Frame};
use otp_conformance::hostile::{Certificate, Protocol, tls};
use otp_core::http::Response;
use otp_core::{AuthToken, BaseUrl, Effect, Otp, OtpsApi, OtpsClient};
use otp_hyper::{HyperTransport, Roots};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;

/// How often each OTP was handled.
type Handled = Arc<Mutex<HashMap<String, usize>>>;

async fn serve(goodbye: Goodbye) -> (BaseUrl, String, Handled) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/metal/v1", listener.local_addr().unwrap());
    let (acceptor, ca_pem) = tls::acceptor(Some(Protocol::Http2), Certificate::Good, false);
    let handled = Handled::default();
    let log = Arc::clone(&handled);
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let (acceptor, log) = (acceptor.clone(), Arc::clone(&log));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(tcp).await else { return };
                match goodbye {
                    Goodbye::Graceful => graceful(stream, log).await,
                    Goodbye::HighestId => highest_id(stream).await.unwrap_or_default(),
                }
            });
        }
    });
    (BaseUrl::new(url).unwrap(), ca_pem, handled)
}

#[derive(Clone, Copy, Debug)]
enum Goodbye {
    /// As a well-behaved server does it: two GOAWAYs, the second one with the last id.
    Graceful,
    /// A GOAWAY that refuses nothing, and answers to all that came.
    HighestId,
}

async fn graceful(stream: TlsStream<TcpStream>, handled: Handled) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut accepted = 0;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let otp = request.uri().path().rsplit('/').next().unwrap().to_owned();
        *handled.lock().unwrap().entry(otp).or_default() += 1;
        let response = Response::builder().status(204).body(()).unwrap();
        let _ = respond.send_response(response, true);
        accepted += 1;
        if accepted == 3 {
            connection.graceful_shutdown();
        }
    }
}

/// Answers everything, and says goodbye after the first request.
async fn highest_id(mut stream: TlsStream<TcpStream>) -> std::io::Result<()> {
    let mut reader = frames::Reader::default();
    reader.preface(&mut stream).await?;
    stream.write_all(&frames::settings().encode()).await?;
    let mut said = false;
    while let Some(frame) = reader.next(&mut stream).await? {
        if let Frame { kind: frames::HEADERS, stream: id, .. } = frame {
            HIGHEST_ID_RECEIVED.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if !said {
                let goodbye = frames::go_away(0x7fff_ffff, frames::NO_ERROR);
                stream.write_all(&goodbye.encode()).await?;
                said = true;
            }
            stream.write_all(&frames::headers(id, 204, &[], true).encode()).await?;
        }
    }
    Ok(())
}

static HIGHEST_ID_RECEIVED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// What each of `calls` verifications came to, 32 at a time: its OTP, and the effect if it failed.
async fn verify_many(url: BaseUrl, ca_pem: &str, calls: usize) -> Vec<(String, Option<Effect>)> {
    let transport = HyperTransport::builder().roots(Roots::pem(ca_pem).unwrap()).build().unwrap();
    let client = OtpsClient::builder(transport, AuthToken::new("t").unwrap())
        .base_url(url)
        .attempt_timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..32 {
        let client = client.clone();
        workers.spawn(async move {
            let mut outcomes = Vec::new();
            for call in 0..calls / 32 {
                let otp = format!("{worker}-{call}");
                let outcome = client.find_ensure_otp(&Otp::new(otp.clone()).unwrap()).await;
                outcomes.push((otp, outcome.err().map(|error| error.effect())));
            }
            outcomes
        });
    }
    workers.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn through_graceful_goodbyes_each_request_is_handled_once_at_most() {
    let (url, ca_pem, handled) = serve(Goodbye::Graceful).await;
    let outcomes = verify_many(url, &ca_pem, 3200).await;
    let handled = handled.lock().unwrap();
    for (otp, failed) in &outcomes {
        let times = handled.get(otp).copied().unwrap_or_default();
        match failed {
            None => assert_eq!(times, 1, "{otp} succeeded"),
            Some(Effect::NotApplied) => assert_eq!(times, 0, "{otp} is said to be unsent"),
            Some(_) => assert!(times <= 1, "{otp} was handled {times} times"),
        }
    }
    let ok = outcomes.iter().filter(|(_, failed)| failed.is_none()).count();
    assert!(ok > outcomes.len() / 2, "only {ok} of {} succeeded", outcomes.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_goodbye_that_refuses_nothing_repeats_nothing() {
    let (url, ca_pem, _) = serve(Goodbye::HighestId).await;
    let outcomes = verify_many(url, &ca_pem, 3200).await;
    let received = HIGHEST_ID_RECEIVED.load(std::sync::atomic::Ordering::SeqCst);
    let may_have =
        outcomes.iter().filter(|(_, failed)| *failed != Some(Effect::NotApplied)).count();
    assert!(received <= may_have, "{received} received for {may_have} that may have been");
}
