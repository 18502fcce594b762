use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otp_core::{AuthToken, Endpoint, Otp};

use super::app::AppSettings;
use super::clock::{Clock, OtherClock};
use super::random::Random;
use super::routes::Handler;
use super::service::Service;
use super::{FakeOtps, FakeUser, RouteRequest};
use crate::Reply;

/// 2026-01-01 00:00:00 UTC.
const START: Duration = Duration::from_secs(1_767_225_600);

/// Builds a [`FakeOtps`].
///
/// | setting | default |
/// |---|---|
/// | [`seed`](Self::seed) | another one every time |
/// | [`user`](Self::user), [`token`](Self::token) | a phone, and a random token |
/// | [`starts_at`](Self::starts_at), [`real_time`](Self::real_time), [`clock`](Self::clock) | 2026-01-01, standing still |
/// | [`route`](Self::route) | the four operations alone |
/// | [`otp`](Self::otp) | each SMS has another one, by chance |
/// | [`otp_lifetime`](Self::otp_lifetime) | 5 minutes |
/// | [`wrong_otps`](Self::wrong_otps) | after 5 in a row, 15 minutes of lockout |
/// | [`documented_lockout`](Self::documented_lockout) | a lockout is answered `429` |
/// | [`app_step`](Self::app_step), [`app_skew`](Self::app_skew) | 30 s, 1 step |
/// | [`rate_limit`](Self::rate_limit) | none |
/// | [`without_session_tokens`](Self::without_session_tokens) | verifying gives a session token |
/// | [`token_lifetime`](Self::token_lifetime) | tokens work until they are revoked or [expire](FakeOtps::expire_token_after) |
///
/// # Bounds
///
/// So that no flood fills the memory, the oldest makes room for the newest:
///
/// - of a user's OTPs by SMS, 8 work at a time: a ninth ends the first, within its lifetime;
/// - of a user's sessions, 64 are open at a time: the next login ends the first, whose token is then
///   answered `401`; the same holds for a user's own tokens;
/// - of the SMS to a user, 1000 are kept in the [outbox](FakeOtps::sms_outbox), waited for or not;
/// - of the [`Journal`](crate::Journal), 4096 entries are kept and counted.
///
/// ```
/// use otp_core::OtpsApi;
/// use otp_mock::FakeOtps;
///
/// # pollster::block_on(async {
/// let service = FakeOtps::new();
/// for _ in 0..9 {
///     service.receive_codes().await?;
/// }
/// let sent = service.sms_outbox();
/// assert!(service.find_ensure_otp(&sent[0].otp).await.is_err());
/// assert!(service.find_ensure_otp(&sent[1].otp).await.is_ok());
/// # Ok::<(), otp_core::Error>(()) }).unwrap();
/// ```
///
/// # An example
///
/// ```
/// use std::time::Duration;
/// use otp_core::{ErrorKind, OtpsApi};
/// use otp_mock::FakeOtps;
///
/// # pollster::block_on(async {
/// let service = FakeOtps::builder().seed(7).rate_limit(2, Duration::from_secs(60)).build();
/// service.receive_codes().await?;
/// service.receive_codes().await?;
/// let error = service.receive_codes().await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::RateLimited);
/// assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
/// # Ok::<(), otp_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "`build` makes the service"]
pub struct FakeOtpsBuilder {
    seed: Option<u64>,
    user: FakeUser,
    starts_at: Option<SystemTime>,
    other_clock: Option<OtherClock>,
    routes: Vec<(&'static Endpoint, Handler)>,
    settings: Settings,
}

/// The rules of the service.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) otp: Option<Otp>,
    pub(super) otp_lifetime: Duration,
    pub(super) wrong_otps: u32,
    pub(super) lockout: Duration,
    pub(super) documented_lockout: bool,
    pub(super) app: AppSettings,
    pub(super) rate_limit: Option<(u32, Duration)>,
    pub(super) session_tokens: bool,
    pub(super) token_lifetime: Option<Duration>,
}

