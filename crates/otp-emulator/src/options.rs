//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{CommandFactory, FromArgMatches, Parser};
use otp_core::AuthToken;
use otp_emulator::{Cors, Emulator, EmulatorBuilder, FakeOtps, Fault};
use otp_mock::FakeUser;

use crate::help;

/// 9999-12-31 23:59:59 UTC, in seconds since 1970: the last date that HTTP can write.
const LAST_DATE: u64 = 253_402_300_799;

/// A stand-in for the Equinix Metal OTP service, for tests on this machine.
///
/// It prints where it listens, the file of its CA, a token to use, and every SMS as it is "sent". Any HTTP
/// client can talk to it, in any language. Whoever starts it need not read what it prints: it waits for
/// nobody. It forgets everything when it stops: by Ctrl-C or SIGTERM, after what it is answering, to which
/// it gives a second. A second signal ends it at once.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// Where the status page and the admin API listen. Whoever reaches it can read every OTP.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    admin: SocketAddr,

    /// Open no admin port.
    #[arg(long, conflicts_with = "admin")]
    no_admin: bool,

    /// Show an OTP on the status page when its button is clicked.
    #[arg(long, conflicts_with = "no_admin")]
    show_otps: bool,

    /// Answer without TLS; HTTP/2 is then by prior knowledge.
    #[arg(long)]
    pub(crate) plain: bool,

    /// The certificate chain to use, PEM [default: one by a CA of its own].
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "plain")]
    cert: Option<PathBuf>,

    /// The private key of --cert, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Let pages of this origin call it from a browser; given no origin, pages of every one.
    #[arg(long, value_name = "ORIGIN", num_args = 0..=1)]
    cors: Option<Option<String>>,

    /// Where to write the certificate of the CA [default: a new file in the system's temporary folder,
    /// removed when it stops].
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plain", "cert"])]
    pub(crate) ca_file: Option<PathBuf>,

    /// The token of the first user [default: a random one].
    // Read later, without quoting it where it is none.
    #[arg(long)]
    token: Option<String>,

    /// The name of the first user.
    #[arg(long, default_value = "user-1")]
    name: String,

    /// The phone of the first user.
    #[arg(long, value_name = "NUMBER", default_value = "+1 555 0123")]
    phone: String,

    /// The first user has an authenticator app in place of a phone; its secret is printed, in base32.
    #[arg(long, conflicts_with = "phone")]
    app: bool,

    /// The first user has two-factor authentication off.
    #[arg(long, conflicts_with_all = ["phone", "app"])]
    two_factor_off: bool,

    /// Make the same token, OTPs and recovery codes in every run.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Let the service's clock stand until the admin API turns it, in place of running with the system's.
    #[arg(long)]
    standing_clock: bool,

    /// Where the clock stands at first: seconds since 1970, up to the year 9999, or a date as HTTP writes
    /// it [default: Thu, 01 Jan 2026 00:00:00 GMT].
    #[arg(long, value_name = "DATE", requires = "standing_clock", value_parser = date)]
    starts_at: Option<SystemTime>,

    /// How long an OTP by SMS works.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    otp_lifetime: u64,

    /// After so many wrong OTPs in a row, lock the user out for so many seconds, such as 5/900.
    #[arg(long, value_name = "OTPS/SECONDS", default_value = "5/900", value_parser = lockout)]
    wrong_otps: (u32, Duration),

    /// How long an app shows a code, at least 1.
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..))]
    app_step: u64,

    /// How many steps before and after the current one an app's code is accepted, up to 255.
    #[arg(long, value_name = "STEPS", default_value_t = 1)]
    app_skew: u8,

    /// How long each token works, of users and of sessions [default: until it is revoked].
    #[arg(long, value_name = "SECONDS")]
    token_lifetime: Option<u64>,

    /// Give no session token back for an OTP, as the OpenAPI document has it.
    #[arg(long)]
    without_session_tokens: bool,

    /// Allow each user so many requests in a window of so many seconds, such as 60/60 [default: any
    /// number].
    #[arg(long, value_name = "REQUESTS/SECONDS", value_parser = rate)]
    rate_limit: Option<(u32, Duration)>,

    /// Let this go wrong; may be given several times. Those that there are, are told below.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,

    /// Print a line for every request to standard error. It holds no secret.
    #[arg(long)]
    pub(crate) log: bool,
}

