//! Connections that wait for the next call, and calls that wait for a connection.
//!
//! hyper-util's pool does not report whether a request reached a connection. This one does: at each moment it is
//! certain whether a request was handed over. What waits here is `NotSent`, a stale connection is replaced
//! without the caller noticing, and nothing is replayed behind the exchange's back.
//!
//! A connection belongs to the runtime that drives it. So there is a [`Place`] for each origin in each
//! runtime, and a call only meets connections of its own runtime. When a runtime ends, its places go with it.

mod age;
mod origin;
mod place;
mod sender;
mod settings;
mod state;
mod tasks;
#[cfg(test)]
mod tests;
mod usual;

pub(crate) use age::Clocks;
pub(crate) use origin::Origin;
pub(crate) use place::Place;
pub(crate) use sender::{Http1, Http2, Sender};
pub(crate) use settings::Settings;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use otp_core::TransportError;
use tokio::runtime::{self, Handle};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connect::Connect;
use crate::deadline::Deadline;
use crate::error;

#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    connect: Arc<Connect>,
    settings: Arc<Settings>,
    places: RwLock<Places>,
    /// Dropped with the pool, which ends the keepers.
    alive: watch::Sender<()>,
}

type Places = HashMap<runtime::Id, HashMap<Origin, Arc<Place>>>;

/// A connection for one request, and where it is from.
pub(crate) struct Checkout {
    pub(crate) sender: Sender,
    pub(crate) place: Arc<Place>,
}

impl Pool {
    pub(crate) fn new(connect: Connect, settings: Settings) -> Self {
        Self(Arc::new(Shared {
            connect: Arc::new(connect),
            settings: Arc::new(settings),
            places: RwLock::default(),
            alive: watch::Sender::new(()),
        }))
    }

    /// A connection to this origin, kept or fresh, by this deadline.
    ///
    /// Every failure here is `NotSent`.
    pub(crate) async fn checkout(
        &self,
        origin: &Origin,
        deadline: &mut Deadline<'_>,
    ) -> Result<Checkout, TransportError> {
        let place = self.place(origin)?;
        match place.checkout(deadline).await {
            Ok(sender) => Ok(Checkout { sender, place }),
            Err(error) => {
                self.forget_if_unused(place, origin);
                Err(error)
            }
        }
    }

    /// The place of this origin in the runtime of the caller.
    fn place(&self, origin: &Origin) -> Result<Arc<Place>, TransportError> {
        let runtime = Handle::try_current().map_err(|_| error::no_runtime())?;
        let id = runtime.id();
        if let Some(place) = self.0.read().get(&id).and_then(|places| places.get(origin)) {
            return Ok(Arc::clone(place));
        }
        let shared = &self.0;
        let mut places = shared.write();
        let is_new = !places.contains_key(&id);
        if is_new && !has_timer() {
            return Err(error::no_timer());
        }
        let of_runtime = places.entry(id).or_default();
        let place = of_runtime.entry(origin.clone()).or_insert_with(|| {
            let (connect, settings) = (Arc::clone(&shared.connect), Arc::clone(&shared.settings));
            Place::new(origin.clone(), runtime.clone(), connect, settings)
        });
        let place = Arc::clone(place);
        drop(places);
        if is_new {
            let idle_timeout = shared.settings.idle_timeout;
            let alive = shared.alive.subscribe();
            let shared = Arc::downgrade(shared);
            let keeper = Keeper { shared, runtime: id, is_needed: true, alive };
            runtime.spawn(keeper.keep(idle_timeout));
        }
        Ok(place)
    }

    /// In how many runtimes there are connections, and to how many origins altogether.
    pub(crate) fn size(&self) -> (usize, usize) {
        let places = self.0.read();
        (places.len(), places.values().map(HashMap::len).sum())
    }

    /// An origin that cannot be reached leaves nothing behind.
    fn forget_if_unused(&self, place: Arc<Place>, origin: &Origin) {
        if !place.is_empty() {
            return;
        }
        let runtime = place.runtime().id();
        drop(place);
        let mut places = self.0.write();
        if let Some(of_runtime) = places.get_mut(&runtime) {
            if of_runtime.get(origin).is_some_and(is_unused) {
                of_runtime.remove(origin);
            }
        }
    }
}

/// Whether a place that is in the pool can be removed from it. To be called under the pool's lock: a call holds the
/// place that it got there until it has given its connection back.
fn is_unused(place: &Arc<Place>) -> bool {
    Arc::strong_count(place) == 1 && place.is_empty()
}

/// tokio panics where a runtime has no timer, and has no other way to find out
/// (<https://github.com/tokio-rs/tokio/issues/8361>). So in a runtime without one, each call makes it panic.
fn has_timer() -> bool {
    std::panic::catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, Places> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Places> {
        self.places.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what is not used any more, in one runtime. It runs there as a task, so that the end of the
/// runtime is also its end.
struct Keeper {
    shared: Weak<Shared>,
    runtime: runtime::Id,
    is_needed: bool,
    alive: watch::Receiver<()>,
}

impl Keeper {
    async fn keep(mut self, idle_timeout: Duration) {
        loop {
            // A little longer, so that one round suffices for what became idle just before it.
            let round = idle_timeout + Duration::from_millis(50);
            let _ = timeout(round, self.alive.changed()).await;
            let Some(shared) = self.shared.upgrade() else { return };
            let mut places = shared.write();
            let Some(of_runtime) = places.get_mut(&self.runtime) else { return };
            of_runtime.retain(|_, place| {
                place.sweep();
                !is_unused(place)
            });
            if of_runtime.is_empty() {
                places.remove(&self.runtime);
                // The next call in this runtime starts another one.
                self.is_needed = false;
                return;
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if !self.is_needed {
            return;
        }
        if let Some(shared) = self.shared.upgrade() {
            let gone = shared.write().remove(&self.runtime);
            // Not under the lock.
            drop(gone);
        }
    }
}
