//! The service in memory.

mod builder;
mod clock;
mod random;
mod route;
mod service;

pub use builder::FakeOtpsBuilder;
pub use service::{FakeUser, Sms};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::{
    AuthToken, Error, Otp, OtpsApi, OtpsClient, RecoveryCodeList, Request, Response, Transport,
    TransportError, Verified, async_trait, http,
};

use self::service::Service;

/// The OTP service in memory: users by token, an outbox of SMS, OTPs that work once and expire, ten
/// recovery codes that regenerating replaces.
///
/// It is three things at once:
///
/// - an [`OtpsApi`] that acts for [one user](Self::token); [`with_token`](Self::with_token) acts for
///   another, exactly as with a client;
/// - a [`Transport`], for a test of a client's own settings;
/// - a [function from request to response](Self::respond), which `otp-emulator` puts behind a socket.
///
/// All three are the same code: a call through [`OtpsApi`] writes the real request and reads the real
/// response, so an error here is the error that a program sees.
///
/// Clones share the service. Time passes as it does outside, and [`advance`](Self::advance) turns it
/// on; a client's waits turn it on too, and take no time.
///
/// ```
/// use std::time::Duration;
/// use otp_core::{ErrorKind, OtpsApi};
/// use otp_mock::{FakeOtps, FakeUser};
///
/// # pollster::block_on(async {
/// let service = FakeOtps::builder().seed(7).build();
/// let bob = service.add_user(FakeUser::with_phone("+1 555 0100"));
/// let as_bob = service.with_token(bob);
///
/// as_bob.receive_codes().await?;
/// let sms = service.last_sms().expect("an SMS was sent");
/// assert_eq!(sms.to, "+1 555 0100");
///
/// // Alice cannot use Bob's OTP, and Bob cannot use it too late.
/// assert!(service.find_ensure_otp(&sms.otp).await.is_err());
/// service.advance(Duration::from_secs(3600));
/// let error = as_bob.find_ensure_otp(&sms.otp).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::BadRequest);
/// # Ok::<(), otp_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct FakeOtps {
    service: Arc<Service>,
    client: OtpsClient,
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

    fn of(service: Service, token: AuthToken) -> Self {
        let service = Arc::new(service);
        // The default base URL: the paths that the service answers are those of the public one.
        let client = OtpsClient::new(Arc::clone(&service), token.clone());
        Self { service, client, token }
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
            token,
        }
    }

    /// Adds a user and gives the user's token.
    pub fn add_user(&self, user: FakeUser) -> AuthToken {
        self.service.add_user(user)
    }

    /// The last SMS that was sent, to any user.
    pub fn last_sms(&self) -> Option<Sms> {
        self.service.outbox().pop()
    }

    /// Every SMS that was sent, oldest first.
    pub fn sms_outbox(&self) -> Vec<Sms> {
        self.service.outbox()
    }

    /// Calls this for every SMS from now on, in place of a phone. It replaces the one before.
    pub fn on_sms(&self, deliver: impl Fn(&Sms) + Send + Sync + 'static) {
        self.service.on_sms(Arc::new(deliver));
    }

    /// Turns the service's clock on.
    pub fn advance(&self, time: Duration) {
        self.service.clock().advance(time);
    }

    /// Answers a request to a path under `/metal/v1`, as the OpenAPI document says: with a documented
    /// status, and an error body where there is an error.
    pub fn respond(&self, request: &http::Request<Bytes>) -> http::Response<Bytes> {
        route::respond(&self.service, request)
    }
}

/// Requests take no time, and waiting turns the clock.
#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        Ok(route::respond(self, request.as_http()))
    }

    async fn sleep(&self, duration: Duration) {
        self.clock().advance(duration);
    }

    fn now(&self) -> Duration {
        self.clock().now()
    }
}

#[async_trait]
impl Transport for FakeOtps {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.service.send(request).await
    }

    async fn sleep(&self, duration: Duration) {
        self.service.sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.service.now()
    }
}

#[async_trait]
impl OtpsApi for FakeOtps {
    async fn find_ensure_otp(&self, otp: &Otp) -> Result<Verified, Error> {
        self.client.find_ensure_otp(otp).await
    }

    async fn find_recovery_codes(&self) -> Result<RecoveryCodeList, Error> {
        self.client.find_recovery_codes().await
    }

    async fn receive_codes(&self) -> Result<(), Error> {
        self.client.receive_codes().await
    }

    async fn regenerate_codes(&self) -> Result<RecoveryCodeList, Error> {
        self.client.regenerate_codes().await
    }
}

impl fmt::Debug for FakeOtps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeOtps").field("service", &self.service).finish_non_exhaustive()
    }
}
