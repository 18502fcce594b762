//! Requests of every legal byte, and nothing that the transport thinks of by itself.

use std::net::Ipv6Addr;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use otp_core::Progress::NotSent;
use otp_core::bytes::Bytes;

use super::each::{SOON, each, has_body};
use crate::harness::{Harness, Observed, Subject};
use crate::hostile::{Fault, Protocol, Received, Reply, Server, Setup};
use crate::mismatch::{Check, Mismatch, expect, expect_eq};

/// A server that answers every request with a `200`.
fn answering(harness: &Harness<'_>) -> Subject {
    harness.subject(Fault::Answer(Reply::json(200, "{}")))
}

/// Sends a request, and gives what came of it and what arrived.
async fn exchange(
    subject: &Subject,
    request: otp_core::Request,
) -> (Observed, Result<Received, Mismatch>) {
    let before = subject.server.requests();
    let seen = subject.send(request.with_time_limit(SOON)).await;
    let received = subject.server.received().into_iter().nth(before);
    let missing = || Mismatch::new("a request at the server", seen.describe());
    let received = received.ok_or_else(missing);
    (seen, received)
}

/// What arrived of a request that was answered.
async fn arrived(subject: &Subject, request: otp_core::Request) -> Result<Received, Mismatch> {
    let (seen, received) = exchange(subject, request).await;
    seen.answer()?;
    received
}

/// Each of these arrives as the path and query of a `GET`, one after another.
async fn targets_arrive<'t>(
    harness: &Harness<'_>,
    targets: impl IntoIterator<Item = &'t str>,
) -> Check {
    let subject = answering(harness);
    for target in targets {
        let received = arrived(&subject, subject.request(Method::GET, target)).await;
        let got = received.map_err(|wrong| wrong.when(target))?.path;
        expect_eq("path and query", &got, &format!("/metal/v1{target}"))?;
    }
    Ok(())
}

/// The same, or they are refused before anything is sent.
async fn targets_arrive_or_are_refused<'t>(
    harness: &Harness<'_>,
    targets: impl IntoIterator<Item = &'t str>,
) -> Check {
    let subject = answering(harness);
    for target in targets {
        let (seen, received) = exchange(&subject, subject.request(Method::GET, target)).await;
        let at = |wrong: Mismatch| wrong.when(target);
        if seen.error().is_ok() {
            seen.progress(NotSent).map_err(at)?;
            continue;
        }
        seen.answer().map_err(at)?;
        let got = received.map_err(at)?.path;
        expect_eq("path and query", &got, &format!("/metal/v1{target}"))?;
    }
    Ok(())
}

/// Dots that a browser would take for directions (RFC 3986 §5.2.4 is for references, not for requests).
///
/// A stack whose URLs are a browser's cannot send them. It may refuse, and then nothing is sent.
pub(crate) async fn dots_arrive(harness: &Harness<'_>) -> Check {
    const TARGETS: [&str; 14] = [
        "/a/./b",
        "/a/../b",
        "/a/..",
        "/a/.",
        "/./",
        "/../..",
        "/a/%2e/b",
        "/a/%2e%2e/b",
        "/a/%2E%2E/b",
        "/a/.%2e/b",
        "/a/..%2fb",
        "/a/..%2F..%2Fb",
        "/...",
        "/a/..;/b",
    ];
    targets_arrive_or_are_refused(harness, TARGETS).await
}

pub(crate) async fn paths_of_every_form_arrive(harness: &Harness<'_>) -> Check {
    const TARGETS: [&str; 22] = [
        "/",
        "//",
        "/a/",
        "/a//",
        "//a///b",
        "/%2F%2f/%5C%5c",
        "/%41%61%7e%7E%2d",
        "/%00%0a%0D%09%7f",
        "/%20/+/%2B",
        "/%22%3C%3E%5E%60%7B%7C%7D",
        "/%C3%AB/%e2%82%ac/%FF",
        "/%25/%2525/%252e",
        "/!$&()*+,=:@",
        "/a;b=c;d/e;f",
        "/a:b@c",
        "/:80",
        "/~user/_-.~",
        "/http://other.test/",
        "/%3Fno=query",
        "/%23no-fragment",
        "/ABC/abc/AbC",
        "/1/22/333",
    ];
    targets_arrive(harness, TARGETS).await
}

