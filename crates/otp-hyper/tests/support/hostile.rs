//! A server that does what a test says, byte by byte (HTTP/1.1) or frame by frame (HTTP/2), and counts
//! every request that it received.
//!
//! A test names a [`Fault`]; the server does it to every request, for ever.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::BaseUrl;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::frames::{self, Frame};
use super::tls::{self, Certificate};
use super::{Protocol, Reply};

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    // Before any request.
    /// Nobody listens.
    Refused,
    /// TCP accepts, and then nothing.
    HangInHandshake,
    /// TCP accepts and closes.
    CloseInHandshake,
    /// These bytes in the place of a TLS handshake.
    NotTls(&'static [u8]),
    /// A certificate that must not be trusted.
    Certificate(Certificate),

    // After the request, in either version.
    /// An answer, complete.
    Answer(Reply),
    /// An answer, complete, and then the connection is closed.
    AnswerAndClose(Reply),
    /// The request is read, and then nothing.
    Silence,
    /// The request is read and the connection closed.
    Close,
    /// The request is read and the connection reset.
    Reset,
    /// A head with this status and a body of 300 bytes announced, ten of them, and then this.
    Cut(u16, Ending),
    /// An answer whose body never ends; with `true`, its length is announced.
    Endless { announced: bool },
    /// A head that never ends.
    EndlessHead,
    /// A complete `401` with so many bytes of head.
    LargeHead(usize),
    /// A complete `401` with so many fields.
    ManyFields(usize),
    /// So many informational responses, then this answer.
    Informational(usize, Reply),
    /// Informational responses for ever.
    EndlessInformational,

    // HTTP/1.1 only.
    /// These bytes, then the connection is closed.
    Raw(&'static [u8]),

    // HTTP/2 only.
    /// These frames, then nothing.
    Frames(fn(u32) -> Vec<Frame>),
    /// These frames, then the connection is closed.
    FramesThenClose(fn(u32) -> Vec<Frame>),
    /// This frame, for ever.
    Flood(fn(u32) -> Frame),
}

/// How a body ends that does not end as announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Silence,
    Close,
    Reset,
    /// A byte now and then.
    Trickle,
}

/// A hostile server, stopped when it is dropped.
pub struct Hostile {
    address: SocketAddr,
    ca_pem: String,
    requests: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    paths: Arc<Mutex<Vec<String>>>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Hostile {
    pub async fn start(protocol: Protocol, fault: Fault) -> Self {
        Self::sequence(protocol, vec![fault]).await
    }

    /// The first fault for the first request that the server receives, and so on; the last one for all
    /// others. What concerns a connection before any request is always the last one's.
    pub async fn sequence(protocol: Protocol, faults: Vec<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let certificate = match faults.last() {
            Some(Fault::Certificate(certificate)) => *certificate,
            _ => Certificate::Good,
        };
        let alpn: &[u8] = match protocol {
            Protocol::Http1 => b"http/1.1",
            Protocol::Http2 => b"h2",
        };
        let (acceptor, ca_pem) = tls::acceptor(alpn, certificate);
        let requests = Arc::new(AtomicUsize::new(0));
        let paths = Arc::default();
        let closed = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let refused = matches!(faults.last(), Some(Fault::Refused));
        let served = Served {
            protocol,
            faults: faults.into(),
            requests: Arc::clone(&requests),
            closed: Arc::clone(&closed),
            connections: Arc::clone(&connections),
            paths: Arc::clone(&paths),
        };
        let task = (!refused).then(|| tokio::spawn(accept(listener, acceptor, served)));
        Self { address, ca_pem, requests, closed, connections, paths, task }
    }

    pub fn base_url(&self) -> BaseUrl {
        BaseUrl::new(format!("https://{}/metal/v1", self.address)).unwrap()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// How many requests were received: heads over HTTP/1.1, streams over HTTP/2.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many connections it has closed by itself.
    pub fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    /// Their request lines, over HTTP/1.1.
    pub fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }
}

#[derive(Clone)]
struct Served {
    protocol: Protocol,
    faults: Arc<[Fault]>,
    requests: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Served {
    /// Counts a request; gives what to do to it.
    fn next(&self) -> &Fault {
        let before = self.requests.fetch_add(1, Ordering::SeqCst);
        self.faults.get(before).unwrap_or_else(|| self.last())
    }

    fn last(&self) -> &Fault {
        self.faults.last().unwrap()
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, served: Served) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else { return };
        served.connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, served) = (acceptor.clone(), served.clone());
        tokio::spawn(async move {
            tcp.set_nodelay(true).unwrap();
            let _ = connection(tcp, acceptor, served).await;
        });
    }
}

