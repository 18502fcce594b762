//! Where calls get their connections to one origin in one runtime.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use otp_core::TransportError;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::age::Moment;
use super::origin::Origin;
use super::sender::{Http1, Http2, Lender, Sender};
use super::settings::Settings;
use super::state::{Given, HOLD, Health, Order, STALL, State};
use super::tasks::{self, Finding, Made};
use super::usual::Usual;
use crate::connect::Connect;
use crate::deadline::Deadline;
use crate::error;

/// No request is answered faster.
const LEAST: Duration = Duration::from_millis(1);

pub(crate) struct Place {
    origin: Origin,
    runtime: Handle,
    connect: Arc<Connect>,
    settings: Arc<Settings>,
    state: Mutex<State>,
    /// How long an answer usually takes.
    usual: Usual,
    this: Weak<Place>,
}

impl Place {
    pub(super) fn new(
        origin: Origin,
        runtime: Handle,
        connect: Arc<Connect>,
        settings: Arc<Settings>,
    ) -> Arc<Self> {
        let state = Mutex::new(State::new(Arc::clone(&settings), origin.is_https()));
        Arc::new_cyclic(|this| Self {
            origin,
            runtime,
            connect,
            settings,
            state,
            usual: Usual::default(),
            this: Weak::clone(this),
        })
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state().is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change that may make a connection or a stream available, and serves the queue before anybody else can
    /// take it.
    fn change<T>(&self, change: impl FnOnce(&mut State, Moment) -> T) -> T {
        let now = self.settings.clocks.now();
        let mut state = self.state();
        let result = change(&mut state, now);
        let orders = state.settle(now);
        drop(state);
        self.start(orders);
        result
    }

    /// A connection, or a stream of one.
    pub(super) async fn checkout(
        self: &Arc<Self>,
        deadline: &mut Deadline<'_>,
    ) -> Result<Sender, TransportError> {
        let given = match self.take_at_once() {
            Some(given) => given,
            // Boxed, since it is seldom.
            None => Box::pin(self.take_or_wait(deadline)).await?,
        };
        Ok(match given {
            Given::Http1(connection) => Sender::Http1(connection),
            Given::Http2 { connection, line, is_used } => {
                let lender = Arc::clone(self);
                Sender::Http2(Http2::new(connection, is_used, lender, line))
            }
        })
    }

    fn take_at_once(&self) -> Option<Given> {
        let now = self.settings.clocks.now();
        let mut state = self.state();
        if state.has_rested(now) { None } else { state.take(now) }
    }

    async fn take_or_wait(&self, deadline: &mut Deadline<'_>) -> Result<Given, TransportError> {
        let has_rested = self.state().has_rested(self.settings.clocks.now());
        if has_rested {
            // A runtime in which `block_on` is called now and then has not seen what arrived in between: that a
            // server closed a connection, say. It looks before this task has its next turn.
            yield_now().await;
        }
        let now = self.settings.clocks.now();
        let (wait, orders) = {
            let mut state = self.state();
            if let Some(given) = state.take(now) {
                return Ok(given);
            }
            let (id, given) = state.wait();
            (Wait { place: self, id, given }, state.settle(now))
        };
        self.start(orders);
        wait.until(deadline).await
    }

    /// Not under the lock: a runtime that has ended drops a new task at once, which fails the calls that wait.
    fn start(&self, orders: Vec<Order>) {
        for Order { id, given_up } in orders {
            let (connect, origin) = (Arc::clone(&self.connect), self.origin.uri(None));
            let changed = self.report(|place, ()| place.change(|_, _| ()));
            let stalled = self.report(|place, ()| place.change(|_, _| ()));
            let connecting = async move {
                let mut connecting = pin!(connect.connect(origin, move || changed(())));
                match timeout(STALL, &mut connecting).await {
                    Ok(connected) => connected,
                    Err(_) => {
                        stalled(());
                        connecting.await
                    }
                }
            };
            let report = self.report(move |place, made| place.made(id, made));
            let limit = self.settings.connect_timeout;
            self.runtime.spawn(tasks::make(connecting, limit, given_up, report));
        }
    }

    /// What a task calls. It does not keep the place alive.
    fn report<T, R: Fn(&Self, T)>(&self, report: R) -> impl Fn(T) + use<T, R> {
        let place = Weak::clone(&self.this);
        move |said| {
            if let Some(place) = place.upgrade() {
                report(&place, said);
            }
        }
    }

    fn made(&self, id: u64, made: Made) {
        let is_held = self.change(|state, now| match made {
            Made::Ended(connected) => state.connected(id, connected, now),
            Made::NotInThisRuntime => {
                state.end();
                false
            }
        });
        if is_held {
            let serve = self.report(|place, ()| place.change(|_, _| ()));
            self.runtime.spawn(async move {
                sleep(HOLD).await;
                serve(());
            });
        }
    }

    /// Keeps an HTTP/1.1 connection whose response has been read to its end, for at most so long as the
    /// server said.
    pub(crate) fn give_back(&self, mut connection: Http1, keep: Option<Duration>) {
        connection.is_used = true;
        self.change(|state, now| state.keep(connection, keep, now));
    }

    fn put_back(&self, given: Given) {
        self.change(|state, now| state.put_back(given, now));
    }

    /// An answer took so long.
    pub(crate) fn answered_after(&self, took: Duration) {
        self.usual.add(took);
    }

    /// Drops what has not been used for too long.
    pub(super) fn sweep(&self) {
        let now = self.settings.clocks.now();
        self.state().sweep(now);
    }
}

impl Lender for Place {
    fn release(&self, line: u64) {
        self.change(|state, now| state.release(line, now));
    }

    fn retire(&self, line: u64) {
        self.change(|state, _| state.retire(line));
    }

    fn doubt(&self, line: u64) {
        let Some(connection) = self.state().doubt(line) else { return };
        let found = self.report(move |place, finding| {
            place.change(|state, _| match finding {
                Finding::Answers => state.set_health(line, Health::Good),
                Finding::IsSilent => state.set_health(line, Health::Silent),
                Finding::IsDead => state.retire(line),
            });
        });
        self.runtime.spawn(tasks::check(connection, found));
    }
}

/// A call that waits. It leaves the queue when it is dropped.
struct Wait<'a> {
    place: &'a Place,
    id: u64,
    given: oneshot::Receiver<Result<Given, TransportError>>,
}

impl Wait<'_> {
    async fn until(mut self, deadline: &mut Deadline<'_>) -> Result<Given, TransportError> {
        let limit = deadline.remaining();
        let given = deadline.limit(Pin::new(&mut self.given)).await;
        let given = match given {
            Ok(Ok(given)) => given?,
            Ok(Err(_)) => return Err(error::no_time_to_send()),
            Err(_) if self.place.state().is_connecting() => return Err(error::too_slow()),
            Err(_) => return Err(error::no_time_to_send()),
        };
        // A caller may know better than what is usual: if waiting took little of the limit, it is sent.
        let needed = self.place.usual.get().min(limit / 2).max(LEAST);
        if deadline.remaining() < needed {
            // The answer would come too late, and the server would have acted all the same.
            self.place.put_back(given);
            return Err(error::no_time_to_send());
        }
        Ok(given)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.place.change(|state, _| state.leave(self.id));
        // Nothing is given to a call that has left the queue. It may have been given something before.
        if let Ok(Ok(given)) = self.given.try_recv() {
            self.place.put_back(given);
        }
    }
}
