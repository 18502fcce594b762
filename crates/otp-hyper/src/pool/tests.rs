//! What only a turned clock or a look inside shows.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use otp_conformance::hostile::{Fault, Protocol, Reply, Server};
use otp_core::{AuthToken, OtpsApi, OtpsClient};

use super::Clocks;
use crate::{HyperTransport, HyperTransportBuilder, Roots};

fn client(server: &Server, builder: HyperTransportBuilder) -> OtpsClient {
    let transport = builder.roots(Roots::pem(server.ca_pem()).unwrap()).build().unwrap();
    OtpsClient::builder(transport, AuthToken::new("t").unwrap())
        .base_url(server.base_url())
        .build()
        .unwrap()
}

/// A time of day that the test sets.
fn turned() -> (Arc<Mutex<SystemTime>>, Clocks) {
    let now = Arc::new(Mutex::new(SystemTime::now()));
    let clock = Arc::clone(&now);
    (now, Clocks::new(move || *clock.lock().unwrap()))
}

#[tokio::test]
async fn the_time_that_the_machine_slept_counts_as_idle() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let (now, clocks) = turned();
        let client = client(&server, HyperTransport::builder().clocks(clocks));
        client.receive_codes().await.unwrap();
        *now.lock().unwrap() += Duration::from_secs(19);
        client.receive_codes().await.unwrap();
        assert_eq!(server.connections(), 1, "{protocol:?}");
        *now.lock().unwrap() += Duration::from_secs(21);
        client.receive_codes().await.unwrap();
        assert_eq!(server.connections(), 2, "{protocol:?}");
        // Set back, it does not keep a connection longer, nor does it break one.
        *now.lock().unwrap() -= Duration::from_secs(3600);
        client.receive_codes().await.unwrap();
        assert_eq!((server.requests(), server.connections()), (4, 2), "{protocol:?}");
    }
}

#[test]
fn the_longer_of_two_clocks_counts() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (now, clocks) = turned();
        let before = clocks.now();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clocks.now().since(&before), Duration::from_secs(5));
        *now.lock().unwrap() += Duration::from_secs(7);
        assert_eq!(clocks.now().since(&before), Duration::from_secs(7));
        *now.lock().unwrap() -= Duration::from_secs(3600);
        assert_eq!(clocks.now().since(&before), Duration::from_secs(5));
    });
}
