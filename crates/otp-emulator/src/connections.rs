//! Who is connected. There is room for so many; beyond that, whoever has been idle longest goes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// All connections.
pub(crate) struct Connections {
    room: usize,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    next: u64,
    taken: HashMap<u64, Arc<Seat>>,
}

/// One connection's place.
pub(crate) struct Seat {
    state: Mutex<State>,
    end: Notify,
}

struct State {
    /// When it last began or ended to answer, or when it came.
    active: Instant,
    answering: usize,
    answered: bool,
}

/// Keeps a connection's place until it is dropped.
pub(crate) struct Ticket {
    connections: Arc<Connections>,
    number: u64,
    pub(crate) seat: Arc<Seat>,
}

/// Marks a connection as answering until it is dropped.
pub(crate) struct Busy<'s>(&'s Seat);

impl Connections {
    pub(crate) fn new(room: usize) -> Arc<Self> {
        Arc::new(Self { room: room.max(1), seats: Mutex::default() })
    }

    /// Takes a place, for which another may have to go.
    pub(crate) fn enter(self: &Arc<Self>) -> Ticket {
        let mut seats = self.seats();
        if seats.taken.len() >= self.room {
            let longest_idle = seats.taken.iter().min_by_key(|(_, seat)| seat.rank());
            if let Some(number) = longest_idle.map(|(number, _)| *number) {
                if let Some(seat) = seats.taken.remove(&number) {
                    seat.end();
                }
            }
        }
        let number = seats.next;
        seats.next = seats.next.wrapping_add(1);
        let seat = Arc::new(Seat::new());
        seats.taken.insert(number, Arc::clone(&seat));
        Ticket { connections: Arc::clone(self), number, seat }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.connections.seats().taken.remove(&self.number);
    }
}

impl Seat {
    fn new() -> Self {
        let state = State { active: Instant::now(), answering: 0, answered: false };
        Self { state: Mutex::new(state), end: Notify::new() }
    }

    /// Ends the connection, whatever it is doing.
    pub(crate) fn end(&self) {
        self.end.notify_one();
    }

    /// Ends the connection a little later.
    pub(crate) fn end_after(self: &Arc<Self>, delay: Duration) {
        let seat = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            seat.end();
        });
    }

    /// Waits until the connection is to end.
    pub(crate) async fn ended(&self) {
        self.end.notified().await;
    }

    /// Waits until nothing was answered for too long: `first` before the first request is complete, `idle`
    /// between requests.
    pub(crate) async fn tired(&self, first: Duration, idle: Duration) {
        loop {
            let wait = {
                let state = self.state();
                let limit = if state.answered { idle } else { first };
                let wait = limit.saturating_sub(state.active.elapsed());
                match (state.answering, wait) {
                    (0, Duration::ZERO) => return,
                    (0, wait) => wait,
                    (_, _) => first.min(idle),
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Says that a request is being answered.
    pub(crate) fn busy(&self) -> Busy<'_> {
        let mut state = self.state();
        state.answering += 1;
        state.active = Instant::now();
        Busy(self)
    }

    /// Whether no request is being answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.state().answering == 0
    }

    /// Who goes first has the least.
    fn rank(&self) -> (bool, Instant) {
        let state = self.state();
        (state.answering > 0, state.active)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.answering = state.answering.saturating_sub(1);
        state.answered = true;
        state.active = Instant::now();
    }
}