pub(crate) async fn queries_of_every_form_arrive(harness: &Harness<'_>) -> Check {
    const TARGETS: [&str; 20] = [
        "/a?",
        "/a/?",
        "/?a",
        "/a?b",
        "/a?b=",
        "/a?=b",
        "/a?=",
        "/a?&",
        "/a?&&b=1&&",
        "/a??",
        "/a?b?c=?",
        "/a?b=c=d",
        "/a?b=1&b=1&a=2&B=3",
        "/a?b=/c/../d/./%2e",
        "/a?b=%20+%2B",
        "/a?b=%26%3d%3D%23",
        "/a?b[]=1&c[d]=2",
        "/a?b=!$()*,;:@/",
        "/a?u=https://other.test/%3Fx%3D1",
        "/a?b=%c3%AB&%e2%82%AC",
    ];
    targets_arrive(harness, TARGETS).await
}

/// Legal in paths and queries (RFC 3986 §3.3), and often thought to be not.
pub(crate) async fn quotes_arrive(harness: &Harness<'_>) -> Check {
    targets_arrive_or_are_refused(harness, ["/o'reilly", "/''", "/a?b='c'", "/a?'", "/a?b=%27%22"])
        .await
}

/// Not legal, but a URI of the `http` crate may hold them: they arrive as they are or encoded, or nothing
/// is sent.
pub(crate) async fn marks_arrive_or_are_encoded(harness: &Harness<'_>) -> Check {
    const TARGETS: [&str; 9] =
        ["/a|b", "/a^b", "/a`b", "/{a}", "/a[0]", "/\"a\"", "/a?b=|^`", "/a?b={c}", "/a?b=\"c\""];
    let subject = answering(harness);
    for target in TARGETS {
        // What the type cannot hold, no client can send.
        if target.parse::<http::uri::PathAndQuery>().is_err() {
            continue;
        }
        let (seen, received) = exchange(&subject, subject.request(Method::GET, target)).await;
        if seen.error().is_ok() {
            seen.progress(NotSent).map_err(|wrong| wrong.when(target))?;
            continue;
        }
        let got = received.map_err(|wrong| wrong.when(target))?.path;
        let plain = "|^`{}[]\"".chars().fold(got.clone(), |path, mark| {
            let upper = format!("%{:02X}", u32::from(mark));
            path.replace(&upper, &mark.to_string())
                .replace(&upper.to_lowercase(), &mark.to_string())
        });
        let expected = format!("{target}: as it is, or encoded once");
        expect(plain == format!("/metal/v1{target}"), expected, || got)?;
    }
    Ok(())
}

pub(crate) async fn long_targets_arrive(harness: &Harness<'_>) -> Check {
    let subject = answering(harness);
    let path = format!("/{}", "path-".repeat(1200));
    let segments = "/a".repeat(1500);
    let query = format!("/a?{}", "name=value&".repeat(550));
    for (what, target) in
        [("a path of 6 KB", path), ("1500 segments", segments), ("a query of 6 KB", query)]
    {
        let received = arrived(&subject, subject.request(Method::GET, &target)).await;
        let got = received.map_err(|wrong| wrong.when(what))?.path;
        expect(got == format!("/metal/v1{target}"), format!("{what}, whole"), || {
            format!("{} bytes of {}", got.len(), target.len() + "/metal/v1".len())
        })?;
    }
    Ok(())
}

/// A `GET` with these headers arrives with them, each once and byte for byte.
async fn headers_arrive(subject: &Subject, what: &str, sent: &[(String, Vec<u8>)]) -> Check {
    let request = subject.changed(subject.get(), |http| {
        for (name, value) in sent {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name of ours");
            let value = HeaderValue::from_bytes(value).expect("a value of ours");
            http.headers_mut().append(name, value);
        }
    });
    let received = arrived(subject, request).await.map_err(|wrong| wrong.when(what))?;
    for (name, value) in sent {
        let got = received.values(name);
        let text = |bytes: &[u8]| {
            let text = bytes.escape_ascii().to_string();
            if text.len() > 100 { format!("{} bytes", bytes.len()) } else { text }
        };
        expect(got == [value.as_slice()], format!("{what}: {name}: {}", text(value)), || {
            let got: Vec<_> = got.into_iter().map(text).collect();
            if got.is_empty() { "it is missing".to_owned() } else { got.join(", and again: ") }
        })?;
    }
    Ok(())
}

