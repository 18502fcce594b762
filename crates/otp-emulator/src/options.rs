//! The command line.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};
use otp_core::AuthToken;
use otp_emulator::{Cors, Emulator, EmulatorBuilder, FakeOtps, Fault};
use otp_mock::FakeUser;

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

    /// Answer without TLS; HTTP/2 is then by prior knowledge.
    #[arg(long)]
    plain: bool,

    /// The certificate chain to use, PEM [default: one by a CA of its own].
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with = "plain")]
    cert: Option<PathBuf>,

    /// The private key of --cert, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Let pages of this origin call it from a browser; given no origin, pages of every one.
    #[arg(long, value_name = "ORIGIN", num_args = 0..=1, require_equals = true)]
    cors: Option<Option<String>>,

    /// Where to write the certificate of the CA [default: a new file in the system's temporary folder,
    /// removed when it stops].
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plain", "cert"])]
    pub(crate) ca_file: Option<PathBuf>,

    /// The token of the first user [default: a random one].
    #[arg(long)]
    token: Option<AuthToken>,

    /// The phone of the first user.
    #[arg(long, value_name = "NUMBER", default_value = "+1 555 0123")]
    phone: String,

    /// The first user has an authenticator app in place of a phone; its secret is printed, in base32.
    #[arg(long, conflicts_with = "phone")]
    app: bool,

    /// Make the same token, OTPs and recovery codes in every run.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// How long an OTP by SMS works.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    otp_lifetime: u64,

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
        let matches = Self::command().after_long_help(lessons()).get_matches();
        match Self::from_arg_matches(&matches) {
            Ok(options) => options,
            Err(error) => error.exit(),
        }
    }

    /// The service, in real time and with its faults.
    pub(crate) fn service(&self) -> FakeOtps {
        let user = if self.app { FakeUser::with_app() } else { FakeUser::with_phone(&self.phone) };
        let mut service = FakeOtps::builder()
            .real_time()
            .user(user)
            .otp_lifetime(Duration::from_secs(self.otp_lifetime));
        if let Some(token) = &self.token {
            service = service.token(token.clone());
        }
        if let Some(seed) = self.seed {
            service = service.seed(seed);
        }
        if let Some((requests, window)) = self.rate_limit {
            service = service.rate_limit(requests, window);
        }
        let service = service.build();
        self.faults.iter().for_each(|fault| service.arm(*fault));
        service
    }

    /// What puts the service onto the wire.
    pub(crate) fn emulator(&self) -> Result<EmulatorBuilder, String> {
        let mut emulator = Emulator::builder().listen(self.listen);
        if !self.no_admin {
            emulator = emulator.admin(self.admin);
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
    let parsed = text.split_once('/').and_then(|(requests, seconds)| {
        Some((requests.parse().ok()?, Duration::from_secs(seconds.parse().ok()?)))
    });
    parsed.ok_or_else(|| "a rate limit is two numbers, such as 60/60".to_owned())
}

/// What `--help` teaches beyond the options.
fn lessons() -> String {
    let mut told = String::from(
        "The API, as https://api.equinix.com/metal/v1 has it, with the header X-Auth-Token:
  POST /user/otp/sms/receive         send an OTP by SMS              204
  POST /user/otp/verify/OTP          verify it, and get a session    204, X-Auth-Token
  GET  /user/otp/recovery-codes      read the recovery codes         200 JSON
  POST /user/otp/recovery-codes      replace them                    200 JSON

A first round, in a second terminal, with what was printed at the start:
  curl --cacert CA_FILE -X POST -H \"X-Auth-Token: TOKEN\" URL/user/otp/sms/receive
  curl \"ADMIN/sms/next?wait=5\"
  curl --cacert CA_FILE -X POST -H \"X-Auth-Token: TOKEN\" URL/user/otp/verify/OTP

The admin API, for tests in any language (ADMIN is the status page's URL):
  GET    /                           the status page, secrets masked
  GET    /sms                        every SMS
  GET    /sms/next?user=NAME&wait=5  the next SMS; 204 if none comes
  GET    /users                      the users
  POST   /users                      add one: {\"two_factor\": \"sms\", \"app\" or \"off\"}
  GET    /users/NAME/app-code        what the user's app shows
  GET    /faults                     those that are armed, and all that there are
  POST   /faults/FAULT               arm one
  DELETE /faults                     disarm all
  GET    /journal                    what the service did
  POST   /clock/advance?seconds=N    turn the service's clock on

Faults, for --fault and the admin API:
",
    );
    for fault in Fault::ALL {
        let _ = writeln!(told, "  {:<18} {}", fault.to_string(), fault.describe());
    }
    told
}
