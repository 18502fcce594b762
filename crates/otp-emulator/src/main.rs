//! The emulator as a program.

mod ca_file;
mod help;
mod options;
mod printer;
mod signals;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::Emulator;
use otp_test_certificates::Provider;

use self::ca_file::CaFile;
use self::options::{LogFormat, Options};
use self::printer::Printer;

/// How long the last lines may take to be printed.
const FLUSH: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    match run(&Options::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be nobody to tell.
            let _ = writeln!(io::stderr(), "otp-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if !options.plain {
        can_do_tls(Provider::of_this_program())?;
    }
    let stop = signals::watch(ca_file::remove_for_good)?;
    let (out, log) = (Printer::start(io::stdout())?, Printer::start(io::stderr())?);
    let fake = options.service()?;
    let phone = out.clone();
    fake.on_sms(move |sms| phone.line(format!("SMS to {}: {}", sms.to, sms.otp.expose_secret())));
    let mut emulator = options.emulator()?.fake(fake);
    if options.log != LogFormat::Off {
        let (log, is_json) = (log.clone(), options.log == LogFormat::Json);
        emulator = emulator.on_request(move |request| {
            log.line(if is_json { request.to_json() } else { request.to_string() });
        });
    }
    let emulator = emulator.start()?;
    let ca_file = match emulator.ca_pem() {
        "" => None,
        pem => Some(CaFile::write(options.ca_file.as_deref(), pem)?),
    };
    introduce(&out, &emulator, ca_file.as_ref().map(CaFile::path));
    if emulator.max_connections() < options.room() {
        out.line(format!(
            "room for {} connections at a time, since the limit of open files (ulimit -n) is low",
            emulator.max_connections()
        ));
    }
    stop.recv()??;
    out.line("stopping".to_owned());
    drop(emulator);
    drop(ca_file);
    out.flush(FLUSH);
    log.flush(FLUSH);
    Ok(())
}

/// The library's sentence names features of crates. A user of the program needs a command.
fn can_do_tls<P, E>(provider: Result<P, E>) -> Result<(), &'static str> {
    provider.map(drop).map_err(|_| {
        "TLS needs a crypto provider, and this program was built without one; build it with one \
         ('cargo run -p otp-emulator --features ring', or 'cargo install otp-emulator --features ring'), \
         or answer without TLS ('--plain')"
    })
}

/// Says all that a client needs.
fn introduce(out: &Printer, emulator: &Emulator, ca_file: Option<&Path>) {
    let url = emulator.base_url();
    let token = emulator.token();
    let token = token.expose_secret();
    out.line(format!("listening at {url}"));
    let trust = ca_file.map(|file| format!("--cacert {} ", file.display())).unwrap_or_default();
    if let Some(file) = ca_file {
        out.line(format!("CA file      {}", file.display()));
    }
    out.line(format!("token        {token}"));
    if let Some(secret) = emulator.fake().app_secret() {
        out.line(format!("app secret   {}", secret.expose_secret()));
    }
    if let Some(admin) = emulator.admin_url() {
        out.line(format!("status page  {admin}"));
    }
    for fault in emulator.fake().armed() {
        out.line(format!("fault        {fault}: {}", fault.describe()));
    }
    out.line(format!(
        "\ntry: curl {trust}-X POST -H 'X-Auth-Token: {token}' {url}/user/otp/sms/receive\n"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    // Tests have a provider, since they make certificates. `.ci/neighbours` runs the program without one.
    #[test]
    fn without_a_provider_it_names_the_command_that_has_one_and_the_way_without_tls() {
        let refused = can_do_tls(Err::<(), ()>(()));
        let said = refused.err().unwrap_or_default();
        assert!(said.contains("'cargo run -p otp-emulator --features ring'"), "{said}");
        assert!(said.contains("'cargo install otp-emulator --features ring'"), "{said}");
        assert!(said.contains("'--plain'"), "{said}");
        assert_eq!(can_do_tls(Ok::<(), ()>(())), Ok(()));
    }
}
