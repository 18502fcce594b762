//! What stands between a case and the transport under test.
//!
//! It ends a case that needs what the transport has already failed at, and it turns a panic anywhere in the
//! transport into a finding.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Method;
use otp_core::local::Transport;
use otp_core::{Request, Response, TransportError, TransportErrorKind};

use crate::Case;
use crate::foundation;
use crate::hostile::{Server, Stopper, runtime};
use crate::kinds::Kinds;
use crate::mismatch::{Mismatch, Symptom};

/// What the cases of a run share.
#[derive(Default)]
pub(crate) struct Shared {
    /// The cases that failed and are not excepted.
    pub(crate) failed: RefCell<Vec<Case>>,
    /// The cases that failed and are excepted, with how they failed.
    pub(crate) excepted: RefCell<Vec<(Case, Symptom)>>,
    /// The kinds that are declared alike.
    pub(crate) kinds: Kinds,
}

impl Shared {
    pub(crate) fn new(kinds: Kinds) -> Self {
        Self { kinds, ..Self::default() }
    }
}

/// What is known of one case while it runs.
pub(crate) struct State {
    shared: Rc<Shared>,
    /// None for the exchange before the cases.
    case: Option<Case>,
    /// The cases that it rests on.
    used: RefCell<BTreeSet<Case>>,
    /// Why it must end now.
    stop: RefCell<Option<Stop>>,
    /// Sees if a poll blocks the thread.
    watch: Arc<Watch>,
    /// How many sends and sleeps are going on.
    going_on: Cell<usize>,
    /// How long the longest poll of a send took.
    longest_poll: Cell<Duration>,
}

/// Why a case ends before its end.
pub(crate) enum Stop {
    /// It needs what this plainer case has shown to be missing.
    RestsOn(Case),
    /// This was found outside of a send.
    Found(Mismatch),
}

impl State {
    pub(crate) fn new(shared: &Rc<Shared>, case: Option<Case>) -> Rc<Self> {
        Rc::new(Self {
            shared: Rc::clone(shared),
            case,
            used: RefCell::default(),
            stop: RefCell::default(),
            watch: Watch::start(),
            going_on: Cell::default(),
            longest_poll: Cell::default(),
        })
    }

    /// Whether this kind is declared to be as good as one of these.
    pub(crate) fn accepts(&self, got: TransportErrorKind, kinds: &[TransportErrorKind]) -> bool {
        self.shared.kinds.accept(self.case, got, kinds)
    }

    pub(crate) fn used(&self, plainer: Case) -> bool {
        self.used.borrow().contains(&plainer)
    }

    pub(crate) fn take_stop(&self) -> Option<Stop> {
        self.stop.borrow_mut().take()
    }

    pub(crate) fn forget_polls(&self) {
        self.longest_poll.set(Duration::ZERO);
    }

    pub(crate) fn longest_poll(&self) -> Duration {
        self.longest_poll.get()
    }

    /// The running case cannot do without what this plainer case shows, which is run before it.
    pub(crate) fn needs(&self, plainer: Case) {
        if self.case.is_none_or(|case| case == plainer) {
            return;
        }
        self.used.borrow_mut().insert(plainer);
        if self.shared.failed.borrow().contains(&plainer) {
            self.stop.borrow_mut().get_or_insert(Stop::RestsOn(plainer));
        }
    }

    /// The running case sends to this server.
    pub(crate) fn uses(&self, server: &Server) {
        self.watch.servers().push(server.stopper());
        for plainer in server.faults().iter().flat_map(foundation::under) {
            self.needs(plainer);
        }
    }

    pub(crate) fn found(&self, wrong: Mismatch) {
        self.stop.borrow_mut().get_or_insert(Stop::Found(wrong));
    }

    fn must_stop(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// Does this; a panic within is a finding.
    fn catch<T>(&self, place: &str, act: impl FnOnce() -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(act)) {
            Ok(value) => Some(value),
            Err(panic) => {
                self.found(panicked(place, &*panic));
                None
            }
        }
    }
}

/// The finding of a panic.
pub(crate) fn panicked(place: &str, panic: &(dyn Any + Send)) -> Mismatch {
    let seen = format!("a panic in {place}: {}", message(panic));
    Mismatch::new("no panic", seen).of(Symptom::Panics)
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "(it said nothing)".to_owned())
}

/// The transport under test, for one server.
pub(crate) struct Guarded {
    /// None if making it panicked, and once it is dropped.
    inner: Option<Rc<dyn Transport>>,
    state: Rc<State>,
    sends: Cell<usize>,
}