pub(crate) async fn header_bytes_arrive(harness: &Harness<'_>) -> Check {
    let subject = answering(harness);
    let every: Vec<u8> = (0x21..=0x7e).collect();
    let cases: [(&str, Vec<u8>); 7] = [
        ("every visible character", every),
        ("tabs and spaces within", b"a\tb \t c  d".to_vec()),
        ("only punctuation", b"\",;:=\\/()<>@[]?{}".to_vec()),
        ("an unclosed quote", b"\"a, b; c".to_vec()),
        ("a single character", b"0".to_vec()),
        ("percent and plus", b"%20+%2B%".to_vec()),
        ("commas", b",,a,,b,".to_vec()),
    ];
    for (what, value) in cases {
        headers_arrive(&subject, what, &[("x-value".to_owned(), value)]).await?;
    }
    // Names are compared without case, so that is not looked at.
    let names = ["x!#$%&'*+.^_`|~9", "x_under_score", "x", "x-1", "priority"];
    let named: Vec<_> = names.map(|name| (name.to_owned(), b"value".to_vec())).to_vec();
    headers_arrive(&subject, "names of every form", &named).await
}

pub(crate) async fn header_bytes_beyond_ascii_arrive(harness: &Harness<'_>) -> Check {
    let subject = answering(harness);
    let high: Vec<u8> = (0x80..=0xff).collect();
    for (what, value) in [
        ("Latin-1", b"Zo\xeb".to_vec()),
        ("UTF-8", "Zo\u{eb} \u{20ac} \u{1f511}".as_bytes().to_vec()),
        ("every byte from 0x80 on", high),
    ] {
        headers_arrive(&subject, what, &[("x-value".to_owned(), value)]).await?;
    }
    Ok(())
}

pub(crate) async fn large_request_heads_arrive(harness: &Harness<'_>) -> Check {
    let subject = answering(harness);
    let fields = |count: usize, size: usize| -> Vec<_> {
        (0..count).map(|i| (format!("x-field-{i}"), vec![b'v'; size])).collect()
    };
    for (what, count, size) in [
        ("a value of 4,000 bytes", 1, 4000),
        ("a value of 8,000 bytes", 1, 8000),
        ("60 headers", 60, 10),
        ("20 headers of 500 bytes", 20, 500),
    ] {
        headers_arrive(&subject, what, &fields(count, size)).await?;
    }
    Ok(())
}

pub(crate) async fn any_method_arrives(harness: &Harness<'_>) -> Check {
    let subject = answering(harness);
    // A web page cannot send some of them without being asked first, and `OPTIONS` is how it asks.
    let methods: &[&str] = match harness.wire.cors {
        true => &["GET", "POST", "PUT", "PATCH", "DELETE"],
        false => {
            &["OPTIONS", "PROPFIND", "PURGE", "QUERY", "M-SEARCH", "Mixed", "lower", "A", "GETS"]
        }
    };
    for name in methods {
        let method = Method::from_bytes(name.as_bytes()).expect("a method of ours");
        let received = arrived(&subject, subject.request(method, "/things")).await;
        let got = received.map_err(|wrong| wrong.when(name))?.method;
        expect_eq("method", &got.as_str(), name)?;
    }
    Ok(())
}

/// A request of this method with this body.
fn with_body(subject: &Subject, method: &Method, body: &Bytes) -> otp_core::Request {
    subject.changed(subject.request(method.clone(), "/things"), |http| {
        *http.body_mut() = body.clone();
        let binary = HeaderValue::from_static("application/octet-stream");
        http.headers_mut().insert(CONTENT_TYPE, binary);
    })
}

