//! The command line.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, RecoveryCode};
use otp_emulator::{Cors, Emulator, EmulatorBuilder, FakeOtps, ScopedFault};
use otp_mock::FakeUser;

use crate::environment::{self, Environment, Refused};
use crate::{escape, help, host_name, values};

/// The most recovery codes that a user may have.
const MAX_CODES: usize = 100;

/// A stand-in for the Equinix Metal OTP service, for tests on this machine.
///
/// It prints its URL, the file of its CA, a token to use, and every SMS that it "sends". Any HTTP client can call it,
/// in any language. If nobody reads what it prints, it drops lines and keeps running.
///
/// Ctrl-C, SIGTERM, SIGHUP or SIGQUIT stops it. Requests that are being answered then have one second to finish. A
/// second signal stops it at once. It saves nothing: each start is a new one.
#[derive(Parser)]
#[command(
    version,
    override_usage = "otp-emulator [OPTIONS]\n       otp-emulator help [TOPIC]\n       otp-emulator healthcheck [ADDRESS]"
)]
pub(crate) struct Options {
    /// The address of the service: an IP address or a name, and a port, such as localhost:8080. Port 0 means any free
    /// port.
    #[arg(help_heading = LISTENING, long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,

    /// The address of the status page and the admin API. Everybody who reaches it can read every OTP.
    #[arg(help_heading = ADMIN, long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    admin: String,

