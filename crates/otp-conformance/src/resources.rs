//! What this process holds, where the system tells: Linux, by `/proc`.

use std::collections::BTreeSet;
use std::fs;

/// A table of the kernel's sockets.
const TABLES: [&str; 7] = ["tcp", "tcp6", "udp", "udp6", "unix", "netlink", "packet"];

/// How many sockets of this machine are connected to this port and belong to a process, in whatever state.
pub(crate) fn sockets_to(port: u16) -> Option<usize> {
    let mut count = 0;
    for table in ["tcp", "tcp6"] {
        let Ok(table) = fs::read_to_string(format!("/proc/self/net/{table}")) else { continue };
        count += table.lines().skip(1).filter(|line| leads_to(line, port)).count();
    }
    cfg!(target_os = "linux").then_some(count)
}

/// Whether a line of such a table is about a socket to this port that somebody holds.
fn leads_to(line: &str, port: u16) -> bool {
    let fields: Vec<_> = line.split_whitespace().collect();
    let remote = fields.get(2).and_then(|address| address.rsplit(':').next());
    let remote = remote.and_then(|port| u16::from_str_radix(port, 16).ok());
    remote == Some(port) && fields.get(9).is_some_and(|inode| *inode != "0")
}

/// How many sockets of this process are in no table: they were never connected, or not any more.
pub(crate) fn idle_sockets() -> Option<usize> {
    let own: BTreeSet<u64> = fs::read_dir("/proc/self/fd")
        .ok()?
        .filter_map(|entry| {
            let link = fs::read_link(entry.ok()?.path()).ok()?;
            let link = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse();
            link.ok()
        })
        .collect();
    let mut listed = BTreeSet::new();
    for table in TABLES {
        let Ok(text) = fs::read_to_string(format!("/proc/self/net/{table}")) else { continue };
        let at = match table {
            "unix" => 6,
            "packet" => 8,
            _ => 9,
        };
        let inodes = text.lines().skip(1).filter_map(|line| line.split_whitespace().nth(at));
        listed.extend(inodes.filter_map(|inode| inode.parse::<u64>().ok()));
    }
    Some(own.difference(&listed).count())
}

/// How many threads this process has, without those that the kit calls a transport on.
pub(crate) fn threads() -> Option<usize> {
    let all = fs::read_dir("/proc/self/task").ok()?.count();
    Some(all.saturating_sub(crate::blocking::threads()))
}

/// How many bytes of memory this process holds.
pub(crate) fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_seen_until_it_is_closed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        assert_eq!(sockets_to(address.port()), Some(0));
        let client = std::net::TcpStream::connect(address).expect("a connection");
        let (server, _) = listener.accept().expect("a connection");
        assert_eq!(sockets_to(address.port()), Some(1));
        // The other side has gone; the descriptor is still held.
        drop(server);
        assert_eq!(sockets_to(address.port()), Some(1));
        drop(client);
        assert_eq!(sockets_to(address.port()), Some(0));
    }

    #[test]
    fn what_is_held_is_counted() {
        assert!(idle_sockets().is_some() && threads() > Some(0) && memory() > Some(1 << 20));
    }
}
