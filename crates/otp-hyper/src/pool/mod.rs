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
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use age::Clocks;
pub(crate) use origin::Origin;
pub(crate) use place::{Http1, Http2, Place, Sender};
pub(crate) use settings::Settings;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use otp_core::TransportError;
use tokio::runtime::{self, Handle};
use tokio::time::Instant;

use crate::connect::Connect;
use crate::error;

#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    connect: Arc<Connect>,
    settings: Arc<Settings>,
    places: RwLock<Places>,
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
        }))
    }

    /// A connection to this origin, kept or fresh, by this deadline.
    ///
    /// Every failure here is `NotSent`.
    pub(crate) async fn checkout(
        &self,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<Checkout, TransportError> {
        loop {
            let place = self.place(origin)?;
            match place.checkout(deadline).await {
                Ok(Some(sender)) => return Ok(Checkout { sender, place }),
                // It was removed meanwhile.
                Ok(None) => {}
                Err(error) => {
                    self.forget_if_empty(&place);
                    return Err(error);
                }
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
            let keeper = Keeper { shared: Arc::downgrade(shared), runtime: id, is_needed: true };
            runtime.spawn(keeper.keep(shared.settings.idle_timeout));
        }
        Ok(place)
    }

    /// In how many runtimes there are connections, and to how many origins altogether.
    pub(crate) fn size(&self) -> (usize, usize) {
        let places = self.0.read();
        (places.len(), places.values().map(HashMap::len).sum())
    }

    /// An origin that cannot be reached leaves nothing behind.
    fn forget_if_empty(&self, place: &Place) {
        if !place.is_empty() {
            return;
        }
        let mut places = self.0.write();
        if let Some(of_runtime) = places.get_mut(&place.runtime().id()) {
            of_runtime.retain(|_, place| !place.close_if_empty());
        }
    }
}

/// tokio panics where a runtime has no timer, and has no other way to find out. The message of the panic goes
/// where the program's panic hook sends it.
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
}

impl Keeper {
    async fn keep(mut self, idle_timeout: Duration) {
        loop {
            // A little longer, so that one round suffices for what became idle just before it.
            tokio::time::sleep(idle_timeout + Duration::from_millis(50)).await;
            let Some(shared) = self.shared.upgrade() else { return };
            let mut places = shared.write();
            let Some(of_runtime) = places.get_mut(&self.runtime) else { return };
            of_runtime.retain(|_, place| {
                place.sweep();
                !place.close_if_empty()
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
