//! HTTP/1.1 by hand, over TLS or in the clear, in all flavours: a transport that keeps every promise, and one
//! with a flaw for each sentence of [`flaws`].
//!
//! A flaw is named where it goes wrong, by `self.is("…")`. What can go wrong around a whole transport is in
//! `wrapper.rs` and `variants.rs`; this is for what goes wrong while bytes are written and read.

mod around;
mod body;
mod connect;
mod flaws;
mod flaws_of_answers;
mod flaws_of_calls;
mod flaws_of_requests;
mod head;
mod limit;
mod memory;
mod pool;
mod spoil;
mod write;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};
use otp_conformance::hostile::Server;
use otp_core::TransportErrorKind::{Protocol, ResponseTooLarge, Timeout};
use otp_core::bytes::Bytes;
use otp_core::{Request, Response, Transport, TransportError, async_trait, blocking, local};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use crate::proof::Broken;
pub use connect::{connector, origin_of};
use limit::Limit;
use memory::Memory;
pub use pool::Origin;
use pool::{Connection, Pool};

/// How many informational responses are skipped.
const MOST_INFORMATIONAL: usize = 64;

/// Every flaw of it.
pub fn flaws() -> impl Iterator<Item = Broken> {
    let tables =
        [flaws::FLAWS, flaws_of_calls::FLAWS, flaws_of_answers::FLAWS, flaws_of_requests::FLAWS];
    tables.into_iter().flatten().copied()
}

/// What only a process of its own can show.
pub fn flaws_of_processes() -> impl Iterator<Item = Broken> {
    crate::process::FLAWS.iter().copied()
}

#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub struct Inner {
    /// What is wrong with it; empty if nothing is.
    flaw: &'static str,
    tls: TlsConnector,
    pool: Pool,
    /// What it should not keep: answers by path.
    cache: Mutex<HashMap<String, Response>>,
    memory: Memory,
}

impl Engine {
    pub fn new(server: &Server, flaw: &'static str) -> Self {
        let tls = connect::connector(server.ca_pem(), flaw);
        let (pool, memory, cache) = (Pool::default(), Memory::default(), Mutex::default());
        Self(Arc::new(Inner { flaw, tls, pool, cache, memory }))
    }
}

impl Inner {
    /// Whether this is its flaw.
    fn is(&self, flaw: &str) -> bool {
        debug_assert!(
            flaws().chain(flaws_of_processes()).any(|broken| broken.what == flaw),
            "no row of the table has the flaw {flaw:?}"
        );
        self.flaw == flaw
    }

