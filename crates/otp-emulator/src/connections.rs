//! Who is connected, and who has to go when there is no more room.
//!
//! A connection is *fresh* until its first request was answered, *kept* between requests, and *answering* while
//! the service has a whole request of it. Half a request, such as a head whose body does not come, changes none
//! of that: it is what a bad client sends to hold a place.
//!
//! When there is no room, the oldest fresh connection goes, or, if kept ones fill more than half of the room,
//! the kept one that idled longest. So a new client has as long as a whole room of others takes to come, and at
//! least a moment. If all are answering, new ones wait; one that is answering goes only if it hangs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// A connection that has been answering for so long is taken to hang: no client waits for longer.
const HANGS: Duration = Duration::from_secs(60);

/// A connection that came so recently stays: its first request may be on its way.
const YOUNG: Duration = Duration::from_millis(50);

/// How long it may take a connection that was ended to be gone.
const GONE: Duration = Duration::from_secs(1);

/// All connections.
pub(crate) struct Connections {
    room: usize,
    seats: Mutex<Seats>,
    /// Notified when a connection ended or finished an answer, so that there may be room.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Seats {
    next: u64,
    taken: HashMap<u64, Taken>,
}

struct Taken {
    seat: Arc<Seat>,
    /// It was ended, and its socket may be open still.
    leaving: bool,
}

/// One connection's place.
pub(crate) struct Seat {
    state: Mutex<State>,
    end: Notify,
    changed: Arc<Notify>,
}

struct State {
    /// When it came, or last began or ended to answer a whole request.
    active: Instant,
    /// Requests of which the head is here.
    begun: usize,
    /// Requests that are here as a whole.
    answering: usize,
    answered: bool,
}

/// What a connection has done so far. The order is the index into the oldest of each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Fresh,
    Kept,
    Answering,
}

/// Keeps a connection's place until it is dropped.
pub(crate) struct Ticket {
    connections: Arc<Connections>,
    number: u64,
    pub(crate) seat: Arc<Seat>,
}

/// Marks that a connection has a request, until it is dropped.
pub(crate) struct Busy<'s> {
    seat: &'s Seat,
    is_whole: bool,
}

impl Connections {
    pub(crate) fn new(room: usize) -> Arc<Self> {
        Arc::new(Self { room: room.max(1), seats: Mutex::default(), changed: Arc::default() })
    }

    /// Takes a place. If there is none, another connection has to go, and this waits until its socket is closed:
    /// there are never more sockets than places.
    pub(crate) async fn enter(self: &Arc<Self>) -> Ticket {
        loop {
            if let Some(ticket) = self.try_enter() {
                return ticket;
            }
            let wait = self.seats().make_room(self.room);
            let _ = tokio::time::timeout(wait, self.changed.notified()).await;
        }
    }

