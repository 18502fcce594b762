//! Logs a person in by a second factor, then replaces the recovery codes, without any async. It takes the base URL of
//! the service and the file of the CA to trust.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

#[path = "../../story.rs"]
mod story;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use otp_core::blocking::{OtpsApi, OtpsClient};
use otp_core::{BaseUrl, Effect, Otp};
use otp_example_ureq::UreqTransport;

fn main() -> ExitCode {
    story::exit_code(run())
}

fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let [url, ca_file] = story::arguments("otp-example-ureq <base URL> <CA file>")?;
    let transport = UreqTransport::trusting(&story::ca_pem(&ca_file)?)?;
    let client =
        OtpsClient::builder(transport, story::token()?).base_url(BaseUrl::new(url)?).build()?;
    replace_codes(&client, story::ask)
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
