//! How HTTP/1.1 tells where a body ends (RFC 9112 §6.3).

use http::Method;
use otp_core::TransportErrorKind::ResponseTooLarge;

use super::each::{
    SOON, each, has_body, has_body_or_fails, next_is_answered, next_is_own, written, written_then,
};
use super::ordinary::{APART, byte_by_byte};
use crate::Case;
use crate::harness::Harness;
use crate::hostile::{Ending, Fault, Protocol, Reply, Step};
use crate::mismatch::{Check, expect, expect_eq};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Chunks that RFC 9112 §7.1 allows, and the body in them.
pub(crate) async fn chunks_of_every_form_arrive(harness: &Harness<'_>) -> Check {
    let single: String = (0..200).map(|i| format!("1\r\n{}\r\n", i % 10)).collect();
    let digits: String = (0..200).map(|i| (i % 10).to_string()).collect();
    let in_one = [
        ("sizes in upper case", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("sizes in lower case", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("sizes with leading zeros", "0000000A\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
        ("an extension", "5;name\r\nhello\r\n0\r\n\r\n", "hello"),
        ("extensions with values", "5;a=b;c=d\r\nhello\r\n0\r\n\r\n", "hello"),
        ("an extension in quotes", "5;a=\"b; 7\"\r\nhello\r\n0\r\n\r\n", "hello"),
        ("white space before an extension", "5 ;a=b\r\nhello\r\n0\r\n\r\n", "hello"),
        ("an extension of the last chunk", "5\r\nhello\r\n0;a=b\r\n\r\n", "hello"),
        ("200 chunks of one byte", &format!("{single}0\r\n\r\n"), &digits),
        ("no chunk but the last", "0\r\n\r\n", ""),
        ("line ends in the data", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"),
    ]
    .map(|(what, chunks, body)| {
        (what, (vec![Step::text(format!("{CHUNKED}{chunks}"))], body.to_owned()))
    });
    let pieces = |pieces: &[&str]| -> Vec<Step> {
        pieces.iter().flat_map(|piece| [Step::text(*piece), Step::Wait(APART)]).collect()
    };
    let single_bytes = byte_by_byte("5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n");
    let in_pieces = [
        (
            "the last chunk in five writes",
            (pieces(&[CHUNKED, "5\r\nhello\r\n", "0", "\r", "\n", "\r", "\n"]), "hello".to_owned()),
        ),
        (
            "sizes and data in writes of their own",
            (
                pieces(&[CHUNKED, "5", "\r\n", "hello", "\r\n", "1\r", "\n!\r", "\n0\r\n\r\n"]),
                "hello!".to_owned(),
            ),
        ),
        (
            "every byte in a write of its own",
            ([pieces(&[CHUNKED]), single_bytes].concat(), "hello world".to_owned()),
        ),
    ];
    each(in_one.into_iter().chain(in_pieces), async |(steps, body)| {
        let subject = harness.subject_of(vec![Fault::Steps(steps), Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        has_body(&seen, body)?;
        next_is_answered(&subject).await
    })
    .await?;
    // How long an extension may be is the client's to say (RFC 9112 §7.1.1).
    let long = format!("{CHUNKED}5;long={}\r\nhello\r\n0\r\n\r\n", "x".repeat(300));
    let subject = harness.subject_of(vec![written(long), Fault::Echo]);
    let seen = subject.send(subject.get().with_time_limit(SOON)).await;
    has_body_or_fails(&seen, "hello").map_err(|wrong| wrong.when("a long extension"))
}

pub(crate) async fn trailers_are_no_headers(harness: &Harness<'_>) -> Check {
    let many: String = (0..30).map(|i| format!("x-late: {i}\r\n")).collect();
    let rows = [
        ("one field", "x-late: yes\r\n"),
        ("a session token", "x-late: 1\r\nx-auth-token: forged\r\n"),
        ("a length and a cookie", "Content-Length: 3\r\nset-cookie: late=1\r\nX-LATE: 2\r\n"),
        ("30 fields", &many),
        ("an empty field", "x-late:\r\n"),
    ];
    let whole = rows.map(|(what, fields)| {
        (what, vec![Step::text(format!("{CHUNKED}5\r\nhello\r\n0\r\n{fields}\r\n"))])
    });
    let start = vec![Step::text(format!("{CHUNKED}5\r\nhello\r\n"))];
    let pieces = [start, byte_by_byte("0\r\nx-late: yes\r\n\r\n")].concat();
    each(whole.into_iter().chain([("byte by byte", pieces)]), async |steps| {
        let subject = harness.subject_of(vec![Fault::Steps(steps), Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        has_body(&seen, "hello")?;
        let headers = seen.answer()?.headers();
        let merged: Vec<_> = ["x-late", "x-auth-token", "set-cookie"]
            .into_iter()
            .filter(|name| headers.contains_key(*name))
            .collect();
        expect(merged.is_empty(), "no trailer field among the headers", || format!("{merged:?}"))?;
        next_is_answered(&subject).await
    })
    .await
}

/// RFC 9112 §6.3, the first rule: these statuses have no body, whatever the fields say.
pub(crate) async fn a_status_without_content_ends(harness: &Harness<'_>) -> Check {
    harness.state.needs(Case::AnEmptyResponseEnds);
    let rows = [
        (204, "content-length: 5"),
        (204, "content-length: 5000"),
        (204, "content-length: 0"),
        (204, "transfer-encoding: chunked"),
        (204, "connection: close"),
        (304, "etag: \"a\""),
        (304, "content-length: 300"),
        (304, "content-length: 5000"),
        (304, "transfer-encoding: chunked"),
    ];
    let rows = rows.map(|(status, field)| (format!("a {status} with {field}"), (status, field)));
    each(rows, async |(status, field)| {
        let answer = written(format!("HTTP/1.1 {status} X\r\n{field}\r\n\r\n"));
        let subject = harness.subject_of(vec![answer, Fault::Echo]);
        let request = subject.get().with_time_limit(SOON).with_response_limit(1000);
        let seen = subject.send(request).await;
        seen.status(status)?;
        has_body(&seen, "")?;
        // What the server keeps open after `connection: close` is another case's.
        if field.starts_with("connection") { Ok(()) } else { next_is_answered(&subject).await }
    })
    .await
}

/// An answer to somebody else, in the place where only the next answer may be.
const ANOTHERS: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nanother's";

pub(crate) async fn what_follows_an_answer_is_not_the_next(harness: &Harness<'_>) -> Check {
    let length = ANOTHERS.len();
    let rows = [
        (204, "HTTP/1.1 204 X\r\n\r\n".to_owned(), ""),
        (204, format!("HTTP/1.1 204 X\r\ncontent-length: {length}\r\n\r\n"), ""),
        (204, "HTTP/1.1 204 X\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(), ""),
        (304, "HTTP/1.1 304 X\r\n\r\n".to_owned(), ""),
        (304, format!("HTTP/1.1 304 X\r\ncontent-length: {length}\r\n\r\n"), ""),
        (205, "HTTP/1.1 205 X\r\ncontent-length: 0\r\n\r\n".to_owned(), ""),
        (200, "HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n".to_owned(), ""),
        (200, "HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nhello".to_owned(), "hello"),
        (422, "HTTP/1.1 422 X\r\ncontent-length: 5\r\n\r\nhello".to_owned(), "hello"),
        (200, format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n"), "hello"),
        (200, format!("{CHUNKED}5\r\nhello\r\n0\r\nx-late: 1\r\n\r\n"), "hello"),
    ];
    let rows = rows.map(|(status, answer, body)| {
        let after = answer.trim_start_matches("HTTP/1.1 ").trim().replace("\r\n", ", ");
        (format!("bytes after {after:?}"), (status, answer, body))
    });
    each(rows, async |(status, answer, body)| {
        let answer = written(format!("{answer}{ANOTHERS}"));
        let subject = harness.subject_of(vec![answer, Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        // Extra bytes may also make the answer an error (RFC 9112 §6.3 lets a client discard them).
        if seen.error().is_err() {
            seen.status(status)?;
            has_body(&seen, body)?;
        }
        next_is_own(&subject).await
    })
    .await
}

pub(crate) async fn an_invalid_length_is_no_answer(harness: &Harness<'_>) -> Check {
    const WRONG: [&str; 12] = [
        "+5",
        "-1",
        "-5",
        "0x5",
        "5 5",
        "5.0",
        "5;",
        "five",
        "",
        "5, 6",
        "99999999999999999999",
        // 2^64 + 5.
        "18446744073709551621",
    ];
    let wrong = WRONG.map(|length| (length, format!("content-length: {length}"), false));
    // A list of equal lengths may be taken as one (RFC 9112 §6.3, the fifth rule).
    let lists = [
        ("5, 5", "content-length: 5, 5".to_owned(), true),
        ("5 twice", "content-length: 5\r\ncontent-length: 5".to_owned(), true),
    ];
    let rows = wrong.into_iter().chain(lists);
    let rows = rows.map(|(what, fields, list)| (format!("a length of {what:?}"), (fields, list)));
    each(rows, async |(fields, list)| {
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nhello");
        // A list is followed by more, so that it is seen whether it counts.
        let fault = match list {
            true => written_then(Ending::Close, answer + " and more"),
            false => written_then(Ending::Close, answer),
        };
        let subject = harness.subject(fault);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        if list { has_body_or_fails(&seen, "hello") } else { seen.error().map(drop) }
    })
    .await
}

pub(crate) async fn chunks_overrule_a_length(harness: &Harness<'_>) -> Check {
    let rows = [
        ("a length that is too short", "content-length: 3\r\ntransfer-encoding: chunked"),
        ("a length that is too long", "content-length: 300\r\ntransfer-encoding: chunked"),
        ("a length after the coding", "transfer-encoding: chunked\r\ncontent-length: 3"),
        ("a length of 0", "Content-Length: 0\r\nTransfer-Encoding: chunked"),
        ("a length in another case", "Transfer-Encoding: Chunked\r\nCONTENT-LENGTH: 3"),
    ];
    each(rows, async |fields| {
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        let subject = harness.subject_of(vec![written(answer), Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        has_body_or_fails(&seen, "hello")?;
        next_is_own(&subject).await
    })
    .await
}

pub(crate) async fn transfer_codings_are_no_content(harness: &Harness<'_>) -> Check {
    /// `hello`, compressed by gzip.
    const GZIPPED: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0,
    ];
    let size = format!("{:x}\r\n", GZIPPED.len());
    let chunks = [size.as_bytes(), GZIPPED, b"\r\n0\r\n\r\n"].concat();
    let text: &[u8] = b"5\r\nhello\r\n0\r\n\r\n";
    let decoded: &[u8] = b"hello";
    // What may be the body: the coding may be undone or left (RFC 9112 §7).
    let rows = [
        ("gzip, chunked", &chunks[..], [GZIPPED, decoded]),
        ("gzip,\tChunked", &chunks[..], [GZIPPED, decoded]),
        // Without `chunked` at the end, the body ends with the connection.
        ("x-unknown", text, [text, text]),
        ("xchunked", text, [text, text]),
        ("chunked, x-unknown", text, [text, decoded]),
    ];
    let rows = rows.map(|(coding, bytes, bodies)| (coding, (coding, bytes, bodies)));
    each(rows, async |(coding, bytes, bodies)| {
        let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n");
        let answer = written_then(Ending::Close, [head.as_bytes(), bytes].concat());
        let subject = harness.subject(answer);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        // An error is always right: nobody asked for a coding.
        if seen.error().is_ok() {
            return Ok(());
        }
        let body = &seen.answer()?.body()[..];
        let expected = "the body in or without its coding, or an error";
        expect(bodies.contains(&body), expected, || seen.describe())
    })
    .await
}

pub(crate) async fn chunks_that_do_not_add_up_are_no_answer(harness: &Harness<'_>) -> Check {
    let wrong = [
        // 2^64 + 5.
        ("a size that overflows", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("a size of 17 digits", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("a size of 2^64 - 1", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("a size of 2^63 - 1", "7FFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
        ("an empty size", "\r\nhello\r\n0\r\n\r\n"),
        ("an empty size after a chunk", "5\r\nhello\r\n\r\n0\r\n\r\n"),
        ("a size that is no number", "5\r\nhello\r\nok\r\n\r\n"),
        ("no line end after the data", "5\r\nhello5\r\nhello\r\n0\r\n\r\n"),
        ("other bytes in its place", "5\r\nhelloXY0\r\n\r\n"),
        ("more data than announced", "3\r\nhello\r\n0\r\n\r\n"),
        ("less data than announced", "9\r\nhello\r\n0\r\n\r\n"),
        ("no last chunk", "5\r\nhello\r\n"),
    ];
    // Not in the grammar, but they can mean only one thing.
    let odd = [
        ("a size with a sign", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("a size after a space", " 5\r\nhello\r\n0\r\n\r\n"),
        // The last chunk is there, and complete by RFC 9112 §8.
        ("no line end after the last chunk", "5\r\nhello\r\n0\r\n"),
    ];
    let wrong = wrong.map(|(what, chunks)| (what, (chunks, false)));
    let odd = odd.map(|(what, chunks)| (what, (chunks, true)));
    each(wrong.into_iter().chain(odd), async |(chunks, odd)| {
        let subject = harness.subject(written_then(Ending::Close, format!("{CHUNKED}{chunks}")));
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        if odd { has_body_or_fails(&seen, "hello") } else { seen.error().map(drop) }
    })
    .await
}

/// RFC 9112 §9.8: without `close_notify`, anybody on the way may have cut it.
pub(crate) async fn a_body_cut_off_within_tls_is_no_answer(harness: &Harness<'_>) -> Check {
    let rows = [
        ("until the connection closes", "HTTP/1.1 200 OK\r\n\r\n[\"one\",\"two\"]"),
        ("with connection: close", "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n[\"one\"]"),
        ("of HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n[\"one\"]"),
        ("before the first byte", "HTTP/1.1 200 OK\r\n\r\n"),
        ("of a failure", "HTTP/1.1 500 X\r\n\r\n{\"error\":\"so\"}"),
        ("in chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        ("with a length", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"),
    ];
    each(rows, async |answer| {
        let subject = harness.subject(written_then(Ending::Cut, answer));
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        seen.error().map(drop).map_err(|wrong| wrong.when("closed without close_notify"))
    })
    .await
}

/// With a limit of nothing, of everything, and of what arrives in other ways than most.
pub(crate) async fn any_limit_is_kept(harness: &Harness<'_>) -> Check {
    let json = |bytes: usize| Reply::json(200, vec![b' '; bytes]);
    let mut fits = vec![
        ("nothing, a 204", 0, 0, Fault::Answer(Reply::status(204))),
        ("nothing, an empty 200", 0, 0, Fault::Answer(Reply::status(200))),
        ("everything, 3000 bytes", usize::MAX, 3000, Fault::Answer(json(3000))),
        ("one byte, a byte", 1, 1, Fault::Answer(json(1))),
        // More than windows of HTTP/2 and buffers hold.
        ("2 MiB, 1.5 MiB", 2 << 20, 3 << 19, Fault::Answer(json(3 << 19))),
    ];
    let mut too_large = vec![
        ("nothing, a byte", 0, Fault::Answer(json(1))),
        ("1000 bytes, a failure of 1001", 1000, Fault::Answer(json(1001).with_status(422))),
        ("1000 bytes, 100,000", 1000, Fault::Answer(json(100_000))),
    ];
    if harness.wire.protocol() == Protocol::Http1 {
        let announced = format!("{CHUNKED}FFFFFFFFFF\r\n{}", " ".repeat(5000));
        fits.extend([
            ("nothing, no chunk", 0, 0, Fault::Answer(json(0).chunked())),
            ("nothing, until close", 0, 0, Fault::Answer(json(0).until_close())),
            ("everything, in chunks", usize::MAX, 3000, Fault::Answer(json(3000).chunked())),
            ("everything, until close", usize::MAX, 3000, Fault::Answer(json(3000).until_close())),
            ("1000 bytes, until close", 1000, 1000, Fault::Answer(json(1000).until_close())),
        ]);
        too_large.extend([
            ("nothing, a byte in a chunk", 0, Fault::Answer(json(1).chunked())),
            ("nothing, a byte until close", 0, Fault::Answer(json(1).until_close())),
            ("1000 bytes, 1001 until close", 1000, Fault::Answer(json(1001).until_close())),
            ("1000 bytes, 100,000 until close", 1000, Fault::Answer(json(100_000).until_close())),
            ("1000 bytes, a chunk of 1 TiB", 1000, written_then(Ending::Silence, announced)),
        ]);
    }
    let fits =
        fits.into_iter().map(|(what, limit, size, fault)| (what, (limit, Some(size), fault)));
    let too_large = too_large.into_iter().map(|(what, limit, fault)| (what, (limit, None, fault)));
    each(fits.chain(too_large), async |(limit, size, fault)| {
        let subject = harness.subject(fault);
        let request = subject.request(Method::GET, "/things").with_time_limit(SOON);
        let seen = subject.send(request.with_response_limit(limit)).await;
        match size {
            Some(size) => expect_eq("bytes of body", &seen.answer()?.body().len(), &size),
            None => seen.kind(&[ResponseTooLarge]),
        }
    })
    .await
}
