//! Kept connections, each for its origin.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Inner;

/// Where a request goes: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub is_https: bool,
    pub host: String,
    pub port: u16,
}

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub struct Connection {
    pub stream: Box<dyn Stream>,
    /// What has arrived and is not yet read.
    pub buffer: Vec<u8>,
    /// Whether it has carried a request before.
    pub kept: bool,
    /// Whether the last answer leaves it open, by its head and its framing.
    pub stays_open: bool,
    /// Whether something went wrong on it.
    pub spoiled: bool,
    /// Whether what has arrived beyond the answer is believed to be the next.
    pub trusted: bool,
    /// The trailer fields of the answer, for those who want them.
    pub trailers: Vec<Vec<u8>>,
    /// Whether the head of the answer has come, and its body is to come.
    pub has_head: bool,
    /// Whether TLS has ended by an alert.
    pub has_alert: bool,
}

impl Connection {
    pub fn new(stream: impl Stream + 'static) -> Self {
        let stream = Box::new(stream);
        Self {
            stream,
            buffer: Vec::new(),
            kept: false,
            stays_open: false,
            spoiled: false,
            trusted: false,
            trailers: Vec::new(),
            has_head: false,
            has_alert: false,
        }
    }

    /// Whether another request may be sent on it.
    pub fn can_be_kept(&mut self, engine: &Inner) -> bool {
        let unasked = !self.buffer.is_empty()
            && !engine.is("what nobody asked for is the next answer")
            && !self.trusted;
        self.stays_open && !self.spoiled && !unasked
    }

    /// Whether the server has neither closed it nor sent anything. Reading is the only way to know.
    async fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        poll_fn(|cx| {
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut byte);
            Poll::Ready(read.is_pending())
        })
        .await
    }
}

#[derive(Default)]
pub struct Pool(Mutex<HashMap<Origin, Vec<Connection>>>);

impl Pool {
    /// A kept connection that nobody has closed or written to meanwhile.
    pub async fn take(&self, engine: &Inner, origin: &Origin) -> Option<Connection> {
        let origin = &key(engine, origin);
        loop {
            let mut connection = self.0.lock().unwrap().get_mut(origin)?.pop()?;
            let unseen = engine.is("a closed connection is used again")
                || engine.is("what nobody asked for is the next answer")
                || engine.looks_away();
            if unseen || connection.is_quiet().await {
                return Some(connection);
            }
            if engine.is("behind a closed connection every other is open") {
                return self.0.lock().unwrap().get_mut(origin)?.pop();
            }
        }
    }

    pub fn keep(&self, engine: &Inner, origin: Origin, connection: Connection) {
        let origin = key(engine, &origin);
        self.0.lock().unwrap().entry(origin).or_default().push(connection);
    }

    /// Whatever there is.
    pub fn any(&self) -> Option<Connection> {
        self.0.lock().unwrap().values_mut().find_map(Vec::pop)
    }
}

/// What connections are kept by.
fn key(engine: &Inner, origin: &Origin) -> Origin {
    let mut key = origin.clone();
    if engine.is("the pool ignores the port") {
        key.port = 0;
    }
    if engine.is("the pool ignores the host") {
        key.host.clear();
    }
    if engine.is("the pool ignores the scheme") {
        key.is_https = false;
    }
    if engine.is("the pool ignores the origin") {
        key = Origin { is_https: false, host: String::new(), port: 0 };
    }
    if engine.is("the pool goes by the address") && key.host == "localhost" {
        "127.0.0.1".clone_into(&mut key.host);
    }
    key
}