impl Default for FakeOtpsBuilder {
    fn default() -> Self {
        Self {
            seed: None,
            user: FakeUser::with_phone("+1 555 0123"),
            starts_at: None,
            other_clock: None,
            routes: Vec::new(),
            settings: Settings {
                otp: None,
                otp_lifetime: Duration::from_secs(300),
                wrong_otps: 5,
                lockout: Duration::from_secs(900),
                documented_lockout: false,
                app: AppSettings::default(),
                rate_limit: None,
                session_tokens: true,
                token_lifetime: None,
            },
        }
    }
}

impl FakeOtpsBuilder {
    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Makes every token, OTP, recovery code and request id follow from this number. Those of a user follow from the
    /// user's name too, and from what the user asks for in which order; other users do not change them. [Every run](FakeOtps) is then the same.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// The first user, for whom the service's own handle acts.
    pub fn user(self, user: FakeUser) -> Self {
        Self { user, ..self }
    }

    /// The token of the first user.
    pub fn token(self, token: AuthToken) -> Self {
        Self { user: self.user.with_token(token), ..self }
    }

    /// The date at which the service's clock stands until you [advance](FakeOtps::advance) it; with
    /// [`real_time`](Self::real_time) or [`clock`](Self::clock) after it, the date from which it runs.
    ///
    /// It is from 1970 to 9999, as HTTP can write it. An earlier date becomes 1970-01-01 00:00:00, and a later
    /// one becomes 9999-12-31 23:59:59, where the clock stops.
    pub fn starts_at(self, date: SystemTime) -> Self {
        Self { starts_at: Some(date), other_clock: None, ..self }
    }

    /// Lets the service's clock run as fast as the system's: from the date of
    /// [`starts_at`](Self::starts_at) before it, or else from the system's date. What you advance it by comes on
    /// top, and so do a client's waits, which take no time.
    pub fn real_time(self) -> Self {
        Self { other_clock: Some(OtherClock::system()), ..self }
    }

