use otp_core::{AuthToken, Otp, RecoveryCode};

/// Makes what is made by chance, apart from the users' secrets.
#[derive(Clone, Debug)]
pub(super) struct Random {
    /// None if every run is another one.
    seed: Option<u64>,
    ids: fastrand::Rng,
}

/// Makes a user's secrets for tests: well spread, and not fit for anything real.
///
/// Each user has one. So a user's secrets depend on the seed, the user's name and what the user did, and not on
/// other users.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    /// Whether it makes the same in every run.
    is_seeded: bool,
    rng: fastrand::Rng,
}

impl Random {
    pub(super) fn new(seed: Option<u64>) -> Self {
        let ids = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { seed, ids }
    }

    /// Makes the same again as this one would, if a seed was given.
    pub(super) fn restart(&mut self, from: &Self) {
        if self.seed.is_some() {
            *self = from.clone();
        }
    }

    /// Those of a user of this name, before whom so many others had it.
    pub(super) fn secrets_of(&self, name: &str, before: u64) -> Secrets {
        let Some(seed) = self.seed else {
            return Secrets { is_seeded: false, rng: fastrand::Rng::new() };
        };
        // FNV-1a, since the hash must be the same with every version of Rust.
        let bytes = before.to_le_bytes().into_iter().chain(name.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // By a generator of its own, so that seeds and names that differ in one bit have nothing in common.
        let mixed = fastrand::Rng::with_seed(seed).u64(..) ^ hash;
        Secrets { is_seeded: true, rng: fastrand::Rng::with_seed(mixed) }
    }

    pub(super) fn request_id(&mut self) -> String {
        text(&mut self.ids, 16, 16)
    }
}

impl Secrets {
    /// What makes the same again as this one will, if a seed was given. Without one, no secret is made twice.
    pub(super) fn again(&self) -> Self {
        match self.is_seeded {
            true => self.clone(),
            false => Self { is_seeded: false, rng: fastrand::Rng::new() },
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
        (0..20).map(|_| self.rng.u8(..)).collect()
    }

    fn text(&mut self, len: usize, base: u32) -> String {
        text(&mut self.rng, len, base)
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
