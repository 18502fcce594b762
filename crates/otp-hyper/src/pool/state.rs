//! The connections to one origin in one runtime, and the calls that wait for one. It is data only: it has no lock
//! and starts no task.
//!
//! Calls that wait are served first come, first served. So after every change that can make a connection or a stream
//! available, [`State::settle`] serves the queue, under the same lock. Then there is nothing to take as long as a
//! call waits, and [`State::take`] overtakes nobody.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use otp_core::TransportError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::age::Moment;
use super::sender::Http1;
use super::settings::Settings;
use crate::connect::Connection;
use crate::versions::HttpVersions;
use crate::{error, http2};

/// For how long no further connection is tried beside working ones after one of them failed.
pub(super) const HOLD: Duration = Duration::from_secs(1);

/// After so long a connection that is still being made is not waited for alone. It may hang in its handshake, and
/// one that hangs must not hold up the calls that could share it.
pub(super) const STALL: Duration = Duration::from_millis(500);

/// For how long a new connection is kept for the calls that wait for it, whatever the idle timeout.
const FRESH: Duration = Duration::from_secs(1);

/// After so long without a call, the runtime may not have been driven.
const REST: Duration = Duration::from_millis(2);

pub(super) struct State {
    settings: Arc<Settings>,
    is_https: bool,
    /// The one that was used last comes last.
    idle: Vec<Idle>,
    lines: Vec<Line>,
    /// In the order of their ids.
    waiting: VecDeque<Waiting>,
    /// In the order of their ids.
    connecting: Vec<Connecting>,
    last_id: u64,
    /// The last connection spoke HTTP/1.1: each call needs one of its own.
    is_http1: bool,
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
    /// How many streams the server took when the queue was last served. The connection may know a newer limit, but
    /// more streams must go to the calls that wait first.
    max_streams: usize,
    is_used: bool,
    /// When a stream was last taken or released.
    since: Moment,
    health: Health,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Health {
    Good,
    /// It was sent a PING just now.
    Checked,
    /// It has not answered for a while.
    Silent,
}

struct Waiting {
    id: u64,
    give: Give,
}

type Give = oneshot::Sender<Result<Given, TransportError>>;

/// A connection or a stream for one call. It must be used or [put back](State::put_back).
pub(super) enum Given {
    Http1(Http1),
    Http2 { connection: http2::Connection, line: u64, is_used: bool },
}

/// A connection that is being made, by a task of its own: the call that needed it first may give up.
struct Connecting {
    id: u64,
    since: Instant,
    /// Dropping it ends the task.
    _wanted: oneshot::Sender<Infallible>,
}

/// A connection that is to be made.
pub(super) struct Order {
    pub(super) id: u64,
    /// It ends when no call needs the connection any more.
    pub(super) given_up: oneshot::Receiver<Infallible>,
}

impl State {
    pub(super) fn new(settings: Arc<Settings>, is_https: bool) -> Self {
        Self {
            settings,
            is_https,
            idle: Vec::new(),
            lines: Vec::new(),
            waiting: VecDeque::new(),
            connecting: Vec::new(),
            last_id: 0,
            is_http1: false,
            hold_until: None,
            active: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.idle.is_empty()
            && self.lines.is_empty()
            && self.waiting.is_empty()
            && self.connecting.is_empty()
    }

    pub(super) fn has_rested(&self, now: Moment) -> bool {
        self.active.is_some_and(|active| now.since(&active) > REST)
    }

    /// Whether the only connections are those on their way.
    pub(super) fn is_connecting(&self) -> bool {
        self.lines.is_empty() && !self.connecting.is_empty()
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn line(&mut self, id: u64) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.id == id)
    }

    /// A connection or a stream that is ready now.
    pub(super) fn take(&mut self, now: Moment) -> Option<Given> {
        self.drop_old(now);
        self.active = Some(now);
        for line in &mut self.lines {
            if line.health == Health::Good && line.streams < line.max_streams {
                let is_used = std::mem::replace(&mut line.is_used, true);
                line.streams += 1;
                line.since = now;
                line.connection.expect_an_answer();
                let connection = line.connection.clone();
                return Some(Given::Http2 { connection, line: line.id, is_used });
            }
        }
        while let Some(idle) = self.idle.pop() {
            if idle.is_usable(now) {
                return Some(Given::Http1(idle.connection));
            }
        }
        None
    }

