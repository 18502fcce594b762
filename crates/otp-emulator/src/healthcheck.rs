//! `otp-emulator healthcheck`: asks a running emulator whether it is ready, for containers without a shell.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::escape;

const HELP: &str = "\
Usage: otp-emulator healthcheck [ADDRESS]

Asks the admin port of a running emulator whether it is ready. The exit code is 0 if it is ready, and 1 if it is not.
Use it in containers without a shell or curl:

  HEALTHCHECK CMD [\"/otp-emulator\", \"healthcheck\"]

ADDRESS is the address that the admin port listens on, such as 127.0.0.1:9000 [default: OTP_EMULATOR_ADMIN of the
environment]. It needs no token, uses up no fault, and takes at most 3 seconds.";

/// The variable of the option `--admin`.
const VARIABLE: &str = "OTP_EMULATOR_ADMIN";

/// The time limit of the whole check.
const LIMIT: Duration = Duration::from_secs(3);

/// Ends with 0 if the emulator is ready, and with 1 if not, as container engines expect. The reason goes to standard
/// error.
///
/// The address is the one that the admin port listens on, by default the one in the environment.
pub(crate) fn run(address: Option<OsString>, extra: Option<OsString>) -> ExitCode {
    if address.as_ref().is_some_and(|argument| argument == "--help" || argument == "-h") {
        let _ = writeln!(io::stdout(), "{HELP}");
        return ExitCode::SUCCESS;
    }
    if let Some(extra) = extra {
        let extra = escape::text(&extra.to_string_lossy());
        let _ = writeln!(io::stderr(), "otp-emulator: unexpected argument '{extra}'\n\n{HELP}");
        return ExitCode::from(2);
    }
    let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let address = address.or_else(variable);
    match address.ok_or_else(no_address).and_then(|address| ask(&address.to_string_lossy())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "otp-emulator: not healthy: {}", escape::text(&why));
            ExitCode::FAILURE
        }
    }
}

fn no_address() -> String {
    format!(
        "the address of the admin port is not known; run 'otp-emulator healthcheck 127.0.0.1:9000', or set {VARIABLE}"
    )
}

/// Asks the admin port that listens here.
fn ask(listens: &str) -> Result<(), String> {
    let since = Instant::now();
    let addresses = listens.to_socket_addrs().map_err(|error| format!("{listens}: {error}"))?;
    let mut why = format!("{listens} has no address");
    for address in addresses {
        if address.port() == 0 {
            return Err(format!("{listens} has port 0: a health check needs a fixed port"));
        }
        match ready(reachable(address), since) {
            Ok(status) if status.starts_with("HTTP/1.1 200 ") => return Ok(()),
            Ok(status) => why = format!("{address} answered '{}'", status.trim_end()),
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    Err(why)
}

/// The loopback address for a port that listens on all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// The status line of the answer.
fn ready(address: SocketAddr, since: Instant) -> io::Result<String> {
    let left = || match LIMIT.checked_sub(since.elapsed()) {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")),
    };
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    // The admin port accepts this name without any option.
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    let mut part = [0; 256];
    while !head.contains(&b'\n') && head.len() < 4096 {
        stream.set_read_timeout(Some(left()?))?;
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(length) => head.extend_from_slice(part.get(..length).unwrap_or_default()),
            // What Unix returns when the time limit is over.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => drop(left()?),
            Err(error) => return Err(error),
        }
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_on_all_addresses_is_asked_on_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:9000", "127.0.0.1:9000"),
            ("[::]:9000", "[::1]:9000"),
            ("192.0.2.1:1", "192.0.2.1:1"),
        ] {
            let listens: SocketAddr = listens.parse().unwrap();
            assert_eq!(reachable(listens).to_string(), asked);
        }
    }
}
