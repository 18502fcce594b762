use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use otp_core::BaseUrl;
use otp_mock::FakeOtps;
use tokio::sync::watch;

use crate::answer::Desk;
use crate::crowd::Crowd;
use crate::log::{Log, RequestLine};
use crate::serve::{self, Site};
use crate::tls::Tls;
use crate::{Cors, Emulator};

/// Builds an [`Emulator`].
///
/// | setting | default |
/// |---|---|
/// | [`fake`](Self::fake) | a new service whose clock runs with the system's |
/// | [`listen`](Self::listen) | a free port of `127.0.0.1` |
/// | [`plain`](Self::plain), [`certificate`](Self::certificate) | TLS by a CA of its own |
/// | [`patience`](Self::patience) | 10 s |
/// | [`max_connections`](Self::max_connections) | 512 |
/// | [`cors`](Self::cors) | no page in a browser may call it |
/// | [`on_request`](Self::on_request) | nobody is told |
#[must_use = "`start` starts it"]
pub struct EmulatorBuilder {
    fake: Option<FakeOtps>,
    listen: SocketAddr,
    security: Security,
    patience: Duration,
    max_connections: usize,
    log: Log,
    cors: Option<Cors>,
}

enum Security {
    Plain,
    OwnCa,
    Given { chain: Vec<u8>, key: Vec<u8> },
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        Self {
            fake: None,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            security: Security::OwnCa,
            patience: Duration::from_secs(10),
            max_connections: 512,
            log: Log::default(),
            cors: None,
        }
    }
}

impl EmulatorBuilder {
    /// The service to put behind it.
    pub fn fake(self, fake: FakeOtps) -> Self {
        Self { fake: Some(fake), ..self }
    }

    /// Where to listen. With a CA of its own, the certificate is for this address and for `localhost`.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { listen: address, ..self }
    }

    /// Runs it without TLS. HTTP/2 is then by prior knowledge (RFC 9113 §3.3).
    pub fn plain(self) -> Self {
        Self { security: Security::Plain, ..self }
    }

    /// Runs it with this certificate chain and its private key, both PEM.
    pub fn certificate(self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self { security: Security::Given { chain: chain.into(), key: key.into() }, ..self }
    }

    /// How long a client may take until its first request is there, TLS handshake included, and how long
    /// over a request's body. Between requests a connection may idle six times as long.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How many connections there may be at a time, at least one. Beyond, whoever has been idle longest
    /// is closed.
    pub fn max_connections(self, connections: usize) -> Self {
        Self { max_connections: connections, ..self }
    }

    /// Lets pages in a browser call it.
    pub fn cors(self, cors: Cors) -> Self {
        Self { cors: Some(cors), ..self }
    }

    /// Calls this for every request that was answered. The line holds no secret.
    pub fn on_request(self, told: impl Fn(&RequestLine) + Send + Sync + 'static) -> Self {
        Self { log: Log::to(told), ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened to, the certificate or its key is not valid PEM or they do not
    /// match, or the system has no thread or randomness to give.
    pub fn start(self) -> io::Result<Emulator> {
        let listener = TcpListener::bind(self.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (scheme, tls) = match &self.security {
            Security::Plain => ("http", None),
            Security::OwnCa => ("https", Some(Tls::of_own_ca(address.ip())?)),
            Security::Given { chain, key } => ("https", Some(Tls::of_pem(chain, key)?)),
        };
        // Whoever chose to listen beyond loopback without TLS did so on purpose.
        let base_url = BaseUrl::dangerously_in_the_clear(format!("{scheme}://{address}/metal/v1"))
            .map_err(io::Error::other)?;

        let fake = self.fake.unwrap_or_else(|| FakeOtps::builder().real_time().build());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(());
        let (acceptor, ca_pem) = match tls {
            Some(tls) => (Some(tls.acceptor), tls.ca_pem),
            None => (None, String::new()),
        };
        let site = Site {
            listener: {
                let _inside = runtime.enter();
                tokio::net::TcpListener::from_std(listener)?
            },
            acceptor,
            desk: Desk {
                fake: fake.clone(),
                log: self.log,
                cors: self.cors,
                patience: self.patience,
            },
            crowd: Crowd::new(self.max_connections),
        };
        let thread =
            std::thread::Builder::new().name("otp-emulator".to_owned()).spawn(move || {
                runtime.block_on(serve::until(stopped, site));
            })?;
        Ok(Emulator { fake, address, base_url, ca_pem, stop: Some(stop), thread: Some(thread) })
    }
}

impl fmt::Debug for EmulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatorBuilder")
            .field("fake", &self.fake)
            .field("listen", &self.listen)
            .field("patience", &self.patience)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}
