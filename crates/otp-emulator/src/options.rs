//! The command line.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Command, CommandFactory, FromArgMatches, Parser, ValueEnum};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Otp, RecoveryCode};
use otp_emulator::{Cors, Emulator, EmulatorBuilder, FakeOtps, ScopedFault};
use otp_mock::FakeUser;

use crate::help;

/// 9999-12-31 23:59:59 UTC, in seconds since 1970: the last date that HTTP can write.
const LAST_DATE: u64 = 253_402_300_799;

/// A stand-in for the Equinix Metal OTP service, for tests on this machine.
///
/// It prints where it listens, the file of its CA, a token to use, and every SMS as it is "sent". Any HTTP
/// client can talk to it, in any language. It does not wait until somebody reads what it prints. It forgets
/// everything when it stops: by Ctrl-C, SIGTERM, SIGHUP or SIGQUIT, after what it is answering, to which it
/// gives a second. A second signal ends it at once.
#[derive(Parser)]
#[command(
    version,
    override_usage = "otp-emulator [OPTIONS]\n       otp-emulator help [TOPIC]\n       otp-emulator healthcheck [ADDRESS]"
)]
pub(crate) struct Options {
    /// Where to listen: an address or a name, and a port, such as localhost:8080; port 0 takes a free one.
    #[arg(help_heading = LISTENING, long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,

    /// Where the status page and the admin API listen. Whoever reaches it can read every OTP.
    #[arg(help_heading = ADMIN, long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    admin: String,

    /// Open no admin port.
    #[arg(help_heading = ADMIN, long, conflicts_with = "admin")]
    no_admin: bool,

    /// A name to which the admin port answers, besides localhost and addresses; may be given several times.
    #[arg(help_heading = ADMIN, long = "admin-host", value_name = "NAME", value_delimiter = ',')]
    admin_hosts: Vec<String>,

    /// Ask for this token at the admin port. Give it by a file or by the environment, so that it is not in the
    /// list of processes.
    #[arg(help_heading = ADMIN, long, value_name = "TOKEN", conflicts_with = "admin_token_file")]
    admin_token: Option<String>,

    /// The same, read from a file.
    #[arg(help_heading = ADMIN, long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,

    /// Show an OTP on the status page when its button is clicked.
    #[arg(help_heading = ADMIN, long, conflicts_with = "no_admin")]
    show_otps: bool,

    /// Answer without TLS; HTTP/2 is then by prior knowledge.
    #[arg(help_heading = TLS, long)]
    pub(crate) plain: bool,

    /// A name or address by which clients reach it, for the certificate and the admin port, such as emulator in a
    /// compose network; may be given several times.
    #[arg(help_heading = LISTENING, long = "host-name", value_name = "NAME", value_delimiter = ',')]
    pub(crate) host_names: Vec<String>,

    /// The certificate chain to use, PEM [default: one by a CA of its own].
    #[arg(help_heading = TLS, long, value_name = "FILE", requires = "key", conflicts_with = "plain")]
    cert: Option<PathBuf>,

    /// The private key of --cert, PEM.
    #[arg(help_heading = TLS, long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Let pages of this origin call it from a browser; given no origin or *, pages of every one.
    #[arg(help_heading = LISTENING, long, value_name = "ORIGIN", num_args = 0..=1)]
    cors: Option<Option<String>>,

    /// Where to write the certificate of the CA [default: a new file in the system's temporary folder,
    /// removed when it stops].
    #[arg(help_heading = TLS, long, value_name = "FILE", conflicts_with_all = ["plain", "cert"])]
    pub(crate) ca_file: Option<PathBuf>,

    /// The token of the first user [default: a random one].
    // Read later, without quoting it where it is none.
    #[arg(help_heading = USER, long)]
    token: Option<String>,

    /// The name of the first user.
    #[arg(help_heading = USER, long, default_value = "user-1")]
    name: String,

    /// The phone of the first user.
    #[arg(help_heading = USER, long, value_name = "NUMBER", default_value = "+1 555 0123")]
    phone: String,

