//! HTTP/2 by hand, over TLS or in the clear, in all flavours: a transport that keeps every promise, and one with
//! a flaw for each sentence in [`FLAWS`].
//!
//! One connection carries the requests to an origin. A request that finds none makes one, and one that finds no
//! free stream waits for it. Frames are
//! written and read here, not by a crate, so that everything can go wrong that a crate would prevent.

mod connect;
mod connection;
mod exchange;
mod fields;
mod flaws;
mod receive;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use otp_conformance::hostile::Server;
use otp_core::Progress::NotSent;
use otp_core::{Request, Response, Transport, TransportError, async_trait, blocking, local};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::engine::{Origin, RUNTIME};
use connection::Connection;
pub use flaws::FLAWS;

/// Whether a flaw is this one. It must be in the table.
fn is(flaw: &str, this: &str) -> bool {
    debug_assert!(
        FLAWS.iter().any(|broken| broken.what == this),
        "no row of the table has the flaw {this:?}"
    );
    flaw == this
}

#[derive(Clone)]
pub struct Http2(Arc<Inner>);

struct Inner {
    flaw: &'static str,
    tls: TlsConnector,
    connections: Mutex<HashMap<Origin, Arc<Connection>>>,
    /// Only if the flaw is to take turns.
    turn: tokio::sync::Mutex<()>,
}

impl Http2 {
    pub fn new(server: &Server, flaw: &'static str) -> Self {
        Self(Arc::new(Inner {
            flaw,
            tls: connect::connector(server.ca_pem()),
            connections: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }))
    }
}

/// The time limit of a send.
#[derive(Clone, Copy)]
struct Limit {
    /// None if so much time cannot pass.
    deadline: Option<Instant>,
    whole: Duration,
}

/// The time is up.
struct Late;

impl Limit {
    fn new(whole: Duration) -> Self {
        Self { deadline: Instant::now().checked_add(whole), whole }
    }

    async fn run<T>(&self, doing: impl Future<Output = T>) -> Result<T, Late> {
        match self.deadline {
            None => Ok(doing.await),
            Some(deadline) => tokio::time::timeout_at(deadline, doing).await.map_err(|_| Late),
        }
    }
}

impl Inner {
    fn is(&self, this: &str) -> bool {
        is(self.flaw, this)
    }

    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let _turn = match self.is("one stream at a time") {
            true => Some(self.turn.lock().await),
            false => None,
        };
        let limit = Limit::new(request.time_limit());
        let size = request.response_limit();
        let http = request.into_http();
        let outcome = self.attempt(&http, size, limit).await;
        let Err(error) = &outcome else { return outcome };
        let reason = error.reason().unwrap_or_default();
        let (get, unsent) = (http.method() == Method::GET, error.progress() == NotSent);
        let again = match self.flaw {
            "a GET is sent again after CANCEL" => get && reason == "reset with CANCEL",
            "what asks for HTTP/1.1 is sent again" => reason == "reset with HTTP_1_1_REQUIRED",
            "ENHANCE_YOUR_CALM is obeyed after a while" => {
                tokio::time::sleep(Duration::from_millis(5)).await;
                reason == "reset with ENHANCE_YOUR_CALM"
            }
            "a GET is sent again after a reset body" => get && error.head().is_some(),
            "what a GOAWAY has let through is sent again" => reason == "closed after GOAWAY",
            "every reset stream is sent again" => reason.starts_with("reset") && !unsent,
            _ => false,
        };
        if again { self.attempt(&http, size, limit).await } else { outcome }
    }
}

#[async_trait]
impl Transport for Http2 {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.send(request).await
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}

/// The same, and it stays on its thread.
pub struct Local(pub Rc<Http2>);

#[async_trait(?Send)]
impl local::Transport for Local {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.0.send(request).await
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}

/// The same, and it blocks.
pub struct Blocking(pub Http2);

impl blocking::Transport for Blocking {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        RUNTIME.block_on(self.0.0.send(request))
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn now(&self) -> Duration {
        otp_core::clock::monotonic()
    }
}
