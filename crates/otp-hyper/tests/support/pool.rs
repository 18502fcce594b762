//! What the tests of connections and queues share: a busy server, and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otp_conformance::hostile::Server;
use otp_core::http::{Response, StatusCode};
use otp_core::{AuthToken, BaseUrl, OtpsClient};
use otp_hyper::{HttpVersions, HyperTransport, HyperTransportBuilder, Roots};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

pub fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub fn client_of(transport: HyperTransport, url: BaseUrl) -> OtpsClient {
    OtpsClient::builder(transport, AuthToken::new("t").unwrap()).base_url(url).build().unwrap()
}

pub fn trusting(server: &Server) -> OtpsClient {
    let roots = Roots::pem(server.ca_pem()).unwrap();
    client_of(HyperTransport::builder().roots(roots).build().unwrap(), server.base_url())
}

/// An HTTP/2 server in the clear, on a thread of its own.
pub struct Busy {
    pub address: SocketAddr,
    pub requests: Arc<AtomicUsize>,
    pub connections: Arc<AtomicUsize>,
}

impl Busy {
    /// It takes so many streams at a time on a connection, and so long for each answer.
    pub fn start(streams: u32, answer: Duration) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, connections) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let counts = (Arc::clone(&requests), Arc::clone(&connections));
        std::thread::spawn(move || {
            current_thread().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    counts.1.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(serve(stream, streams, answer, Arc::clone(&counts.0)));
                }
            });
        });
        Self { address, requests, connections }
    }

    pub fn client(
        &self,
        settings: impl FnOnce(HyperTransportBuilder) -> HyperTransportBuilder,
    ) -> OtpsClient {
        let builder = HyperTransport::builder().http_versions(HttpVersions::Http2);
        client_of(settings(builder).build().unwrap(), self.url())
    }

    pub fn url(&self) -> BaseUrl {
        BaseUrl::new(format!("http://{}/metal/v1", self.address)).unwrap()
    }

    pub fn counts(&self) -> (usize, usize) {
        (self.requests.load(Ordering::SeqCst), self.connections.load(Ordering::SeqCst))
    }
}

pub async fn serve(stream: TcpStream, streams: u32, answer: Duration, requests: Arc<AtomicUsize>) {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(streams);
    let Ok(mut connection) = builder.handshake::<_, otp_core::bytes::Bytes>(stream).await else {
        return;
    };
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        requests.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            tokio::time::sleep(answer).await;
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::NO_CONTENT;
            let _ = respond.send_response(response, true);
        });
    }
}

pub async fn all<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for call in calls {
        results.push(call.await.unwrap());
    }
    results
}

pub fn address(server: &Server) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.base_url().port()))
}
