use std::collections::BTreeMap;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Request};
use otp_core::bytes::Bytes;

use crate::harness::{Harness, Subject, TOKEN_HEADER, USER_AGENT};
use crate::hostile::{Fault, Protocol, Received, Reply};
use crate::mismatch::{Check, Mismatch, expect, expect_eq};
use crate::secrets::holds;

/// Sends a request to a server that answers, and gives what arrived.
async fn arrived(
    harness: &Harness<'_>,
    request: impl FnOnce(&Subject) -> otp_core::Request,
) -> Result<Received, Mismatch> {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    let seen = subject.send(request(&subject)).await;
    seen.answer()?;
    subject.server.received().pop().ok_or_else(|| Mismatch::new("a request", "none was received"))
}

/// The same with a `GET` that has something changed.
async fn arrived_with(
    harness: &Harness<'_>,
    change: impl FnOnce(&mut Request<Bytes>),
) -> Result<Received, Mismatch> {
    arrived(harness, |subject| subject.changed(subject.get(), change)).await
}

pub(crate) async fn the_method_arrives(harness: &Harness<'_>) -> Check {
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let sent = method.clone();
        let received = arrived(harness, |subject| subject.request(sent, "/things")).await?;
        expect_eq("method", &received.method, &method.to_string())?;
    }
    Ok(())
}

async fn the_target_arrives(harness: &Harness<'_>, what: &str, path: &str) -> Check {
    let received = arrived(harness, |subject| subject.request(Method::GET, path)).await?;
    expect_eq(what, &received.path, &format!("/metal/v1{path}"))
}

pub(crate) async fn the_path_arrives(harness: &Harness<'_>) -> Check {
    the_target_arrives(harness, "path", "/User/oTP//aB-_9.~zZ/codes.JSON").await
}

pub(crate) async fn percent_encoding_arrives(harness: &Harness<'_>) -> Check {
    the_target_arrives(harness, "path", "/a%20b%25%40/%21!*/%2F%2f%2e").await
}

pub(crate) async fn the_query_arrives(harness: &Harness<'_>) -> Check {
    the_target_arrives(harness, "path and query", "/codes?Zulu=a%20b+c&alpha=&Zulu=1,2&%25")
        .await?;
    the_target_arrives(harness, "path and empty query", "/codes?").await
}

pub(crate) async fn header_values_arrive(harness: &Harness<'_>) -> Check {
    let values = [
        ("x-case", "MiXed CaSe"),
        ("x-spaces", "a  b   c"),
        ("x-punctuation", "\"q\"; v=1, w=(2) <3> [4] {5} @6 \\7 'e' $8 %41"),
        ("x-long", &"0123456789abcdef".repeat(64)),
    ];
    let received = arrived_with(harness, |http| {
        for (name, value) in values {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name of ours");
            http.headers_mut().insert(name, HeaderValue::from_str(value).expect("a value of ours"));
        }
    })
    .await?;
    let always = [("x-auth-token", harness.secrets.token.as_str()), ("accept", "application/json")];
    for (name, value) in values.into_iter().chain(always) {
        // What is dropped or doubled is another case's.
        if let Some(got) = received.header(name) {
            expect_eq(&format!("the value of {name}"), &got, &value)?;
        }
    }
    Ok(())
}

pub(crate) async fn the_user_agent_arrives(harness: &Harness<'_>) -> Check {
    let received = arrived(harness, Subject::get).await?;
    // That it is dropped or doubled is another case's.
    match received.header("user-agent") {
        Some(got) => expect_eq("the user agent", &got, &USER_AGENT),
        None => Ok(()),
    }
}

const SENT: [&str; 5] = ["accept", "user-agent", "x-auth-token", "x-empty", "x-more"];