    /// Joins the queue.
    pub(super) fn wait(&mut self) -> (u64, oneshot::Receiver<Result<Given, TransportError>>) {
        let id = self.next_id();
        let (give, given) = oneshot::channel();
        self.waiting.push_back(Waiting { id, give });
        (id, given)
    }

    /// Leaves the queue, if the call was given nothing. A connection that was on its way for it is given up.
    pub(super) fn leave(&mut self, id: u64) {
        if let Ok(at) = self.waiting.binary_search_by_key(&id, |waiting| waiting.id) {
            self.waiting.remove(at);
            let needed = if self.may_share() { self.stalled() + 1 } else { usize::MAX };
            if self.connecting.len() > self.waiting.len().min(needed) {
                // One that hangs rather than one that does not; the newest if none does.
                let stalled = self.connecting.iter().position(Connecting::is_stalled);
                self.connecting.remove(stalled.unwrap_or(self.connecting.len() - 1));
            }
        }
    }

    /// Gives what is ready to the calls that wait, first come, first served. Returns the connections to make for those
    /// that still wait: their tasks start when the lock is released.
    ///
    /// A connection that is on its way stays so when its call was served by another one. It will serve a later call.
    /// To give it up would waste a handshake, and the next busy moment would begin another one. There are
    /// never more connections than there were calls at a time.
    #[must_use]
    pub(super) fn settle(&mut self, now: Moment) -> Vec<Order> {
        for line in &mut self.lines {
            line.max_streams = line.connection.max_streams();
        }
        while !self.waiting.is_empty() {
            let Some(given) = self.take(now) else { break };
            if let Some(waiting) = self.waiting.pop_front() {
                // A call leaves the queue before it drops its end of the channel, so this arrives.
                let _ = waiting.give.send(Ok(given));
            }
        }
        let surplus = self.idle.len().saturating_sub(self.settings.max_idle);
        self.idle.drain(..surplus);

        let mut orders = Vec::new();
        for _ in self.connecting.len()..self.wanted() {
            let id = self.next_id();
            let (wanted, given_up) = oneshot::channel();
            self.connecting.push(Connecting { id, since: Instant::now(), _wanted: wanted });
            orders.push(Order { id, given_up });
        }
        orders
    }

    /// Whether the next connection may serve more than one call.
    fn may_share(&self) -> bool {
        match self.settings.versions {
            HttpVersions::Http1 => false,
            HttpVersions::Http2 => true,
            HttpVersions::Negotiated => self.is_https && !self.is_http1,
        }
    }

    /// How many connections have been on their way for [`STALL`].
    fn stalled(&self) -> usize {
        self.connecting.iter().filter(|connecting| connecting.is_stalled()).count()
    }

    /// How many connections should be on their way.
    fn wanted(&self) -> usize {
        let waiting = self.waiting.len();
        let is_held = self.hold_until.is_some_and(|until| Instant::now() < until);
        if waiting == 0 || (is_held && !self.lines.is_empty()) {
            return 0;
        }
        if !self.may_share() {
            return waiting;
        }
        let may_serve_soon =
            |line: &Line| line.health == Health::Checked || !line.connection.is_settled();
        match self.lines.len() {
            // It may be one to share, so one is enough to begin with, as long as it does not hang.
            0 => waiting.min(self.stalled() + 1),
            _ if self.lines.iter().any(may_serve_soon) => 0,
            lines => usize::from(lines < self.settings.max_http2),
        }
    }

