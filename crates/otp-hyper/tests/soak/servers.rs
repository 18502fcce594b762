//! The servers: they restart, refuse, drop connections, limit streams, go away, go silent and answer late.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_conformance::hostile::tls::acceptor;
use otp_conformance::hostile::{Certificate, Protocol};
use otp_core::BaseUrl;
use otp_core::bytes::Bytes;
use otp_core::http::{HeaderName, Method, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::dice::{dice, millis};

/// Says which call a request is of.
pub const MARKER: HeaderName = HeaderName::from_static("x-marker");

/// What all servers share with the test.
#[derive(Default)]
pub struct World {
    pub is_healthy: AtomicBool,
    /// Nobody listens just now.
    pub refuses: AtomicBool,
    /// How often each marker was received.
    pub received: Mutex<HashMap<String, usize>>,
    pub requests: AtomicUsize,
    pub connections: AtomicUsize,
    pub open: AtomicUsize,
    /// Streams that the client's connector opened and that are still open.
    pub client_open: Arc<AtomicUsize>,
}

impl World {
    fn receive(&self, marker: Option<&str>) {
        let marker = marker.unwrap_or("none").to_owned();
        *self.received.lock().unwrap().entry(marker).or_default() += 1;
        self.requests.fetch_add(1, Ordering::SeqCst);
    }

    fn act(&self) -> Act {
        if self.is_healthy.load(Ordering::SeqCst) {
            return Act::Answer(Duration::ZERO);
        }
        match dice(100) {
            0..55 => Act::Answer(Duration::ZERO),
            55..75 => Act::Answer(millis(1, 60)),
            75..83 => Act::Answer(millis(300, 900)),
            83..88 => Act::AnswerAndLeave,
            88..93 => Act::Close,
            93..98 => Act::Silence,
            _ => Act::Deaf,
        }
    }
}

enum Act {
    Answer(Duration),
    /// Over HTTP/2 with a GOAWAY.
    AnswerAndLeave,
    Close,
    /// This request is never answered.
    Silence,
    /// Nothing is read any more, and nothing answered.
    Deaf,
}

/// So long a deaf connection stays open.
const DEAF: Duration = Duration::from_millis(2500);

fn answer(method: &Method, path: &str) -> (u16, &'static str) {
    match (method, path.ends_with("/recovery-codes")) {
        (_, true) => (200, r#"{"recovery_codes":["abcd-1234","efgh-5678"]}"#),
        _ => (204, ""),
    }
}

struct Open(Arc<World>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

pub struct Origin {
    pub url: BaseUrl,
    pub roots: Option<String>,
}

/// Serves this protocol on a port of its own. A change of `kill` drops all connections.
pub async fn serve(
    world: &Arc<World>,
    protocol: Protocol,
    is_tls: bool,
    kill: &watch::Receiver<()>,
) -> Origin {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = is_tls.then(|| acceptor(Some(protocol), Certificate::Good, false));
    let scheme = if is_tls { "https" } else { "http" };
    let url = BaseUrl::new(format!("{scheme}://127.0.0.1:{port}/metal/v1")).unwrap();
    let (tls, roots) = tls.unzip();
    let (world, kill) = (Arc::clone(world), kill.clone());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            world.connections.fetch_add(1, Ordering::SeqCst);
            world.open.fetch_add(1, Ordering::SeqCst);
            let open = Open(Arc::clone(&world));
            let mut kill = kill.clone();
            kill.mark_unchanged();
            let connection = connection(stream, tls.clone(), protocol, Arc::clone(&world));
            tokio::spawn(async move {
                let _open = open;
                tokio::select! {
                    _ = kill.changed() => {}
                    _ = connection => {}
                }
            });
        }
    });
    Origin { url, roots }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    protocol: Protocol,
    world: Arc<World>,
) -> io::Result<()> {
    if !world.is_healthy.load(Ordering::SeqCst) && dice(30) == 0 {
        return Ok(());
    }
    match (tls, protocol) {
        (Some(tls), Protocol::Http1) => http1(tls.accept(stream).await?, world).await,
        (Some(tls), _) => http2(tls.accept(stream).await?, world).await,
        (None, Protocol::Http1) => http1(stream, world).await,
        (None, _) => http2(stream, world).await,
    }
}

async fn http1(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    world: Arc<World>,
) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        // No request of this client has a body.
        let head = String::from_utf8(read.drain(..end).collect()).unwrap();
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let marker = head.lines().find_map(|line| line.strip_prefix("x-marker: "));
        world.receive(marker);
        let (status, body) = answer(&method.parse().unwrap(), path);
        let length = if status == 204 {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let reply =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{length}\r\n{body}");
        match world.act() {
            Act::Answer(late) => {
                sleep(late).await;
                stream.write_all(reply.as_bytes()).await?;
            }
            Act::AnswerAndLeave => {
                stream.write_all(reply.as_bytes()).await?;
                return stream.shutdown().await;
            }
            Act::Close => return Ok(()),
            Act::Silence => while stream.read_buf(&mut read).await? > 0 {},
            Act::Deaf => {
                sleep(DEAF).await;
                return Ok(());
            }
        }
    }
}

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin, world: Arc<World>) -> io::Result<()> {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams([1, 3, 10, 100][dice(4) as usize]);
    let connection = builder.handshake::<_, Bytes>(stream).await;
    let mut connection = connection.map_err(io::Error::other)?;
    while let Some(accepted) = connection.accept().await {
        let (request, mut respond) = accepted.map_err(io::Error::other)?;
        let marker = request.headers().get(MARKER).map(|value| value.to_str().unwrap());
        world.receive(marker);
        let (status, body) = answer(request.method(), request.uri().path());
        let act = world.act();
        let late = match act {
            Act::Answer(late) => late,
            Act::AnswerAndLeave => {
                connection.graceful_shutdown();
                Duration::ZERO
            }
            Act::Close => return Ok(()),
            Act::Silence => {
                // Until the client resets the stream.
                tokio::spawn(
                    async move { std::future::poll_fn(|cx| respond.poll_reset(cx)).await },
                );
                continue;
            }
            Act::Deaf => {
                sleep(DEAF).await;
                return Ok(());
            }
        };
        tokio::spawn(async move {
            sleep(late).await;
            let response =
                Response::builder().status(status).header("content-type", "application/json");
            let response = response.body(()).unwrap();
            if let Ok(mut stream) = respond.send_response(response, body.is_empty()) {
                if !body.is_empty() {
                    let _ = stream.send_data(Bytes::from_static(body.as_bytes()), true);
                }
            }
        });
    }
    Ok(())
}
