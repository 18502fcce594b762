use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use otp_core::{AuthToken, BaseUrl};
use otp_mock::FakeOtps;
use tokio::sync::watch;

use crate::admin::{self, Access, Admin, AdminHandler, StatusPage};
use crate::answer::ServiceHandler;
use crate::connections::Connections;
use crate::host_name;
use crate::listen::Place;
use crate::log::{Log, RequestLine, Told};
use crate::places::Places;
use crate::serve::{self, Site};
use crate::tls::Tls;
use crate::{Cors, Emulator};

/// Builds an [`Emulator`].
///
/// | setting | default |
/// |---|---|
/// | [`fake`](Self::fake) | a new service whose clock runs with the system's |
/// | [`listen`](Self::listen), [`listen_at`](Self::listen_at) | a free port of `127.0.0.1` |
/// | [`plain`](Self::plain), [`certificate`](Self::certificate) | TLS by a CA of its own |
/// | [`patience`](Self::patience) | 10 s |
/// | [`max_connections`](Self::max_connections) | 512, or fewer if the limit of open files is low |
/// | [`cors`](Self::cors) | no page in a browser may call it |
/// | [`on_request`](Self::on_request) | nobody is told |
/// | [`host_name`](Self::host_name) | the certificate is for `localhost` and the address |
/// | [`admin`](Self::admin), [`admin_at`](Self::admin_at) | no admin port |
/// | [`show_otps`](Self::show_otps) | the status page masks every OTP |
/// | [`admin_host`](Self::admin_host), [`admin_token`](Self::admin_token) | it answers to `localhost` and addresses, without a token |
#[must_use = "`start` starts it"]
pub struct EmulatorBuilder {
    fake: Option<FakeOtps>,
    listen: Place,
    security: Security,
    patience: Duration,
    max_connections: usize,
    told: Option<Told>,
    cors: Option<Cors>,
    admin: Option<Place>,
    show_otps: bool,
    host_names: Vec<String>,
    admin_hosts: Vec<String>,
    admin_token: Option<AuthToken>,
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
            listen: Place::Address((Ipv4Addr::LOCALHOST, 0).into()),
            security: Security::OwnCa,
            patience: Duration::from_secs(10),
            max_connections: 512,
            told: None,
            cors: None,
            admin: None,
            show_otps: false,
            host_names: Vec::new(),
            admin_hosts: Vec::new(),
            admin_token: None,
        }
    }
}

