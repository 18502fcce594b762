//! What ordinary servers of HTTP/1.1 do, each in its own way.

use std::time::Duration;

use http::{HeaderValue, Method};
use otp_core::Progress::Unknown;
use otp_core::bytes::Bytes;

use super::each::{
    SOON, each, has_body, has_body_or_fails, next_is_answered, written, written_then,
};
use crate::harness::{Harness, Subject};
use crate::hostile::{Ending, Fault, Reply, Step};
use crate::mismatch::{Check, expect, expect_eq};
use crate::time::wait;

/// A `200` whose body is `hello`, with these lines before its length.
fn hello(status_line: &str, fields: &str) -> String {
    format!("{status_line}\r\n{fields}content-length: 5\r\n\r\nhello")
}

pub(crate) async fn names_of_any_case_are_understood(harness: &Harness<'_>) -> Check {
    let chunks = "\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let rows = [
        ("CONTENT-LENGTH", "CONTENT-LENGTH: 5\r\nX-OTHER: Yes\r\n\r\nhello".to_owned()),
        ("Content-Length", "X-Other: Yes\r\nContent-Length: 5\r\n\r\nhello".to_owned()),
        ("cONTENT-lENGTH", "x-oTHER: Yes\r\ncONTENT-lENGTH: 5\r\n\r\nhello".to_owned()),
        ("Transfer-Encoding", format!("X-OTHER: Yes\r\nTransfer-Encoding: chunked{chunks}")),
        ("TRANSFER-ENCODING", format!("x-other: Yes\r\nTRANSFER-ENCODING: chunked{chunks}")),
        ("Chunked", format!("x-other: Yes\r\nTransfer-Encoding: Chunked{chunks}")),
        ("CHUNKED", format!("X-Other: Yes\r\ntransfer-encoding: CHUNKED{chunks}")),
    ];
    each(rows, async |rest| {
        let answer = written(format!("HTTP/1.1 200 OK\r\n{rest}"));
        let subject = harness.subject_of(vec![answer, Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        has_body(&seen, "hello")?;
        let other = seen.answer()?.headers().get("x-other").map(HeaderValue::as_bytes);
        expect_eq("x-other", &other, &Some(&b"Yes"[..]))?;
        next_is_answered(&subject).await
    })
    .await
}

/// Heads that the grammar of RFC 9112 §4 and §5 allows.
pub(crate) async fn heads_of_every_form_arrive(harness: &Harness<'_>) -> Check {
    let long_reason = format!("HTTP/1.1 200 {}", "reason ".repeat(70));
    let ok = "HTTP/1.1 200 OK";
    // Each has a field `x`, of this value.
    let rows: Vec<(&str, Vec<u8>, &[u8])> = vec![
        ("no space after the colon", b"HTTP/1.1 200 OK\r\nx:a b\r\n".to_vec(), b"a b"),
        ("spaces around a value", b"HTTP/1.1 200 OK\r\nx:   a b  \r\n".to_vec(), b"a b"),
        ("tabs around a value", b"HTTP/1.1 200 OK\r\nx:\t\ta b\t \r\n".to_vec(), b"a b"),
        ("a tab within a value", b"HTTP/1.1 200 OK\r\nx: a\tb\r\n".to_vec(), b"a\tb"),
        ("an empty value", b"HTTP/1.1 200 OK\r\nx:\r\n".to_vec(), b""),
        ("a value of white space", b"HTTP/1.1 200 OK\r\nx: \t \r\n".to_vec(), b""),
        ("a value with colons", b"HTTP/1.1 200 OK\r\nx: a:b: c\r\n".to_vec(), b"a:b: c"),
        ("a value in Latin-1", b"HTTP/1.1 200 OK\r\nx: Zo\xeb \xa3\r\n".to_vec(), b"Zo\xeb \xa3"),
        ("a value in UTF-8", b"HTTP/1.1 200 OK\r\nx: \xe2\x82\xac\r\n".to_vec(), b"\xe2\x82\xac"),
        ("every visible character", every_visible(), EVERY_VISIBLE),
        ("a name of odd characters", b"HTTP/1.1 200 OK\r\n!#$%&'*+-.^_`|~9: b\r\nx: a\r\n".to_vec(), b"a"),
        ("an empty reason", b"HTTP/1.1 200 \r\nx: a\r\n".to_vec(), b"a"),
        ("a reason in Latin-1", b"HTTP/1.1 200 Tr\xe8s bien\r\nx: a\r\n".to_vec(), b"a"),
        ("a reason with tabs", b"HTTP/1.1 200 All\twell\t\r\nx: a\r\n".to_vec(), b"a"),
        ("a reason of punctuation", b"HTTP/1.1 200 \"(<200>)\": {0} %20\r\nx: a\r\n".to_vec(), b"a"),
        ("a reason of 490 characters", format!("{long_reason}\r\nx: a\r\n").into_bytes(), b"a"),
        ("an offer to upgrade", b"HTTP/1.1 200 OK\r\nconnection: upgrade\r\nupgrade: h2c, websocket\r\nx: a\r\n".to_vec(), b"a"),
        ("a date and a server", format!("{ok}\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: Apache/2.4 (Unix)\r\nx: a\r\n").into_bytes(), b"a"),
        ("a later minor version", b"HTTP/1.1 200 OK\r\nX: a\r\nVia: 1.0 a, 1.1 b (c)\r\n".to_vec(), b"a"),
    ];
    let rows = rows.into_iter().map(|(what, head, value)| (what, (head, value)));
    let lengths = [
        ("a length with zeros before it", b"content-length: 0000005\r\n".as_slice()),
        ("a length with white space around it", b"content-length: \t 5 \t\r\n"),
        ("a length without a space", b"content-length:5\r\n"),
        ("a length first", b"content-length: 5\r\nx: a\r\nx-more: b\r\n"),
    ];
    each(lengths, async |length| {
        let head = [b"HTTP/1.1 200 OK\r\n", length, b"\r\nhello"].concat();
        let subject = harness.subject_of(vec![written(head), Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        has_body(&seen, "hello")?;
        next_is_answered(&subject).await
    })
    .await?;
    each(rows, async |(head, value)| {
        let length: &[u8] = b"content-length: 5\r\n\r\nhello";
        let subject = harness.subject_of(vec![written([&head, length].concat()), Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        has_body(&seen, "hello")?;
        let got = seen.answer()?.headers().get("x").map(HeaderValue::as_bytes);
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        expect(got == Some(value), format!("a field x of \"{}\"", text(value)), || {
            got.map_or("none".to_owned(), |got| format!("\"{}\"", text(got)))
        })?;
        next_is_answered(&subject).await
    })
    .await
}

const EVERY_VISIBLE: &[u8] = b"!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~";

fn every_visible() -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\nx: ", EVERY_VISIBLE, b"\r\n"].concat()
}

pub(crate) async fn large_heads_arrive(harness: &Harness<'_>) -> Check {
    // So many fields, each with a value of so many bytes.
    let rows = [
        ("40 fields of 100 bytes", (40, 100)),
        ("99 short fields", (99, 1)),
        ("a field of 4 KiB", (1, 4 * 1024)),
        ("a field of 8,000 bytes", (1, 8000)),
        ("16 fields of 1 KiB", (16, 1024)),
        ("8 fields of 4 KiB", (8, 4 * 1024)),
        ("60 fields of 1,000 bytes", (60, 1000)),
        ("a field of 60,000 bytes", (1, 60_000)),
    ];
    each(rows, async |(count, size)| {
        let value = "v".repeat(size);
        let fields: String = (0..count).map(|i| format!("X-Field-{i}: {value}\r\n")).collect();
        let answer = written(hello("HTTP/1.1 200 OK", &fields));
        let subject = harness.subject_of(vec![answer, Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        has_body(&seen, "hello")?;
        let headers = seen.answer()?.headers();
        let whole = (0..count).filter(|i| {
            let got = headers.get(format!("x-field-{i}"));
            got.is_some_and(|got| got.as_bytes() == value.as_bytes())
        });
        expect_eq("whole fields", &whole.count(), &count)?;
        next_is_answered(&subject).await
    })
    .await
}

/// Between two pieces, so that they do not arrive as one.
pub(super) const APART: Duration = Duration::from_millis(10);

/// Every byte by itself, some of them at least.
pub(super) fn byte_by_byte(bytes: impl AsRef<[u8]>) -> Vec<Step> {
    let pause = Step::Wait(Duration::from_millis(2));
    Step::one_by_one(bytes).into_iter().flat_map(|byte| [byte, pause.clone()]).collect()
}

pub(crate) async fn answers_in_pieces_arrive(harness: &Harness<'_>) -> Check {
    let answer = &hello("HTTP/1.1 200 OK", "x-field: value\r\n");
    let cuts = |at: &[&str]| -> Vec<Step> {
        let mut rest = answer.as_str();
        let mut steps = Vec::new();
        for end in at {
            let (before, after) = rest.split_once(end).expect("a piece of the answer");
            steps.push(Step::text(format!("{before}{end}")));
            steps.push(Step::Wait(APART));
            rest = after;
        }
        steps.push(Step::text(rest));
        steps
    };
    let rows = [
        ("in one write", vec![Step::text(answer)]),
        ("every byte in a write of its own", byte_by_byte(answer)),
        ("the head and the body apart", cuts(&["\r\n\r\n"])),
        ("within the version", cuts(&["HTT", "P/1."])),
        ("within the status", cuts(&["HTTP/1.1 2", "0"])),
        ("between CR and LF", cuts(&["OK\r", "\nx-field: value\r"])),
        ("within the end of the head", cuts(&["5\r", "\n", "\r", "\n"])),
        ("within a name and a value", cuts(&["x-fi", "eld: va", "lue"])),
        ("within the length", cuts(&["content-length", ":", " "])),
        ("within the body", cuts(&["hel"])),
        (
            "with a pause within the head",
            vec![
                Step::text(&answer[..20]),
                Step::Wait(Duration::from_millis(100)),
                Step::text(&answer[20..]),
            ],
        ),
        (
            "with a pause within the body",
            vec![
                Step::text(&answer[..answer.len() - 2]),
                Step::Wait(Duration::from_millis(100)),
                Step::text(&answer[answer.len() - 2..]),
            ],
        ),
    ];
    each(rows, async |steps| {
        let subject = harness.subject_of(vec![Fault::Steps(steps), Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        has_body(&seen, "hello")?;
        let field = seen.answer()?.headers().get("x-field").map(HeaderValue::as_bytes);
        expect_eq("x-field", &field, &Some(&b"value"[..]))?;
        next_is_answered(&subject).await
    })
    .await
}

/// Heads that a client may refuse or mend. What it may not do is to take them for something else.
pub(crate) async fn a_head_is_refused_or_read_right(harness: &Harness<'_>) -> Check {
    // A field `x`, as it may be read, with its white space taken away.
    let rows: [(&str, &str, &[&str]); 12] = [
        ("LF as line end", "HTTP/1.1 200 OK\nx: a\ncontent-length: 5\n\nhello", &["a"]),
        ("CRLF, then LF", "HTTP/1.1 200 OK\r\nx: a\r\ncontent-length: 5\n\nhello", &["a"]),
        (
            "no reason and no space",
            "HTTP/1.1 200\r\nx: a\r\ncontent-length: 5\r\n\r\nhello",
            &["a"],
        ),
        (
            "a value over two lines",
            "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 5\r\n\r\nhello",
            &["ab"],
        ),
        (
            "a length in a value's second line",
            "HTTP/1.1 200 OK\r\nx: a\r\n content-length: 2\r\ncontent-length: 5\r\n\r\nhello",
            &["acontent-length:2"],
        ),
        (
            "a space before a colon",
            "HTTP/1.1 200 OK\r\nx : a\r\ncontent-length: 5\r\n\r\nhello",
            &["a", ""],
        ),
        (
            "a CR within a value",
            "HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 5\r\n\r\nhello",
            &["ab"],
        ),
        (
            "a NUL within a value",
            "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 5\r\n\r\nhello",
            &["ab"],
        ),
        (
            "a line without a colon",
            "HTTP/1.1 200 OK\r\nx: a\r\nnonsense\r\ncontent-length: 5\r\n\r\nhello",
            &["a"],
        ),
        (
            "a field without a name",
            "HTTP/1.1 200 OK\r\n: b\r\nx: a\r\ncontent-length: 5\r\n\r\nhello",
            &["a"],
        ),
        (
            "an empty line before the head",
            "\r\nHTTP/1.1 200 OK\r\nx: a\r\ncontent-length: 5\r\n\r\nhello",
            &["a"],
        ),
        (
            "two spaces before the status",
            "HTTP/1.1  200 OK\r\nx: a\r\ncontent-length: 5\r\n\r\nhello",
            &["a"],
        ),
    ];
    let rows = rows.map(|(what, answer, values)| (what, (answer, values)));
    each(rows, async |(answer, values)| {
        let subject = harness.subject(written_then(Ending::Close, answer));
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        seen.ended()?;
        if seen.error().is_ok() {
            return Ok(());
        }
        seen.status(200)?;
        has_body_or_fails(&seen, "hello")?;
        let value = seen.answer()?.headers().get("x").map_or(&b""[..], HeaderValue::as_bytes);
        let value: String = String::from_utf8_lossy(value).split_whitespace().collect();
        let value = value.replace('\0', "");
        expect(values.contains(&value.as_str()), format!("an error, or x of {values:?}"), || {
            format!("an answer with x of {value:?}")
        })
    })
    .await
}

/// More than the buffers between the two take.
const LARGE: usize = 6 * 1024 * 1024;

/// A `PUT` with so many bytes.
fn upload(subject: &Subject, bytes: usize) -> otp_core::Request {
    let body = Bytes::from(vec![b'x'; bytes]);
    let request = subject.request(Method::PUT, "/things").with_time_limit(SOON * 2);
    subject.changed(request, |http| *http.body_mut() = body)
}

pub(crate) async fn early_answers_arrive(harness: &Harness<'_>) -> Check {
    const REFUSAL: &str = "x-early: yes\r\ncontent-length: 5\r\n";
    let answer = |status: u16, close: bool| {
        let close = if close { "connection: close\r\n" } else { "" };
        Step::text(format!("HTTP/1.1 {status} X\r\n{close}{REFUSAL}\r\nhello"))
    };
    let mut rows = Vec::new();
    // So that the client hears it while it still writes.
    let pause = Step::Wait(Duration::from_millis(50));
    for size in [3000, LARGE] {
        for status in [401, 413, 200] {
            let kept = vec![answer(status, false), pause.clone(), Step::ReadBody];
            rows.push((format!("a {status}, before {size} bytes are read"), (size, status, kept)));
        }
        // It reads on before it closes, so that no reset takes the answer back.
        let (read, close) = (Step::ReadBody, Step::End(Ending::Close));
        let closed = vec![answer(413, true), pause.clone(), read, close];
        let what = format!("a 413 with connection: close, before {size} bytes are read");
        rows.push((what, (size, 413, closed)));
    }
    each(rows, async |(size, status, steps)| {
        let subject = harness.subject_of(vec![Fault::Early(steps), Fault::Echo]);
        let seen = subject.send(upload(&subject, size)).await;
        seen.status(status)?;
        has_body(&seen, "hello")?;
        next_is_answered(&subject).await
    })
    .await?;
    // A reset may overtake the answer (RFC 9112 §9.6), so that an error is right too.
    let reset = vec![answer(413, true), Step::End(Ending::Reset)];
    let subject = harness.subject(Fault::Early(reset));
    let seen = subject.send(upload(&subject, LARGE)).await;
    let at = "a 413, and a reset before the body is read";
    match seen.error() {
        Ok(_) => seen.progress(Unknown),
        Err(_) => seen.status(413),
    }
    .map_err(|wrong| wrong.when(at))
}

/// What says that the connection is not to be used again (RFC 9112 §9.3, §9.6).
const CLOSING: [(&str, &str); 11] = [
    ("connection: close", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"),
    ("Connection: Close", "HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 5\r\n\r\nhello"),
    ("CONNECTION: CLOSE", "HTTP/1.1 200 OK\r\nCONNECTION: CLOSE\r\ncontent-length: 5\r\n\r\nhello"),
    (
        "close in a list",
        "HTTP/1.1 200 OK\r\nconnection: x-thing, close\r\ncontent-length: 5\r\n\r\nhello",
    ),
    (
        "close in a list without spaces",
        "HTTP/1.1 200 OK\r\nconnection: x-thing,close,x-other\r\ncontent-length: 5\r\n\r\nhello",
    ),
    (
        "close in a second field",
        "HTTP/1.1 200 OK\r\nconnection: x-thing\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
    ),
    (
        "close after chunks",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ),
    ("close after a 401", "HTTP/1.1 401 X\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"),
    ("close after a 204", "HTTP/1.1 204 X\r\nconnection: close\r\n\r\n"),
    ("HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
    (
        "HTTP/1.0 with another option",
        "HTTP/1.0 200 OK\r\nconnection: x-thing\r\ncontent-length: 5\r\n\r\nhello",
    ),
];

pub(crate) async fn a_closing_connection_is_not_waited_for(harness: &Harness<'_>) -> Check {
    each(CLOSING, async |answer| {
        let subject = harness.subject(written_then(Ending::Silence, answer));
        let seen = subject.send(subject.get().with_time_limit(SOON * 2)).await;
        seen.answer()?;
        expect(seen.took < SOON, "the answer, and no wait for the close", || seen.describe())
    })
    .await?;
    // What arrived in full is an answer, however the connection ends (RFC 9112 §9.8).
    let whole = [CLOSING[0], CLOSING[6], CLOSING[8]];
    for ending in [Ending::Close, Ending::Cut] {
        each(whole, async |answer| {
            let subject = harness.subject(written_then(ending, answer));
            subject.send(subject.get().with_time_limit(SOON)).await.answer().map(drop)
        })
        .await?;
    }
    Ok(())
}

pub(crate) async fn a_closing_connection_is_not_used_again(harness: &Harness<'_>) -> Check {
    each(CLOSING, async |answer| {
        // The server leaves the connection open and listens no more.
        let closing = written_then(Ending::Silence, answer);
        let subject = harness.subject_of(vec![closing, Fault::Echo]);
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        if seen.answer().is_err() {
            // That is the case before this one.
            return Ok(());
        }
        // Both at once, and once more when a pool has had the time to take it back.
        next_is_answered(&subject).await?;
        wait(Duration::from_millis(20)).await;
        next_is_answered(&subject).await
    })
    .await
}

pub(crate) async fn older_and_shorter_connections_serve(harness: &Harness<'_>) -> Check {
    let kept = |fields: &str| hello("HTTP/1.0 200 OK", &format!("Connection: {fields}\r\n"));
    let hint = |hint: &str| hello("HTTP/1.1 200 OK", &format!("Keep-Alive: {hint}\r\n"));
    let rows = [
        ("HTTP/1.0, until the connection closes", true, "HTTP/1.0 200 OK\r\n\r\nhello".to_owned()),
        ("HTTP/1.0 with a length", true, hello("HTTP/1.0 200 OK", "")),
        ("HTTP/1.0 with keep-alive", false, kept("keep-alive")),
        ("HTTP/1.0 with Keep-Alive", false, kept("Keep-Alive")),
        ("HTTP/1.0 with keep-alive, and a close", true, kept("keep-alive")),
        ("HTTP/1.1 until the connection closes", true, "HTTP/1.1 200 OK\r\n\r\nhello".to_owned()),
        ("Keep-Alive: timeout=1", false, hint("timeout=1")),
        ("Keep-Alive: timeout=5, max=100", false, hint("timeout=5, max=100")),
        ("Keep-Alive: timeout=0", false, hint("timeout=0")),
        ("Keep-Alive: max=1", false, hint("max=1")),
        ("Keep-Alive: nonsense", false, hint("timeout=never, =, 99999999999999999999")),
        ("Proxy-Connection: close", false, hello("HTTP/1.1 200 OK", "proxy-connection: close\r\n")),
    ];
    let rows = rows.map(|(what, closes, answer)| (what, (closes, answer)));
    each(rows, async |(closes, answer)| {
        let answer = if closes { written_then(Ending::Close, answer) } else { written(answer) };
        let subject = harness.subject(answer);
        for number in 1..=3 {
            let seen = subject.send(subject.get().with_time_limit(SOON)).await;
            has_body(&seen, "hello").map_err(|wrong| wrong.when(&format!("request {number}")))?;
            if closes {
                // Until the client's end of the connection has heard of it.
                wait(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    })
    .await
}

pub(crate) async fn informational_responses_leave_nothing(harness: &Harness<'_>) -> Check {
    let links: String =
        (0..60).map(|i| format!("Link: </style-{i}.css>; rel=preload\r\n")).collect();
    let last = hello("HTTP/1.1 422 X", "x-field: last\r\n");
    let rows = [
        ("100 that nobody asked for", "HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
        ("100 with fields", "HTTP/1.1 100 Continue\r\nx-hint: 1\r\n\r\n".to_owned()),
        ("103 with 60 fields", format!("HTTP/1.1 103 Early Hints\r\n{links}x-hint: 1\r\n\r\n")),
        (
            "103 with a session",
            "HTTP/1.1 103 X\r\nx-hint: 1\r\nx-auth-token: no\r\n\r\n".to_owned(),
        ),
        ("102 and 103", "HTTP/1.1 102 X\r\n\r\nHTTP/1.1 103 X\r\nx-hint: 1\r\n\r\n".to_owned()),
        (
            "103 with a length",
            "HTTP/1.1 103 X\r\ncontent-length: 5\r\nx-hint: 1\r\n\r\n".to_owned(),
        ),
        ("103 with connection: close", "HTTP/1.1 103 X\r\nconnection: close\r\n\r\n".to_owned()),
        ("103 with another field's value", "HTTP/1.1 103 X\r\nx-field: hint\r\n\r\n".to_owned()),
        ("199, which is not known", "HTTP/1.1 199 X\r\nx-hint: 1\r\n\r\n".to_owned()),
    ];
    let one = rows.iter().map(|(what, hint)| {
        (format!("{what}, in one write"), vec![Step::text(format!("{hint}{last}"))])
    });
    let apart = rows.iter().map(|(what, hint)| {
        let pause = Step::Wait(Duration::from_millis(30));
        (what.to_string(), vec![Step::text(hint), pause, Step::text(&last)])
    });
    each(one.chain(apart), async |steps| {
        let subject = harness.subject_of(vec![Fault::Steps(steps), Fault::Echo]);
        let seen = subject.send(subject.post().with_time_limit(SOON)).await;
        seen.status(422)?;
        has_body(&seen, "hello")?;
        let headers = seen.answer()?.headers();
        let hints: Vec<_> = ["x-hint", "link", "x-auth-token"]
            .into_iter()
            .filter(|name| headers.contains_key(*name))
            .collect();
        expect(hints.is_empty(), "the fields of the last head only", || format!("also {hints:?}"))?;
        let fields: Vec<_> = headers.get_all("x-field").iter().map(HeaderValue::as_bytes).collect();
        expect_eq("x-field", &fields, &vec![&b"last"[..]])?;
        next_is_answered(&subject).await
    })
    .await
}

/// The length of the answer is not what a client makes of the request's.
pub(crate) async fn errors_of_every_framing_arrive(harness: &Harness<'_>) -> Check {
    let body = "{\"error\":\"so\"}";
    let rows = [
        ("a 401 in chunks", 401, Reply::json(401, body).chunked()),
        ("a 422 until the connection closes", 422, Reply::json(422, body).until_close()),
        ("a 500 in chunks", 500, Reply::json(500, body).chunked()),
        ("a 503 until the connection closes", 503, Reply::json(503, body).until_close()),
    ];
    let rows = rows.map(|(what, status, reply)| (what, (status, reply)));
    each(rows, async |(status, reply)| {
        let subject = harness.subject(Fault::Answer(reply));
        let seen = subject.send(subject.get().with_time_limit(SOON)).await;
        seen.status(status)?;
        has_body(&seen, body)
    })
    .await
}

/// The fields are those of the answer to a `GET`, and its content is not sent (RFC 9110 §9.3.2).
pub(crate) async fn a_head_request_ends_with_the_head(harness: &Harness<'_>) -> Check {
    let rows = [
        ("a length", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nx-own: a\r\n\r\n"),
        (
            "a length over the limit",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\nx-own: a\r\n\r\n",
        ),
        ("chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-own: a\r\n\r\n"),
        ("nothing about a body", "HTTP/1.1 200 OK\r\nx-own: a\r\n\r\n"),
    ];
    each(rows, async |head| {
        let subject = harness.subject_of(vec![Fault::Steps(vec![Step::text(head)]), Fault::Echo]);
        let request = subject.request(Method::HEAD, "/things").with_time_limit(SOON);
        let seen = subject.send(request).await;
        seen.status(200)?;
        has_body(&seen, "")?;
        let own = seen.answer()?.headers().contains_key("x-own");
        expect(own, "the fields of the head", || seen.describe())?;
        next_is_answered(&subject).await
    })
    .await
}
