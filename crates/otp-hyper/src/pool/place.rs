//! The connections to one origin in one runtime, and the calls that wait for one.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use http_body_util::Full;
use hyper::client::conn::http1;
use otp_core::TransportError;
use otp_core::bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::age::Moment;
use super::{Origin, Settings};
use crate::connect::{Connect, Connection};
use crate::stream::Allowance;
use crate::{HttpVersions, error, http2};

/// How long a connection that may be dead is waited for before another one is made.
const SUSPENSE: Duration = Duration::from_millis(250);

/// How long such a connection may take to answer a PING before it is given up.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long no further connection is tried beside working ones after one of them failed.
const HOLD: Duration = Duration::from_secs(1);

/// A new connection is kept so long for those who wait for it, whatever the idle timeout.
const FRESH: Duration = Duration::from_secs(1);

/// After so long without a call, the runtime may not have been driven.
const REST: Duration = Duration::from_millis(2);

/// No request is answered faster.
const LEAST: Duration = Duration::from_millis(1);

pub(crate) enum Sender {
    /// For one call at a time, until it is [given back](Place::give_back).
    Http1(Http1),
    /// Shared by as many calls as the server takes streams.
    Http2(Http2),
}

impl Sender {
    pub(crate) fn is_used(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_used,
            Self::Http2(connection) => connection.is_used,
        }
    }

    pub(crate) fn allowance(&self) -> &Arc<Allowance> {
        match self {
            Self::Http1(connection) => &connection.allowance,
            Self::Http2(connection) => connection.connection.allowance(),
        }
    }
}

pub(crate) struct Http1 {
    pub(crate) sender: http1::SendRequest<Full<Bytes>>,
    pub(crate) allowance: Arc<Allowance>,
    /// It has carried a request before, and so may have been closed meanwhile.
    pub(crate) is_used: bool,
}

/// One stream of a connection.
pub(crate) struct Http2 {
    pub(crate) connection: http2::Connection,
    /// The connection has carried a request before.
    pub(crate) is_used: bool,
    stream: Stream,
}

/// Counts as a stream until it is dropped.
struct Stream {
    place: Arc<Place>,
    line: u64,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.place.release(self.line);
    }
}

impl Http2 {
    /// Gives no further request to this connection. Requests that are on it stay.
    pub(crate) fn retire(&self) {
        self.stream.place.retire(self.stream.line);
    }

    /// A request was left unanswered: the connection may be dead without anybody having said so. Before the
    /// next request it must answer a PING.
    pub(crate) fn doubt(&self) {
        self.stream.place.doubt(self.stream.line);
    }
}

pub(crate) struct Place {
    origin: Origin,
    runtime: Handle,
    connect: Arc<Connect>,
    settings: Arc<Settings>,
    state: Mutex<State>,
    this: Weak<Place>,
}

#[derive(Default)]
struct State {
    /// The one that was used last comes last.
    idle: Vec<Idle>,
    lines: Vec<Line>,
    waiting: VecDeque<Waiting>,
    connecting: Vec<Connecting>,
    last_id: u64,
    /// The last connection spoke HTTP/1.1: each call needs one of its own.
    is_http1: bool,
    /// How long an answer usually takes.
    usual: Duration,
    hold_until: Option<Instant>,
    /// When a connection or a stream was last taken or given back.
    active: Option<Moment>,
}

struct Idle {
    connection: Http1,
    since: Moment,
    keep: Duration,
}

/// A connection that is shared.
struct Line {
    id: u64,
    connection: http2::Connection,
    streams: usize,
    is_used: bool,
    /// When a stream was last taken or released.
    since: Moment,
    doubt: Doubt,
}

#[derive(Clone, Copy, PartialEq)]
enum Doubt {
    None,
    /// It was sent a PING just now.
    Suspense,
    /// It has not answered for a while.
    Silent,
}

struct Waiting {
    id: u64,
    give: oneshot::Sender<Result<Sender, TransportError>>,
}

/// A connection that is being made, by a task of its own: the call that needed it first may give up.
struct Connecting {
    id: u64,
    /// Dropping it ends the task.
    _wanted: oneshot::Sender<Infallible>,
}

impl State {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn is_empty(&self) -> bool {
        self.idle.is_empty()
            && self.lines.is_empty()
            && self.waiting.is_empty()
            && self.connecting.is_empty()
    }

    fn line(&mut self, id: u64) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.id == id)
    }
}

