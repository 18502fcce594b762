use std::time::Duration;

use otp_core::AuthToken;

use super::random::Random;
use super::service::Service;
use super::{FakeOtps, FakeUser};

/// Builds a [`FakeOtps`].
#[derive(Debug)]
#[must_use = "`build` makes the service"]
pub struct FakeOtpsBuilder {
    seed: Option<u64>,
    token: Option<AuthToken>,
    otp_lifetime: Duration,
}

impl Default for FakeOtpsBuilder {
    fn default() -> Self {
        Self { seed: None, token: None, otp_lifetime: Duration::from_secs(300) }
    }
}

impl FakeOtpsBuilder {
    /// Makes every token, OTP and recovery code follow from this number. By default they differ from
    /// run to run.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// The token of the first user. By default a random one.
    pub fn token(self, token: AuthToken) -> Self {
        Self { token: Some(token), ..self }
    }

    /// How long an OTP works. By default 5 minutes.
    pub fn otp_lifetime(self, lifetime: Duration) -> Self {
        Self { otp_lifetime: lifetime, ..self }
    }

    /// The service, with one user, who has a phone.
    pub fn build(self) -> FakeOtps {
        let service = Service::new(Random::new(self.seed), self.otp_lifetime);
        let user = FakeUser::with_phone("+1 555 0123");
        let token = match self.token {
            Some(token) => service.add_user_with(user, token),
            None => service.add_user(user),
        };
        FakeOtps::of(service, token)
    }
}
