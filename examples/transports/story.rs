//! What the programs do: log a person in by a second factor, then replace the recovery codes.
//!
//! They read the token and the code from standard input, a line each: arguments and environment are for others to
//! see.

#![allow(dead_code, reason = "the blocking program has a story of its own")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use otp_core::local::OtpsApi;
use otp_core::{AuthToken, Effect, Otp};

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Logs the person in by a second factor, then replaces the recovery codes.
pub async fn replace_codes(
    otps: &impl OtpsApi,
    ask: impl Fn(&str) -> io::Result<String>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    match otps.receive_codes().await {
        Err(error) if error.effect() == Effect::NotApplied => return Err(error.into()),
        // An SMS is on its way, or it may be: the person looks at the phone.
        _ => {}
    }
    otps.find_ensure_otp(&Otp::new(ask("the code on your phone: ")?)?).await?;
    let old = otps.find_recovery_codes().await?;
    println!("you are in; {} recovery codes are left", old.len());

    let new = match otps.regenerate_codes().await {
        Err(error) if error.effect() != Effect::NotApplied => {
            match otps.find_recovery_codes().await {
                Ok(now) if now.iter().any(|code| !old.codes().contains(code)) => now,
                _ => return Err(error.into()),
            }
        }
        other => other?,
    };
    println!("they are replaced by {} new ones", new.len());
    Ok(())
}

/// The program's two arguments.
pub fn arguments(usage: &str) -> Outcome<[String; 2]> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    arguments.try_into().map_err(|_| format!("usage: {usage}").into())
}

/// The file of the CA to trust.
pub fn ca_pem(file: &str) -> Outcome<String> {
    std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}").into())
}

pub fn token() -> Outcome<AuthToken> {
    Ok(AuthToken::new(ask("token: ")?)?)
}

pub fn ask(prompt: &str) -> io::Result<String> {
    print!("{prompt}");
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

pub fn exit_code(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
