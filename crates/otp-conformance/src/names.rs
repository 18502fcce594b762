//! A name server of the kit's own, in a child process with namespaces of its own: a name resolution that takes as long
//! as a case wants.
//!
//! A system's resolver asks the servers that a file names, at port 53. So the child has its own file and its own
//! loopback interface. That takes Linux, the programs `unshare`, `mount` and `ip`, and a kernel that lets users make
//! namespaces.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// Found after [`SOON`].
pub(crate) const SOON_FOUND: &str = "soon.otp-conformance.test";

/// Found after [`LATE`].
pub(crate) const LATE_FOUND: &str = "late.otp-conformance.test";

pub(crate) const SOON: Duration = Duration::from_millis(200);
pub(crate) const LATE: Duration = Duration::from_millis(700);

/// Gives the program `$0` its own loopback interface and its own name server. Where the C library has no
/// `nsswitch.conf`, it needs none.
const SCRIPT: &str = "ip link set lo up && mount --bind \"$NAMES/resolv.conf\" /etc/resolv.conf && \
                      { [ ! -e /etc/nsswitch.conf ] || \
                      mount --bind \"$NAMES/nsswitch.conf\" /etc/nsswitch.conf; } && exec \"$0\" \"$@\"";

const RESOLV: &str = "nameserver 127.0.0.1\noptions timeout:5 attempts:1\n";

const NSSWITCH: &str = "hosts: dns\n";

/// A command that runs this program where the kit is the name server. The folder is for the files that say so.
pub(crate) fn command(program: &Path, folder: &Path) -> io::Result<Command> {
    std::fs::write(folder.join("resolv.conf"), RESOLV)?;
    std::fs::write(folder.join("nsswitch.conf"), NSSWITCH)?;
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "--net", "sh", "-c", SCRIPT])
        .arg(program)
        .env("NAMES", folder);
    Ok(command)
}

/// Whether this machine allows that.
pub(crate) fn are_possible() -> bool {
    static POSSIBLE: LazyLock<bool> = LazyLock::new(|| {
        let Ok(folder) = crate::child::Folder::new() else { return false };
        let Ok(mut command) = command(Path::new("true"), folder.path()) else { return false };
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    cfg!(target_os = "linux") && *POSSIBLE
}

/// Serves names on a thread of its own, until the process ends.
pub(crate) fn serve() -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53))?;
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut query) {
            let Some((answer, delay)) = answer(&query[..length]) else { continue };
            let Ok(socket) = socket.try_clone() else { return };
            std::thread::spawn(move || {
                std::thread::sleep(delay);
                // A client that no longer waits has closed its socket.
                let _ = socket.send_to(&answer, client);
            });
        }
    });
    Ok(())
}

/// The answer to a query of one question (RFC 1035 §4), and how long it takes. Both names are `127.0.0.1`; they have no
/// other records, and there are no other names.
fn answer(query: &[u8]) -> Option<(Vec<u8>, Duration)> {
    const HEADER: usize = 12;
    const NAME_ERROR: u8 = 3;
    let mut at = HEADER;
    let mut name = String::new();
    while let Some((&length, rest)) =
        query.get(at..)?.split_first().filter(|(length, _)| **length > 0)
    {
        let label = rest.get(..usize::from(length))?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
        at += 1 + label.len();
    }
    let end = at + 5;
    let question = query.get(HEADER..end)?;
    let is_address = question.ends_with(&[0, 1, 0, 1]);
    let (delay, code) = match name.as_str() {
        SOON_FOUND => (SOON, 0),
        LATE_FOUND => (LATE, 0),
        _ => (Duration::ZERO, NAME_ERROR),
    };
    let has_answer = is_address && code == 0;
    let mut answer = query.get(..2)?.to_vec();
    // A response, authoritative, with recursion if that was wanted; one question, and an answer or none.
    answer.extend([
        0x84 | (query.get(2)? & 1),
        0x80 | code,
        0,
        1,
        0,
        u8::from(has_answer),
        0,
        0,
        0,
        0,
    ]);
    answer.extend(question);
    if has_answer {
        // The name of the question, an address on the internet, not to be kept, of four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    Some((answer, delay))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u8) -> Vec<u8> {
        let mut query = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.push(u8::try_from(label.len()).expect("a short label"));
            query.extend(label.as_bytes());
        }
        query.extend([0, 0, kind, 0, 1]);
        query
    }

    #[test]
    fn the_names_have_an_address_and_no_other_name_exists() {
        let (found, delay) = answer(&query("Late.otp-conformance.TEST", 1)).expect("an answer");
        assert_eq!((&found[..2], found[3] & 15, found[7], delay), (&[7, 9][..], 0, 1, LATE));
        assert!(found.ends_with(&[0, 4, 127, 0, 0, 1]));
        let (no_ipv6, _) = answer(&query(SOON_FOUND, 28)).expect("an answer");
        assert_eq!((no_ipv6[3] & 15, no_ipv6[7]), (0, 0));
        let (nobody, _) = answer(&query("nobody.test", 1)).expect("an answer");
        assert_eq!((nobody[3] & 15, nobody[7]), (3, 0));
    }

    #[test]
    fn what_is_no_query_has_no_answer() {
        let whole = query(SOON_FOUND, 1);
        for length in 0..whole.len() {
            assert!(answer(&whole[..length]).is_none(), "{length}");
        }
    }
}