    fn try_enter(self: &Arc<Self>) -> Option<Ticket> {
        let mut seats = self.seats();
        if seats.taken.len() >= self.room {
            return None;
        }
        let number = seats.next;
        seats.next = seats.next.wrapping_add(1);
        let seat = Arc::new(Seat::new(Arc::clone(&self.changed)));
        seats.taken.insert(number, Taken { seat: Arc::clone(&seat), leaving: false });
        Some(Ticket { connections: Arc::clone(self), number, seat })
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    /// Ends one connection, unless one is leaving already or all have to stay. Returns how long to wait before
    /// the next try, if nothing changes earlier.
    fn make_room(&mut self, room: usize) -> Duration {
        if self.taken.values().any(|taken| taken.leaving) {
            return GONE;
        }
        let (mut kept, mut first): (usize, [Option<(Instant, u64)>; 3]) = (0, [None; 3]);
        for (number, taken) in &self.taken {
            let (standing, active) = taken.seat.standing();
            kept += usize::from(standing == Standing::Kept);
            let oldest = &mut first[standing as usize];
            if oldest.is_none_or(|(since, _)| active < since) {
                *oldest = Some((active, *number));
            }
        }
        let [fresh, idle, answering] = first;
        let (oldest, stays) = match (fresh, idle, answering) {
            (_, Some(idle), _) if kept > room / 2 => (idle, Duration::ZERO),
            (Some(fresh), ..) => (fresh, YOUNG),
            (None, Some(idle), _) => (idle, Duration::ZERO),
            (None, None, Some(answering)) => (answering, HANGS),
            (None, None, None) => return GONE,
        };
        let (since, number) = oldest;
        let wait = stays.saturating_sub(since.elapsed());
        match self.taken.get_mut(&number) {
            Some(taken) if wait.is_zero() => {
                taken.leaving = true;
                taken.seat.end();
                GONE
            }
            _ => wait,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.connections.seats().taken.remove(&self.number);
        self.connections.changed.notify_one();
    }
}

impl Seat {
    fn new(changed: Arc<Notify>) -> Self {
        let state = State { active: Instant::now(), begun: 0, answering: 0, answered: false };
        Self { state: Mutex::new(state), end: Notify::new(), changed }
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
    /// between requests. A request whose head is here has a time limit of its own.
    pub(crate) async fn tired(&self, first: Duration, idle: Duration) {
        loop {
            let wait = {
                let state = self.state();
                let limit = if state.answered { idle } else { first };
                let wait = limit.saturating_sub(state.active.elapsed());
                match (state.begun, wait) {
                    (0, Duration::ZERO) => return,
                    (0, wait) => wait,
                    (_, _) => first.min(idle),
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Says that the head of a request is here.
    pub(crate) fn busy(&self) -> Busy<'_> {
        self.state().begun += 1;
        Busy { seat: self, is_whole: false }
    }

    /// Whether no request is here.
    pub(crate) fn is_idle(&self) -> bool {
        self.state().begun == 0
    }

    fn standing(&self) -> (Standing, Instant) {
        let state = self.state();
        let standing = match (state.answering, state.answered) {
            (0, false) => Standing::Fresh,
            (0, true) => Standing::Kept,
            _ => Standing::Answering,
        };
        (standing, state.active)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Busy<'_> {
    /// Says that the rest of the request is here too.
    pub(crate) fn whole(&mut self) {
        if !self.is_whole {
            self.is_whole = true;
            let mut state = self.seat.state();
            state.answering += 1;
            state.active = Instant::now();
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.seat.state();
        state.begun = state.begun.saturating_sub(1);
        if self.is_whole {
            state.answering = state.answering.saturating_sub(1);
            state.answered = true;
            state.active = Instant::now();
            drop(state);
            self.seat.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whom the next one to come displaces.
    async fn displaced(connections: &Arc<Connections>, tickets: &[Ticket]) -> Option<usize> {
        let entering = tokio::time::timeout(2 * YOUNG, connections.enter()).await;
        assert!(entering.is_err(), "nobody has left");
        let seats = connections.seats();
        tickets.iter().position(|ticket| seats.taken[&ticket.number].leaving)
    }

    async fn full(room: usize) -> (Arc<Connections>, Vec<Ticket>) {
        let connections = Connections::new(room);
        let mut tickets = Vec::new();
        for _ in 0..room {
            tokio::time::advance(Duration::from_millis(1)).await;
            tickets.push(connections.enter().await);
        }
        (connections, tickets)
    }

    async fn answered(tickets: &[Ticket]) {
        for ticket in tickets {
            ticket.seat.busy().whole();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_that_was_never_answered_goes_though_half_a_request_is_there() {
        let (connections, tickets) = full(4).await;
        answered(&tickets[..1]).await;
        let _half = tickets[1].seat.busy();
        assert_eq!(displaced(&connections, &tickets).await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn kept_connections_have_half_of_the_room() {
        let (connections, tickets) = full(4).await;
        answered(&tickets[..2]).await;
        assert_eq!(displaced(&connections, &tickets).await, Some(2));

        let (connections, tickets) = full(4).await;
        answered(&tickets[1..]).await;
        assert_eq!(displaced(&connections, &tickets).await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_being_answered_is_waited_for_within_bounds() {
        let (connections, tickets) = full(2).await;
        let mut busy: Vec<_> = tickets.iter().map(|ticket| ticket.seat.busy()).collect();
        for busy in &mut busy {
            busy.whole();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(displaced(&connections, &tickets).await, None);
        let waits = tokio::time::timeout(HANGS / 2, connections.enter()).await;
        assert!(waits.is_err() && !connections.seats().taken[&tickets[0].number].leaving);
        let waits = tokio::time::timeout(HANGS, connections.enter()).await;
        assert!(waits.is_err(), "nobody has left");
        assert!(connections.seats().taken[&tickets[0].number].leaving);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_just_came_stays_for_a_moment() {
        let (connections, tickets) = full(2).await;
        let early = tokio::time::timeout(YOUNG / 2, connections.enter()).await;
        assert!(early.is_err() && connections.seats().taken.values().all(|taken| !taken.leaving));
        assert_eq!(displaced(&connections, &tickets).await, Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_enters_when_another_is_gone_and_not_before() {
        let (connections, mut tickets) = full(2).await;
        let other = Arc::clone(&connections);
        let entering = tokio::spawn(async move { other.enter().await.number });
        tickets[0].seat.ended().await;
        assert!(!entering.is_finished());
        tickets.remove(0);
        assert_eq!(entering.await.unwrap(), 2);
    }
}