impl Options {
    pub(crate) fn read() -> Self {
        let matches = Self::command().after_long_help(help::lessons()).get_matches();
        match Self::from_arg_matches(&matches) {
            Ok(options) => options,
            Err(error) => error.exit(),
        }
    }

    /// The service, with its faults.
    pub(crate) fn service(&self) -> Result<FakeOtps, String> {
        let (limit, lockout) = self.wrong_otps;
        let mut service = FakeOtps::builder()
            .user(self.first_user()?)
            .otp_lifetime(Duration::from_secs(self.otp_lifetime))
            .wrong_otps(limit, lockout)
            .app_step(self.app_step)
            .app_skew(self.app_skew);
        if let Some(date) = self.starts_at {
            service = service.starts_at(date);
        }
        if !self.standing_clock {
            service = service.real_time();
        }
        if self.without_session_tokens {
            service = service.without_session_tokens();
        }
        if let Some(seconds) = self.token_lifetime {
            service = service.token_lifetime(Duration::from_secs(seconds));
        }
        if let Some(seed) = self.seed {
            service = service.seed(seed);
        }
        if let Some((requests, window)) = self.rate_limit {
            service = service.rate_limit(requests, window);
        }
        let service = service.build();
        self.faults.iter().for_each(|fault| service.arm(*fault));
        Ok(service)
    }

    fn first_user(&self) -> Result<FakeUser, String> {
        let user = if self.two_factor_off {
            FakeUser::without_two_factor()
        } else if self.app {
            FakeUser::with_app()
        } else {
            FakeUser::with_phone(&self.phone)
        };
        let user = user.named(&self.name);
        match self.token.as_deref().map(AuthToken::new) {
            None => Ok(user),
            Some(Ok(token)) => Ok(user.with_token(token)),
            Some(Err(error)) => Err(format!("--token: {error}")),
        }
    }

    /// What puts the service onto the wire.
    pub(crate) fn emulator(&self) -> Result<EmulatorBuilder, String> {
        let mut emulator = Emulator::builder().listen(self.listen);
        if !self.no_admin {
            emulator = emulator.admin(self.admin);
        }
        if self.show_otps {
            emulator = emulator.show_otps();
        }
        if self.plain {
            emulator = emulator.plain();
        }
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            emulator = emulator.certificate(read(cert)?, read(key)?);
        }
        if let Some(origin) = &self.cors {
            emulator = emulator.cors(match origin {
                Some(origin) => Cors::origin(origin).map_err(|error| format!("--cors: {error}"))?,
                None => Cors::any_origin(),
            });
        }
        Ok(emulator)
    }
}

fn read(file: &PathBuf) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn rate(text: &str) -> Result<(u32, Duration), String> {
    number_in_seconds(text).ok_or_else(|| "a rate limit is two numbers, such as 60/60".to_owned())
}

fn lockout(text: &str) -> Result<(u32, Duration), String> {
    number_in_seconds(text).filter(|(otps, _)| *otps > 0).ok_or_else(|| {
        "it takes two numbers, such as 5/900, of which the first is not 0".to_owned()
    })
}

fn number_in_seconds(text: &str) -> Option<(u32, Duration)> {
    let (number, seconds) = text.split_once('/')?;
    Some((number.parse().ok()?, Duration::from_secs(seconds.parse().ok()?)))
}

fn date(text: &str) -> Result<SystemTime, String> {
    let date = match text.parse() {
        Ok(seconds) if seconds <= LAST_DATE => {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
        }
        Ok(_) => None,
        Err(_) => httpdate::parse_http_date(text).ok(),
    };
    date.ok_or_else(|| {
        "a date is seconds since 1970, such as 1767225600, or as HTTP writes it, such as \
         'Thu, 01 Jan 2026 00:00:00 GMT'; the last is in the year 9999"
            .to_owned()
    })
}
