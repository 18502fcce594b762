//! What every case asks besides its own question: whether what was said to be unsent is unsent.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use otp_core::local::Transport;
use otp_core::{Progress, Request, Response, TransportError};

use crate::harness::MARKER;
use crate::hostile::Server;
use crate::mismatch::{Check, Mismatch};
use crate::time::wait;

/// How long a request that was said to be unsent is waited for.
const LATE: Duration = Duration::from_millis(50);

/// The transports of a case that have said `NotSent`. Their servers are kept, so that they hear what comes late.
#[derive(Default)]
pub(crate) struct Unsent(Rc<RefCell<Vec<Rc<Ledger>>>>);

/// What a transport said of its sends, and the servers that it sent to.
struct Ledger {
    inner: Rc<dyn Transport>,
    servers: RefCell<Vec<Rc<Server>>>,
    sends: Cell<usize>,
    unsent: RefCell<Vec<Said>>,
}

/// An error that said `NotSent`.
struct Said {
    error: String,
    marker: Option<String>,
}

/// A transport whose sends are counted.
pub(crate) struct Watched {
    ledger: Rc<Ledger>,
    all: Rc<RefCell<Vec<Rc<Ledger>>>>,
}

impl Unsent {
    pub(crate) fn watch(&self, inner: Rc<dyn Transport>, server: &Rc<Server>) -> Rc<Watched> {
        let ledger = Rc::new(Ledger {
            inner,
            servers: RefCell::new(vec![Rc::clone(server)]),
            sends: Cell::default(),
            unsent: RefCell::default(),
        });
        Rc::new(Watched { ledger, all: Rc::clone(&self.0) })
    }

    pub(crate) async fn check(&self) -> Check {
        if self.0.borrow().is_empty() {
            return Ok(());
        }
        wait(LATE).await;
        self.0.borrow().iter().try_for_each(|ledger| ledger.check())
    }
}

impl Ledger {
    fn check(&self) -> Check {
        let unsent = self.unsent.borrow();
        let mut reached = 0;
        for server in self.servers.borrow().iter() {
            let Some(here) = server.reached() else { return Ok(()) };
            reached += here;
            let received = server.received();
            let markers = || received.iter().filter_map(|request| request.header(MARKER.as_str()));
            let mut said = unsent.iter();
            if let Some(Said { error, .. }) =
                said.find(|said| markers().any(|marker| said.marker.as_deref() == Some(marker)))
            {
                return Err(Mismatch::new(EXPECTED, format!("{error}; its request was received")));
            }
        }
        let most = self.sends.get().saturating_sub(unsent.len());
        match unsent.first() {
            Some(Said { error, .. }) if reached > most => {
                let (sends, count) = (self.sends.get(), unsent.len());
                let seen = format!(
                    "{error}; of {sends} sends {count} said so, and the server read {reached} requests"
                );
                Err(Mismatch::new(EXPECTED, seen))
            }
            _ => Ok(()),
        }
    }
}

const EXPECTED: &str = "an error that says NotSent only if no byte of the request was read";

impl Watched {
    /// It sends to this server too.
    pub(crate) fn also_to(&self, server: &Rc<Server>) {
        self.ledger.servers.borrow_mut().push(Rc::clone(server));
    }

    fn note(&self, outcome: &Result<Response, TransportError>, marker: Option<String>) {
        let Err(error) = outcome else { return };
        if error.progress() != Progress::NotSent {
            return;
        }
        let error = format!("{:?}, {:?}: {error}", error.kind(), error.progress());
        self.ledger.unsent.borrow_mut().push(Said { error, marker });
        let mut all = self.all.borrow_mut();
        if !all.iter().any(|known| Rc::ptr_eq(known, &self.ledger)) {
            all.push(Rc::clone(&self.ledger));
        }
    }
}

/// Written out, so that what a transport does before the first poll is done before the first poll.
impl Transport for Watched {
    fn send<'life, 'fut>(
        &'life self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response, TransportError>> + 'fut>>
    where
        'life: 'fut,
        Self: 'fut,
    {
        let marker = request.as_http().headers().get(MARKER);
        let marker = marker.and_then(|marker| marker.to_str().ok()).map(str::to_owned);
        self.ledger.sends.set(self.ledger.sends.get() + 1);
        let sending = self.ledger.inner.send(request);
        Box::pin(async move {
            let outcome = sending.await;
            self.note(&outcome, marker);
            outcome
        })
    }

    fn sleep<'life, 'fut>(
        &'life self,
        duration: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + 'fut>>
    where
        'life: 'fut,
        Self: 'fut,
    {
        self.ledger.inner.sleep(duration)
    }

    fn now(&self) -> Duration {
        self.ledger.inner.now()
    }
}
