//! Frames where they must not be. Each breaks the framing of an answer, so none may be taken for one.

use super::{Tried, each, has_body, stream};
use crate::harness::{Harness, Subject};
use crate::hostile::frames::{self, END_HEADERS, END_STREAM, Frame, PADDED};
use crate::hostile::{Act, Fault};
use crate::mismatch::{Check, expect};

pub(super) fn out_of_order() -> Vec<Tried> {
    vec![
        stream(
            "DATA before the head",
            [Act::Frames(|id| {
                vec![frames::data(id, b"{}", false), frames::headers(id, 200, &[], true)]
            })],
        ),
        stream(
            "a second head after the body",
            [Act::Frames(|id| {
                vec![
                    frames::headers(id, 200, &[], false),
                    frames::data(id, b"{}", false),
                    frames::fields(id, &[("x-end", "a")], false),
                    frames::data(id, b"{}", true),
                ]
            })],
        ),
        stream(
            "DATA within a head",
            [Act::Frames(|id| {
                let mut head = frames::headers(id, 200, &[], false);
                head.flags = 0;
                let rest = frames::field("x-name", "a");
                vec![
                    head,
                    frames::data(id, b"{}", false),
                    Frame::new(frames::CONTINUATION, END_HEADERS, id, rest),
                    frames::data(id, b"", true),
                ]
            })],
        ),
        stream(
            "a PING within a head",
            [Act::Frames(|id| {
                let mut head = frames::headers(id, 200, &[], true);
                head.flags = END_STREAM;
                vec![head, frames::ping(), Frame::new(frames::CONTINUATION, END_HEADERS, id, [])]
            })],
        ),
        stream(
            "a CONTINUATION without a head",
            [Act::Frames(|id| {
                let head = frames::headers(id, 200, &[], true);
                vec![Frame { kind: frames::CONTINUATION, ..head }]
            })],
        ),
        stream(
            "padding longer than its frame",
            [Act::Frames(|id| {
                vec![
                    frames::headers(id, 200, &[], false),
                    Frame::new(frames::DATA, PADDED | END_STREAM, id, [9, b'{', b'}']),
                ]
            })],
        ),
        stream("a frame over the limit", [Act::Head(200, &[]), Act::Oversized]),
        stream(
            "a HEADERS on a stream that nobody opened",
            [Act::Frames(|id| {
                vec![frames::headers(id + 100, 200, &[], true), frames::headers(id, 200, &[], true)]
            })],
        ),
        stream(
            "a setting of five bytes",
            [Act::Frames(|id| {
                let short = Frame::new(frames::SETTINGS, 0, 0, [0, 3, 0, 0, 1]);
                vec![short, frames::headers(id, 200, &[], true)]
            })],
        ),
    ]
}

pub(crate) async fn frames_out_of_order_are_no_answer(harness: &Harness<'_>) -> Check {
    each(harness, out_of_order(), Subject::get, async |_, seen| seen.error().map(drop)).await
}

pub(crate) async fn a_pushed_answer_is_nobodys(harness: &Harness<'_>) -> Check {
    let pushing = Fault::Stream(vec![Act::Push(b"pushed"), Act::Echo]);
    let subject = harness.subject_of(vec![pushing, Fault::Echo]);
    let first = subject.send(subject.marked("first")).await;
    // It may call the push an error: it has told the server that it wants none, or may have.
    first.ended()?;
    if first.answer().is_ok() {
        has_body(&first, "first")?;
    }
    let second = subject.send(subject.marked("second")).await;
    has_body(&second, "second").map_err(|wrong| wrong.when("after a push"))?;
    let got = subject.server.requests();
    expect(got == 2, "both requests at the server", || format!("{got} received"))
}
