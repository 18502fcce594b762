//! Against a body that never ends, the process stays small. It is alone in this file, since it measures
//! the process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use otp_conformance::hostile::{Fault, Protocol, Server};
use otp_core::{AuthToken, ErrorKind, OtpsApi, OtpsClient};
use otp_hyper::{HyperTransport, Roots};
use support::PROTOCOLS;

/// The largest resident memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

async fn meet(protocol: Protocol, fault: Fault, times: usize) {
    let server = Server::start(protocol, fault.clone());
    let transport =
        HyperTransport::builder().roots(Roots::pem(server.ca_pem()).unwrap()).build().unwrap();
    let client = OtpsClient::builder(transport, AuthToken::new("t").unwrap())
        .base_url(server.base_url())
        .build()
        .unwrap();
    for _ in 0..times {
        let error = client.regenerate_codes().await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::ResponseTooLarge,
            "{fault:?} over {protocol:?}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_bodies_and_heads_take_less_than_16_mib() {
    let faults = [
        Fault::Endless { announced: false },
        Fault::Endless { announced: true },
        Fault::EndlessHead,
        Fault::EndlessInformational,
    ];
    // What TLS, the runtime and the servers need at all.
    meet(PROTOCOLS[0], Fault::Endless { announced: true }, 1).await;
    let before = peak();
    for protocol in PROTOCOLS {
        for fault in &faults {
            meet(protocol, fault.clone(), 10).await;
        }
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < 16 * 1024 * 1024, "grew by {grown} bytes");
}
