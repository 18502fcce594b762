//! Serves the page, and an emulator that it talks to.

use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Cors, Emulator};
use otp_example_browser::{Prefill, Site, built_site};

/// A page that runs the OTP client in the browser, against an emulator of the service.
///
/// Build the page first: `examples/browser/build-and-test --build`. Then open the address that is printed.
/// Every SMS is printed as it is "sent". Stop it with Ctrl-C.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The port of the page; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(never) => match never {},
        Err(error) => {
            // There may be nobody to tell.
            let _ = writeln!(io::stderr(), "otp-example-browser: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Infallible, Box<dyn Error>> {
    let site = Site::bind(options.port)
        .map_err(|error| format!("cannot listen on port {}: {error}", options.port))?;
    // In the clear, since a browser would not know the emulator's CA. Both are on this machine.
    let emulator = Emulator::builder().plain().cors(Cors::origin(&site.origin())?).start()?;
    emulator.fake().on_sms(|sms| {
        // The page works on where nobody reads.
        let _ = writeln!(io::stdout(), "SMS to {}: {}", sms.to, sms.otp.expose_secret());
    });
    let prefill = Prefill {
        base_url: emulator.base_url().to_string(),
        token: emulator.token(),
        attempt_timeout_ms: None,
    };
    let server = site.serve(built_site(), &prefill)?;

    writeln!(io::stdout(), "service  {}\npage     {}\n", emulator.base_url(), server.url())
        .map_err(|error| format!("cannot print: {error}"))?;
    loop {
        std::thread::park();
    }
}