    /// The first user has an authenticator app in place of a phone; its secret is printed, in base32.
    #[arg(help_heading = USER, long, conflicts_with = "phone")]
    app: bool,

    /// The first user has two-factor authentication off.
    #[arg(help_heading = USER, long, conflicts_with_all = ["phone", "app"])]
    two_factor_off: bool,

    /// Put this OTP into every SMS, such as 123456 [default: each has another one].
    // As with the token.
    #[arg(help_heading = SERVICE, long)]
    otp: Option<String>,

    /// The recovery codes of the first user until they are regenerated, with commas [default: ten random ones].
    #[arg(help_heading = USER, long, value_name = "CODES", value_delimiter = ',')]
    recovery_codes: Vec<String>,

    /// Make the same token, OTPs and recovery codes in every run.
    #[arg(help_heading = SERVICE, long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Let the service's clock stand until the admin API turns it, in place of running with the system's.
    #[arg(help_heading = SERVICE, long)]
    standing_clock: bool,

    /// Where the clock stands at first: seconds since 1970, up to the year 9999, or a date as HTTP writes
    /// it [default: Thu, 01 Jan 2026 00:00:00 GMT].
    #[arg(help_heading = SERVICE, long, value_name = "DATE", requires = "standing_clock", value_parser = date)]
    starts_at: Option<SystemTime>,

    /// How long an OTP by SMS works.
    #[arg(help_heading = SERVICE, long, value_name = "SECONDS", default_value_t = 300)]
    otp_lifetime: u64,

    /// After so many wrong OTPs in a row, lock the user out for so many seconds, such as 5/900.
    #[arg(help_heading = SERVICE, long, value_name = "OTPS/SECONDS", default_value = "5/900", value_parser = lockout)]
    wrong_otps: (u32, Duration),

    /// Answer 400 during that lockout, in place of 429, which the OpenAPI document does not have.
    #[arg(help_heading = SERVICE, long)]
    documented_lockout: bool,

    /// How long an app shows a code, at least 1.
    #[arg(help_heading = SERVICE, long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..))]
    app_step: u64,

    /// How many steps before and after the current one an app's code is accepted, up to 255.
    #[arg(help_heading = SERVICE, long, value_name = "STEPS", default_value_t = 1)]
    app_skew: u8,

    /// How long each token works, of users and of sessions [default: until it is revoked].
    #[arg(help_heading = SERVICE, long, value_name = "SECONDS")]
    token_lifetime: Option<u64>,

    /// Give no session token back for an OTP, as the OpenAPI document has it.
    #[arg(help_heading = SERVICE, long)]
    without_session_tokens: bool,

    /// Allow each user so many requests in a window of so many seconds, such as 60/60 [default: any
    /// number].
    #[arg(help_heading = SERVICE, long, value_name = "REQUESTS/SECONDS", value_parser = rate)]
    rate_limit: Option<(u32, Duration)>,

    /// Let this go wrong, such as lost-sms or status=429:user=bob:times=2; may be given several times. See
    /// 'otp-emulator help faults'.
    #[arg(help_heading = SERVICE, long = "fault", value_name = "FAULT", value_delimiter = ',')]
    faults: Vec<ScopedFault>,

    /// Print a line for every request to standard error: as text, or as JSON with the user and the faults that
    /// struck. It holds no secret. Without a value it is text.
    #[arg(help_heading = LISTENING, long, value_name = "FORMAT", num_args = 0..=1, default_value = "off", default_missing_value = "text")]
    pub(crate) log: LogFormat,

    /// How many connections there may be at a time. There are fewer if the limit of open files (ulimit -n) is
    /// low.
    #[arg(help_heading = LISTENING, long, value_name = "NUMBER", default_value = "512",
        value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
}

/// How requests are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Off,
    Text,
    Json,
}

const LISTENING: &str = "Listening";
const ADMIN: &str = "Status page and admin API";
const TLS: &str = "TLS";
const USER: &str = "The first user";
const SERVICE: &str = "The service";

/// What every option's environment variable begins with.
const PREFIX: &str = "OTP_EMULATOR_";

