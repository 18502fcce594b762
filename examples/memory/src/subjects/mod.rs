//! Clients that make the same calls and search their own memory after each.
//!
//! A call that fails as it should is as good as one that succeeds: the sixth is refused, the eighth dropped.

mod in_memory;
mod otp_hyper;
mod reqwest;
mod stack;

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Duration;

use otp_core::secrecy::zeroize::Zeroizing;

use crate::masked::Masked;
use crate::scan::{Needle, Scanner};

/// What a client is given: where to call, whom to trust, and the secrets.
#[derive(Debug, Default)]
pub struct Setup {
    url: String,
    ca_pem: String,
    proxy: String,
    http2: bool,
    secrets: HashMap<String, Masked>,
}

impl Setup {
    fn secret(&self, name: &str) -> Zeroizing<String> {
        self.secrets.get(name).map(Masked::plain).unwrap_or_default()
    }
}

/// Notes what is in memory, step by step.
#[derive(Debug)]
pub struct Steps(Scanner);

impl Steps {
    /// Searches, and writes a line for each copy that it finds.
    fn note(&mut self, step: &str) {
        let found = self.0.scan().unwrap_or_else(|error| panic_free_exit(&error));
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "step {step}");
        for copy in found {
            let needle = &self.0.needles()[copy.needle];
            let _ = writeln!(
                out,
                "copy {} {} {} {}",
                needle.kind, needle.form, copy.place, copy.around
            );
        }
    }
}

fn panic_free_exit(error: &std::io::Error) -> ! {
    let _ = writeln!(std::io::stderr(), "the memory cannot be read: {error}");
    std::process::exit(2)
}

/// Reads what to do from standard input, and does it.
///
/// # Errors
///
/// If that cannot be read, or a call does not end as it should.
pub fn main() -> Result<(), Box<dyn Error>> {
    let mut setup = Setup::default();
    let mut needles = Vec::new();
    let mut subject = String::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["subject", name] => subject = (*name).to_owned(),
            ["url", url] => setup.url = (*url).to_owned(),
            ["proxy", url] => setup.proxy = (*url).to_owned(),
            ["http2"] => setup.http2 = true,
            ["pem", hex] => {
                let pem = Masked::from_line(hex).ok_or("a PEM that is none")?;
                setup.ca_pem = pem.plain().to_string();
            }
            ["secret", name, hex] => {
                let secret = Masked::from_line(hex).ok_or("a secret that is none")?;
                setup.secrets.insert((*name).to_owned(), secret);
            }
            ["needle", kind, form, hex] => needles.push(Needle {
                kind: (*kind).to_owned(),
                form: (*form).to_owned(),
                bytes: Masked::from_line(hex).ok_or("a needle that is none")?,
            }),
            ["go"] => break,
            _ => return Err("what is this line?".into()),
        }
    }
    let mut steps = Steps(Scanner::new(needles));
    steps.note("start");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let calls = async {
        match subject.as_str() {
            "otp-hyper" => otp_hyper::run(&setup, &mut steps).await,
            "in-memory" => in_memory::run(&setup, &mut steps).await,
            "recorder" => in_memory::run_recorded(&setup, &mut steps).await,
            "stack" => stack::run(&setup, &mut steps).await,
            "reqwest" => reqwest::run(&setup, &mut steps).await,
            other => Err(format!("there is no subject {other}").into()),
        }
    };
    // A call that hangs must not hang the driver.
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), calls).await })??;
    drop(runtime);
    steps.note("end");
    Ok(())
}

fn should_fail<T>(outcome: Result<T, otp_core::Error>) -> Result<otp_core::Error, Box<dyn Error>> {
    outcome.err().ok_or_else(|| "a call succeeded that should fail".into())
}