async fn counted(harness: &Harness<'_>) -> Result<BTreeMap<&'static str, usize>, Mismatch> {
    let received = arrived_with(harness, |http| {
        http.headers_mut().insert("x-empty", HeaderValue::from_static(""));
        http.headers_mut().insert("x-more", HeaderValue::from_static("more"));
    })
    .await?;
    Ok(SENT.into_iter().map(|name| (name, received.values(name).len())).collect())
}

pub(crate) async fn drops_no_header(harness: &Harness<'_>) -> Check {
    let counts = counted(harness).await?;
    let dropped: Vec<_> = counts.iter().filter(|(_, count)| **count == 0).map(|(n, _)| n).collect();
    expect(dropped.is_empty(), format!("all of {SENT:?}"), || format!("without {dropped:?}"))
}

pub(crate) async fn doubles_no_header(harness: &Harness<'_>) -> Check {
    let counts = counted(harness).await?;
    let doubled: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    expect(doubled.is_empty(), "each header once", || format!("so many of: {doubled:?}"))
}

pub(crate) async fn repeated_headers_arrive(harness: &Harness<'_>) -> Check {
    let received = arrived_with(harness, |http| {
        http.headers_mut().append("x-list", HeaderValue::from_static("first"));
        http.headers_mut().append("x-list", HeaderValue::from_static("second"));
    })
    .await?;
    // One field with both means the same (RFC 9110 §5.3).
    let list = received.values("x-list").join(&b',');
    let list: String = String::from_utf8_lossy(&list).split_whitespace().collect();
    expect_eq("the values of x-list", &list.as_str(), &"first,second")
}

/// What a `PUT` with this body arrives as.
async fn put(harness: &Harness<'_>, body: Bytes) -> Result<Received, Mismatch> {
    arrived(harness, |subject| {
        subject.changed(subject.request(Method::PUT, "/things"), |http| {
            http.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(BINARY));
            *http.body_mut() = body;
        })
    })
    .await
}

const BINARY: &str = "application/octet-stream";

pub(crate) async fn the_body_arrives(harness: &Harness<'_>) -> Check {
    let body: Vec<u8> = (0..20_000_u32).map(|i| (i % 251 + i / 251) as u8).collect();
    let received = put(harness, body.clone().into()).await?;
    expect(received.body == body, format!("these {} bytes", body.len()), || {
        let differs = received.body.iter().zip(&body).take_while(|(a, b)| a == b).count();
        format!("{} bytes, which differ from byte {differs} on", received.body.len())
    })?;
    let both =
        ["content-length", "transfer-encoding"].map(|name| !received.values(name).is_empty());
    expect(both != [true, true], "a length or chunks (RFC 9112 §6.2)", || "both".to_owned())?;
    expect_eq(
        "the values of content-type",
        &received.values("content-type"),
        &vec![BINARY.as_bytes()],
    )
}

pub(crate) async fn the_host_is_told(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    subject.send(subject.post()).await.answer()?;
    let base_url = subject.server.base_url().to_string();
    let authority = base_url.split('/').nth(2).unwrap_or_default().to_owned();
    let received = subject.server.received();
    let Some(received) = received.last() else {
        return Err(Mismatch::new("a request", "none was received"));
    };
    // HTTP/2 has it in a field of its own (RFC 9113 §8.3.1).
    let told = match harness.wire.protocol() {
        Protocol::Http1 => received.header("host").map(str::to_owned),
        Protocol::Http2 => received.head.split(' ').next_back().map(str::to_owned),
    };
    expect_eq("the host", &told, &Some(authority))
}

pub(crate) async fn an_empty_body_stays_empty(harness: &Harness<'_>) -> Check {
    let received = arrived(harness, Subject::post).await?;
    let length = received.header("content-length").unwrap_or("0");
    let types = received.values("content-type").len();
    expect(
        received.body.is_empty() && length == "0" && types == 0,
        "no body, no content type, and a length of 0 if any",
        || format!("{} bytes, {types} content types", received.body.len()),
    )
}

/// Whether a field is what framing needs (RFC 9110 §7.2, §8.6, RFC 9112 §6, §9).
fn frames(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    match name.to_ascii_lowercase().as_str() {
        "host" | "content-length" => true,
        "transfer-encoding" => value == "chunked",
        "connection" => value == "keep-alive" || value == "close",
        "te" => value == "trailers",
        _ => false,
    }
}

