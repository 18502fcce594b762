//! Connections that wait for the next call.
//!
//! hyper-util has a pool; this one exists to know more. Here it is certain at each moment whether a
//! request was handed to a connection, so that a failure before that is `NotSent`, a stale connection is
//! replaced without the caller noticing, and nothing is replayed behind the exchange's back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http_body_util::Full;
use hyper::Uri;
use hyper::client::conn::http1;
use otp_core::bytes::Bytes;
use otp_core::http::uri::{Authority, Parts, PathAndQuery, Scheme};
use otp_core::{TransportError, TransportErrorKind};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::connect::{Connect, Connection};
use crate::stream::Allowance;
use crate::{HttpVersions, error, http2};

/// Scheme, host and port, and how they are authenticated: what connections are kept by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    /// Of the roots and the identity, see `Tls::generation`. A connection made before a change of these takes no new
    /// request. It stays until its requests are done and the idle timeout is over.
    pub(crate) generation: u64,
}

impl Origin {
    /// The absolute form of a path here.
    pub(crate) fn uri(&self, path: Option<PathAndQuery>) -> Option<Uri> {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        Uri::from_parts(parts).ok()
    }
}

/// A connection for one request.
pub(crate) struct Checkout {
    pub(crate) sender: Sender,
    /// Whether it has carried a request before, and so may have been closed meanwhile.
    pub(crate) reused: bool,
}

pub(crate) enum Sender {
    /// Ours alone until it is [given back](Pool::give_back).
    Http1(Http1),
    /// Shared.
    Http2(Http2),
}

#[derive(Clone)]
pub(crate) struct Http2 {
    pub(crate) connection: http2::Connection,
    /// Which connection it is.
    id: u64,
}

pub(crate) struct Http1 {
    pub(crate) sender: http1::SendRequest<Full<Bytes>>,
    pub(crate) allowance: Arc<Allowance>,
}

#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    connect: Connect,
    settings: Settings,
    state: Mutex<State>,
}

pub(crate) struct Settings {
    pub(crate) versions: HttpVersions,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_idle: usize,
}

#[derive(Default)]
struct State {
    places: HashMap<Origin, Place>,
    reaper: Option<JoinHandle<()>>,
}

/// What is known of one origin.
#[derive(Default)]
struct Place {
    /// The one that was used last comes last.
    idle: Vec<(Http1, Instant)>,
    http2: Option<(Http2, Instant)>,
    /// How many HTTP/2 connections there were.
    made: u64,
    /// It answered HTTP/1.1 once: connections need not wait to see whether they can be shared.
    is_http1: bool,
    /// Somebody is making the first connection, which others may be able to share.
    connecting: Option<Arc<Notify>>,
}

impl Place {
    fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.http2.is_none() && self.connecting.is_none()
    }
}

impl Pool {
    pub(crate) fn new(connect: Connect, settings: Settings) -> Self {
        Self(Arc::new(Shared { connect, settings, state: Mutex::default() }))
    }

