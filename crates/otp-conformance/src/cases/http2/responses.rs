//! What a server may do, and a client must cope with.

use std::time::Duration;

use http::{HeaderValue, Method};
use otp_core::bytes::Bytes;

use super::{each, stream};
use crate::harness::{Harness, Subject};
use crate::hostile::frames::{
    self, END_HEADERS, END_STREAM, Frame, NO_ERROR, PADDED, WITH_PRIORITY,
};
use crate::hostile::{Act, Fault, Reply};
use crate::mismatch::{Check, Mismatch, expect, expect_eq};

/// A server that compresses fields: by Huffman codes, and by a table that grows with each answer (RFC 7541).
pub(crate) async fn compressed_fields_arrive(harness: &Harness<'_>) -> Check {
    let answer = |token: &str| {
        let reply =
            Reply::json(200, "{}").header("x-auth-token", token).header("x-name", "Zo\u{eb}");
        Fault::Polite(Box::new(Fault::Answer(reply)))
    };
    let tokens = ["a-Session", "a-Session", "another/Session+=", "a-Session"];
    let subject = harness.subject_of(tokens.map(answer).to_vec());
    for (number, token) in tokens.into_iter().enumerate() {
        let seen = subject.send(subject.get()).await;
        let at = |wrong: Mismatch| wrong.when(&format!("answer {}", number + 1));
        seen.status(200).map_err(at)?;
        let headers = seen.answer()?.headers();
        let value = |name| headers.get(name).map(HeaderValue::as_bytes);
        for (name, expected) in
            [("x-auth-token", token), ("x-name", "Zo\u{eb}"), ("content-type", "application/json")]
        {
            expect_eq(name, &value(name), &Some(expected.as_bytes())).map_err(at)?;
        }
    }
    Ok(())
}

/// A frame type that nobody has defined.
const UNKNOWN: u8 = 0x2a;

pub(crate) async fn what_is_unknown_is_ignored(harness: &Harness<'_>) -> Check {
    let tried = vec![
        stream(
            "an unknown frame on the connection",
            [Act::Frame(|_| Frame::new(UNKNOWN, 0xff, 0, [1, 2, 3])), Act::Echo],
        ),
        stream(
            "an unknown frame on the stream",
            [Act::Frame(|id| Frame::new(UNKNOWN, 0xff, id, [])), Act::Echo],
        ),
        stream(
            "an unknown frame within the answer",
            [
                Act::Head(200, &[]),
                Act::Frame(|id| Frame::new(UNKNOWN, 1, id, vec![7; 300])),
                Act::Data(b"first"),
                Act::Frame(|_| Frame::new(UNKNOWN, 4, 0, [])),
                Act::End,
            ],
        ),
        stream(
            "ALTSVC, ORIGIN and PRIORITY_UPDATE",
            [
                Act::Frame(|_| Frame::new(0x0a, 0, 0, *b"\0\x08a.exampleh2=\":1\"")),
                Act::Frame(|_| Frame::new(0x0c, 0, 0, *b"\0\x11https://a.example")),
                Act::Frame(|id| Frame::new(0x10, 0, 0, [&id.to_be_bytes()[..], b"u=1"].concat())),
                Act::Echo,
            ],
        ),
        stream(
            "a PRIORITY",
            [Act::Frame(|id| Frame::new(frames::PRIORITY, 0, id, [0, 0, 0, 0, 15])), Act::Echo],
        ),
        stream("an unknown setting", [Act::Settings(&[(0xff00, 1), (0xff01, 7)]), Act::Echo]),
        (
            "an unknown setting at first".to_owned(),
            Fault::With(&[(0xff00, 1)], Box::new(Fault::Echo)),
        ),
        stream(
            "unknown flags",
            [Act::Frames(|id| {
                let mut head = frames::headers(id, 200, &[], false);
                head.flags |= 0x40;
                let mut body = frames::data(id, b"first", true);
                body.flags |= 0x54;
                vec![head, body]
            })],
        ),
    ];
    answered(harness, tried).await
}

/// Each is answered by the marker.
async fn answered(harness: &Harness<'_>, tried: Vec<super::Tried>) -> Check {
    let request = |subject: &Subject| subject.marked("first");
    each(harness, tried, request, async |_, seen| super::has_body(seen, "first")).await
}

