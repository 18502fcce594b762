//! The service in memory.

mod account;
mod accounts;
mod act;
mod answer;
mod app;
mod builder;
mod chosen;
mod clock;
mod custom_fault;
mod fault;
mod flavours;
mod handle_choices;
mod handle_clock;
mod handle_faults;
mod handle_sms;
mod implement;
mod journal;
mod outbox;
mod random;
mod reset;
mod route_request;
mod routes;
mod scoped_fault;
mod service;
mod strike;
mod tokens;
mod user;

pub use builder::FakeOtpsBuilder;
pub use custom_fault::CustomFault;
pub use fault::{Fault, UnknownFault};
pub use journal::{Event, Factor, Journal, JournalEntry};
pub use outbox::Sms;
pub use route_request::RouteRequest;
pub use scoped_fault::ScopedFault;
pub use user::{FakeUser, Refused, TwoFactor, UserState, UserTaken};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::bytes::Bytes;
#[cfg(doc)]
use otp_core::local;
use otp_core::{AuthToken, Endpoint, OtpsClient, blocking, http};

use self::flavours::OwnTransport;
use self::routes::Handler;
use self::service::Service;
use crate::Reply;

/// The OTP service in memory: users by token, OTPs by SMS or by app that work once and expire, ten
/// recovery codes that regenerating replaces, sessions, limits, and faults by name.
///
/// It is three things at once:
///
/// - an [`OtpsApi`](otp_core::OtpsApi) that acts for [one user](Self::token);
///   [`with_token`](Self::with_token) acts for another, exactly as with a client;
/// - a [`Transport`](otp_core::Transport), for a test of a client's own settings; both in every flavour:
///   async, [`local`] and [`blocking`];
/// - a [function from request to reply](Self::handle), which `otp-emulator` puts behind a socket.
///
/// All three are the same code: a call through [`OtpsApi`](otp_core::OtpsApi) writes the real request and
/// reads the real response, so an error here is the error that a program sees.
///
/// Clones share the service. Its clock stands still. [`advance`](Self::advance) advances it, and so do a
/// client's waits, which take no time; it can also [follow another clock](FakeOtpsBuilder::clock). What is called through [`OtpsApi`](otp_core::OtpsApi) is repeated as
/// by a client's default settings, only that each wait is a millisecond where
/// [`RetryPolicy`](otp_core::RetryPolicy) leaves it to chance.
///
/// By a [seed](FakeOtpsBuilder::seed), every run is the same, down to the times in the journal: unless the
/// clock runs in [real time](FakeOtpsBuilder::real_time), or by another clock that does, calls come from several threads at once, or a
/// client of your own waits between attempts, which it does by chance.
///
/// # A user's life
///
/// ```
/// use std::time::Duration;
/// use otp_core::{ErrorKind, Otp, OtpsApi};
/// use otp_mock::{FakeOtps, FakeUser};
///
/// # pollster::block_on(async {
/// let service = FakeOtps::builder().seed(7).build();
/// let bob = service.add_user(FakeUser::with_phone("+1 555 0100"));
///
/// bob.receive_codes().await?;
/// let sms = bob.next_sms().await;
/// assert_eq!(sms.to, "+1 555 0100");
///
/// // Alice cannot use Bob's OTP, and Bob cannot use it too late.
/// assert!(service.find_ensure_otp(&sms.otp).await.is_err());
/// service.advance(Duration::from_secs(3600));
/// let error = bob.find_ensure_otp(&sms.otp).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::BadRequest);
///
/// // A recovery code works in its place, once, and gives a session.
/// let codes = bob.find_recovery_codes().await?;
/// let code = Otp::try_from(&codes.codes()[0])?;
/// let session = bob.find_ensure_otp(&code).await?.into_session_token().expect("a session");
/// assert_eq!(bob.with_token(session).find_recovery_codes().await?.len(), 9);
/// # Ok::<(), otp_core::Error>(()) }).unwrap();
/// ```
///
/// # Failures that hurt
///
/// ```
/// use otp_core::{Effect, OtpsApi};
/// use otp_mock::{Event, FakeOtps, Fault};
///
/// # pollster::block_on(async {
/// let service = FakeOtps::new();
/// service.arm(Fault::LostRegenerate);
///
/// let error = service.regenerate_codes().await.unwrap_err();
/// assert_eq!(error.effect(), Effect::Unknown);
/// // The journal knows what the client cannot.
/// assert_eq!(service.journal().count(Event::CodesRegenerated), 1);
/// # });
/// ```
#[derive(Clone)]
pub struct FakeOtps {
    service: Arc<Service>,
    client: OtpsClient,
    blocking: blocking::OtpsClient,
    token: AuthToken,
}

impl Default for FakeOtps {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl FakeOtps {
    /// A service with one user, who has a phone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a service with settings of its own.
    pub fn builder() -> FakeOtpsBuilder {
        FakeOtpsBuilder::default()
    }

