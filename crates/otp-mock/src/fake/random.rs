use otp_core::{AuthToken, Otp, RecoveryCode};

/// Makes secrets for tests: well spread, and not fit for anything real.
#[derive(Debug)]
pub(super) struct Random(fastrand::Rng);

impl Random {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed))
    }

    pub(super) fn token(&mut self) -> AuthToken {
        valid(AuthToken::new(self.text(32, Self::alphanumeric)))
    }

    pub(super) fn otp(&mut self) -> Otp {
        valid(Otp::new(self.text(6, |rng| rng.digit(10))))
    }

    pub(super) fn recovery_code(&mut self) -> RecoveryCode {
        let half = |random: &mut Self| random.text(5, Self::alphanumeric);
        RecoveryCode::new(format!("{}-{}", half(self), half(self)))
    }

    pub(super) fn request_id(&mut self) -> String {
        self.text(16, |rng| rng.digit(16))
    }

    fn alphanumeric(rng: &mut fastrand::Rng) -> char {
        rng.digit(36)
    }

    fn text(
        &mut self,
        len: usize,
        mut character: impl FnMut(&mut fastrand::Rng) -> char,
    ) -> String {
        (0..len).map(|_| character(&mut self.0)).collect()
    }
}

fn valid<T>(made: Result<T, otp_core::Error>) -> T {
    match made {
        Ok(secret) => secret,
        Err(error) => unreachable!("letters and digits are always allowed: {error}"),
    }
}
