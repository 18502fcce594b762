//! Logs a person in by a second factor, then replaces the recovery codes.
//!
//! It takes the base URL of the service and the file of the CA to trust. The token and the code are read
//! from standard input, a line each: arguments and environment are for others to see.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use otp_core::blocking::{OtpsApi, OtpsClient};
use otp_core::{AuthToken, BaseUrl, Effect, Otp};
use otp_example_ureq::UreqTransport;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, ca_file] = arguments.as_slice() else {
        return Err("usage: otp-example-ureq <base URL> <CA file>".into());
    };
    let ca_pem = std::fs::read_to_string(ca_file).map_err(|error| format!("{ca_file}: {error}"))?;
    let transport = UreqTransport::trusting(&ca_pem)?;
    let client = OtpsClient::builder(transport, AuthToken::new(ask("token: ")?)?)
        .base_url(BaseUrl::new(url)?)
        .build()?;

    replace_codes(&client, ask)
}

/// Logs the person in by a second factor, then replaces the recovery codes.
fn replace_codes(
    otps: &impl OtpsApi,
    ask: impl Fn(&str) -> io::Result<String>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    match otps.receive_codes() {
        Err(error) if error.effect() == Effect::NotApplied => return Err(error.into()),
        // An SMS is on its way, or it may be: the person looks at the phone.
        _ => {}
    }
    otps.find_ensure_otp(&Otp::new(ask("the code on your phone: ")?)?)?;
    let old = otps.find_recovery_codes()?;
    println!("you are in; {} recovery codes are left", old.len());

    let new = match otps.regenerate_codes() {
        Err(error) if error.effect() != Effect::NotApplied => match otps.find_recovery_codes() {
            Ok(now) if now.iter().any(|code| !old.codes().contains(code)) => now,
            _ => return Err(error.into()),
        },
        other => other?,
    };
    println!("they are replaced by {} new ones", new.len());
    Ok(())
}

fn ask(prompt: &str) -> io::Result<String> {
    print!("{prompt}");
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
