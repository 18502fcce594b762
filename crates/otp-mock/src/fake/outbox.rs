//! The phones: what was sent to them, and who waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use otp_core::Otp;

/// A user's oldest SMS are forgotten beyond this many, so that a flood does not fill the memory.
const KEPT: usize = 1000;

/// An SMS that the service sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sms {
    /// The name of the user whose phone it is.
    pub user: String,
    /// When it was sent, since the service started, by its own clock.
    pub at: Duration,
    /// The phone number.
    pub to: String,
    /// The OTP in it.
    pub otp: Otp,
}

type Deliver = Arc<dyn Fn(&Sms) + Send + Sync>;

#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    sent: VecDeque<Sent>,
    /// By their numbers, in the order in which they began to wait.
    waiting: BTreeMap<u64, Waiter>,
    next_number: u64,
    deliver: Option<Deliver>,
}

struct Sent {
    /// Which user.
    user: usize,
    sms: Sms,
    /// Whether somebody who waited for it has it.
    taken: bool,
}

/// For whom somebody waits.
struct Waiter {
    user: usize,
    /// Whether the user was removed.
    is_over: bool,
    waker: Option<Waker>,
}

/// Somebody who waits, until it is dropped.
pub(super) struct Waiting<'a> {
    outbox: &'a Outbox,
    user: usize,
    number: u64,
}

impl Outbox {
    pub(super) fn send(&self, user: usize, sms: Sms) {
        let (deliver, waiting) = {
            let mut state = self.state();
            state.make_room(user);
            state.sent.push_back(Sent { user, sms: sms.clone(), taken: false });
            (state.deliver.clone(), state.wakers())
        };
        // Outside the lock, so that the phone may call the service.
        self.arrived.notify_all();
        waiting.into_iter().for_each(Waker::wake);
        if let Some(deliver) = deliver {
            deliver(&sms);
        }
    }

    pub(super) fn on_sms(&self, deliver: Deliver) {
        let replaced = self.state().deliver.replace(deliver);
        // Outside the lock, since what it holds may call the service as it is dropped.
        drop(replaced);
    }

    pub(super) fn all(&self) -> Vec<Sms> {
        self.state().sent.iter().map(|sent| sent.sms.clone()).collect()
    }

    /// Of this user, oldest first.
    pub(super) fn of(&self, user: usize) -> Vec<Sms> {
        let state = self.state();
        let sent = state.sent.iter().filter(|sent| sent.user == user);
        sent.map(|sent| sent.sms.clone()).collect()
    }

    /// The one that would be given next to this user.
    pub(super) fn peek(&self, user: usize) -> Option<Sms> {
        let state = self.state();
        let sent = state.sent.iter().find(|sent| sent.user == user && !sent.taken);
        sent.map(|sent| sent.sms.clone())
    }

    /// Forgets those of this user, or all.
    pub(super) fn discard(&self, user: Option<usize>) {
        self.state().sent.retain(|sent| user.is_some_and(|user| sent.user != user));
    }

    /// Forgets the SMS of a user who is removed, and ends the waiting for others.
    pub(super) fn remove(&self, user: usize) {
        let wakers = {
            let mut state = self.state();
            state.sent.retain(|sent| sent.user != user);
            let waiting = state.waiting.values_mut().filter(|waiter| waiter.user == user);
            waiting.for_each(|waiter| waiter.is_over = true);
            state.wakers()
        };
        self.arrived.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn last(&self, user: usize) -> Option<Sms> {
        let state = self.state();
        state.sent.iter().rev().find(|sent| sent.user == user).map(|sent| sent.sms.clone())
    }

    /// Begins to wait for an SMS to this user that nobody has waited for yet.
    pub(super) fn wait(&self, user: usize) -> Waiting<'_> {
        let mut state = self.state();
        let number = state.number();
        state.waiting.insert(number, Waiter { user, is_over: false, waker: None });
        drop(state);
        Waiting { outbox: self, user, number }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting<'_> {
    /// The next SMS; nothing if the user is removed.
    pub(super) async fn next(&self) -> Option<Sms> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The same on this thread, for at most this long.
    pub(super) fn next_within(&self, limit: Duration) -> Option<Sms> {
        let since = Instant::now();
        let mut state = self.outbox.state();
        loop {
            if let Some(sms) = state.take(self.user) {
                return Some(sms);
            }
            if state.waiting.get(&self.number).is_none_or(|waiter| waiter.is_over) {
                return None;
            }
            let left = limit.checked_sub(since.elapsed())?;
            let woken = self.outbox.arrived.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<Sms>> {
        let waker = context.waker().clone();
        let mut state = self.outbox.state();
        if let Some(sms) = state.take(self.user) {
            return Poll::Ready(Some(sms));
        }
        let replaced = match state.waiting.get_mut(&self.number) {
            Some(waiter) if !waiter.is_over => waiter.waker.replace(waker),
            _ => return Poll::Ready(None),
        };
        // As everywhere, no waker is dropped under the lock: it may hold anything.
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waiter = self.outbox.state().waiting.remove(&self.number);
        drop(waiter);
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    /// Of all who wait.
    fn wakers(&mut self) -> Vec<Waker> {
        self.waiting.values_mut().filter_map(|waiter| waiter.waker.take()).collect()
    }

    fn make_room(&mut self, user: usize) {
        let own = || self.sent.iter().enumerate().filter(|(_, sent)| sent.user == user);
        let oldest = own().next().map(|(at, _)| at).filter(|_| own().count() >= KEPT);
        oldest.and_then(|at| self.sent.remove(at));
    }

    fn take(&mut self, user: usize) -> Option<Sms> {
        let sent = self.sent.iter_mut().find(|sent| sent.user == user && !sent.taken)?;
        sent.taken = true;
        Some(sent.sms.clone())
    }
}