impl Options {
    /// Reads the command line and the environment, or answers a call for help and ends the program.
    pub(crate) fn read() -> Self {
        let mut arguments = std::env::args_os().skip(1);
        if arguments.next().is_some_and(|first| first == "help") {
            help::topic(arguments.next());
        }
        match Self::from_arg_matches(&command().get_matches()) {
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
        if self.documented_lockout {
            service = service.documented_lockout();
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
        if let Some(otp) = &self.otp {
            service = service.otp(Otp::new(otp).map_err(|error| format!("--otp: {error}"))?);
        }
        let service = service.build();
        self.faults.iter().for_each(|fault| service.arm(fault.clone()));
        Ok(service)
    }

    /// For how many connections there is to be room.
    pub(crate) fn room(&self) -> usize {
        self.max_connections.try_into().unwrap_or(usize::MAX)
    }

    fn first_user(&self) -> Result<FakeUser, String> {
        let user = if self.two_factor_off {
            FakeUser::without_two_factor()
        } else if self.app {
            FakeUser::with_app()
        } else {
            FakeUser::with_phone(&self.phone)
        };
        let mut user = user.named(&self.name);
        if !self.recovery_codes.is_empty() {
            user = user.with_recovery_codes(self.recovery_codes()?);
        }
        match self.token.as_deref().map(AuthToken::new) {
            None => Ok(user),
            Some(Ok(token)) => Ok(user.with_token(token)),
            Some(Err(error)) => Err(format!("--token: {error}")),
        }
    }

    /// Only those that can be verified: a recovery code is sent in the place of an OTP.
    fn recovery_codes(&self) -> Result<Vec<RecoveryCode>, String> {
        let codes = self.recovery_codes.iter().map(|code| {
            let code = Otp::new(code).map_err(|error| format!("--recovery-codes: {error}"))?;
            Ok(RecoveryCode::new(code.expose_secret()))
        });
        codes.collect()
    }

    fn admin_token(&self) -> Result<Option<AuthToken>, String> {
        let (option, text) = match (&self.admin_token, &self.admin_token_file) {
            (Some(token), _) => ("--admin-token", token.clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file);
                let text =
                    text.map_err(|error| format!("cannot read {}: {error}", file.display()))?;
                ("--admin-token-file", text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => return Ok(None),
        };
        AuthToken::new(text).map(Some).map_err(|error| format!("{option}: {error}"))
    }

    /// Whether the admin port asks for a token.
    pub(crate) fn has_admin_token(&self) -> bool {
        self.admin_token.is_some() || self.admin_token_file.is_some()
    }

    /// What puts the service onto the wire.
    pub(crate) fn emulator(&self) -> Result<EmulatorBuilder, String> {
        let mut emulator = Emulator::builder().listen_at(&self.listen).max_connections(self.room());
        if !self.no_admin {
            emulator = emulator.admin_at(&self.admin);
        }
        if let Some(token) = self.admin_token()? {
            emulator = emulator.admin_token(token);
        }
        emulator = self.admin_hosts.iter().fold(emulator, EmulatorBuilder::admin_host);
        emulator = self.host_names.iter().fold(emulator, EmulatorBuilder::host_name);
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
                Some(any) if any == "*" => Cors::any_origin(),
                Some(origin) => Cors::origin(origin).map_err(|error| format!("--cors: {error}"))?,
                None => Cors::any_origin(),
            });
        }
        Ok(emulator)
    }
}

/// The command line. Every option has a variable of the environment, whose value is not shown in the help, since it
/// may be a secret.
fn command() -> Command {
    let with_variable = |mut argument: clap::Arg| {
        let Some(long) = argument.get_long() else { return argument };
        let variable = format!("{PREFIX}{}", long.replace('-', "_").to_ascii_uppercase());
        if matches!(argument.get_action(), ArgAction::SetTrue) {
            argument = argument.value_parser(BoolishValueParser::new());
        }
        // clap keeps names for as long as the program runs.
        argument.env(&*variable.leak()).hide_env(true)
    };
    Options::command().mut_args(with_variable).after_help(help::OUTLINE)
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