    fn of(service: Arc<Service>, token: AuthToken) -> Self {
        let transport = || OwnTransport(Arc::clone(&service));
        // The default base URL: the paths that the service answers are those of the public one.
        let retry = flavours::retry();
        let client = OtpsClient::builder(transport(), token.clone()).retry(retry).build();
        let blocking = blocking::OtpsClient::builder(transport(), token.clone());
        let (Ok(client), Ok(blocking)) = (client, blocking.retry(retry).build()) else {
            unreachable!("these settings are within their bounds")
        };
        Self { service, client, blocking, token }
    }

    /// The token of the user that this handle acts for.
    pub fn token(&self) -> &AuthToken {
        &self.token
    }

    /// A handle that acts for another user or session of the same service.
    #[must_use]
    pub fn with_token(&self, token: AuthToken) -> Self {
        Self {
            service: Arc::clone(&self.service),
            client: self.client.with_token(token.clone()),
            blocking: self.blocking.with_token(token.clone()),
            token,
        }
    }

    #[doc(hidden)]
    pub fn __client(&self) -> &otp_core::OtpsClient {
        &self.client
    }

    #[doc(hidden)]
    pub fn __blocking_client(&self) -> &otp_core::blocking::OtpsClient {
        &self.blocking
    }

    /// Adds a user, and gives a handle that acts for the user.
    ///
    /// A user who is added twice is one user. If a user has this [name](FakeUser::named) or
    /// [token](FakeUser::with_token), and everything else you give matches too, the handle acts for that user, and
    /// the user's state stays as it is. So tests that share a service can all add the users that they need. If you
    /// give no token and all of the user's tokens have expired, the user gets a new one. If you give neither a name
    /// nor a token, each call adds another user.
    ///
    /// ```
    /// use otp_mock::{FakeOtps, FakeUser};
    ///
    /// let service = FakeOtps::new();
    /// let bob = || FakeUser::with_phone("+1 555 0100").named("bob");
    /// assert_eq!(service.add_user(bob()).token(), service.add_user(bob()).token());
    /// assert_eq!(service.users().len(), 2, "the first user, and Bob");
    /// ```
    ///
    /// # Panics
    ///
    /// If another user, whose token was not revoked, has the same [name](FakeUser::named); or if another one
    /// has the same [token](FakeUser::with_token), as a key or of a session. One that has expired counts too.
    #[track_caller]
    #[allow(clippy::panic, reason = "a test that mixes up its users must fail")]
    pub fn add_user(&self, user: FakeUser) -> Self {
        match self.try_add_user(user) {
            Ok(user) => user,
            Err(taken) => panic!("the user cannot be added: {taken}"),
        }
    }

    /// The same as [`add_user`](Self::add_user), with an error in place of the panic.
    ///
    /// # Errors
    ///
    /// If another user has the name or the token.
    pub fn try_add_user(&self, user: FakeUser) -> Result<Self, UserTaken> {
        self.service.add_user(user).map(|token| self.with_token(token)).map_err(UserTaken)
    }

    /// A handle that acts for the user of this name, by the last of the user's tokens, if there is one that
    /// was not revoked. It may have expired.
    pub fn of_user(&self, name: &str) -> Option<Self> {
        self.service.token_of(name).map(|token| self.with_token(token))
    }

    /// The same, also if all tokens of the user were revoked: then by the last of them. The user's phone, app and
    /// settings can be reached by it, and no call is answered.
    pub fn of_user_ever(&self, name: &str) -> Option<Self> {
        self.service.token_ever_of(name).map(|token| self.with_token(token))
    }

    /// What the service holds of this handle's user; nothing if the token is not known.
    pub fn user(&self) -> Option<UserState> {
        self.service.user_state(self.service.user(&self.token)?)
    }

    /// Whether a user has this handle's token: as a key or of a session that was not revoked, or chosen for a session
    /// to come. It may have expired.
    pub fn holds_token(&self) -> bool {
        self.service.state().accounts.holder(&self.token).is_some()
    }

    /// What the service holds of each user, in the order in which they were added. A user whose tokens
    /// were revoked is among them until another one gets the name, and is gone for good then, with sessions and SMS.
    pub fn users(&self) -> Vec<UserState> {
        self.service.users()
    }

    /// Revokes this handle's token: from now on it is answered `401`. If the user has no other token, the
    /// user's name is free for another one.
    pub fn revoke_token(&self) {
        self.service.revoke(&self.token);
    }

    /// Lets this handle's token expire after this time by the service's clock, zero for at once: then it is
    /// answered `401`. One that expires earlier anyway still does.
    pub fn expire_token_after(&self, time: Duration) {
        self.service.expire(&self.token, time);
    }