    /// A connection to this origin, kept or fresh, by this deadline.
    ///
    /// Every failure here is `NotSent`.
    pub(crate) async fn checkout(
        &self,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<Checkout, TransportError> {
        match self.find(origin, true) {
            Found::Ready(sender) => Ok(Checkout { sender, reused: true }),
            // Boxed, since it is seldom and large.
            Found::Lead(lead) => Box::pin(self.make(origin, deadline, Some(lead))).await,
            Found::Alone => Box::pin(self.make(origin, deadline, None)).await,
            Found::Wait(notify) => Box::pin(self.wait(origin, deadline, notify)).await,
        }
    }

    /// The first connection may be one to share, so others wait for it, once. If it fails or cannot be
    /// shared, each goes on by itself.
    async fn wait(
        &self,
        origin: &Origin,
        deadline: Instant,
        notify: Arc<Notify>,
    ) -> Result<Checkout, TransportError> {
        let made = notify.notified();
        // Between finding and waiting it may have been made.
        if self.is_connecting(origin, &notify) {
            // Whoever makes it may not be polled at all, so nobody waits for it longer than connecting
            // takes.
            let limit = deadline.min(Instant::now() + self.0.settings.connect_timeout);
            let _ = tokio::time::timeout_at(limit, made).await;
        }
        match self.find(origin, false) {
            Found::Ready(sender) => Ok(Checkout { sender, reused: true }),
            _ => self.make(origin, deadline, None).await,
        }
    }

    async fn make(
        &self,
        origin: &Origin,
        deadline: Instant,
        lead: Option<Lead>,
    ) -> Result<Checkout, TransportError> {
        let limit = deadline.min(Instant::now() + self.0.settings.connect_timeout);
        let uri = origin.uri(None).ok_or_else(|| {
            TransportError::not_sent(TransportErrorKind::Other).with_reason("the URL has no host")
        })?;
        let connection = tokio::time::timeout_at(limit, self.0.connect.connect(uri))
            .await
            .map_err(|_| error::too_slow())??;
        let sender = match connection {
            Connection::Http1 { sender, allowance } => {
                self.place(origin, |place| place.is_http1 = true);
                Sender::Http1(Http1 { sender, allowance })
            }
            Connection::Http2(connection) => {
                let connection = self.place(origin, |place| {
                    place.made += 1;
                    let connection = Http2 { connection, id: place.made };
                    place.http2 = Some((connection.clone(), Instant::now()));
                    connection
                });
                self.reap_later();
                Sender::Http2(connection)
            }
        };
        // Only now may the others look for it.
        drop(lead);
        Ok(Checkout { sender, reused: false })
    }

    /// Keeps an HTTP/1.1 connection whose response has been read to its end.
    pub(crate) fn give_back(&self, origin: &Origin, connection: Http1) {
        if connection.sender.is_closed() {
            return;
        }
        let max_idle = self.0.settings.max_idle;
        let kept = self.place(origin, |place| {
            let room = place.idle.len() < max_idle;
            if room {
                place.idle.push((connection, Instant::now()));
            }
            room
        });
        if kept {
            self.reap_later();
        }
    }

    /// Gives no further request to an HTTP/2 connection: it takes none, or left one unanswered and may be
    /// dead without anybody having said so. Requests that are on it stay.
    pub(crate) fn retire(&self, origin: &Origin, connection: &Http2) {
        self.known_place(origin, |place| {
            if place.http2.as_ref().is_some_and(|(current, _)| current.id == connection.id) {
                place.http2 = None;
            }
        });
    }

    fn find(&self, origin: &Origin, may_wait: bool) -> Found {
        let oldest = Instant::now().checked_sub(self.0.settings.idle_timeout);
        let negotiates = match self.0.settings.versions {
            HttpVersions::Http1 => false,
            HttpVersions::Http2 => true,
            HttpVersions::Negotiated => origin.scheme == Scheme::HTTPS,
        };
        self.place(origin, |place| {
            if let Some((kept, used)) = &mut place.http2 {
                if !kept.connection.is_closed() && oldest.is_none_or(|oldest| *used >= oldest) {
                    *used = Instant::now();
                    return Found::Ready(Sender::Http2(kept.clone()));
                }
                place.http2 = None;
            }
            while let Some((connection, since)) = place.idle.pop() {
                if oldest.is_some_and(|oldest| since < oldest) {
                    // All others are older still.
                    place.idle.clear();
                } else if !connection.sender.is_closed() {
                    return Found::Ready(Sender::Http1(connection));
                }
            }
            if !may_wait || !negotiates || place.is_http1 {
                return Found::Alone;
            }
            match &place.connecting {
                Some(notify) => Found::Wait(Arc::clone(notify)),
                None => {
                    let notify = Arc::new(Notify::new());
                    place.connecting = Some(Arc::clone(&notify));
                    Found::Lead(Lead { pool: self.clone(), origin: origin.clone(), notify })
                }
            }
        })
    }

    fn is_connecting(&self, origin: &Origin, notify: &Arc<Notify>) -> bool {
        let connecting = |place: &mut Place| {
            place.connecting.as_ref().is_some_and(|current| Arc::ptr_eq(current, notify))
        };
        self.known_place(origin, connecting).unwrap_or(false)
    }

    /// As [`place`](Self::place), but an origin of which nothing is known stays so.
    fn known_place<T>(&self, origin: &Origin, act: impl FnOnce(&mut Place) -> T) -> Option<T> {
        let mut state = self.0.state();
        let place = state.places.get_mut(origin)?;
        let result = act(place);
        if place.is_empty() && !place.is_http1 {
            state.places.remove(origin);
        }
        Some(result)
    }

    fn place<T>(&self, origin: &Origin, act: impl FnOnce(&mut Place) -> T) -> T {
        let mut state = self.0.state();
        match state.places.get_mut(origin) {
            Some(place) => act(place),
            None => act(state.places.entry(origin.clone()).or_default()),
        }
    }

    /// Sees to it that what is not used any more is closed in time, by a task that ends with the last
    /// connection.
    fn reap_later(&self) {
        let mut state = self.0.state();
        // The task is gone, too, if the runtime that it ran on is.
        if state.reaper.as_ref().is_none_or(JoinHandle::is_finished) {
            let idle_timeout = self.0.settings.idle_timeout;
            state.reaper = Some(tokio::spawn(reap(Arc::downgrade(&self.0), idle_timeout)));
        }
    }
}

enum Found {
    Ready(Sender),
    /// Make a connection; others wait for it.
    Lead(Lead),
    /// Wait for the connection that somebody makes.
    Wait(Arc<Notify>),
    /// Make a connection; nobody waits.
    Alone,
}

/// Held by whoever makes the first connection; the others go on when it is dropped, also by
/// cancellation.
struct Lead {
    pool: Pool,
    origin: Origin,
    notify: Arc<Notify>,
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.pool.known_place(&self.origin, |place| place.connecting = None);
        self.notify.notify_waiters();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what has not been used since `oldest`. Says whether anything is left.
    fn drop_older(&self, oldest: Instant) -> bool {
        let mut state = self.state();
        state.places.retain(|_, place| {
            place
                .idle
                .retain(|(connection, since)| *since >= oldest && !connection.sender.is_closed());
            if place
                .http2
                .as_ref()
                .is_some_and(|(kept, used)| *used < oldest || kept.connection.is_closed())
            {
                // Requests on their way hold it themselves.
                place.http2 = None;
            }
            !place.is_empty()
        });
        let left = !state.places.is_empty();
        if !left {
            // Under the lock, so that whoever keeps the next connection starts another.
            state.reaper = None;
        }
        left
    }
}

async fn reap(shared: Weak<Shared>, idle_timeout: Duration) {
    loop {
        // A little longer, so that one round suffices for what became idle just before it.
        tokio::time::sleep(idle_timeout + Duration::from_millis(50)).await;
        let Some(shared) = shared.upgrade() else { return };
        let now = Instant::now();
        if !shared.drop_older(now.checked_sub(idle_timeout).unwrap_or(now)) {
            return;
        }
    }
}
