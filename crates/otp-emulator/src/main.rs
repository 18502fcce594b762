//! The emulator as a program.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "telling a person what happens is its job"
)]

mod options;

use std::error::Error;
use std::process::ExitCode;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::Emulator;

use self::options::Options;

fn main() -> ExitCode {
    match run(Options::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("otp-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let signals = Signals::new()?;
    let fake = options.service();
    fake.on_sms(|sms| println!("SMS to {}: {}", sms.to, sms.otp.expose_secret()));
    let emulator = options.emulator()?.fake(fake).start()?;
    introduce(&emulator, &options)?;
    signals.wait()?;
    println!("stopping");
    drop(emulator);
    Ok(())
}

/// Says all that a client needs.
fn introduce(emulator: &Emulator, options: &Options) -> Result<(), Box<dyn Error>> {
    let url = emulator.base_url();
    let token = emulator.token();
    let token = token.expose_secret();
    println!("listening at {url}");
    let trust = if emulator.ca_pem().is_empty() {
        String::new()
    } else {
        let file = options.ca_file(emulator.local_addr().port());
        std::fs::write(&file, emulator.ca_pem())
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        println!("CA file      {}", file.display());
        format!("--cacert {} ", file.display())
    };
    println!("token        {token}");
    if let Some(secret) = emulator.fake().app_secret() {
        println!("app secret   {}", secret.expose_secret());
    }
    if let Some(admin) = emulator.admin_url() {
        println!("status page  {admin}");
    }
    for fault in emulator.fake().armed() {
        println!("fault        {fault}: {}", fault.describe());
    }
    println!();
    println!("try: curl {trust}-X POST -H 'X-Auth-Token: {token}' {url}/user/otp/sms/receive");
    println!();
    Ok(())
}

/// The system's ways to say that it is time to stop.
struct Signals {
    runtime: tokio::runtime::Runtime,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Before anything else, so that none is missed.
    fn new() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let (terminate, interrupt) = runtime.block_on(async {
                (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
            });
            Ok(Self { terminate: terminate?, interrupt: interrupt?, runtime })
        }
        #[cfg(not(unix))]
        Ok(Self { runtime })
    }

    #[cfg(unix)]
    fn wait(mut self) -> std::io::Result<()> {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        });
        Ok(())
    }

    #[cfg(not(unix))]
    fn wait(self) -> std::io::Result<()> {
        self.runtime.block_on(tokio::signal::ctrl_c())
    }
}
