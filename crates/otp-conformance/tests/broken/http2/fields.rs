//! Field blocks: what a request says, and what an answer may say.

use http::response::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use otp_conformance::hostile::frames::field;
use otp_conformance::hostile::hpack::Field;
use otp_core::bytes::Bytes;

use super::connection::State;
use super::is;

/// The block of a request. Nothing is put into the server's table.
pub fn request(flaw: &'static str, state: &mut State, http: &Request<Bytes>) -> Vec<u8> {
    let uri = http.uri();
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let scheme = uri.scheme_str().unwrap_or_default();
    let mut block = field(":method", http.method().as_str());
    if !is(flaw, "there is no :scheme") {
        let scheme = if is(flaw, "the scheme is always http") { "http" } else { scheme };
        block.extend(field(":scheme", scheme));
    }
    block.extend(field(":authority", &authority));
    let late_path = is(flaw, "the :path comes last");
    if !late_path {
        block.extend(field(":path", path));
    }
    if is(flaw, "a host is added that is not the :authority") {
        block.extend(field("host", "localhost"));
    }
    for (name, value) in http.headers() {
        let name = match is(flaw, "names begin in upper case") {
            true => name.as_str()[..1].to_uppercase() + &name.as_str()[1..],
            false => name.as_str().to_owned(),
        };
        if is(flaw, "the table of fields keeps its size") && name == "x-auth-token" {
            block.extend(indexed(state, &name, value.as_bytes()));
        } else {
            block.extend(field(&name, value));
        }
    }
    let size = http.body().len();
    if size > 0 {
        let told =
            if is(flaw, "the length is the first frame's") { size.min(0x4000) } else { size };
        block.extend(field("content-length", told.to_string()));
        if is(flaw, "a body is announced as chunked") {
            block.extend(field("transfer-encoding", "chunked"));
        }
    }
    if is(flaw, "the connection is to be kept") {
        block.extend(field("connection", "keep-alive"));
    }
    if is(flaw, "trailers and more are accepted") {
        block.extend(field("te", "trailers, deflate"));
    }
    if late_path {
        block.extend(field(":path", path));
    }
    block
}

/// A field that is put into the server's table by the first request and is an index in all others.
fn indexed(state: &mut State, name: &str, value: &[u8]) -> Vec<u8> {
    if state.indexed {
        return vec![0xbe];
    }
    state.indexed = true;
    let mut literal = field(name, value);
    literal[0] = 0x40;
    literal
}

/// The head of an answer; the fields must be what RFC 9113 §8.2 and §8.3 allow.
pub fn response(flaw: &'static str, fields: Vec<Field>) -> Result<Parts, ()> {
    let mut status = None;
    let mut response = Response::new(());
    for (name, value) in fields {
        if name.first() == Some(&b':') {
            if name != b":status" {
                match is(flaw, "unknown pseudo-fields are ignored") {
                    true => continue,
                    false => return Err(()),
                }
            }
            if !response.headers().is_empty() && !is(flaw, "a status may come late") {
                return Err(());
            }
            if status.is_some() && !is(flaw, "the last status counts") {
                return Err(());
            }
            let value = match is(flaw, "a status is its first three digits") {
                true => value.get(..3).unwrap_or_default().to_vec(),
                false => value,
            };
            status = match StatusCode::from_bytes(&value) {
                Ok(status) => Some(status),
                Err(_) if is(flaw, "a status that is no number is a 200") => Some(StatusCode::OK),
                Err(_) => return Err(()),
            };
            continue;
        }
        let (name, value) = usual(flaw, &name, &value)?;
        response.headers_mut().append(name, value);
    }
    *response.status_mut() = match status {
        Some(status) => status,
        None if is(flaw, "no status is a 200") => StatusCode::OK,
        None => return Err(()),
    };
    Ok(response.into_parts().0)
}

/// Trailers, which nobody reads.
pub fn trailers(flaw: &'static str, fields: Vec<Field>) -> Result<(), ()> {
    if is(flaw, "trailers are not looked at") {
        return Ok(());
    }
    for (name, value) in fields {
        usual(flaw, &name, &value)?;
    }
    Ok(())
}

fn usual(flaw: &'static str, name: &[u8], value: &[u8]) -> Result<(HeaderName, HeaderValue), ()> {
    if name.iter().any(u8::is_ascii_uppercase) && !is(flaw, "names are made lower case") {
        return Err(());
    }
    let name = match HeaderName::from_bytes(name) {
        Ok(name) => name,
        Err(_) if is(flaw, "a name that is none is skipped") => HeaderName::from_static("x-none"),
        Err(_) => return Err(()),
    };
    let forbidden = match name.as_str() {
        "connection" => !is(flaw, "the field connection is taken"),
        "transfer-encoding" => !is(flaw, "the field transfer-encoding is taken"),
        "keep-alive" | "proxy-connection" => !is(flaw, "the field keep-alive is taken"),
        "upgrade" => !is(flaw, "the field upgrade is taken"),
        _ => false,
    };
    if forbidden {
        return Err(());
    }
    let value = match HeaderValue::from_bytes(value) {
        Ok(value) => value,
        Err(_) if is(flaw, "a value that is none is empty") => HeaderValue::from_static(""),
        Err(_) => return Err(()),
    };
    Ok((name, value))
}