    /// Gives this handle's user another token, as a login or a token server would. It works for an expired or
    /// revoked token too. The user's other tokens keep working.
    ///
    /// ```
    /// use std::time::Duration;
    /// use otp_core::{ErrorKind, OtpsApi};
    /// use otp_mock::FakeOtps;
    ///
    /// # pollster::block_on(async {
    /// let service = FakeOtps::new();
    /// service.expire_token_after(Duration::from_secs(3600));
    /// service.receive_codes().await?;
    ///
    /// service.advance(Duration::from_secs(3600));
    /// let error = service.receive_codes().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unauthorized);
    ///
    /// let refreshed = service.with_token(service.issue_token());
    /// refreshed.receive_codes().await?;
    /// # Ok::<(), otp_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If this handle's token never was a user's, or if the user is no longer there.
    #[track_caller]
    #[allow(clippy::panic, reason = "a test that mixes up its users must fail")]
    pub fn issue_token(&self) -> AuthToken {
        match self.service.issue_token(&self.token, None) {
            Ok(token) => token,
            Err(why) => panic!("no token can be issued: {why}"),
        }
    }

    /// Adds an endpoint of a larger SDK to the service. The handler makes its replies. Every client over this
    /// service can then call it, and so can those of `otp-emulator`. A route that the service has already is
    /// replaced.
    ///
    /// The service treats a route like its own operations: it checks the token, the method and the rate limit,
    /// adds the request id, and writes the [journal](Self::journal). Every [`Fault`] strikes it, except those
    /// that are about another operation. A fault that strikes before the service acts strikes before the
    /// handler is called.
    ///
    /// The handler returns `Ok` if it acted ([`Event::Acted`]), and `Err` if it refuses ([`Event::Refused`]).
    /// It may be called for several requests at the same time, so it keeps its state in a `Mutex` or the like.
    /// It may call the service. If it panics, the call panics; over the emulator, the answer is a `500`.
    ///
    /// If several templates match a path, a literal segment wins over a parameter, compared from the left.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use otp_core::Endpoint;
    /// use otp_core::http::{Request, StatusCode};
    /// use otp_mock::{FakeOtps, Reply};
    /// use serde_json::{Value, json};
    ///
    /// // In your SDK: `CreateKey::ENDPOINT`, of an `Operation`.
    /// const CREATE_KEY: &Endpoint = &Endpoint::post("create_key", "/user/api-keys");
    ///
    /// let keys = Mutex::new(Vec::new());
    /// let service = FakeOtps::new();
    /// service.route(CREATE_KEY, move |request| {
    ///     let key: Value = request.json()?;
    ///     let mut keys = keys.lock().unwrap();
    ///     if keys.contains(&key) {
    ///         return Err(Reply::error(409, "There is such a key"));
    ///     }
    ///     keys.push(key);
    ///     Ok(Reply::json(201, json!({ "id": keys.len(), "user": request.user() })))
    /// });
    ///
    /// let request = Request::post("/metal/v1/user/api-keys")
    ///     .header("x-auth-token", service.token().to_header_value())
    ///     .body(r#"{"description": "ci"}"#.into())?;
    /// let answer = service.respond(&request);
    /// assert_eq!(answer.status(), StatusCode::CREATED);
    /// assert_eq!(answer.body(), &r#"{"id":1,"user":"user-1"}"#);
    /// assert_eq!(service.respond(&request).status(), StatusCode::CONFLICT);
    /// # Ok::<(), otp_core::http::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If it is the endpoint of one of the four operations, or if its path template is not valid.
    #[track_caller]
    pub fn route(
        &self,
        endpoint: &'static Endpoint,
        handler: impl Fn(&RouteRequest<'_>) -> Result<Reply, Reply> + Send + Sync + 'static,
    ) {
        self.service.add_route(endpoint, Handler::new(handler));
    }

    /// The path template of the operation or [route](Self::route) at this path, whatever the method: for a log
    /// that must not show the path itself.
    pub fn path_template(&self, path: &str) -> Option<&'static str> {
        self.service.routes().template(path)
    }

    /// The operations and [routes](Self::route), as the journal has them.
    pub fn operations(&self) -> Vec<&'static Endpoint> {
        self.service.routes().endpoints()
    }

    /// What the service did so far, for a test to assert on: the last 4096 entries.
    pub fn journal(&self) -> Journal {
        self.service.journal()
    }

    /// Acts on a request to a path under `/metal/v1`, as the OpenAPI document says, and says what comes
    /// back: a documented status, with an error body where there is an error, unless a [`Fault`] strikes.
    pub fn handle(&self, request: &http::Request<Bytes>) -> Reply {
        answer::handle(&self.service, request)
    }

    /// As [`handle`](Self::handle), for a server that can only answer: where the reply would be lost, it is
    /// the `502` of a gateway in between.
    pub fn respond(&self, request: &http::Request<Bytes>) -> http::Response<Bytes> {
        self.handle(request).into_response().unwrap_or_else(|| {
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = http::StatusCode::BAD_GATEWAY;
            response
        })
    }
}

impl fmt::Debug for FakeOtps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeOtps").field("service", &self.service).finish_non_exhaustive()
    }
}
