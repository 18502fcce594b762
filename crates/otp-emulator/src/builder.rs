use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use otp_core::BaseUrl;
use otp_mock::FakeOtps;
use tokio::sync::watch;

use crate::admin::{self, AdminHandler};
use crate::answer::ServiceHandler;
use crate::connections::Connections;
use crate::log::{Log, RequestLine, Told};
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
/// | [`admin`](Self::admin) | no admin port |
/// | [`show_otps`](Self::show_otps) | the status page masks every OTP |
#[must_use = "`start` starts it"]
pub struct EmulatorBuilder {
    fake: Option<FakeOtps>,
    listen: SocketAddr,
    security: Security,
    patience: Duration,
    max_connections: usize,
    told: Option<Told>,
    cors: Option<Cors>,
    admin: Option<SocketAddr>,
    show_otps: bool,
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
            told: None,
            cors: None,
            admin: None,
            show_otps: false,
        }
    }
}

impl EmulatorBuilder {
    /// The service to put behind it.
    ///
    /// What [`FakeOtps::on_sms`] is given may take long and may call the emulator: it is called beside
    /// the thread that answers, and only the request for that SMS waits for it. If it panics, that request
    /// is answered `500`, though the SMS was sent. Of SMS that are asked for at the same time, it may be
    /// called at the same time. All of this holds for the handlers of [routes](FakeOtps::route) too.
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
    /// over a request's body: at least a millisecond. Between requests a connection may idle six times as
    /// long.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience: patience.max(Duration::from_millis(1)), ..self }
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
    ///
    /// It is called on a thread of its own, one line after the other, so a line may come a little after the
    /// answer; dropping the emulator waits until the last was told, for at most a second. If it panics, it
    /// is called for the next line all the same. While 4096 lines wait for it, more are left out.
    pub fn on_request(self, told: impl Fn(&RequestLine) + Send + Sync + 'static) -> Self {
        Self { told: Some(Box::new(told)), ..self }
    }

    /// Opens a second port, without TLS, for tests in other languages and for a person: a status page, the
    /// OTPs that were sent, users, faults, the clock and the journal. Whoever reaches it can get into
    /// every account, so leave it on a loopback address.
    ///
    /// | request | answer |
    /// |---|---|
    /// | `GET /` | a page that shows what follows, secrets masked, with forms that arm faults, advance the clock and reset |
    /// | `GET /sms` | `[{"to", "otp"}]`, oldest first |
    /// | `GET /sms/next?user=NAME&wait=SECONDS` | the next SMS, each given once; `204` if none came |
    /// | `GET /users` | their names and states |
    /// | `POST /users` `{"two_factor": "sms", "app" or "off", "name"?, "phone"?, "token"?}` | `201` `{"name", "token", "app_secret"}` |
    /// | `GET /users/NAME/app-code` | `{"otp"}`: what the user's app shows now |
    /// | `GET /users/NAME/app-secret` | `{"app_secret"}`: for a real app, in base32 |
    /// | `POST /users/NAME/token` | `201` `{"token"}`: another token of the user |
    /// | `DELETE /users/NAME/token?after=SECONDS` | lets the user's last token expire, or revokes it if no time is given; sessions stay |
    /// | `POST /tokens/revoke` `{"token"}` | revokes a token, a user's or a session's |
    /// | `GET /faults` | those that are armed, [custom ones](otp_mock::CustomFault) too, and all that have a name |
    /// | `POST /faults/FAULT` | arms a [fault](otp_mock::Fault), such as `lost-sms` or `slow=15` |
    /// | `DELETE /faults` | disarms all |
    /// | `GET /journal` | what the service did |
    /// | `GET /clock` | `{"date", "unix_seconds"}`: what the service's clock shows |
    /// | `POST /clock/advance?seconds=N` | turns the clock on, up to the year 9999 |
    ///
    /// What it cannot do it refuses with `4xx` and `{"error"}`; so it does with fields that it does not know.
    /// 256 requests may wait for an SMS at a time, each for up to 60 s, and more are answered `503`; there
    /// is room for 64 connections beside those.
    ///
    /// A page of another site can neither read it nor act on it, as far as the browser says where a request
    /// comes from: by `Origin`, or by `Sec-Fetch-Site`, as browsers have done since 2023.
    pub fn admin(self, address: SocketAddr) -> Self {
        Self { admin: Some(address), ..self }
    }

    /// Adds a button to each SMS and to each authenticator app on the status page that shows its OTP, for a person
    /// who tests by hand. The page holds one OTP at a time, and only after a click. Without this setting, the
    /// page never holds an OTP; the admin API gives OTPs in both cases.
    pub fn show_otps(self) -> Self {
        Self { show_otps: true, ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened to, the certificate or its key is not valid PEM or they do not
    /// match, or the system has no thread or randomness to give.
    pub fn start(self) -> io::Result<Emulator> {
        let (listener, address) = listen(self.listen)?;
        let admin = self.admin.map(listen).transpose()?;
        let (scheme, tls) = match &self.security {
            Security::Plain => ("http", None),
            Security::OwnCa => ("https", Some(Tls::of_own_ca(address.ip())?)),
            Security::Given { chain, key } => ("https", Some(Tls::of_pem(chain, key)?)),
        };
        // Whoever chose to listen beyond loopback without TLS did so on purpose.
        let base_url = BaseUrl::dangerously_in_the_clear(format!("{scheme}://{address}/metal/v1"))
            .map_err(io::Error::other)?;
        let (acceptor, ca_pem) = match tls {
            Some(tls) => (Some(tls.acceptor), tls.ca_pem),
            None => (None, String::new()),
        };

        let fake = self.fake.unwrap_or_else(|| FakeOtps::builder().real_time().build());
        fake.mark_start();
        let (log, telling) = Log::start(self.told)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let patience = self.patience;
        let site = Site {
            listener: tokio::net::TcpListener::from_std(listener)?,
            acceptor,
            handler: ServiceHandler { fake: fake.clone(), log, cors: self.cors, patience },
            connections: Connections::new(self.max_connections),
            patience,
        };
        let (admin_address, admin) = match admin {
            None => (None, None),
            Some((listener, address)) => {
                let base_url = base_url.to_string().into();
                let site = Site {
                    listener: tokio::net::TcpListener::from_std(listener)?,
                    acceptor: None,
                    handler: AdminHandler::new(fake.clone(), base_url, self.show_otps, patience),
                    connections: Connections::new(admin::CONNECTIONS),
                    patience,
                };
                (Some(address), Some(site))
            }
        };
        drop(inside);

        let (stop, stopped) = watch::channel(());
        let thread =
            std::thread::Builder::new().name("otp-emulator".to_owned()).spawn(move || {
                runtime.block_on(async {
                    match admin {
                        None => serve::until(stopped, site).await,
                        Some(admin) => {
                            let service = serve::until(stopped.clone(), site);
                            tokio::join!(service, serve::until(stopped, admin));
                        }
                    }
                });
                // A phone may still ring; nobody waits for that any more.
                runtime.shutdown_background();
            })?;
        Ok(Emulator {
            fake,
            address,
            admin_address,
            base_url,
            ca_pem,
            stop: Some(stop),
            thread: Some(thread),
            telling,
        })
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let refuse = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    };
    let listener = TcpListener::bind(address).map_err(refuse)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
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