impl EmulatorBuilder {
    /// The service to put behind it.
    ///
    /// What is there when it starts is what [`FakeOtps::reset`] and `POST /reset` of the admin port go back to.
    ///
    /// The header `Date` of its answers is the [service's date](FakeOtps::date), except where a route sets another one,
    /// and where the request cannot be read.
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
        Self { listen: Place::Address(address), ..self }
    }

    /// Where to listen, by name: a host and a port, such as `localhost:8080`, or `localhost:0` for a free
    /// port. The name is looked up when it starts, and then stands in the
    /// [base URL](Emulator::base_url) and, with a CA of its own, in the certificate.
    ///
    /// It listens at every address that the name has and this machine too, all on the same port. `localhost` is
    /// `127.0.0.1` and `::1`, since clients try either first.
    pub fn listen_at(self, host_and_port: impl Into<String>) -> Self {
        Self { listen: Place::Named(host_and_port.into()), ..self }
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

    /// How many connections there may be at a time, at least one. If the limit of open files (`ulimit -n`) is
    /// low, there are fewer, because the rest of the program needs files too.
    /// [`Emulator::max_connections`] returns the actual number.
    ///
    /// Beyond that number, a new client makes another one leave. The oldest that was never answered leaves first,
    /// whether it sent nothing or half a request. If more than half of all are idle after an answer, the one
    /// that has been idle longest leaves instead. A client that is being answered stays: if all are, the new
    /// client waits. Only an answer that takes longer than a minute is given up for a new client.
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

    /// A name or an address by which clients reach it, such as `emulator` in a compose network: no scheme, no port. The
    /// own certificate is for it too, and the admin port answers to it. Call it again to add one.
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.host_names.push(name.into());
        self
    }

    /// Opens a second port, without TLS, for tests in other languages and for a person: a status page, the
    /// OTPs that were sent, users, faults, the clock and the journal. Whoever reaches it can get into
    /// every account, so leave it on a loopback address, or ask for a [token](Self::admin_token).
    ///
    /// `GET /openapi.json` describes it for programs, as OpenAPI 3.1. In short:
    ///
    /// | request | answer |
    /// |---|---|
    /// | `GET /` | a page that shows what follows, secrets masked, with buttons that arm faults, advance the clock and reset |
    /// | `GET /healthz`, `GET /readyz` | `200` as soon as the service answers; they need no token |
    /// | `GET /ca.pem` | the certificate of the own CA; it needs no token |
    /// | `GET /openapi.json` | the document of this API |
    /// | `POST /reset?user=NAME` | everything as at the [start](FakeOtps::reset), or [one user](FakeOtps::reset_user) |
    /// | `GET /sms?user=NAME` | `[{"user", "to", "otp", "seconds", "date"}]`, oldest first |
    /// | `GET /sms/next?user=NAME&wait=SECONDS&peek=true` | the next SMS, each given once unless peeked at; `204` if none came |
    /// | `DELETE /sms?user=NAME` | forgets them, and ends the OTPs in them |
    /// | `GET /users`, `GET /users/NAME` | their names and states |
    /// | `POST /users` with `{"two_factor": "sms"}` | adds one: `201` `{"name", "token", "app_secret"}`; see below |
    /// | `DELETE /users/NAME` | removes the user |
    /// | `GET /users/NAME/app-code` | `{"otp"}`: what the user's app shows now |
    /// | `GET /users/NAME/app-secret` | `{"app_secret"}`: for a real app, in base32 |
    /// | `GET`, `PUT /users/NAME/recovery-codes` | `{"recovery_codes"}`: those that work |
    /// | `POST /users/NAME/next` with `{"otp": "123456"}` | chooses the next OTP; so with `"recovery_codes"` and `"session_token"` |
    /// | `POST /users/NAME/token` | `201` `{"token"}`: another token, or the one of `{"token": "TOKEN"}` |
    /// | `DELETE /users/NAME/token?after=SECONDS` | lets a token of the user expire, or revokes it if no time is given: the one that was issued last, of those that are not revoked; sessions stay |
    /// | `DELETE /users/NAME/lockout`, `/rate-limit`, `/sessions` | ends the lockout, the counted requests or the sessions |
    /// | `POST /tokens/revoke` with `{"token": "TOKEN"}` | revokes a token, a user's or a session's |
    /// | `GET /faults` | those that are armed, [custom ones](otp_mock::CustomFault) too, and all that have a name |
    /// | `POST /faults/FAULT?user=NAME&operation=NAME&times=N` | arms a [fault](otp_mock::Fault), such as `lost-sms`, `status=429` or `slow=15`: `201` with its number |
    /// | `DELETE /faults/FAULT`, `DELETE /faults` | disarms one, by number or name, or all |
    /// | `GET /journal?user=NAME&operation=NAME&outcome=NAME&since=NUMBER&limit=N` | what the service did |
    /// | `GET /journal/count` | `{"count", "last_number"}`, with the same parameters except `limit` |
    /// | `POST /journal/verify` with `{"expected": [{"outcome": "sms_sent", "user": "bob"}]}` | `200` if exactly that happened and nothing else, otherwise `409` with what differs |
    /// | `DELETE /journal` | forgets the entries; their numbers go on |
    /// | `GET /clock` | `{"date", "unix_seconds"}`: what the service's clock shows |
    /// | `POST /clock/advance?seconds=N` | advances the clock, up to the year 9999 |
    ///
    /// Of the user's object, `two_factor` is `sms`, `app` or `off`. Every other field may be missing: `name`, `phone`,
    /// `token`, `otp` (the one in every SMS) and `recovery_codes`.
    ///
    /// Each entry of the journal counts for one expectation at most: two SMS are `{"outcome": "sms_sent"}` twice, or once
    /// with `"count": 2`. If entries after `since` are no longer kept, verifying, counting and listing are answered `410`.
    ///
    /// What answers `GET` answers `HEAD`, and that never takes an SMS. What it cannot do it refuses with `4xx` and
    /// `{"error"}`; so it does with fields and parameters that it does not have, and with a body where it takes none. 256 requests may wait for an SMS
    /// at a time, each for up to 60 s, and more are answered `503`; there is room for 64 connections beside those.
    ///
    /// A page of another site can neither read it nor act on it, as far as the browser says where a request
    /// comes from: by `Origin`, or by `Sec-Fetch-Site`, as browsers have done since 2023. And it answers only to
    /// `localhost`, to addresses, and to [names that it was given](Self::admin_host), since a page can make its own
    /// name lead here.
    pub fn admin(self, address: SocketAddr) -> Self {
        Self { admin: Some(Place::Address(address)), ..self }
    }

    /// Opens the [admin port](Self::admin) at a name, as [`listen_at`](Self::listen_at) does.
    pub fn admin_at(self, host_and_port: impl Into<String>) -> Self {
        Self { admin: Some(Place::Named(host_and_port.into())), ..self }
    }

    /// Adds a button to each SMS and to each authenticator app on the status page that shows its OTP, for a person
    /// who tests by hand. The page holds one OTP at a time, and only after a click. Without this setting, the
    /// page never holds an OTP; the admin API gives OTPs in both cases.
    pub fn show_otps(self) -> Self {
        Self { show_otps: true, ..self }
    }

    /// A name to which the admin port answers besides `localhost` and addresses, such as `emulator` in a compose
    /// network; case does not matter. Call it again to add a name.
    pub fn admin_host(mut self, name: impl Into<String>) -> Self {
        self.admin_hosts.push(name.into());
        self
    }

    /// The token that the admin port asks for: programs send it as `Authorization: Bearer TOKEN`, and a browser asks a
    /// person for it as the password. Without it, everybody who reaches the port may use it.
    pub fn admin_token(self, token: AuthToken) -> Self {
        Self { admin_token: Some(token), ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened to, its name is not known, a host name is not valid, the certificate or its key is not valid PEM or they do not
    /// match, or the system has no thread or randomness to give.
    pub fn start(self) -> io::Result<Emulator> {
        let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
        let names = |names: &[String]| -> io::Result<Vec<String>> {
            names.iter().map(|name| host_name::read(name).map_err(invalid)).collect()
        };
        let (host_names, admin_hosts) = (names(&self.host_names)?, names(&self.admin_hosts)?);
        let listening = self.listen.listen()?;
        let address = listening.address;
        let admin = self.admin.as_ref().map(Place::listen).transpose()?;
        let places =
            Places::new(self.max_connections, admin.as_ref().map_or(0, |_| admin::CONNECTIONS));
        let (scheme, tls) = match &self.security {
            Security::Plain => ("http", None),
            Security::OwnCa => {
                let names = listening.host.iter().chain(&host_names).cloned();
                ("https", Some(Tls::of_own_ca(address.ip(), names)?))
            }
            Security::Given { chain, key } => ("https", Some(Tls::of_pem(chain, key)?)),
        };
        // Whoever chose to listen beyond loopback without TLS did so on purpose.
        let base_url = format!("{scheme}://{}/metal/v1", listening.authority());
        let base_url = BaseUrl::dangerously_in_the_clear(base_url).map_err(io::Error::other)?;
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
            listeners: of_runtime(listening.listeners)?,
            acceptor,
            handler: ServiceHandler { fake: fake.clone(), log, cors: self.cors, patience },
            connections: Connections::new(places.service),
            patience,
        };
        let (admin_at, admin) = match admin {
            None => (None, None),
            Some(listening) => {
                let at = (listening.address, listening.authority());
                let hosts = admin_hosts.into_iter().chain(host_names);
                let hosts = hosts.chain(listening.host);
                let handler = AdminHandler::new(Admin {
                    fake: fake.clone(),
                    base_url: base_url.to_string(),
                    page: StatusPage::new(base_url.to_string(), self.show_otps),
                    ca_pem: ca_pem.clone(),
                    access: Access::new(hosts, self.admin_token),
                    patience,
                    waiting: Admin::places(places.admin),
                });
                let site = Site {
                    listeners: of_runtime(listening.listeners)?,
                    acceptor: None,
                    handler,
                    connections: Connections::new(places.admin),
                    patience,
                };
                (Some(at), Some(site))
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
            admin_at,
            max_connections: places.service,
            base_url,
            ca_pem,
            stop: Some(stop),
            thread: Some(thread),
            telling,
        })
    }
}

/// These listeners, for the runtime that is entered.
fn of_runtime(listeners: Vec<std::net::TcpListener>) -> io::Result<Vec<tokio::net::TcpListener>> {
    listeners.into_iter().map(tokio::net::TcpListener::from_std).collect()
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