    /// Makes the service's clock follow another one, such as the clock of a runtime that a test pauses and
    /// advances. It starts when the service is built, at the date of [`starts_at`](Self::starts_at) if that was
    /// called before. [`FakeOtps::advance`] adds to it.
    ///
    /// `now` returns the time of the other clock, since any fixed moment. `sleep` waits by that clock. As a
    /// transport, the service uses it between attempts, for a slow answer, and until a timeout. So a call takes
    /// time on the other clock, and other tasks see that time pass. The blocking flavour cannot wait for a
    /// future, and advances the service's own clock instead.
    ///
    /// Both are called on the thread that uses the service. tokio's functions work inside its runtime:
    ///
    /// ```
    /// use std::time::Duration;
    /// use otp_core::{ErrorKind, OtpsApi};
    /// use otp_mock::FakeOtps;
    /// use tokio::time::Instant;
    ///
    /// // In a test: #[tokio::test(start_paused = true)]
    /// # let mut runtime = tokio::runtime::Builder::new_current_thread();
    /// # let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    /// # runtime.block_on(async {
    /// let start = Instant::now();
    /// let service = FakeOtps::builder().clock(move || start.elapsed(), tokio::time::sleep).build();
    /// service.receive_codes().await?;
    /// let otp = service.next_sms().await.otp;
    ///
    /// tokio::time::advance(Duration::from_secs(300)).await;
    /// let error = service.find_ensure_otp(&otp).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::BadRequest, "it has expired");
    /// # Ok::<(), otp_core::Error>(()) }).unwrap();
    /// ```
    pub fn clock<S: Future<Output = ()> + Send + 'static>(
        self,
        now: impl Fn() -> Duration + Send + Sync + 'static,
        sleep: impl Fn(Duration) -> S + Send + Sync + 'static,
    ) -> Self {
        Self { other_clock: Some(OtherClock::new(now, sleep)), ..self }
    }

    /// The OTP in every SMS to a user for whom [no other one](FakeUser::with_otp) was chosen, such as `123456`.
    pub fn otp(self, otp: Otp) -> Self {
        self.set(|settings| settings.otp = Some(otp))
    }

    /// How long an OTP that was sent by SMS works, unless eight later ones [end it](Self#bounds) before.
    pub fn otp_lifetime(self, lifetime: Duration) -> Self {
        self.set(|settings| settings.otp_lifetime = lifetime)
    }

    /// After so many wrong OTPs in a row (at least one), those that were sent stop working, and verifying
    /// is refused with `429` and `Retry-After` for so long.
    ///
    /// The OpenAPI document says nothing of a lockout, so its statuses hold neither `429` nor another one for
    /// it. It is `429` all the same: a `400` would say of a right OTP that it is wrong, and a client would ask
    /// for another one at once. For a client that takes nothing but documented statuses, there is
    /// [`documented_lockout`](Self::documented_lockout).
    pub fn wrong_otps(self, limit: u32, lockout: Duration) -> Self {
        self.set(|settings| (settings.wrong_otps, settings.lockout) = (limit.max(1), lockout))
    }

    /// Lets verifying be refused with `400` during a lockout, since the OpenAPI document has no `429`. The answer
    /// still carries `Retry-After`, and an error message of its own.
    pub fn documented_lockout(self) -> Self {
        self.set(|settings| settings.documented_lockout = true)
    }

    /// How many seconds an app shows a code (RFC 6238's X), at least one.
    pub fn app_step(self, seconds: u64) -> Self {
        self.set(|settings| settings.app.step = seconds.max(1))
    }

    /// How many steps before and after the current one an app's code is accepted, since its clock may
    /// differ.
    pub fn app_skew(self, steps: u8) -> Self {
        self.set(|settings| settings.app.skew = steps)
    }

    /// Allows each user so many requests in a window of so long, which opens with the first. Answers
    /// then carry `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (here in seconds
    /// from now), and beyond the limit they are `429` with `Retry-After`.
    ///
    /// Reading the codes is not refused then but late, as with any client: the wait, which advances the clock, is
    /// over before the call is. To see the `429` of a reading, put an [`OtpsClient`](otp_core::OtpsClient) with
    /// [`RetryPolicy::never`](otp_core::RetryPolicy::never) in front of the service.
    pub fn rate_limit(self, requests: u32, window: Duration) -> Self {
        self.set(|settings| settings.rate_limit = Some((requests, window)))
    }

    /// Lets verifying answer a bare `204`, as the OpenAPI document has it.
    pub fn without_session_tokens(self) -> Self {
        self.set(|settings| settings.session_tokens = false)
    }

    /// How long each token works, of users and of sessions, from when the service gives it out: then it is
    /// answered `401`, and the user needs [another one](FakeOtps::issue_token).
    pub fn token_lifetime(self, lifetime: Duration) -> Self {
        self.set(|settings| settings.token_lifetime = Some(lifetime))
    }

    /// Adds a route, as [`FakeOtps::route`] does.
    pub fn route(
        mut self,
        endpoint: &'static Endpoint,
        handler: impl Fn(&RouteRequest<'_>) -> Result<Reply, Reply> + Send + Sync + 'static,
    ) -> Self {
        self.routes.push((endpoint, Handler::new(handler)));
        self
    }

    /// The service, with its first user.
    ///
    /// # Panics
    ///
    /// If a [route](FakeOtps::route) cannot be added.
    #[track_caller]
    pub fn build(self) -> FakeOtps {
        let runs_with_the_system = self.other_clock.as_ref().is_some_and(OtherClock::is_system);
        let usual = (!runs_with_the_system).then_some(SystemTime::UNIX_EPOCH + START);
        let clock = Clock::new(self.starts_at.or(usual), self.other_clock);
        let service = Service::new(clock, Random::new(self.seed), self.settings);
        for (endpoint, handler) in self.routes {
            service.add_route(endpoint, handler);
        }
        match service.add_user(self.user) {
            Ok(token) => {
                service.mark_start();
                FakeOtps::of(Arc::new(service), token)
            }
            Err(taken) => unreachable!("there is no other user: {taken}"),
        }
    }
}