async fn connection(
    mut tcp: TcpStream,
    acceptor: TlsAcceptor,
    served: Served,
) -> std::io::Result<()> {
    match served.last() {
        Fault::HangInHandshake => return until_closed(&mut tcp).await,
        Fault::CloseInHandshake => return Ok(()),
        Fault::NotTls(bytes) => {
            tcp.write_all(bytes).await?;
            return until_closed(&mut tcp).await;
        }
        _ => {}
    }
    let mut stream = acceptor.accept(tcp).await?;
    let ending = match served.protocol {
        Protocol::Http1 => http1(&mut stream, &served).await?,
        Protocol::Http2 => http2(&mut stream, &served).await?,
    };
    match ending {
        Ending::Reset => stream.get_ref().0.set_zero_linger()?,
        Ending::Close => {
            let _ = stream.shutdown().await;
            drop(stream);
            served.closed.fetch_add(1, Ordering::SeqCst);
        }
        Ending::Silence | Ending::Trickle => until_closed(&mut stream).await?,
    }
    Ok(())
}

/// Says nothing for as long as the client stays.
async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

async fn http1<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    served: &Served,
) -> std::io::Result<Ending> {
    let mut buffer = Vec::new();
    loop {
        while !buffer.windows(4).any(|four| four == b"\r\n\r\n") {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(Ending::Close);
            }
        }
        let head = String::from_utf8_lossy(&std::mem::take(&mut buffer)).into_owned();
        served.paths.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
        match served.next() {
            Fault::Answer(reply) => {
                stream.write_all(reply.http1().as_bytes()).await?;
                continue;
            }
            Fault::AnswerAndClose(reply) => {
                stream.write_all(reply.http1().as_bytes()).await?;
                return Ok(Ending::Close);
            }
            Fault::Silence => return Ok(Ending::Silence),
            Fault::Close => return Ok(Ending::Close),
            Fault::Reset => return Ok(Ending::Reset),
            Fault::Cut(status, ending) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: 300\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(b"{\"recovery").await?;
                stream.flush().await?;
                return trickle(stream, *ending, b" ").await;
            }
            Fault::Endless { announced } => {
                let framing = if *announced {
                    "content-length: 99999999999"
                } else {
                    "transfer-encoding: chunked"
                };
                stream.write_all(format!("HTTP/1.1 200 X\r\n{framing}\r\n\r\n").as_bytes()).await?;
                loop {
                    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
                    stream.write_all(chunk.as_bytes()).await?;
                }
            }
            Fault::EndlessHead => {
                stream.write_all(b"HTTP/1.1 200 X\r\n").await?;
                loop {
                    stream
                        .write_all(format!("x-more: {}\r\n", "x".repeat(1000)).as_bytes())
                        .await?;
                }
            }
            Fault::LargeHead(bytes) => {
                stream.write_all(b"HTTP/1.1 401 X\r\ncontent-length: 0\r\n").await?;
                for _ in 0..bytes / 1000 {
                    stream.write_all(format!("x-more: {}\r\n", "x".repeat(990)).as_bytes()).await?;
                }
                stream.write_all(b"\r\n").await?;
                continue;
            }
            Fault::ManyFields(count) => {
                let fields: String = (0..*count).map(|i| format!("x-{i}: x\r\n")).collect();
                let head = format!("HTTP/1.1 401 X\r\ncontent-length: 0\r\n{fields}\r\n");
                stream.write_all(head.as_bytes()).await?;
                continue;
            }
            Fault::Informational(count, reply) => {
                for i in 0..*count {
                    let status = [100, 102, 103][i % 3];
                    stream.write_all(format!("HTTP/1.1 {status} X\r\n\r\n").as_bytes()).await?;
                }
                stream.write_all(reply.http1().as_bytes()).await?;
                continue;
            }
            Fault::EndlessInformational => loop {
                stream.write_all(b"HTTP/1.1 103 X\r\nlink: </x>\r\n\r\n").await?;
            },
            Fault::Raw(bytes) => {
                stream.write_all(bytes).await?;
                return Ok(Ending::Close);
            }
            other => panic!("not for HTTP/1.1: {other:?}"),
        }
    }
}