impl Place {
    pub(super) fn new(
        origin: Origin,
        runtime: Handle,
        connect: Arc<Connect>,
        settings: Arc<Settings>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            origin,
            runtime,
            connect,
            settings,
            state: Mutex::default(),
            this: Weak::clone(this),
        })
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection, or a stream of one.
    pub(super) async fn checkout(&self, deadline: Instant) -> Result<Sender, TransportError> {
        if self.has_rested() {
            // A runtime in which `block_on` is called now and then has not seen what arrived in between: that a
            // server closed a connection, say. It looks before this task has its next turn.
            yield_now().await;
        }
        let (wait, makings) = {
            let mut state = self.state();
            if state.waiting.is_empty() {
                if let Some(sender) = self.take(&mut state) {
                    return Ok(sender);
                }
            }
            let id = state.next_id();
            let (give, given) = oneshot::channel();
            state.waiting.push_back(Waiting { id, give });
            (Wait { place: self, id, given }, self.connect_more(&mut state))
        };
        self.start(makings);
        // Boxed, since it is seldom.
        Box::pin(wait.until(deadline)).await
    }

    fn has_rested(&self) -> bool {
        let active = self.state().active;
        active.is_some_and(|active| self.settings.clocks.now().since(&active) > REST)
    }

    /// A connection that is ready now.
    fn take(&self, state: &mut State) -> Option<Sender> {
        let now = self.settings.clocks.now();
        self.drop_old(state, now);
        state.active = Some(now);
        let this = self.this.upgrade()?;
        for line in &mut state.lines {
            if line.doubt == Doubt::None && line.streams < line.connection.max_streams() {
                let is_used = std::mem::replace(&mut line.is_used, true);
                line.streams += 1;
                line.since = now;
                line.connection.expect_an_answer();
                return Some(Sender::Http2(Http2 {
                    connection: line.connection.clone(),
                    is_used,
                    stream: Stream { place: this, line: line.id },
                }));
            }
        }
        while let Some(idle) = state.idle.pop() {
            if !idle.connection.sender.is_closed() && now.since(&idle.since) <= idle.keep {
                return Some(Sender::Http1(idle.connection));
            }
        }
        None
    }

    /// Drops shared connections that are closed or were idle for too long.
    fn drop_old(&self, state: &mut State, now: Moment) {
        let idle_timeout = self.settings.idle_timeout;
        state.lines.retain(|line| {
            let keep = if line.is_used { idle_timeout } else { idle_timeout.max(FRESH) };
            let is_old = line.streams == 0 && now.since(&line.since) > keep;
            !line.connection.is_closed() && !is_old
        });
    }

    /// Gives what is ready to those who wait, first come, first served; then sees to it that there will be
    /// enough for the others.
    fn serve(&self) {
        let mut unwanted = Vec::new();
        let mut state = self.state();
        loop {
            while state.waiting.front().is_some_and(|waiting| waiting.give.is_closed()) {
                state.waiting.pop_front();
            }
            if state.waiting.is_empty() {
                break;
            }
            let Some(sender) = self.take(&mut state) else { break };
            if let Some(waiting) = state.waiting.pop_front() {
                // It may have given up meanwhile.
                if let Err(Ok(sender)) = waiting.give.send(Ok(sender)) {
                    unwanted.push(sender);
                }
            }
        }
        let surplus = state.idle.len().saturating_sub(self.settings.max_idle);
        let surplus: Vec<_> = state.idle.drain(..surplus).collect();
        let makings = self.connect_more(&mut state);
        drop(state);
        // Not under the lock, which a stream takes when it is dropped.
        drop(surplus);
        self.start(makings);
        for sender in unwanted {
            self.return_unused(sender);
        }
    }

    /// Whether a connection to come may serve more than one call.
    fn may_share(&self, state: &State) -> bool {
        match self.settings.versions {
            HttpVersions::Http1 => false,
            HttpVersions::Http2 => true,
            HttpVersions::Negotiated => self.origin.is_https() && !state.is_http1,
        }
    }

    /// How many connections should be on their way.
    fn wanted(&self, state: &State) -> usize {
        let waiting = state.waiting.len();
        let is_held = state.hold_until.is_some_and(|until| Instant::now() < until);
        if waiting == 0 || (is_held && !state.lines.is_empty()) {
            return 0;
        }
        if !self.may_share(state) {
            return waiting;
        }
        let may_serve_soon =
            |line: &Line| line.doubt == Doubt::Suspense || !line.connection.is_settled();
        match state.lines.len() {
            // It may be one to share, so one is enough to begin with.
            0 => 1,
            _ if state.lines.iter().any(may_serve_soon) => 0,
            lines => usize::from(lines < self.settings.max_http2),
        }
    }

    /// The connections to [start](Self::start) when the lock is released.
    #[must_use]
    fn connect_more(&self, state: &mut State) -> Vec<Making> {
        let wanted = self.wanted(state);
        let mut makings = Vec::new();
        while state.connecting.len() < wanted {
            let id = state.next_id();
            let (wanted, given_up) = oneshot::channel();
            state.connecting.push(Connecting { id, _wanted: wanted });
            let place = Weak::clone(&self.this);
            makings.push(Making { place, id, given_up, is_over: false });
        }
        makings
    }

    /// Not under the lock: a runtime that has ended drops a new task at once, which fails those who wait.
    fn start(&self, makings: Vec<Making>) {
        for making in makings {
            self.runtime.spawn(make(making));
        }
    }

    /// Gives up what nobody waits for any more.
    fn connect_less(&self, state: &mut State) {
        let wanted = self.wanted(state);
        state.connecting.truncate(wanted);
    }

    fn connected(&self, id: u64, connected: Result<Connection, TransportError>) {
        let mut state = self.state();
        let before = state.connecting.len();
        state.connecting.retain(|connecting| connecting.id != id);
        let was_wanted = state.connecting.len() < before;
        let since = self.settings.clocks.now();
        let mut failed = Vec::new();
        let mut is_held = false;
        match connected {
            Ok(Connection::Http1 { sender, allowance }) => {
                state.is_http1 = true;
                let connection = Http1 { sender, allowance, is_used: false };
                let keep = self.settings.idle_timeout.max(FRESH);
                state.idle.push(Idle { connection, since, keep });
            }
            Ok(Connection::Http2(connection)) => {
                state.is_http1 = false;
                state.lines.push(Line {
                    id,
                    connection,
                    streams: 0,
                    is_used: false,
                    since,
                    doubt: Doubt::None,
                });
            }
            // It was given up, and this is only its end.
            Err(_) if !was_wanted => {}
            Err(error) => {
                self.drop_old(&mut state, since);
                if !state.lines.is_empty() {
                    // Those who wait will be served by the others.
                    state.hold_until = Some(Instant::now() + HOLD);
                    is_held = !state.waiting.is_empty();
                } else if let Some(first) = state.waiting.pop_front() {
                    // One to share was to be for all of them.
                    let all = if self.may_share(&state) { state.waiting.len() } else { 0 };
                    let others = state.waiting.drain(..all);
                    failed.extend(others.map(|other| (other.give, error::again(&error))));
                    failed.push((first.give, error));
                }
            }
        }
        drop(state);
        for (give, error) in failed {
            let _ = give.send(Err(error));
        }
        if is_held {
            // The working ones may stay busy: try again, without waiting for one of them.
            let place = Weak::clone(&self.this);
            self.runtime.spawn(async move {
                sleep(HOLD).await;
                if let Some(place) = place.upgrade() {
                    place.serve();
                }
            });
        }
        self.serve();
    }

    /// The runtime has ended: nothing connects any more for those who wait.
    fn end(&self) {
        let mut state = self.state();
        let waiting = std::mem::take(&mut state.waiting);
        let connecting = std::mem::take(&mut state.connecting);
        drop(state);
        drop(connecting);
        for Waiting { give, .. } in waiting {
            let _ = give.send(Err(error::runtime_ended()));
        }
    }

    /// Keeps an HTTP/1.1 connection whose response has been read to its end, for at most so long as the
    /// server said.
    pub(crate) fn give_back(&self, mut connection: Http1, keep: Option<Duration>) {
        connection.is_used = true;
        self.keep(connection, keep);
    }

    fn keep(&self, connection: Http1, keep: Option<Duration>) {
        let keep = keep.unwrap_or(Duration::MAX).min(self.settings.idle_timeout);
        if connection.sender.is_closed() || keep.is_zero() {
            return;
        }
        let since = self.settings.clocks.now();
        let mut state = self.state();
        state.active = Some(since);
        state.idle.push(Idle { connection, since, keep });
        if state.waiting.is_empty() && state.idle.len() <= self.settings.max_idle {
            return;
        }
        drop(state);
        self.serve();
    }

    fn return_unused(&self, sender: Sender) {
        match sender {
            Sender::Http1(connection) => self.keep(connection, None),
            // The stream is released.
            Sender::Http2(stream) => drop(stream),
        }
    }

    fn release(&self, line: u64) {
        let since = self.settings.clocks.now();
        let mut state = self.state();
        state.active = Some(since);
        if let Some(line) = state.line(line) {
            line.streams -= 1;
            line.since = since;
            if line.streams == 0 {
                line.connection.expect_nothing();
            }
        }
        if !state.waiting.is_empty() {
            drop(state);
            self.serve();
        }
    }

    fn retire(&self, line: u64) {
        let mut state = self.state();
        let retired = state.lines.iter().position(|kept| kept.id == line);
        let retired = retired.map(|at| state.lines.remove(at));
        drop(state);
        if retired.is_some() {
            self.serve();
        }
    }

    fn doubt(&self, id: u64) {
        let mut state = self.state();
        let Some(line) = state.line(id).filter(|line| line.doubt == Doubt::None) else { return };
        line.doubt = Doubt::Suspense;
        let check = check(Weak::clone(&self.this), id, line.connection.clone());
        drop(state);
        self.runtime.spawn(check);
    }

    fn set_doubt(&self, id: u64, doubt: Doubt) {
        if let Some(line) = self.state().line(id) {
            line.doubt = doubt;
        }
        self.serve();
    }

    /// An answer took so long.
    pub(crate) fn answered_after(&self, took: Duration) {
        let mut state = self.state();
        // Weighted by an eighth, as TCP smooths its round trips (RFC 6298 §2).
        state.usual = if state.usual.is_zero() { took } else { (state.usual * 7 + took) / 8 };
    }

    fn give_up(&self, id: u64) {
        let mut state = self.state();
        state.waiting.retain(|waiting| waiting.id != id);
        self.connect_less(&mut state);
    }

    /// Drops what has not been used for too long.
    pub(super) fn sweep(&self) {
        let now = self.settings.clocks.now();
        let mut state = self.state();
        self.drop_old(&mut state, now);
        state.idle.retain(|idle| {
            !idle.connection.sender.is_closed() && now.since(&idle.since) <= idle.keep
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state().is_empty()
    }
}

/// A call that waits. It leaves the queue when it is dropped.
struct Wait<'a> {
    place: &'a Place,
    id: u64,
    given: oneshot::Receiver<Result<Sender, TransportError>>,
}

