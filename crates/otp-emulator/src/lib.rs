//! A stand-in for the Equinix Metal OTP service: [`FakeOtps`] behind real HTTP/1.1 and HTTP/2, with or
//! without TLS.
//!
//! # In a test
//!
//! It runs on a thread of its own until it is dropped, so a test of any kind can use it: async,
//! single-threaded or blocking.
//!
//! ```
//! use otp_emulator::Emulator;
//! use otp_core::{Error, OtpsApi, OtpsClient};
//! use otp_hyper::{HyperTransport, Roots};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start()?;
//!
//! let transport = HyperTransport::builder().roots(Roots::pem(emulator.ca_pem())?).build()?;
//! let client = OtpsClient::builder(transport, emulator.token())
//!     .base_url(emulator.base_url())
//!     .build()?;
//!
//! client.receive_codes().await?;
//! let sms = emulator.fake().last_sms().expect("an SMS was sent");
//! client.find_ensure_otp(&sms.otp).await?;
//! # Ok(()) }
//! ```
//!
//! # As a program
//!
//! `cargo run -p otp-emulator` prints where it listens, the file of its CA, a token to use, and every
//! SMS as it is "sent". Any HTTP client can talk to it.
//!
//! # What it is not
//!
//! It is for tests, on this machine: its random numbers are not fit for real secrets, and it forgets
//! everything when it stops.

mod cors;
mod serve;
mod tls;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;

use otp_core::{AuthToken, BaseUrl};
pub use otp_mock::FakeOtps;
use tokio::sync::oneshot;

pub use self::cors::Cors;
use self::serve::Service;
use self::tls::Tls;

/// A running emulator. Dropping it stops it and closes its connections.
pub struct Emulator {
    fake: FakeOtps,
    address: SocketAddr,
    base_url: BaseUrl,
    ca_pem: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
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

    /// Where it answers, up to and including `/metal/v1`.
    pub fn base_url(&self) -> BaseUrl {
        self.base_url.clone()
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of its CA, to be trusted: PEM. Empty if it runs without TLS.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The token of its first user.
    pub fn token(&self) -> AuthToken {
        self.fake.token().clone()
    }

    /// The service behind it: users, outbox, clock.
    pub fn fake(&self) -> &FakeOtps {
        &self.fake
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends by itself; a panic of its own was reported when it happened.
            let _ = thread.join();
        }
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

/// Builds an [`Emulator`].
#[derive(Debug)]
#[must_use = "`start` starts it"]
pub struct EmulatorBuilder {
    fake: Option<FakeOtps>,
    listen: SocketAddr,
    tls: bool,
    cors: Option<Cors>,
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        Self { fake: None, listen: (Ipv4Addr::LOCALHOST, 0).into(), tls: true, cors: None }
    }
}

impl EmulatorBuilder {
    /// The service to put behind it. By default a new one.
    pub fn fake(self, fake: FakeOtps) -> Self {
        Self { fake: Some(fake), ..self }
    }

    /// Where to listen. By default a free port of `127.0.0.1`. With TLS, the certificate is for
    /// this address and for `localhost`.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { listen: address, ..self }
    }

    /// Runs it without TLS. HTTP/2 is then by prior knowledge (RFC 9113 §3.3).
    pub fn plain(self) -> Self {
        Self { tls: false, ..self }
    }

    /// Lets pages in a browser call it. By default none may.
    pub fn cors(self, cors: Cors) -> Self {
        Self { cors: Some(cors), ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened to, or the system has no thread or randomness to give.
    pub fn start(self) -> io::Result<Emulator> {
        let listener = TcpListener::bind(self.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let tls = if self.tls { Some(Tls::new(address.ip())?) } else { None };
        let scheme = if self.tls { "https" } else { "http" };
        // Whoever chose to listen beyond loopback without TLS did so on purpose.
        let base_url = BaseUrl::dangerously_in_the_clear(format!("{scheme}://{address}/metal/v1"))
            .map_err(io::Error::other)?;

        let fake = self.fake.unwrap_or_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let service = Service { fake: fake.clone(), cors: self.cors };
        let (acceptor, ca_pem) = match tls {
            Some(tls) => (Some(tls.acceptor), tls.ca_pem),
            None => (None, String::new()),
        };
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let thread =
            std::thread::Builder::new().name("otp-emulator".to_owned()).spawn(move || {
                runtime.block_on(serve::until(stopped, listener, acceptor, service));
            })?;
        Ok(Emulator { fake, address, base_url, ca_pem, stop: Some(stop), thread: Some(thread) })
    }
}
