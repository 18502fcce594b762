use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;

use otp_core::{AuthToken, BaseUrl};
use otp_mock::{FakeOtps, ScopedFault};
use tokio::sync::watch;

use crate::EmulatorBuilder;
use crate::log::Telling;
use crate::serve::GRACE;

/// A running emulator. Dropping it stops it: requests that are being answered get a second to end, then
/// its connections are closed, and its [log](EmulatorBuilder::on_request) gets another to be told the rest. What
/// a phone ([`FakeOtps::on_sms`]) still does then is not waited for.
pub struct Emulator {
    pub(crate) fake: FakeOtps,
    pub(crate) address: SocketAddr,
    /// Where the admin port listens, and its host and port in a URL.
    pub(crate) admin_at: Option<(SocketAddr, String)>,
    pub(crate) max_connections: usize,
    pub(crate) base_url: BaseUrl,
    pub(crate) ca_pem: String,
    pub(crate) stop: Option<watch::Sender<()>>,
    pub(crate) thread: Option<JoinHandle<()>>,
    pub(crate) telling: Telling,
}

impl Emulator {
    /// Starts one with TLS, a user, and a CA of its own, on a free port of the loopback address.
    ///
    /// # Errors
    ///
    /// If the system has no port, thread or randomness to give.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// Starts one with settings of its own.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    /// Where it answers, up to and including `/metal/v1`. If it listens on all addresses, this has the one of
    /// loopback.
    pub fn base_url(&self) -> BaseUrl {
        self.base_url.clone()
    }

    /// Where it listens; of several addresses that a [name](EmulatorBuilder::listen_at) has, the first.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// How many connections there may be at a time: those of
    /// [`EmulatorBuilder::max_connections`], or fewer if the limit of open files is low.
    pub fn max_connections(&self) -> usize {
        self.max_connections
    }

    /// Where its [admin port](EmulatorBuilder::admin) answers, if it has one: the URL of the status page.
    pub fn admin_url(&self) -> Option<String> {
        self.admin_at.as_ref().map(|(_, authority)| format!("http://{authority}"))
    }

    /// Where its [admin port](EmulatorBuilder::admin) listens, if it has one.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_at.as_ref().map(|(address, _)| *address)
    }

    /// The certificate of its CA, to be trusted: PEM. Empty if it runs without TLS, or with a certificate
    /// that it was given.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The token of its first user.
    pub fn token(&self) -> AuthToken {
        self.fake.token().clone()
    }

    /// The service behind it: users, outbox, clock, journal.
    pub fn fake(&self) -> &FakeOtps {
        &self.fake
    }

    /// Lets this go wrong, for real: a lost reply closes the connection after the service acted.
    pub fn arm(&self, fault: impl Into<ScopedFault>) {
        self.fake.arm(fault);
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends by itself; a panic of its own was reported when it happened.
            let _ = thread.join();
        }
        self.telling.end(GRACE);
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url)
            .field("fake", &self.fake)
            .finish_non_exhaustive()
    }
}
