//! What a request is by RFC 9113 §8.2 and §8.3.

use super::Received;
use crate::hostile::hpack::Field;

/// Fields that HTTP/2 does not have (RFC 9113 §8.2.2).
const CONNECTION_SPECIFIC: [&str; 5] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// The request of these fields without its body, and what is wrong about it.
pub(super) fn of(fields: Vec<Field>) -> (Received, Vec<String>) {
    let mut wrong = Vec::new();
    let mut pseudo: Vec<(String, String)> = Vec::new();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in fields {
        let text = String::from_utf8_lossy(&value).into_owned();
        let name = String::from_utf8_lossy(&name).into_owned();
        if name.starts_with(':') {
            if !headers.is_empty() {
                wrong.push(format!("{name} after other fields"));
            }
            if pseudo.iter().any(|(own, _)| *own == name) {
                wrong.push(format!("{name} twice"));
            }
            pseudo.push((name, text));
            continue;
        }
        wrong.extend(field(&name, &text));
        headers.push((name, value));
    }
    let known = [":method", ":scheme", ":path", ":authority"];
    let unknown = pseudo.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    wrong.extend(unknown.map(|(name, _)| format!("the field {name}")));
    let mut part = |name: &str| {
        let found = pseudo.iter().find(|(own, _)| own == name);
        if found.is_none() {
            wrong.push(format!("no {name}"));
        }
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (method, scheme, path) = (part(":method"), part(":scheme"), part(":path"));
    if !path.is_empty() && !path.starts_with('/') {
        wrong.push("a :path that does not begin with a slash".to_owned());
    }
    let authority = pseudo.iter().find(|(name, _)| name == ":authority");
    let authority = authority.map(|(_, value)| value.clone());
    let host = headers.iter().find(|(name, _)| name == "host");
    let host = host.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    match (&authority, &host) {
        (None, None) => wrong.push("neither :authority nor host".to_owned()),
        (Some(authority), Some(host)) if authority != host => {
            wrong.push("a host that is not the :authority".to_owned());
        }
        _ => {}
    }
    let head = format!("{scheme} {}", authority.or(host).unwrap_or_default());
    (Received { method, path, headers, body: Vec::new(), head }, wrong)
}

fn field(name: &str, value: &str) -> Option<String> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(format!("the name {name} in upper case"));
    }
    if name.is_empty() || name.bytes().any(|byte| byte <= b' ' || byte >= 0x7f || byte == b':') {
        return Some(format!("the name {name:?}"));
    }
    if CONNECTION_SPECIFIC.contains(&name) || (name == "te" && value != "trailers") {
        return Some(format!("the connection-specific field {name}"));
    }
    let bad = value.contains(['\0', '\r', '\n']) || value.trim_matches([' ', '\t']) != value;
    bad.then(|| format!("the value of {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(fields: &[(&str, &str)]) -> Vec<String> {
        let bytes = |text: &str| text.as_bytes().to_vec();
        of(fields.iter().map(|(name, value)| (bytes(name), bytes(value))).collect()).1
    }

    const GOOD: [(&str, &str); 4] =
        [(":method", "GET"), (":scheme", "https"), (":path", "/a?b"), (":authority", "a.test")];

    #[test]
    fn a_request_in_order_has_nothing_wrong() {
        assert!(wrong(&GOOD).is_empty());
        assert!(wrong(&[&GOOD[..], &[("te", "trailers"), ("x-empty", "")]].concat()).is_empty());
        assert!(wrong(&[&GOOD[..3], &[("host", "a.test")]].concat()).is_empty());
    }

    #[test]
    fn what_rfc_9113_forbids_is_named() {
        for (more, what) in [
            (("connection", "keep-alive"), "the connection-specific field connection"),
            (("te", "gzip"), "the connection-specific field te"),
            (("X-Token", "a"), "the name X-Token in upper case"),
            (("x token", "a"), "the name \"x token\""),
            (("x-token", "a\r\nb"), "the value of x-token"),
            (("host", "b.test"), "a host that is not the :authority"),
            ((":path", "/c"), ":path twice"),
            ((":status", "200"), "the field :status"),
        ] {
            assert_eq!(wrong(&[&GOOD[..], &[more]].concat()), [what]);
        }
        for (at, what) in [(0, "no :method"), (1, "no :scheme"), (2, "no :path")] {
            let mut fields = GOOD.to_vec();
            fields.remove(at);
            assert_eq!(wrong(&fields), [what]);
        }
        assert_eq!(wrong(&GOOD[..3]), ["neither :authority nor host"]);
        let mut late = GOOD.to_vec();
        late.insert(3, ("accept", "a"));
        assert_eq!(wrong(&late), [":authority after other fields"]);
    }
}