impl Wait<'_> {
    async fn until(mut self, deadline: Instant) -> Result<Sender, TransportError> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let given = timeout_at(deadline, &mut self.given).await;
        let sender = match given {
            Ok(Ok(given)) => given?,
            Ok(Err(_)) => return Err(error::no_time_to_send()),
            Err(_) if self.is_for_a_first_connection() => return Err(error::too_slow()),
            Err(_) => return Err(error::no_time_to_send()),
        };
        // A caller may know better than what is usual: if waiting took little of the limit, it is sent.
        let needed = self.place.state().usual.min(limit / 2).max(LEAST);
        if deadline.saturating_duration_since(Instant::now()) < needed {
            // The answer would come too late, and the server would have acted all the same.
            self.place.return_unused(sender);
            return Err(error::no_time_to_send());
        }
        Ok(sender)
    }

    fn is_for_a_first_connection(&self) -> bool {
        let state = self.place.state();
        state.lines.is_empty() && !state.connecting.is_empty()
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.place.give_up(self.id);
        self.given.close();
        if let Ok(Ok(sender)) = self.given.try_recv() {
            self.place.return_unused(sender);
        }
    }
}

/// Makes a connection for those who wait when it is ready.
async fn make(mut making: Making) {
    let Some((connect, settings, uri)) = making.place.upgrade().map(|place| {
        (Arc::clone(&place.connect), Arc::clone(&place.settings), place.origin.uri(None))
    }) else {
        return;
    };
    let changed = Weak::clone(&making.place);
    let changed = move || {
        if let Some(place) = changed.upgrade() {
            place.serve();
        }
    };
    let connected = {
        let mut connecting = pin!(timeout(settings.connect_timeout, connect.connect(uri, changed)));
        poll_fn(|cx| match Pin::new(&mut making.given_up).poll(cx) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => connecting.as_mut().poll(cx).map(Some),
        })
        .await
    };
    making.is_over = true;
    if let (Some(connected), Some(place)) = (connected, making.place.upgrade()) {
        place.connected(making.id, connected.unwrap_or_else(|_| Err(error::too_slow())));
    }
}

/// Tells those who wait if a connector panics, or if the runtime ends.
struct Making {
    place: Weak<Place>,
    id: u64,
    /// It ends when nobody needs the connection any more.
    given_up: oneshot::Receiver<Infallible>,
    is_over: bool,
}

impl Drop for Making {
    fn drop(&mut self) {
        let Some(place) = self.place.upgrade().filter(|_| !self.is_over) else { return };
        if std::thread::panicking() {
            place.connected(self.id, Err(error::connector_ended()));
        } else {
            place.end();
        }
    }
}

async fn check(place: Weak<Place>, id: u64, connection: http2::Connection) {
    let set = |doubt| {
        if let Some(place) = place.upgrade() {
            place.set_doubt(id, doubt);
        }
    };
    let mut ping = Box::pin(connection.ping());
    let mut answered = timeout(SUSPENSE, &mut ping).await;
    if answered.is_err() {
        set(Doubt::Silent);
        answered = timeout(PING_TIMEOUT.saturating_sub(SUSPENSE), &mut ping).await;
    }
    match answered {
        Ok(true) => set(Doubt::None),
        Ok(false) | Err(_) => {
            if let Some(place) = place.upgrade() {
                place.retire(id);
            }
        }
    }
}