pub(crate) async fn every_method_may_have_a_body(harness: &Harness<'_>) -> Check {
    let subject = answering(harness);
    // White space at its end is a part of it.
    let body = Bytes::from_static(b"{\"a\":\0\xff\r\n\r\n0\r\n\r\n} \t\r\n");
    let mut methods = vec![Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if !harness.wire.cors {
        // A web page cannot send a `GET` with a body, and `OPTIONS` is how it asks.
        methods.extend([Method::GET, Method::OPTIONS]);
    }
    for method in methods {
        let at = |what: &str| format!("{method} with {what}");
        let received = arrived(&subject, with_body(&subject, &method, &body)).await;
        let got = received.map_err(|wrong| wrong.when(&at("a body")))?.body;
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        expect_eq(&at("a body"), &text(&got), &text(&body))?;
        let received = arrived(&subject, subject.request(method.clone(), "/things")).await;
        let received = received.map_err(|wrong| wrong.when(&at("no body")))?;
        let length = received.header("content-length").unwrap_or("0");
        let none = received.body.is_empty() && length == "0";
        expect(none, at("no body: none arrives, and a length of 0 if any"), || {
            format!("{} bytes, Content-Length: {length}", received.body.len())
        })?;
    }
    Ok(())
}

pub(crate) async fn large_bodies_arrive(harness: &Harness<'_>) -> Check {
    let subject = answering(harness);
    // Sizes around those of buffers, and one that none of them holds.
    for size in [1, 16_384, 16_385, 65_535, 65_536, (1 << 20) + 1] {
        let body: Vec<u8> = (0..size).map(|i: u32| (i % 251 + i / 251) as u8).collect();
        let body = Bytes::from(body);
        let received = arrived(&subject, with_body(&subject, &Method::PUT, &body)).await;
        let received = received.map_err(|wrong| wrong.when(&format!("{size} bytes")))?;
        // Some stacks ask first whether a large body is welcome.
        let asked = !received.values("expect").is_empty();
        // What follows a request on a kept connection begins the next one (RFC 9112 §2.2).
        let expected = format!("{size} bytes: a request, and nothing before it");
        expect(received.method == "PUT", expected, || {
            received.head.escape_debug().take(40).collect::<String>()
        })?;
        let expected = format!("{size} bytes: no Expect");
        expect(!asked, expected, || "an Expect header".to_owned())?;
        let got = received.body;
        expect(got[..] == body[..], format!("these {size} bytes"), || {
            let differs = got.iter().zip(&body).take_while(|(a, b)| a == b).count();
            format!("{} bytes, which differ from byte {differs} on", got.len())
        })?;
    }
    Ok(())
}

/// The headers that a `GET` of the kit has, and those that HTTP asks for.
const EXPECTED: [&str; 6] = ["host", "connection", "te", "accept", "user-agent", "x-auth-token"];

pub(crate) async fn adds_nothing_to_a_get(harness: &Harness<'_>) -> Check {
    let subject = answering(harness);
    for method in [Method::GET, Method::DELETE] {
        let received = arrived(&subject, subject.request(method.clone(), "/things")).await;
        let received = received.map_err(|wrong| wrong.when(method.as_str()))?;
        // Encoding and cookies are other cases'.
        let elsewhere = ["accept-encoding", "cookie"];
        let added: Vec<_> = received
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(value)))
            .filter(|(name, value)| {
                let length = name == "content-length" && value == "0";
                let known = EXPECTED.iter().chain(&elsewhere).any(|known| known == name);
                !known && !length
            })
            .collect();
        let expected = format!("{method}: the headers that were sent, and Host");
        expect(added.is_empty() && received.body.is_empty(), expected, || {
            format!("also {added:?}, and {} bytes of body", received.body.len())
        })?;
    }
    Ok(())
}