    /// Open no admin port.
    #[arg(help_heading = ADMIN, long,
        conflicts_with_all = ["admin", "admin_hosts", "admin_token", "admin_token_file", "show_otps"])]
    no_admin: bool,

    /// Another host name of the admin port. It always answers to localhost, to IP addresses and to the names of
    /// --host-name. You can repeat this option.
    #[arg(help_heading = ADMIN, long = "admin-host", value_name = "NAME", value_delimiter = ',', value_parser = host_name::read)]
    admin_hosts: Vec<String>,

    /// Protect the admin port with this token. Prefer --admin-token-file or the environment: other users of this
    /// machine can see a command line in the list of processes.
    #[arg(help_heading = ADMIN, long, value_name = "TOKEN", conflicts_with = "admin_token_file")]
    admin_token: Option<String>,

    /// Read the token of the admin port from this file.
    #[arg(help_heading = ADMIN, long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,

    /// Add buttons to the status page that show an OTP.
    #[arg(help_heading = ADMIN, long)]
    show_otps: bool,

    /// Use no TLS. HTTP/2 then works with prior knowledge only.
    #[arg(help_heading = TLS, long)]
    pub(crate) plain: bool,

    /// A host name or IP address by which clients reach the emulator, such as its name in a compose network. The
    /// certificate is valid for it, and the admin port answers to it. You can repeat this option.
    #[arg(help_heading = LISTENING, long = "host-name", value_name = "NAME", value_delimiter = ',', value_parser = host_name::read)]
    pub(crate) host_names: Vec<String>,

    /// The certificate chain to use, PEM [default: a certificate by a new CA].
    #[arg(help_heading = TLS, long, value_name = "FILE", requires = "key", conflicts_with = "plain")]
    cert: Option<PathBuf>,

    /// The private key of --cert, PEM.
    #[arg(help_heading = TLS, long, value_name = "FILE", requires = "cert", conflicts_with_all = ["plain", "ca_file"])]
    key: Option<PathBuf>,

    /// Allow web pages of this origin to call the service from a browser. Without a value or with *, pages of any
    /// origin are allowed.
    #[arg(help_heading = LISTENING, long, value_name = "ORIGIN", num_args = 0..=1)]
    cors: Option<Option<String>>,

    /// The file to write the CA's certificate to [default: a new file in the temporary folder, which is removed at the
    /// end].
    #[arg(help_heading = TLS, long, value_name = "FILE", conflicts_with_all = ["plain", "cert"])]
    pub(crate) ca_file: Option<PathBuf>,

    /// The token of the first user [default: a random one].
    // Read later: clap would quote it in an error.
    #[arg(help_heading = USER, long)]
    token: Option<String>,

    /// The name of the first user.
    #[arg(help_heading = USER, long, default_value = "user-1", value_parser = values::short_text)]
    name: String,

    /// The phone of the first user.
    #[arg(help_heading = USER, long, value_name = "NUMBER", default_value = "+1 555 0123", value_parser = values::short_text)]
    phone: String,

    /// Give the first user an authenticator app instead of a phone. Its secret is printed in base32.
    #[arg(help_heading = USER, long, conflicts_with = "phone")]
    app: bool,

    /// Turn two-factor authentication off for the first user.
    #[arg(help_heading = USER, long, conflicts_with_all = ["phone", "app"])]
    two_factor_off: bool,

    /// Send this OTP in every SMS, such as 123456 [default: a random one for each SMS].
    // Read later, as the token.
    #[arg(help_heading = SERVICE, long)]
    otp: Option<String>,

    /// The recovery codes of the first user, separated by commas, until they are replaced [default: ten random ones].
    #[arg(help_heading = USER, long, value_name = "CODES", value_delimiter = ',')]
    recovery_codes: Vec<String>,

    /// Make the same tokens, OTPs and recovery codes in every run with this number.
    #[arg(help_heading = SERVICE, long, value_name = "NUMBER", value_parser = values::number::<u64>)]
    seed: Option<u64>,

    /// Stop the service's clock. Only the admin API advances it. Without this option it shows the system's time.
    #[arg(help_heading = SERVICE, long)]
    standing_clock: bool,

    /// The date at which the clock of --standing-clock starts: seconds since 1970, or a date in HTTP's format, up to
    /// the year 9999 [default: Thu, 01 Jan 2026 00:00:00 GMT].
    #[arg(help_heading = SERVICE, long, value_name = "DATE", requires = "standing_clock", value_parser = values::date)]
    starts_at: Option<SystemTime>,

    /// How long an OTP from an SMS is valid.
    #[arg(help_heading = SERVICE, long, value_name = "SECONDS", default_value = "300", value_parser = values::number::<u64>)]
    otp_lifetime: u64,

    /// The lockout: after this number of wrong OTPs in a row, verifying is refused for this number of seconds.
    #[arg(help_heading = SERVICE, long, value_name = "OTPS/SECONDS", default_value = "5/900", value_parser = values::lockout)]
    wrong_otps: (u32, Duration),

    /// Answer 400 during a lockout. The default is 429, which is not in the service's OpenAPI document.
    #[arg(help_heading = SERVICE, long)]
    documented_lockout: bool,

    /// How long an authenticator app shows a code; 1 or more.
    #[arg(help_heading = SERVICE, long, value_name = "SECONDS", default_value = "30", value_parser = values::positive::<u64>)]
    app_step: u64,

    /// How many steps before and after the current one a code of an app is accepted; 0 to 255.
    #[arg(help_heading = SERVICE, long, value_name = "STEPS", default_value = "1", value_parser = values::number::<u8>)]
    app_skew: u8,

    /// How long tokens are valid, of users and of sessions [default: until they are revoked].
    #[arg(help_heading = SERVICE, long, value_name = "SECONDS", value_parser = values::number::<u64>)]
    token_lifetime: Option<u64>,

    /// Give no session token for a correct OTP, as in the service's OpenAPI document.
    #[arg(help_heading = SERVICE, long)]
    without_session_tokens: bool,

    /// Allow each user this number of requests in this number of seconds, such as 60/60 [default: no limit].
    #[arg(help_heading = SERVICE, long, value_name = "REQUESTS/SECONDS", value_parser = values::rate)]
    rate_limit: Option<(u32, Duration)>,

    /// Arm a fault, such as lost-sms or status=429:user=bob:times=2. You can repeat this option. See
    /// 'otp-emulator help faults'.
    #[arg(help_heading = SERVICE, long = "fault", value_name = "FAULT", value_delimiter = ',', value_parser = values::fault)]
    faults: Vec<ScopedFault>,

    /// Print a line for every request to standard error, without any secret: text, or JSON with the user and the
    /// faults that struck. Without a value it is text.
    #[arg(help_heading = LISTENING, long, value_name = "FORMAT", num_args = 0..=1, default_value = "off", default_missing_value = "text")]
    pub(crate) log: LogFormat,

    /// How many connections are open at the same time at most. A low limit of open files (ulimit -n) allows fewer.
    #[arg(help_heading = LISTENING, long, value_name = "NUMBER", default_value = "512", value_parser = values::positive::<u32>)]
    max_connections: u32,

    #[arg(skip)]
    environment: Environment,
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