async fn trickle<S: AsyncWrite + Unpin>(
    stream: &mut S,
    ending: Ending,
    byte: &[u8],
) -> std::io::Result<Ending> {
    if ending == Ending::Trickle {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.write_all(byte).await?;
            stream.flush().await?;
        }
    }
    Ok(ending)
}

async fn http2<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    served: &Served,
) -> std::io::Result<Ending> {
    let mut reader = frames::Reader::default();
    reader.preface(stream).await?;
    stream.write_all(&frames::settings().encode()).await?;
    loop {
        let Some(frame) = reader.next(stream).await? else { return Ok(Ending::Close) };
        match frame {
            Frame { kind: frames::SETTINGS, flags: 0, .. } => {
                stream.write_all(&frames::settings_ack().encode()).await?;
            }
            Frame { kind: frames::HEADERS, stream: id, .. } => {
                if let Some(ending) = http2_request(stream, id, served.next()).await? {
                    stream.flush().await?;
                    return Ok(ending);
                }
            }
            _ => {}
        }
    }
}

/// Does the fault to this stream; none if the connection goes on.
async fn http2_request<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    id: u32,
    fault: &Fault,
) -> std::io::Result<Option<Ending>> {
    match fault {
        Fault::Answer(reply) => {
            for frame in reply.http2(id) {
                stream.write_all(&frame.encode()).await?;
            }
            Ok(None)
        }
        Fault::AnswerAndClose(reply) => {
            for frame in reply.http2(id) {
                stream.write_all(&frame.encode()).await?;
            }
            Ok(Some(Ending::Close))
        }
        Fault::Silence => Ok(Some(Ending::Silence)),
        Fault::Close => Ok(Some(Ending::Close)),
        Fault::Reset => Ok(Some(Ending::Reset)),
        Fault::Cut(status, ending) => {
            let headers = [("content-type", "application/json"), ("content-length", "300")];
            stream.write_all(&frames::headers(id, *status, &headers, false).encode()).await?;
            stream.write_all(&frames::data(id, b"{\"recovery", false).encode()).await?;
            stream.flush().await?;
            trickle(stream, *ending, &frames::data(id, b" ", false).encode()).await.map(Some)
        }
        Fault::Endless { announced } => {
            let length = [("content-length", "99999999999")];
            let headers = if *announced { &length[..] } else { &[] };
            stream.write_all(&frames::headers(id, 200, headers, false).encode()).await?;
            // Without regard to flow control: whoever is hostile does not care.
            loop {
                stream.write_all(&frames::data(id, &[b'x'; 0x1000], false).encode()).await?;
            }
        }
        Fault::EndlessHead => {
            let mut head = frames::headers(id, 200, &[], false);
            head.flags = 0;
            stream.write_all(&head.encode()).await?;
            loop {
                let more = frames::field("x-more", &"x".repeat(100)).repeat(40);
                stream.write_all(&frames::continuation(id, more).encode()).await?;
            }
        }
        Fault::LargeHead(bytes) => {
            let mut head = frames::headers(id, 401, &[], true);
            head.flags = frames::END_STREAM;
            stream.write_all(&head.encode()).await?;
            for i in 0..bytes / 10_000 {
                let more = frames::field("x-more", &"x".repeat(91)).repeat(100);
                let mut frame = frames::continuation(id, more);
                if i + 1 == bytes / 10_000 {
                    frame.flags = frames::END_HEADERS;
                }
                stream.write_all(&frame.encode()).await?;
            }
            Ok(None)
        }
        Fault::Informational(count, reply) => {
            for i in 0..*count {
                let head = frames::headers(id, [100, 102, 103][i % 3], &[], false);
                stream.write_all(&head.encode()).await?;
            }
            for frame in reply.http2(id) {
                stream.write_all(&frame.encode()).await?;
            }
            Ok(None)
        }
        Fault::EndlessInformational => loop {
            stream
                .write_all(&frames::headers(id, 103, &[("link", "</x>")], false).encode())
                .await?;
        },
        Fault::Frames(frames) => {
            for frame in frames(id) {
                stream.write_all(&frame.encode()).await?;
            }
            Ok(None)
        }
        Fault::FramesThenClose(frames) => {
            for frame in frames(id) {
                stream.write_all(&frame.encode()).await?;
            }
            Ok(Some(Ending::Close))
        }
        Fault::Flood(frame) => loop {
            stream.write_all(&frame(id).encode()).await?;
        },
        other => panic!("not for HTTP/2: {other:?}"),
    }
}
