//! Logs a person in by a second factor, then replaces the recovery codes: on one thread, without a runtime.
//!
//! It takes the base URL of the service, such as `http://localhost/metal/v1`, and where to connect to: an
//! address such as `127.0.0.1:8080`, or the path of a Unix socket. The token and the code are read from
//! standard input, a line each: arguments and environment are for others to see.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use otp_core::local::{OtpsApi, OtpsClient};
use otp_core::{AuthToken, BaseUrl, Effect, Otp};
use otp_example_by_hand::{ByHand, block_on};

fn main() -> ExitCode {
    match block_on(run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, place] = arguments.as_slice() else {
        return Err("usage: otp-example-by-hand <base URL> <address or Unix socket>".into());
    };
    let transport = match place.parse::<SocketAddr>() {
        Ok(address) => ByHand::to_address(address),
        #[cfg(unix)]
        Err(_) => ByHand::to_unix_socket(place),
        #[cfg(not(unix))]
        Err(error) => return Err(error.into()),
    };
    let client = OtpsClient::builder(transport, AuthToken::new(ask("token: ")?)?)
        .base_url(BaseUrl::new(url)?)
        .build()?;

    replace_codes(&client, ask).await
}

/// Logs the person in by a second factor, then replaces the recovery codes.
async fn replace_codes(
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

fn ask(prompt: &str) -> io::Result<String> {
    print!("{prompt}");
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
