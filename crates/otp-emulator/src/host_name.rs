//! Names and addresses by which clients reach the emulator.

use std::net::IpAddr;

/// The longest name of DNS, and the longest part of one (RFC 1035 §2.3.4).
const LONGEST: (usize, usize) = (253, 63);

/// This name or address as a certificate has it: an address of IPv6 without brackets, a name in small letters and without
/// a dot at the end. The error is a sentence.
pub(crate) fn read(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some(address) = bare
        .unwrap_or(text)
        .parse::<IpAddr>()
        .ok()
        .filter(|address| bare.is_none() || address.is_ipv6())
    {
        return Ok(address.to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() <= LONGEST.0 && name.split('.').all(is_label) {
        return Ok(name.to_ascii_lowercase());
    }
    Err(format!(
        "'{text}' is not a host name: it takes a name or an address without a scheme, a port or a path, such as \
         emulator or 192.0.2.1"
    ))
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST.1).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_a_name_or_an_address() {
        for (text, name) in [
            ("emulator", "emulator"),
            ("My_Service.test.", "my_service.test"),
            ("192.0.2.1", "192.0.2.1"),
            ("::2", "::2"),
            ("[2001:DB8::0:2]", "2001:db8::2"),
        ] {
            assert_eq!(read(text), Ok(name.to_owned()));
        }
        let long = ["a"; 64].concat();
        for text in [
            "",
            ".",
            "a..b",
            "a b",
            " a",
            "http://x",
            "x/",
            "x:80",
            "[::1",
            "[a]",
            "[127.0.0.1]",
            "*",
            "*.x",
            "ä",
            &long,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
