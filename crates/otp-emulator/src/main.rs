//! The emulator as a program.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling a person what happens is its job"
)]

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use otp_core::AuthToken;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Cors, Emulator, FakeOtps};

/// A stand-in for the Equinix Metal OTP service, for tests on this machine.
///
/// It prints where it listens, the file of its CA, a token to use, and every SMS as it is "sent". Stop it
/// with Ctrl-C.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// Answer without TLS.
    #[arg(long)]
    plain: bool,

    /// Let pages of this origin call it from a browser; given no origin, pages of every one.
    #[arg(long, value_name = "ORIGIN", num_args = 0..=1, require_equals = true)]
    cors: Option<Option<String>>,

    /// Where to write the certificate of the CA [default: a file in the system's temporary folder].
    #[arg(long, conflicts_with = "plain")]
    ca_file: Option<PathBuf>,

    /// The token of the user [default: a random one].
    #[arg(long)]
    token: Option<AuthToken>,

    /// Make the same token, OTPs and recovery codes in every run.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("otp-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<Infallible, Box<dyn Error>> {
    let mut fake = FakeOtps::builder().real_time();
    if let Some(token) = options.token {
        fake = fake.token(token);
    }
    if let Some(seed) = options.seed {
        fake = fake.seed(seed);
    }
    let fake = fake.build();
    fake.on_sms(|sms| println!("SMS to {}: {}", sms.to, sms.otp.expose_secret()));

    let mut emulator = Emulator::builder().fake(fake).listen(options.listen);
    if options.plain {
        emulator = emulator.plain();
    }
    if let Some(origin) = options.cors {
        emulator = emulator.cors(match origin {
            Some(origin) => Cors::origin(&origin).map_err(|error| format!("--cors: {error}"))?,
            None => Cors::any_origin(),
        });
    }
    let emulator = emulator
        .start()
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;

    let url = emulator.base_url();
    let token = emulator.token();
    let token = token.expose_secret();
    println!("listening at {url}");
    let trust = if options.plain {
        String::new()
    } else {
        let file = options.ca_file.unwrap_or_else(|| {
            std::env::temp_dir().join(format!("otp-emulator-{}.pem", emulator.local_addr().port()))
        });
        std::fs::write(&file, emulator.ca_pem())
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        println!("CA file      {}", file.display());
        format!("--cacert {} ", file.display())
    };
    println!("token        {token}");
    println!();
    println!("try: curl {trust}-X POST -H 'X-Auth-Token: {token}' {url}/user/otp/sms/receive");
    println!();
    loop {
        std::thread::park();
    }
}
