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
use otp_core::{AuthToken, BaseUrl, Otp};
use otp_example_by_hand::{ByHand, block_on};

fn main() -> ExitCode {
    match block_on(log_in()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn log_in() -> Result<(), Box<dyn Error + Send + Sync>> {
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

    client.receive_codes().await?;
    client.find_ensure_otp(&Otp::new(ask("an SMS is on its way; the code: ")?)?).await?;
    println!("you are in; {} recovery codes are left", client.find_recovery_codes().await?.len());
    println!("they are replaced by {} new ones", client.regenerate_codes().await?.len());
    Ok(())
}

fn ask(prompt: &str) -> io::Result<String> {
    print!("{prompt}");
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