pub(crate) async fn padding_is_no_content(harness: &Harness<'_>) -> Check {
    let tried = vec![
        stream(
            "padded DATA",
            [
                Act::Head(200, &[]),
                Act::Frames(|id| {
                    vec![
                        Frame::new(frames::DATA, PADDED, id, *b"\x03fi\0\0\0"),
                        Frame::new(frames::DATA, PADDED, id, *b"\x02\0\0"),
                        Frame::new(frames::DATA, PADDED | END_STREAM, id, *b"\0rst"),
                    ]
                }),
            ],
        ),
        stream(
            "a padded head",
            [
                Act::Frame(|id| {
                    let block = frames::field(":status", "200");
                    let padded = [&[4][..], &block, &[0; 4]].concat();
                    Frame::new(frames::HEADERS, END_HEADERS | PADDED, id, padded)
                }),
                Act::Data(b"first"),
                Act::End,
            ],
        ),
        stream(
            "a padded head with a priority",
            [
                Act::Frame(|id| {
                    let block = frames::field(":status", "200");
                    let padded = [&[1, 0, 0, 0, 0, 15][..], &block, &[0]].concat();
                    let flags = END_HEADERS | PADDED | WITH_PRIORITY;
                    Frame::new(frames::HEADERS, flags, id, padded)
                }),
                Act::Data(b"first"),
                Act::End,
            ],
        ),
    ];
    answered(harness, tried).await
}

/// A head of three fields: frames of these sizes, and one with the rest.
fn pieces(id: u32, sizes: &[usize]) -> Vec<Frame> {
    let mut block = frames::field(":status", "200");
    block.extend(frames::field("content-type", "application/json"));
    block.extend(frames::field("x-auth-token", "a-Session"));
    let mut rest = &block[..];
    let mut all = Vec::new();
    for size in sizes {
        let (piece, others) = rest.split_at(*size);
        rest = others;
        let kind = if all.is_empty() { frames::HEADERS } else { frames::CONTINUATION };
        all.push(Frame::new(kind, 0, id, piece));
    }
    all.push(Frame::new(frames::CONTINUATION, END_HEADERS, id, rest));
    all
}

pub(crate) async fn a_head_in_pieces_arrives(harness: &Harness<'_>) -> Check {
    let end = || [Act::Data(b"first"), Act::End];
    let with = |frames| [&[Act::Frames(frames)][..], &end()].concat();
    let tried = vec![
        stream("cut within a name", with(|id| pieces(id, &[20]))),
        stream("cut within a status", with(|id| pieces(id, &[3, 8]))),
        stream("an empty first frame", with(|id| pieces(id, &[0]))),
        stream("four frames, one of them empty", with(|id| pieces(id, &[10, 0, 30]))),
    ];
    each(harness, tried, Subject::get, async |_, seen| {
        super::has_body(seen, "first")?;
        let token = seen.answer()?.headers().get("x-auth-token");
        let token = token.and_then(|value| value.to_str().ok());
        expect_eq("x-auth-token", &token, &Some("a-Session"))
    })
    .await
}

pub(crate) async fn a_body_in_pieces_arrives(harness: &Harness<'_>) -> Check {
    let tried = vec![
        stream(
            "byte by byte",
            [
                Act::Head(200, &[]),
                Act::Frames(|id| {
                    let bytes = b"first".iter().map(|byte| frames::data(id, &[*byte], false));
                    bytes.chain([frames::data(id, b"", true)]).collect()
                }),
            ],
        ),
        stream(
            "empty frames between",
            [
                Act::Head(200, &[("content-length", "5")]),
                Act::Frames(|id| {
                    [&b""[..], b"fi", b"", b"rst", b""]
                        .map(|bytes| frames::data(id, bytes, false))
                        .to_vec()
                }),
                Act::End,
            ],
        ),
        stream(
            "in several writes",
            [
                Act::Head(200, &[]),
                Act::Wait(Duration::from_millis(10)),
                Act::Data(b"fir"),
                Act::Wait(Duration::from_millis(10)),
                Act::Data(b"st"),
                Act::Wait(Duration::from_millis(10)),
                Act::End,
            ],
        ),
    ];
    answered(harness, tried).await
}

pub(crate) async fn an_empty_body_may_end_later(harness: &Harness<'_>) -> Check {
    for (status, fields) in [(204, &[][..]), (200, &[]), (422, &[("content-length", "0")])] {
        let later = vec![Act::Head(status, fields), Act::Wait(Duration::from_millis(10)), Act::End];
        let subject = harness.subject(Fault::Stream(later));
        let seen = subject.send(subject.get()).await;
        let at = format!("a {status} that ends with an empty DATA");
        seen.status(status).map_err(|wrong| wrong.when(&at))?;
        expect_eq(&format!("the body of {at}"), &seen.answer()?.body().len(), &0)?;
    }
    Ok(())
}

