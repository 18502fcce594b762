//! The emulator as a program.

mod ca_file;
mod environment;
mod escape;
mod healthcheck;
mod help;
mod host_name;
mod options;
mod printer;
mod signals;
mod values;

use std::error::Error;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv6Addr};
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
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "healthcheck") {
        return healthcheck::run(arguments.next(), arguments.next());
    }
    match run(&Options::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be nobody to tell.
            let _ =
                writeln!(io::stderr(), "otp-emulator: {}", escape::text(&hint(&error.to_string())));
            ExitCode::FAILURE
        }
    }
}

/// The error, with what to do if the limit of open files is too low. No kind of error is that, and the number is the
/// same on every Unix.
fn hint(error: &str) -> String {
    match error.contains("(os error 24)") {
        true => format!("{error}: raise the limit of open files, such as by 'ulimit -n 256'"),
        false => error.to_owned(),
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
    let emulator = emulator.start().map_err(|error| options.not_started(error))?;
    let ca_file = match emulator.ca_pem() {
        "" => None,
        pem => match CaFile::write(options.ca_file.as_deref(), pem) {
            Ok(file) => Some(file),
            Err(why) => {
                let note = ca_file::instead(why, options.ca_file.is_some(), emulator.admin_url());
                log.line(note.map_err(|why| match options.ca_file {
                    Some(_) => options.refuse_ca_file(&why),
                    None => why,
                })?);
                None
            }
        },
    };
    introduce(&out, &emulator, ca_file.as_ref().map(CaFile::path), &options.host_names);
    if let Some(warning) = warning(&emulator, options.has_admin_token()) {
        log.line(warning);
    }
    if emulator.max_connections() < options.room() {
        out.line(format!(
            "room for {} connections at a time: the limit of open files (ulimit -n) is low",
            emulator.max_connections()
        ));
    }
    stop.recv()??;
    out.line("stopping");
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
fn introduce(out: &Printer, emulator: &Emulator, ca_file: Option<&Path>, host_names: &[String]) {
    let url = emulator.base_url();
    let token = emulator.token();
    let token = token.expose_secret();
    out.line(format!("listening at {url}"));
    let port = emulator.local_addr().port();
    let scheme = url.to_string();
    let scheme = scheme.split(':').next().unwrap_or_default();
    for name in names_of(host_names, emulator.local_addr().ip(), &url.to_string()) {
        out.line(format!("also at      {scheme}://{name}:{port}/metal/v1"));
    }
    if emulator.local_addr().ip().is_unspecified() {
        out.line(format!(
            "             on every address of this machine, since it listens on {}",
            emulator.local_addr()
        ));
    }
    let trust = ca_file.map(|file| format!("--cacert {} ", file.display())).unwrap_or_default();
    if let Some(file) = ca_file {
        out.line(format!("CA file      {}", file.display()));
    }
    out.line(format!("token        {token}"));
    if let Some(secret) = emulator.fake().app_secret() {
        out.line(format!("app secret   {}", secret.expose_secret()));
    }
    if let (Some(admin), Some(address)) = (emulator.admin_url(), emulator.admin_addr()) {
        out.line(format!("status page  {admin}"));
        for name in names_of(host_names, address.ip(), &admin) {
            out.line(format!("             http://{name}:{}", address.port()));
        }
    }
    for (_, fault) in emulator.fake().armed_numbered() {
        out.line(format!("fault        {fault}: {}", fault.fault().describe()));
    }
    out.line("");
    out.line(format!(
        "try: curl {trust}-X POST -H 'X-Auth-Token: {token}' {url}/user/otp/sms/receive"
    ));
    out.line("");
}

/// The host names, as they stand in a URL, by which a port that listens at this address can be reached besides the
/// host that its URL has already.
fn names_of(host_names: &[String], listens: IpAddr, url: &str) -> Vec<String> {
    let works = |name: &&String| match name.parse::<IpAddr>() {
        Ok(address) => address == listens || listens.is_unspecified(),
        Err(_) => !listens.is_loopback() || *name == "localhost" || name.ends_with(".localhost"),
    };
    let names = host_names.iter().filter(works).map(|name| bracketed(name));
    names.filter(|name| !url.contains(&format!("://{name}:"))).collect()
}

/// A name, or an address as it stands in a URL.
fn bracketed(name: &str) -> String {
    match name.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => name.to_owned(),
    }
}

/// What to say if others than this machine can reach the admin port.
fn warning(emulator: &Emulator, has_token: bool) -> Option<String> {
    let address = emulator.admin_addr().filter(|address| !address.ip().is_loopback())?;
    Some(match has_token {
        false => format!(
            "warning: the admin port {address} is not on loopback and asks for no token: everybody who reaches it \
             can read every OTP and change everything; set a token with --admin-token-file or OTP_EMULATOR_ADMIN_TOKEN"
        ),
        true => format!(
            "warning: the admin port {address} is not on loopback and has no TLS: its token can be read on the \
             network"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Tests have a provider, since they make certificates. `.ci/neighbours` runs the program without one.
    #[test]
    fn only_names_that_can_lead_to_a_port_are_printed() {
        let names = ["emulator", "a.localhost", "192.0.2.1", "127.0.0.1", "::2"].map(str::to_owned);
        for (listens, url, printed) in [
            ("127.0.0.1", "http://127.0.0.1:1", &["a.localhost"][..]),
            ("127.0.0.1", "http://localhost:1", &["a.localhost", "127.0.0.1"]),
            ("0.0.0.0", "http://127.0.0.1:1", &["emulator", "a.localhost", "192.0.2.1", "[::2]"]),
            ("192.0.2.1", "http://192.0.2.1:1", &["emulator", "a.localhost"]),
        ] {
            assert_eq!(names_of(&names, listens.parse().unwrap(), url), printed, "{listens}");
        }
    }

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
