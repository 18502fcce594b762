//! A TLS server that records requests byte by byte (HTTP/1.1) or header by header (HTTP/2).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use otp_core::BaseUrl;
use otp_core::bytes::Bytes;
use otp_core::http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Protocol, tls};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// In order of arrival; the names as they were sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// HTTP/1.1: the head, byte by byte. HTTP/2: `:scheme` and `:authority`.
    pub head: String,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let value = values.next();
        assert!(values.next().is_none(), "{name} was sent twice");
        value.map(|(_, value)| value.as_str())
    }
}

/// What to answer to every request.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::status(status).header("content-type", "application/json").body(body)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub fn http1(&self) -> String {
        let mut text = format!("HTTP/1.1 {} Whatever\r\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if self.status != 204 {
            text += &format!("content-length: {}\r\n", self.body.len());
        }
        text + "\r\n" + &self.body
    }

    pub fn http2(&self, stream: u32) -> Vec<super::frames::Frame> {
        let fields: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let end = self.body.is_empty();
        let mut frames = vec![super::frames::headers(stream, self.status, &fields, end)];
        for (i, piece) in self.body.as_bytes().chunks(0x4000).enumerate() {
            let last = (i + 1) * 0x4000 >= self.body.len();
            frames.push(super::frames::data(stream, piece, last));
        }
        frames
    }
}

pub struct Recorder {
    address: SocketAddr,
    ca_pem: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Recorder {
    /// Listens on a free port and answers this to every request.
    pub async fn start(protocol: Protocol, reply: Reply) -> Self {
        Self::start_with(protocol, reply, tls::acceptor).await
    }

    /// The same, for clients that show a certificate of its own CA.
    pub async fn start_mutual(protocol: Protocol, reply: Reply) -> Self {
        Self::start_with(protocol, reply, tls::mutual_acceptor).await
    }

    async fn start_with(
        protocol: Protocol,
        reply: Reply,
        acceptor: fn(&[u8], tls::Certificate) -> (TlsAcceptor, String),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let alpn: &[u8] = match protocol {
            Protocol::Http1 => b"http/1.1",
            Protocol::Http2 => b"h2",
        };
        let (acceptor, ca_pem) = acceptor(alpn, tls::Certificate::Good);
        let received = Arc::default();
        let task = tokio::spawn(serve(listener, acceptor, protocol, reply, Arc::clone(&received)));
        Self { address, ca_pem, received, task }
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

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

type Log = Arc<Mutex<Vec<Received>>>;

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    protocol: Protocol,
    reply: Reply,
    log: Log,
) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else { return };
        let (acceptor, reply, log) = (acceptor.clone(), reply.clone(), Arc::clone(&log));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(tcp).await else { return };
            match protocol {
                Protocol::Http1 => http1(stream, reply, log).await,
                Protocol::Http2 => http2(stream, reply, log).await,
            }
        });
    }
}

async fn http1(mut stream: TlsStream<TcpStream>, reply: Reply, log: Log) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let mut piece = [0; 4096];
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(n) => buffer.extend_from_slice(&piece[..n]),
            }
        };
        let mut received = parse(std::str::from_utf8(&buffer[..end]).unwrap());
        buffer.drain(..end);
        let length = received.header("content-length").map_or(0, |len| len.parse().unwrap());
        while buffer.len() < length {
            stream.read_buf(&mut buffer).await.unwrap();
        }
        received.body = buffer.drain(..length).collect();
        log.lock().unwrap().push(received);
        if stream.write_all(reply.http1().as_bytes()).await.is_err() {
            return;
        }
    }
}

fn parse(head: &str) -> Received {
    let mut lines = head.trim_end().split("\r\n");
    let mut request_line = lines.next().unwrap().split(' ');
    Received {
        method: request_line.next().unwrap().to_owned(),
        path: request_line.next().unwrap().to_owned(),
        headers: lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: Vec::new(),
        head: head.to_owned(),
    }
}

async fn http2(stream: TlsStream<TcpStream>, reply: Reply, log: Log) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let (reply, log) = (reply.clone(), Arc::clone(&log));
        tokio::spawn(async move {
            let (head, mut stream) = request.into_parts();
            let mut body = Vec::new();
            while let Some(Ok(data)) = stream.data().await {
                body.extend_from_slice(&data);
            }
            log.lock().unwrap().push(Received {
                method: head.method.to_string(),
                path: head.uri.path_and_query().unwrap().to_string(),
                headers: head
                    .headers
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect(),
                body,
                head: format!(
                    "{} {}",
                    head.uri.scheme_str().unwrap(),
                    head.uri.authority().unwrap()
                ),
            });
            let mut response = Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(name, value);
            }
            let empty = reply.body.is_empty();
            let mut body = respond.send_response(response.body(()).unwrap(), empty).unwrap();
            if !empty {
                body.send_data(Bytes::from(reply.body), true).unwrap();
            }
        });
    }
}