pub(crate) async fn heads_of_many_fields_arrive(harness: &Harness<'_>) -> Check {
    // Many clients say that they take 16 KiB, counted as RFC 9113 §6.5.2 counts.
    for (count, size) in [(1, 4_000), (100, 20), (60, 200), (1, 15_000)] {
        let value = "v".repeat(size);
        let mut reply = Reply::json(200, "first");
        for number in 0..count {
            reply = reply.header(&format!("x-field-{number}"), &value);
        }
        let subject = harness.subject(Fault::Answer(reply));
        let seen = subject.send(subject.get()).await;
        let at = |wrong: Mismatch| wrong.when(&format!("{count} fields of {size} bytes"));
        super::has_body(&seen, "first").map_err(at)?;
        let headers = seen.answer()?.headers();
        let whole = |number: &usize| {
            headers.get(format!("x-field-{number}")).is_some_and(|got| got == value.as_str())
        };
        let got = (0..count).filter(whole).count();
        expect_eq("fields that arrived", &got, &count).map_err(at)?;
    }
    Ok(())
}

/// RFC 9110 §15.4.5, RFC 9113 §8.1.1: the length is that of a `200`.
pub(crate) async fn a_304_with_a_length_ends(harness: &Harness<'_>) -> Check {
    // That it may end with an empty DATA instead is as right, but the h2 crate takes that for an error.
    let ends = Act::Frame(|id| frames::headers(id, 304, &[("content-length", "10")], true));
    let tried = vec![stream("a 304 with a length", [ends])];
    each(harness, tried, Subject::get, async |_, seen| {
        seen.status(304)?;
        expect_eq("the length of the body", &seen.answer()?.body().len(), &0)
    })
    .await
}

pub(crate) async fn an_informational_head_leaves_nothing(harness: &Harness<'_>) -> Check {
    let early = Act::Head(103, &[("link", "</x>"), ("x-auth-token", "early"), ("x-early", "a")]);
    let tried = vec![
        stream("a 103", [early.clone(), Act::Echo]),
        stream(
            "a 100, a 103 and a pause",
            [Act::Head(100, &[]), early, Act::Wait(Duration::from_millis(20)), Act::Echo],
        ),
    ];
    each(
        harness,
        tried,
        |subject| subject.marked("first"),
        async |_, seen| {
            super::has_body(seen, "first")?;
            let headers = seen.answer()?.headers();
            let left = ["link", "x-auth-token", "x-early"].map(|name| headers.contains_key(name));
            expect(left == [false; 3], "no field of the 103", || format!("{headers:?}"))
        },
    )
    .await
}

pub(crate) async fn trailers_end_an_answer(harness: &Harness<'_>) -> Check {
    const TRAILERS: Act = Act::Frame(|id| frames::fields(id, &[("x-checksum", "a")], true));
    let length = &[("content-length", "5")];
    let tried = vec![
        stream("trailers", [Act::Head(200, &[]), Act::Data(b"first"), TRAILERS]),
        stream("trailers and a length", [Act::Head(200, length), Act::Data(b"first"), TRAILERS]),
        stream(
            "trailers in pieces",
            [
                Act::Head(200, &[]),
                Act::Data(b"first"),
                Act::Frames(|id| {
                    let block = frames::field("x-checksum", "a");
                    vec![
                        Frame::new(frames::HEADERS, END_STREAM, id, &block[..4]),
                        Frame::new(frames::CONTINUATION, END_HEADERS, id, &block[4..]),
                    ]
                }),
            ],
        ),
    ];
    answered(harness, tried).await
}

/// RFC 9113 §8.1: such a reset must not make a client discard the answer.
pub(crate) async fn an_answer_before_the_upload_is_the_answer(harness: &Harness<'_>) -> Check {
    let refusal = Reply::json(413, "{\"error\":\"too large\"}");
    let fault = Fault::EarlyStream(vec![Act::Reply(refusal), Act::Reset(NO_ERROR)]);
    let subject = harness.subject(fault);
    let large = Bytes::from(vec![b'x'; 300 * 1024]);
    let request = subject.request(Method::PUT, "/things");
    let seen = subject.send(subject.changed(request, |http| *http.body_mut() = large)).await;
    seen.status(413)?;
    let body = seen.answer()?.body();
    expect(body.starts_with(b"{\"error\""), "the body of the 413", || seen.describe())
}

pub(crate) async fn pings_are_answered(harness: &Harness<'_>) -> Check {
    let tried = vec![
        stream("a PING before the head", [Act::Ping, Act::Echo]),
        stream(
            "a PING within the body",
            [Act::Head(200, &[]), Act::Ping, Act::Data(b"first"), Act::End],
        ),
    ];
    answered(harness, tried).await
}

pub(crate) async fn settings_are_acknowledged(harness: &Harness<'_>) -> Check {
    let tried = vec![
        stream(
            "settings before the head",
            [Act::Settings(&[]), Act::Settings(&[(3, 50)]), Act::Echo],
        ),
        stream(
            "settings within the body",
            [
                Act::Head(200, &[]),
                Act::Settings(&[(frames::INITIAL_WINDOW_SIZE, 70_000)]),
                Act::Data(b"first"),
                Act::End,
            ],
        ),
    ];
    answered(harness, tried).await
}