/// A `POST` and a `GET` to a server by another name than its IPv4 address, over a kept connection too.
async fn reached(harness: &Harness<'_>, subject: &Subject, others: Option<&Server>) -> Check {
    for request in [subject.post(), subject.get()] {
        let host = request.as_http().uri().authority().map(ToString::to_string);
        let target = request.as_http().uri().path().to_owned();
        let seen = subject.send(request.with_time_limit(SOON)).await;
        seen.status(200)?;
        let received = others.into_iter().chain([&*subject.server]);
        let mut received = received.flat_map(Server::received);
        let Some(received) = received.find(|received| received.path == target) else {
            return Err(Mismatch::new("a request at the server", seen.describe()));
        };
        let told = match harness.wire.protocol() {
            Protocol::Http1 => received.header("host"),
            Protocol::Http2 => received.head.split(' ').next_back(),
        };
        expect_eq("the host", &told, &host.as_deref())?;
    }
    Ok(())
}

pub(crate) async fn an_ipv6_address_is_reached(harness: &Harness<'_>) -> Check {
    let answer = Fault::Answer(Reply::json(200, "{}"));
    let setup = Setup::new(harness.wire, vec![answer]).named(&["::1"]);
    let server = setup.at((Ipv6Addr::LOCALHOST, 0)).start();
    let server = server.expect("a server on the loopback address of IPv6");
    reached(harness, &harness.subject_at(server), None).await
}

pub(crate) async fn a_host_name_is_reached(harness: &Harness<'_>) -> Check {
    let answer = || vec![Fault::Answer(Reply::json(200, "{}"))];
    let setup = || Setup::new(harness.wire, answer()).named(&["localhost"]);
    let server = setup().start().expect("a server on the loopback address");
    // The name may be that of both. Which of them is asked is not looked at.
    let port = server.address().port();
    let beside = setup().at((Ipv6Addr::LOCALHOST, port)).start().ok();
    let subject = harness.subject_at(server).named("localhost");
    reached(harness, &subject, beside.as_ref()).await
}

/// Everything with which an answer asks to be kept, or to be asked for in another way next time.
fn keepable(status: u16, body: &str) -> Reply {
    Reply::json(status, body)
        .header("cache-control", "public, max-age=3600, immutable")
        .header("etag", "\"v1\"")
        .header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        .header("expires", "Fri, 01 Jan 2100 00:00:00 GMT")
        .header("age", "0")
        .header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
}

pub(crate) async fn nothing_is_cached(harness: &Harness<'_>) -> Check {
    let rows = [200, 404, 410, 301, 405, 501].map(|status| (format!("a {status}"), status));
    each(rows, async |status| {
        let first = keepable(status, "\"first\"");
        let faults = [first, Reply::json(422, "\"second\""), Reply::json(200, "\"third\"")];
        let subject = harness.subject_of(faults.map(Fault::Answer).to_vec());
        let sends = [("first", status), ("second", 422), ("third", 200)];
        for (index, (body, status)) in sends.into_iter().enumerate() {
            let number = index + 1;
            let at = |wrong: Mismatch| wrong.when(&format!("the same GET, {number} of 3"));
            let (seen, received) = exchange(&subject, subject.get()).await;
            seen.status(status).map_err(at)?;
            has_body(&seen, format!("\"{body}\"")).map_err(at)?;
            let asked =
                ["if-none-match", "if-modified-since", "if-range", "cache-control", "pragma"];
            let received = received.map_err(at)?;
            let asked: Vec<_> =
                asked.into_iter().filter(|name| !received.values(name).is_empty()).collect();
            let expected = "no condition, and nothing about caches";
            expect(asked.is_empty(), expected, || format!("{asked:?}")).map_err(at)?;
        }
        Ok(())
    })
    .await?;
    a_304_is_an_answer(harness).await
}

/// Nobody but the caller knows whether it has asked for one.
async fn a_304_is_an_answer(harness: &Harness<'_>) -> Check {
    let faults = vec![
        Fault::Answer(keepable(200, "\"first\"")),
        Fault::Answer(Reply::status(304).header("etag", "\"v1\"")),
    ];
    let subject = harness.subject_of(faults);
    subject.send(subject.get()).await.status(200)?;
    let request = subject.changed(subject.get(), |http| {
        http.headers_mut().insert("if-none-match", HeaderValue::from_static("\"v1\""));
    });
    let seen = subject.send(request).await;
    seen.status(StatusCode::NOT_MODIFIED.as_u16())
        .and_then(|()| has_body(&seen, ""))
        .map_err(|wrong| wrong.when("a 304 that the caller asked for"))
}