impl Guarded {
    pub(crate) fn new(state: &Rc<State>, make: impl FnOnce() -> Rc<dyn Transport>) -> Self {
        let inner = state.catch("the function that makes the transport", make);
        Self { inner, state: Rc::clone(state), sends: Cell::new(0) }
    }

    /// What a send with this request rests on.
    fn used_by(&self, request: &Request) {
        if self.sends.replace(self.sends.get() + 1) > 0 {
            self.state.needs(Case::ASecondSendIsAnswered);
        }
        if self.state.going_on.get() > 0 {
            self.state.needs(Case::ASendDoesNotBlock);
        }
        if request.as_http().method() != Method::GET {
            self.state.needs(Case::APostIsAnswered);
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let inner = self.inner.take();
        self.state.catch("`drop` of the transport", || drop(inner));
    }
}

impl Transport for Guarded {
    fn send<'s, 'f>(
        &'s self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response, TransportError>> + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        self.used_by(&request);
        let limit = request.time_limit();
        let inner = self.inner.as_ref().filter(|_| !self.state.must_stop());
        // It is called at once, so that a transport that sends before the first poll is seen.
        let future = inner.and_then(|inner| self.state.catch("`send`", || inner.send(request)));
        let watched = Some(limit);
        Box::pin(Watched { future, state: &self.state, place: "a send", started: false, watched })
    }

    fn sleep<'s, 'f>(&'s self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        let inner = self.inner.as_ref().filter(|_| !self.state.must_stop());
        let future = inner.and_then(|inner| self.state.catch("`sleep`", || inner.sleep(duration)));
        let place = "a sleep";
        Box::pin(Watched { future, state: &self.state, place, started: false, watched: None })
    }

    fn now(&self) -> Duration {
        let inner = self.inner.as_ref();
        let now = inner.and_then(|inner| self.state.catch("`now`", || inner.now()));
        now.unwrap_or_default()
    }
}

/// A future of the transport. Without one it never ends: the case is about to be.
struct Watched<'s, T> {
    future: Option<Pin<Box<dyn Future<Output = T> + 's>>>,
    state: &'s State,
    place: &'static str,
    started: bool,
    /// The servers are stopped if a single poll takes longer than this time limit.
    watched: Option<Duration>,
}

impl<T> Future for Watched<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.state.must_stop() {
            return Poll::Pending;
        }
        if !self.started {
            self.started = true;
            self.state.going_on.set(self.state.going_on.get() + 1);
        }
        if let Some(limit) = self.watched {
            self.state.watch.polls(Some(limit));
        }
        let before = Instant::now();
        let polled = match &mut self.future {
            Some(future) => future.as_mut().poll(cx),
            None => Poll::Pending,
        };
        if self.watched.is_some() {
            self.state.watch.polls(None);
            self.state.longest_poll.set(self.state.longest_poll.get().max(before.elapsed()));
        }
        polled
    }
}

impl<T> Drop for Watched<'_, T> {
    fn drop(&mut self) {
        if self.started {
            self.state.going_on.set(self.state.going_on.get().saturating_sub(1));
        }
        let future = self.future.take();
        let place = format!("`drop` of {}", self.place);
        self.state.catch(&place, || drop(future));
    }
}

/// How long a poll may go on after the time limit. Then the thread is blocked, and only the server can free
/// it, by ending the connection.
const BLOCKED: Duration = Duration::from_secs(2);

/// Sees if a poll blocks the thread, from another thread, and then stops the servers.
struct Watch {
    /// When a poll has to be over that goes on.
    until: Mutex<Option<Instant>>,
    servers: Mutex<Vec<Stopper>>,
}

impl Watch {
    /// It ends with the last reference to it.
    fn start() -> Arc<Self> {
        let own = Arc::new(Self { until: Mutex::default(), servers: Mutex::default() });
        let watch = Arc::downgrade(&own);
        runtime().spawn(async move {
            loop {
                tokio::time::sleep(BLOCKED / 8).await;
                let Some(watch) = watch.upgrade() else { return };
                let until = *watch.until.lock().unwrap_or_else(PoisonError::into_inner);
                if until.is_some_and(|until| Instant::now() > until) {
                    watch.servers().iter().for_each(Stopper::stop);
                }
            }
        });
        own
    }

    fn servers(&self) -> MutexGuard<'_, Vec<Stopper>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A poll begins of a send with this limit, or ends.
    fn polls(&self, limit: Option<Duration>) {
        let until =
            limit.and_then(|limit| Instant::now().checked_add(limit.saturating_add(BLOCKED)));
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}