/// The names and values that arrived and were not sent, and that framing does not need.
fn added(harness: &Harness<'_>, received: &Received) -> Vec<(String, String)> {
    // Each of these is another case's.
    let elsewhere = ["accept-encoding", "cookie", "content-type"];
    let headers = received.headers.iter();
    headers
        .map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()))
        .filter(|(name, value)| {
            let mut known = SENT.iter().chain(&elsewhere);
            !known.any(|known| name.eq_ignore_ascii_case(known))
                && !frames(name, value)
                && harness.secrets.leaked(value).is_none()
        })
        .collect()
}

pub(crate) async fn adds_nothing(harness: &Harness<'_>) -> Check {
    let without_body = arrived(harness, Subject::post).await?;
    let with_body = put(harness, vec![b'x'; 3000].into()).await?;
    for (what, received) in [("without a body", without_body), ("with a body", with_body)] {
        let added = added(harness, &received);
        let expected = format!("{what}: the headers that were sent, Host and Content-Length");
        expect(added.is_empty(), expected, || format!("also {added:?}"))?;
    }
    Ok(())
}

pub(crate) async fn nothing_is_carried_over(harness: &Harness<'_>) -> Check {
    let session = &harness.secrets.session;
    let logs_in = Reply::json(200, format!("{{\"token\":\"{session}\"}}"));
    let subject = harness.subject_of(vec![
        Fault::Answer(logs_in.header("x-auth-token", session)),
        Fault::Answer(Reply::json(401, "{}").header("www-authenticate", "Basic realm=\"x\"")),
        Fault::Answer(Reply::json(200, "{}")),
    ]);
    let first = subject.changed(subject.post(), |http| {
        http.headers_mut().insert("x-once", HeaderValue::from_static("once"));
        http.headers_mut().insert("idempotency-key", HeaderValue::from_static("once"));
        http.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic b25jZTpvbmNl"));
    });
    for (request, status) in [(first, 200), (subject.get(), 401), (subject.get(), 200)] {
        subject.send(request).await.status(status)?;
    }
    for (number, received) in (2..).zip(subject.server.received().iter().skip(1)) {
        let kept: Vec<_> = ["x-once", "idempotency-key", "authorization"]
            .into_iter()
            .filter(|name| !received.values(name).is_empty())
            .collect();
        let at = format!("request {number}: no header of the first one");
        expect(kept.is_empty(), at, || format!("{kept:?}"))?;
        let token = received.values("x-auth-token");
        let own = token.iter().all(|token| *token == harness.secrets.token.as_bytes());
        let expected = format!("request {number}: the token that was sent");
        expect(own, expected, || "another token, perhaps that of the first answer".to_owned())?;
    }
    Ok(())
}

pub(crate) async fn asks_for_no_compression(harness: &Harness<'_>) -> Check {
    for received in [arrived(harness, Subject::post).await?, arrived(harness, Subject::get).await?]
    {
        let asked = received.values("accept-encoding");
        expect(asked.is_empty(), format!("{}: no Accept-Encoding", received.method), || {
            format!("Accept-Encoding: {}", String::from_utf8_lossy(&asked.join(&b',')))
        })?;
    }
    Ok(())
}

pub(crate) async fn copies_no_secret(harness: &Harness<'_>) -> Check {
    let received = arrived(harness, Subject::post).await?;
    let secrets = &harness.secrets;
    let mut copies = Vec::new();
    for (name, value) in &received.headers {
        let value = String::from_utf8_lossy(value);
        let own = name.eq_ignore_ascii_case(TOKEN_HEADER.as_str());
        if (!own && holds(&value, &secrets.token)) || holds(&value, &secrets.otp) {
            copies.push(name);
        }
    }
    expect(copies.is_empty(), "the token in X-Auth-Token and the OTP in the path", || {
        format!("copies in {copies:?}")
    })
}
