use http::HeaderValue;

use crate::harness::Harness;
use crate::hostile::{Fault, Protocol, Reply};
use crate::mismatch::{Check, Mismatch, expect, expect_eq};

/// `{"recovery_codes":[]}`, compressed by gzip.
const GZIPPED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 42, 74, 77, 206, 47, 75, 45, 170, 140, 79, 206, 79,
    73, 45, 86, 178, 138, 142, 173, 5, 0, 75, 134, 17, 7, 21, 0, 0, 0,
];

/// `{}`, compressed by zlib.
const DEFLATED: &[u8] = &[120, 156, 171, 174, 5, 0, 1, 117, 0, 249];

pub(crate) async fn any_status_is_an_answer(harness: &Harness<'_>) -> Check {
    for status in [
        200, 201, 202, 206, 299, 400, 401, 402, 403, 404, 405, 409, 410, 413, 418, 422, 451, 499,
        500, 501, 502, 503, 504, 505, 599, 203, 207, 226, 300, 406, 407, 411, 412, 415, 416, 417,
        421, 423, 425, 426, 428, 429, 431, 507, 508, 511,
    ] {
        // A browser takes it for its proxy's, and fails the request.
        if status == 407 && harness.wire.cors {
            continue;
        }
        let subject = harness.subject(Fault::Answer(Reply::json(status, "{\"error\":\"so\"}")));
        let seen = subject.send(subject.get()).await;
        seen.status(status).map_err(|wrong| wrong.when(&format!("a {status}")))?;
        let body = seen.answer()?.body();
        expect_eq(&format!("the body of a {status}"), &&body[..], &&b"{\"error\":\"so\"}"[..])?;
    }
    Ok(())
}

pub(crate) async fn response_headers_arrive(harness: &Harness<'_>) -> Check {
    let reply = Reply::json(200, "{}")
        .header("x-auth-token", "a-Session")
        .header("x-ratelimit-remaining", "7")
        .header("x-name", "Zo\u{eb}")
        .header("x-list", "first")
        .header("x-list", "second")
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2");
    let subject = harness.subject(Fault::Answer(reply));
    let seen = subject.send(subject.get()).await;
    let headers = seen.answer()?.headers();
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    expect_eq("x-auth-token", &value("x-auth-token"), &Some("a-Session"))?;
    expect_eq("x-ratelimit-remaining", &value("x-ratelimit-remaining"), &Some("7"))?;
    let name = headers.get("x-name").map(HeaderValue::as_bytes);
    expect_eq("x-name", &name, &Some("Zo\u{eb}".as_bytes()))?;
    // One field with both means the same (RFC 9110 §5.3).
    let list: Vec<_> = headers.get_all("x-list").iter().map(HeaderValue::as_bytes).collect();
    let list: String = String::from_utf8_lossy(&list.join(&b',')).split_whitespace().collect();
    expect_eq("x-list", &list.as_str(), &"first,second")?;
    expect_eq("content-type", &value("content-type"), &Some("application/json"))?;
    // A browser shows no page the cookies that an answer sets.
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().map(HeaderValue::as_bytes).collect();
    let arrive = harness.wire.cors || cookies == [b"a=1", b"b=2"];
    expect(arrive, "set-cookie: a=1, and set-cookie: b=2", || format!("{cookies:?}"))
}

pub(crate) async fn the_response_body_arrives(harness: &Harness<'_>) -> Check {
    let body: Vec<u8> = (0..30_000_u32).map(|i| (i % 256 + i / 256) as u8).collect();
    let reply = Reply::status(200).header("content-type", "application/json").body(body.clone());
    let mut replies = vec![("with a length", reply.clone())];
    if harness.wire.protocol() == Protocol::Http1 {
        replies.push(("in chunks", reply.clone().chunked()));
        replies.push(("until the connection closes", reply.until_close()));
    }
    let mut replies: Vec<_> =
        replies.into_iter().map(|(how, reply)| (how, reply, body.clone())).collect();
    // Text, which some stacks would like to decode.
    let text = |content_type: &str, body: &[u8]| {
        Reply::status(200).header("content-type", content_type).body(body)
    };
    for (how, content_type, body) in [
        ("with a byte order mark", "application/json", &b"\xef\xbb\xbf{\"a\":1}"[..]),
        ("in Latin-1", "text/plain; charset=iso-8859-1", b"Zo\xeb \xa3"),
        ("in UTF-16", "application/json; charset=utf-16le", b"{\0}\0"),
        ("with a charset that is wrong", "application/json; charset=us-ascii", b"Zo\xc3\xab"),
        ("with both line ends", "text/plain", b"a\r\nb\nc\r\n\r\n"),
        ("with white space around it", "application/json", b" \r\n{} \t\n"),
        ("with NULs", "application/octet-stream", b"\0a\0"),
    ] {
        replies.push((how, text(content_type, body), body.to_vec()));
    }
    for (how, reply, body) in replies {
        let subject = harness.subject(Fault::Answer(reply));
        let seen = subject.send(subject.get()).await;
        let got = seen.answer().map_err(|wrong| wrong.when(how))?.body();
        expect(got[..] == body[..], format!("{how}: these {} bytes", body.len()), || {
            let differs = got.iter().zip(&body).take_while(|(a, b)| a == b).count();
            format!("{} bytes, which differ from byte {differs} on", got.len())
        })?;
    }
    Ok(())
}

pub(crate) async fn an_empty_response_ends(harness: &Harness<'_>) -> Check {
    for status in [204, 200] {
        let subject = harness.subject(Fault::Answer(Reply::status(status)));
        let seen = subject.send(subject.post()).await;
        let at = format!("a {status}");
        seen.status(status).map_err(|wrong| wrong.when(&at))?;
        expect_eq(&format!("the body of {at}"), &seen.answer()?.body().len(), &0)?;
    }
    Ok(())
}

pub(crate) async fn decompresses_nothing(harness: &Harness<'_>) -> Check {
    let rows = [
        (200, "gzip", GZIPPED),
        (200, "x-gzip", GZIPPED),
        (200, "GZIP", GZIPPED),
        (422, "gzip", GZIPPED),
        (200, "deflate", DEFLATED),
        // Not what it says: whoever undoes it fails.
        (200, "br", GZIPPED),
        (200, "zstd", GZIPPED),
        (200, "gzip, identity", GZIPPED),
        (500, "gzip", b"not compressed"),
    ];
    for (status, coding, body) in rows {
        let at = |wrong: Mismatch| wrong.when(&format!("a {status}, {coding}"));
        let reply = Reply::json(status, body).header("content-encoding", coding);
        let subject = harness.subject(Fault::Answer(reply));
        let seen = subject.send(subject.get()).await;
        let answer = seen.answer().map_err(at)?;
        let expected = "the bytes as they were sent";
        expect(answer.body()[..] == *body, expected, || seen.describe()).map_err(at)?;
        let encoding = answer.headers().get("content-encoding").map(HeaderValue::as_bytes);
        let expected = format!("Content-Encoding: {coding}");
        expect(encoding == Some(coding.as_bytes()), expected, || format!("{encoding:?}"))
            .map_err(at)?;
    }
    Ok(())
}

pub(crate) async fn informational_responses_are_skipped(harness: &Harness<'_>) -> Check {
    // A proxy may say every few seconds that it still works on it (RFC 9110 §15.2).
    for count in [3, 12] {
        let subject = harness.subject(Fault::Informational(count, Reply::status(422)));
        let seen = subject.send(subject.post()).await;
        seen.status(422).map_err(|wrong| wrong.when(&format!("{count} of them")))?;
    }
    Ok(())
}
