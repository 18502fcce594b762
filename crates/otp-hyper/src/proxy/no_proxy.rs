//! `NO_PROXY`, as curl reads it.

use std::net::IpAddr;

/// The hosts that are connected to directly.
#[derive(Debug, Default)]
pub(super) enum NoProxy {
    #[default]
    None,
    All,
    These(Vec<String>),
}

impl NoProxy {
    pub(super) fn of(value: &str) -> Self {
        // Only alone it means all hosts; curl gives it no meaning within a list.
        if value == "*" {
            return Self::All;
        }
        let entries = value.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        Self::These(entries.map(str::to_owned).collect())
    }

    /// Whether it names this host, which is as in a URL: IPv6 in brackets.
    pub(super) fn names(&self, host: &str) -> bool {
        let entries = match self {
            Self::None => return false,
            Self::All => return true,
            Self::These(entries) => entries,
        };
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(ip) => entries.iter().any(|entry| has_address(entry, ip)),
            Err(_) => entries.iter().any(|entry| has_name(entry, host)),
        }
    }
}

/// The entry is this name, or a domain that it is in.
fn has_name(entry: &str, host: &str) -> bool {
    // A dot at the end means the same name (RFC 1034 §3.1); one in front means nothing to curl.
    let host = host.strip_suffix('.').unwrap_or(host);
    let entry = entry.strip_suffix('.').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    if entry.is_empty() {
        return false;
    }
    let Some(before) = host.len().checked_sub(entry.len()) else { return false };
    let (front, end) = host.as_bytes().split_at(before);
    end.eq_ignore_ascii_case(entry.as_bytes()) && (front.is_empty() || front.ends_with(b"."))
}

/// The entry is this address, or a block that it is in (RFC 4632).
fn has_address(entry: &str, ip: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, bits.parse().ok()),
        None => (entry, Some(0)),
    };
    let (Ok(network), Some(bits)) = (network.parse::<IpAddr>(), bits) else { return false };
    let difference = match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) if bits <= 32 => {
            u128::from(network.to_bits() ^ ip.to_bits()) << 96
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) if bits <= 128 => network.to_bits() ^ ip.to_bits(),
        _ => return false,
    };
    // To curl, `/0` is the same as no block at all.
    let bits: u32 = if bits == 0 { 128 } else { bits };
    difference >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_blocks_and_separators() {
        for (value, host, named) in [
            ("*", "any.test", true),
            ("*", "[::1]", true),
            ("*, other.test", "any.test", false),
            (" *", "any.test", false),
            ("example.com", "example.com", true),
            ("example.com", "EXAMPLE.com.", true),
            ("example.com.", "www.example.com", true),
            (".example.com", "example.com", true),
            ("..example.com", "example.com", false),
            ("example.com", "nonexample.com", false),
            ("www.example.com", "example.com", false),
            ("*.example.com", "www.example.com", false),
            ("example.com:443", "example.com", false),
            (".", "example.com", false),
            (",, ,\t", "example.com", false),
            ("a.test,b.test  c.test\td.test , e.test", "d.test", true),
            ("a.test,b.test  c.test\td.test , e.test", "e.test", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("10.0.0.0/-1", "10.0.0.0", false),
            ("10.0.0.0/x", "10.0.0.0", false),
            ("10.0.0.0/", "10.0.0.0", false),
            ("10.1.2.3/32", "10.1.2.3", true),
            ("10.1.2.3/31", "10.1.2.2", true),
            ("0.0.0.0/0", "10.1.2.3", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("2.3", "10.1.2.3", false),
            ("10.0.0.0/8", "10.1.2.3.test", false),
            ("::1", "[::1]", true),
            ("0:0:0:0:0:0:0:1", "[::1]", true),
            ("[::1]", "[::1]", false),
            ("fd00::/8", "[fd12::1]", true),
            ("fd00::/9", "[fd80::1]", false),
            ("fd00::/129", "[fd00::]", false),
            ("::/0", "[fd00::]", false),
            ("10.0.0.0/8", "[::1]", false),
            ("é.test", "x.é.test", true),
            ("\u{e9}", "x.\u{c3}\u{a9}", false),
        ] {
            assert_eq!(NoProxy::of(value).names(host), named, "{value:?} {host}");
        }
    }
}