    /// One exchange, on a kept connection or a new one.
    async fn once(self: &Arc<Self>, request: Request) -> Result<Response, TransportError> {
        *self.memory.sends.lock().unwrap() += 1;
        let few = match self.flaw {
            _ if self.is("six connections are enough") => Some(&self.memory.permits),
            _ if self.is("a hundred connections are enough") => Some(&self.memory.places),
            _ => None,
        };
        let place = few.map(|places| tokio::time::timeout(request.time_limit(), places.acquire()));
        let _place = match place {
            Some(place) => match place.await {
                Ok(place) => Some(place.unwrap()),
                Err(_) => return Err(TransportError::not_sent(Timeout)),
            },
            None => None,
        };
        let whole = match self.is("every limit is 800 ms at most") {
            true => request.time_limit().min(Duration::from_millis(800)),
            false => request.time_limit(),
        };
        if self.is("the limit begins when the name is known") {
            connect::resolve(request.as_http().uri()).await;
        }
        let mut limit = Limit::new(whole, self.flaw);
        let size = request.response_limit();
        let mut http = request.into_http();
        self.spoil(&mut http);
        self.print(&http);
        if let Some(kept) = self.cached(&http) {
            return Ok(kept);
        }
        let origin = self.destination(connect::origin_of(http.uri())?).await;
        let connection = match self.pool.take(self, &origin).await {
            Some(connection) => connection,
            None => match self.connect(&origin, &limit).await {
                Ok(connection) => connection,
                Err(error) => self.stand_in(&error).ok_or(error)?,
            },
        };
        if self.is("connecting has a limit of its own") {
            limit = Limit::new(whole, self.flaw);
        }
        let mut lease =
            Lease { engine: self, origin: origin.clone(), connection: Some(connection) };
        let Some(connection) = &mut lease.connection else { unreachable!("it was just put there") };
        let outcome = self.exchange(connection, &http, size, limit).await;
        let Some(mut connection) = lease.connection.take() else { return outcome };
        match &outcome {
            Ok(response) => {
                if self.is("answers are printed as numbers") {
                    eprintln!("{} {:?}", response.status(), &response.body()[..]);
                }
                self.put_aside(&http, response);
                if connection.can_be_kept(self) || self.keeps_with_more(&connection, response) {
                    connection.kept = true;
                    self.pool.keep(self, origin, connection);
                }
            }
            Err(error) if self.keeps(&connection, error, http.body().len() > 1024 * 1024) => {
                connection.kept = true;
                if self.is("a connection is emptied after what is malformed, and kept") {
                    connection.buffer.clear();
                }
                self.pool.keep(self, origin, connection);
            }
            Err(error) => self.leave_open(connection, error.kind()),
        }
        outcome
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        http: &http::Request<otp_core::bytes::Bytes>,
        size: usize,
        mut limit: Limit,
    ) -> Result<Response, TransportError> {
        let mut parts = self.write_and_read_a_head(connection, http, &limit).await?;
        let mut informational = 0;
        let mut hints = http::HeaderMap::new();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS
            && self.is("a 101 is an answer like any other")
        {
            return Ok(Response::from_parts(parts, Bytes::new()));
        }
        while parts.status.is_informational() && !self.is("a 1xx is the answer") {
            if parts.status.as_u16() == 199 && self.is("a 1xx that is not known is the answer") {
                break;
            }
            informational += 1;
            if !parts.headers.is_empty() && self.is("a 1xx has no fields") {
                return Err(TransportError::unknown(Protocol));
            }
            if self.is("a 1xx has the body that its length announces")
                && parts.headers.contains_key(CONTENT_LENGTH)
            {
                let _ = self.body(connection, &parts, size, &limit).await;
            }
            hints.extend(std::mem::take(&mut parts.headers));
            if self.is("each 1xx starts the limit again") {
                limit = Limit::new(Duration::from_secs(6), self.flaw);
            } else if informational > MOST_INFORMATIONAL {
                return Err(TransportError::unknown(ResponseTooLarge));
            }
            if informational > 5 && self.is("five 1xx are enough") {
                return Err(TransportError::unknown(Protocol));
            }
            let hint = parts.clone();
            parts = match self.head(connection, &limit).await {
                Err(error) if self.is("a hint is the head of the answer that was lost") => {
                    return Err(error.with_head(hint));
                }
                next => next?,
            };
        }
        if self.is("the fields of a 1xx are the answer's") {
            for (name, value) in &hints {
                parts.headers.append(name, value.clone());
            }
        }
        if http.method() == Method::HEAD
            && !self.is("a HEAD has the body that its length announces")
        {
            return Ok(Response::from_parts(parts, Bytes::new()));
        }
        if self.is("the body has a limit of its own") {
            limit = Limit::new(limit.whole, self.flaw);
        }
        connection.has_head = true;
        let body = self.body(connection, &parts, size, &limit).await;
        connection.has_head = false;
        match body {
            Ok(body) => {
                for line in std::mem::take(&mut connection.trailers) {
                    if let Some(colon) = line.iter().position(|byte| *byte == b':') {
                        let name = http::HeaderName::from_bytes(&line[..colon]).unwrap();
                        let value = line[colon + 1..].trim_ascii();
                        let value = http::HeaderValue::from_bytes(value).unwrap();
                        parts.headers.append(name, value);
                    }
                }
                Ok(Response::from_parts(parts, body.into()))
            }
            Err(kind) => {
                connection.spoiled = true;
                parts.extensions.clear();
                if kind == Protocol && self.is("a wrong chunk loses its head") {
                    return Err(TransportError::unknown(kind));
                }
                if self.is("a lost body's head has each field once") {
                    for name in parts.headers.keys().cloned().collect::<Vec<_>>() {
                        let first = parts.headers[&name].clone();
                        parts.headers.insert(name, first);
                    }
                }
                if connection.has_alert && self.is("an alert within the body proves it") {
                    return Err(TransportError::not_sent(kind));
                }
                Err(TransportError::unknown(kind).with_head(parts))
            }
        }
    }
}

/// A connection that is in use. A flawed engine keeps it if its call is dropped.
struct Lease<'e> {
    engine: &'e Inner,
    origin: Origin,
    connection: Option<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let has_head = connection.has_head;
        if self.engine.is("a drop keeps the connection")
            || (has_head && self.engine.is("a drop within the body keeps the connection"))
        {
            connection.kept = true;
            connection.buffer.clear();
            self.engine.pool.keep(self.engine, self.origin.clone(), connection);
        }
    }
}

#[async_trait]
impl Transport for Engine {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.send(request).await
    }

    async fn sleep(&self, duration: Duration) {
        let _turn = match self.0.is("sleeps take turns") {
            true => Some(self.0.memory.turn.lock().await),
            false => None,
        };
        tokio::time::sleep(self.0.slept(duration)).await;
    }

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}

/// The same, and it stays on its thread.
pub struct Local(pub Rc<Engine>);

#[async_trait(?Send)]
impl local::Transport for Local {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.0.send(request).await
    }

    async fn sleep(&self, duration: Duration) {
        let _turn = match self.0.0.is("sleeps take turns") {
            true => Some(self.0.0.memory.turn.lock().await),
            false => None,
        };
        tokio::time::sleep(self.0.0.slept(duration)).await;
    }

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}

/// The same, and it blocks.
pub struct Blocking(pub Engine);

/// Drives the connections of all blocking transports.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

impl blocking::Transport for Blocking {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        RUNTIME.block_on(self.0.0.send(request))
    }

    fn sleep(&self, duration: Duration) {
        let _turn = self.0.0.is("sleeps take turns").then(|| self.0.0.memory.turn.blocking_lock());
        std::thread::sleep(self.0.0.slept(duration));
    }

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}