impl Options {
    /// Reads the command line and the environment, or answers a call for help and ends the program.
    pub(crate) fn read() -> Self {
        let mut arguments = std::env::args_os().skip(1);
        if arguments.next().is_some_and(|first| first == "help") {
            help::topic(arguments.next(), arguments.next());
        }
        let command = Self::command().after_help(help::OUTLINE);
        let options = environment::read(command).and_then(|(matches, environment)| {
            Ok(Self { environment, ..Self::from_arg_matches(&matches)? })
        });
        let text = match options {
            Ok(options) => return options,
            Err(Refused::By(error)) if !error.use_stderr() => error.exit(),
            Err(Refused::By(error)) => error.render().to_string(),
            Err(Refused::Because(why)) => {
                format!("error: {why}\n\nFor more information, try '--help'.\n")
            }
        };
        // There may be nobody to tell.
        let _ = write!(io::stderr(), "{}", escape::lines(&text));
        std::process::exit(2)
    }

    /// An error about this option, with what the user wrote to give it: its name or its variable.
    fn refuse(&self, id: &str, error: impl Display) -> String {
        let error = error.to_string();
        format!(
            "{}: {}",
            self.environment.written(id),
            error.trim_end_matches("; nothing was sent")
        )
    }

    /// The error of a start, with the variable that it is about.
    pub(crate) fn not_started(&self, error: impl Display) -> String {
        let error = error.to_string();
        let places = [("listen", &self.listen), ("admin", &self.admin)];
        let about = places.into_iter().find(|(id, place)| {
            let variable = self.environment.written(id);
            // A name that has no address is named without its port.
            let host = place.rsplit_once(':').map(|(host, _)| format!("'{host}'"));
            variable != format!("--{id}")
                && (error.contains(place.as_str())
                    || host.is_some_and(|host| error.contains(&host)))
        });
        about.map_or(error.clone(), |(id, _)| self.refuse(id, error))
    }

    /// An error about the file of the CA.
    pub(crate) fn refuse_ca_file(&self, why: &str) -> String {
        self.refuse("ca_file", why)
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
            service = service.otp(values::otp(otp).map_err(|error| self.refuse("otp", error))?);
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
            Some(Err(error)) => Err(self.refuse("token", error)),
        }
    }

    /// Only those that can be verified: a recovery code is sent in the place of an OTP.
    fn recovery_codes(&self) -> Result<Vec<RecoveryCode>, String> {
        if self.recovery_codes.len() > MAX_CODES {
            return Err(self.refuse("recovery_codes", format!("there are at most {MAX_CODES}")));
        }
        let codes = self.recovery_codes.iter().map(|code| {
            let code = values::otp(code).map_err(|error| self.refuse("recovery_codes", error))?;
            Ok(RecoveryCode::new(code.expose_secret()))
        });
        codes.collect()
    }

    fn admin_token(&self) -> Result<Option<AuthToken>, String> {
        let (option, text) = match (&self.admin_token, &self.admin_token_file) {
            (Some(token), _) => ("admin_token", token.clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    let why = format!("cannot read {}: {error}", file.display());
                    self.refuse("admin_token_file", why)
                })?;
                ("admin_token_file", text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => return Ok(None),
        };
        AuthToken::new(text).map(Some).map_err(|error| self.refuse(option, error))
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
            emulator = emulator.certificate(self.file("cert", cert)?, self.file("key", key)?);
        }
        if let Some(origin) = &self.cors {
            emulator = emulator.cors(match origin {
                Some(any) if any == "*" => Cors::any_origin(),
                Some(origin) => Cors::origin(origin).map_err(|error| self.refuse("cors", error))?,
                None => Cors::any_origin(),
            });
        }
        Ok(emulator)
    }
    fn file(&self, id: &str, file: &Path) -> Result<Vec<u8>, String> {
        std::fs::read(file)
            .map_err(|error| self.refuse(id, format!("cannot read {}: {error}", file.display())))
    }
}