    /// A connection that was ordered is here, or failed. Returns whether the queue must be served once more after
    /// [`HOLD`].
    pub(super) fn connected(
        &mut self,
        id: u64,
        connected: Result<Connection, TransportError>,
        now: Moment,
    ) -> bool {
        let at = self.connecting.binary_search_by_key(&id, |connecting| connecting.id);
        if let Ok(at) = at {
            self.connecting.remove(at);
        }
        match connected {
            Ok(Connection::Http1 { sender, allowance }) => {
                self.is_http1 = true;
                let connection = Http1 { sender, allowance, is_used: false };
                let keep = self.settings.idle_timeout.max(FRESH);
                self.idle.push(Idle { connection, since: now, keep });
            }
            Ok(Connection::Http2(connection)) => {
                self.is_http1 = false;
                // Each call wanted a connection of its own. Now they can share this one.
                self.connecting.clear();
                self.lines.push(Line {
                    id,
                    max_streams: connection.max_streams(),
                    connection,
                    streams: 0,
                    is_used: false,
                    since: now,
                    health: Health::Good,
                });
            }
            // It was given up, and this is only its end.
            Err(_) if at.is_err() => {}
            Err(error) => {
                self.drop_old(now);
                if !self.lines.is_empty() {
                    // The others will serve the calls that wait. They may stay busy, so it is tried again.
                    self.hold_until = Some(Instant::now() + HOLD);
                    return !self.waiting.is_empty();
                }
                self.fail(error);
            }
        }
        false
    }

    /// Fails the calls that waited for one connection.
    fn fail(&mut self, error: TransportError) {
        let Some(first) = self.waiting.pop_front() else { return };
        // A connection to share was meant for all of them, unless another one is on its way.
        let for_all = self.may_share() && self.connecting.is_empty();
        let all = if for_all { self.waiting.len() } else { 0 };
        for other in self.waiting.drain(..all) {
            let _ = other.give.send(Err(error::again(&error)));
        }
        let _ = first.give.send(Err(error));
    }

    /// The runtime has ended: nothing connects any more for the calls that wait.
    pub(super) fn end(&mut self) {
        self.connecting.clear();
        for waiting in self.waiting.drain(..) {
            let _ = waiting.give.send(Err(error::runtime_ended()));
        }
    }

    /// Keeps an HTTP/1.1 connection, for at most so long as the server said.
    pub(super) fn keep(&mut self, connection: Http1, keep: Option<Duration>, now: Moment) {
        let keep = keep.unwrap_or(Duration::MAX).min(self.settings.idle_timeout);
        if !connection.sender.is_closed() && !keep.is_zero() {
            self.active = Some(now);
            self.idle.push(Idle { connection, since: now, keep });
        }
    }

    /// Takes back what no request was sent on.
    pub(super) fn put_back(&mut self, given: Given, now: Moment) {
        match given {
            Given::Http1(connection) => self.keep(connection, None, now),
            Given::Http2 { line, .. } => self.release(line, now),
        }
    }

    pub(super) fn release(&mut self, line: u64, now: Moment) {
        self.active = Some(now);
        if let Some(line) = self.line(line) {
            line.streams -= 1;
            line.since = now;
            if line.streams == 0 {
                line.connection.expect_nothing();
            }
        }
    }

    pub(super) fn retire(&mut self, line: u64) {
        self.lines.retain(|kept| kept.id != line);
    }

    /// Has a connection take no further request until it is found to be healthy. Returns it if it must be checked now.
    pub(super) fn doubt(&mut self, line: u64) -> Option<http2::Connection> {
        let line = self.line(line).filter(|line| line.health == Health::Good)?;
        line.health = Health::Checked;
        Some(line.connection.clone())
    }

    pub(super) fn set_health(&mut self, line: u64, health: Health) {
        if let Some(line) = self.line(line) {
            line.health = health;
        }
    }

    /// Drops what has not been used for too long.
    pub(super) fn sweep(&mut self, now: Moment) {
        self.drop_old(now);
        self.idle.retain(|idle| idle.is_usable(now));
    }

    /// Drops shared connections that are closed or were idle for too long.
    fn drop_old(&mut self, now: Moment) {
        let idle_timeout = self.settings.idle_timeout;
        self.lines.retain(|line| {
            let keep = if line.is_used { idle_timeout } else { idle_timeout.max(FRESH) };
            let is_old = line.streams == 0 && now.since(&line.since) > keep;
            !line.connection.is_closed() && !is_old
        });
    }
}

impl Connecting {
    fn is_stalled(&self) -> bool {
        self.since.elapsed() >= STALL
    }
}

impl Idle {
    fn is_usable(&self, now: Moment) -> bool {
        !self.connection.sender.is_closed() && now.since(&self.since) <= self.keep
    }
}
