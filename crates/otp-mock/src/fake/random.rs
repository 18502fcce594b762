use otp_core::{AuthToken, Otp, RecoveryCode};

/// Makes secrets for tests: well spread, and not fit for anything real.
#[derive(Clone, Debug)]
pub(super) struct Random {
    /// Whether it makes the same in every run.
    is_seeded: bool,
    secrets: fastrand::Rng,
    /// Apart, so that a request more or less does not change the secrets that follow.
    ids: fastrand::Rng,
}

impl Random {
    pub(super) fn new(seed: Option<u64>) -> Self {
        let mut secrets = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let ids = secrets.fork();
        Self { is_seeded: seed.is_some(), secrets, ids }
    }

    /// Makes the same again as this one would, if a seed was given. Without one, no secret is made twice.
    pub(super) fn restart(&mut self, from: &Self) {
        if self.is_seeded {
            *self = from.clone();
        }
    }

    pub(super) fn token(&mut self) -> AuthToken {
        valid(AuthToken::new(self.text(32, 36)))
    }

    pub(super) fn otp(&mut self) -> Otp {
        valid(Otp::new(self.text(6, 10)))
    }

    pub(super) fn recovery_code(&mut self) -> RecoveryCode {
        RecoveryCode::new(format!("{}-{}", self.text(5, 36), self.text(5, 36)))
    }

    /// 160 bits, as RFC 4226 §4 recommends.
    pub(super) fn app_secret(&mut self) -> Vec<u8> {
        (0..20).map(|_| self.secrets.u8(..)).collect()
    }

    pub(super) fn request_id(&mut self) -> String {
        text(&mut self.ids, 16, 16)
    }

    fn text(&mut self, len: usize, base: u32) -> String {
        text(&mut self.secrets, len, base)
    }
}

fn text(rng: &mut fastrand::Rng, len: usize, base: u32) -> String {
    (0..len).map(|_| rng.digit(base)).collect()
}

fn valid<T>(made: Result<T, otp_core::Error>) -> T {
    match made {
        Ok(secret) => secret,
        Err(error) => unreachable!("letters and digits are always allowed: {error}"),
    }
}
