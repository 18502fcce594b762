//! `RST_STREAM` (RFC 9113 §6.4). Only `REFUSED_STREAM` proves that nothing was processed (§8.7).

use std::time::Duration;

use http::Method;

use super::{Tried, each, next_is_answered, stream, unknown_if_error};
use crate::cases::in_time::LIMIT;
use crate::harness::Harness;
use crate::hostile::frames::{self, CANCEL, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM};
use crate::hostile::{Act, Ending, Fault, Last, Reply};
use crate::mismatch::{Check, expect};
use crate::time::wait;

/// The error codes of RFC 9113 §7, and one that is not defined.
pub(super) const CODES: [(&str, u32); 15] = [
    ("NO_ERROR", NO_ERROR),
    ("PROTOCOL_ERROR", frames::PROTOCOL_ERROR),
    ("INTERNAL_ERROR", INTERNAL_ERROR),
    ("FLOW_CONTROL_ERROR", 3),
    ("SETTINGS_TIMEOUT", 4),
    ("STREAM_CLOSED", 5),
    ("FRAME_SIZE_ERROR", 6),
    ("REFUSED_STREAM", REFUSED_STREAM),
    ("CANCEL", CANCEL),
    ("COMPRESSION_ERROR", 9),
    ("CONNECT_ERROR", 10),
    ("ENHANCE_YOUR_CALM", frames::ENHANCE_YOUR_CALM),
    ("INADEQUATE_SECURITY", 12),
    ("HTTP_1_1_REQUIRED", frames::HTTP_1_1_REQUIRED),
    ("an unknown code", 0xfa),
];

/// A reset with each code but `REFUSED_STREAM`, before the head.
fn before_the_head() -> Vec<Tried> {
    let others = CODES.iter().filter(|(_, code)| *code != REFUSED_STREAM);
    others.map(|(name, code)| stream(name, [Act::Reset(*code)])).collect()
}

/// A reset with each code after these acts.
fn after(what: &str, acts: &[Act]) -> Vec<Tried> {
    let reset = |(name, code): &(&str, u32)| {
        stream(&format!("{name} {what}"), [acts, &[Act::Reset(*code)]].concat())
    };
    CODES.iter().map(reset).collect()
}

/// The head of a success that has more to say.
const HEAD: Act = Act::Head(200, &[("content-type", "application/json")]);

pub(crate) async fn a_reset_stream_is_unknown(harness: &Harness<'_>) -> Check {
    let request = |subject: &crate::harness::Subject| subject.post();
    each(harness, before_the_head(), request, async |_, seen| {
        seen.progress(otp_core::Progress::Unknown)
    })
    .await
}

pub(crate) async fn a_reset_after_the_head_is_unknown(harness: &Harness<'_>) -> Check {
    let mut tried = after("after the head", &[HEAD]);
    tried.extend(after("within the body", &[HEAD, Act::Data(b"{\"recovery")]));
    let request = |subject: &crate::harness::Subject| subject.post();
    each(harness, tried, request, async |_, seen| unknown_if_error(seen)).await
}

pub(crate) async fn a_body_that_is_reset_is_no_answer(harness: &Harness<'_>) -> Check {
    // No length tells that something is missing.
    let tried = after("within the body", &[HEAD, Act::Data(b"{\"recovery")]);
    let request = |subject: &crate::harness::Subject| subject.get();
    each(harness, tried, request, async |_, seen| seen.error().map(drop)).await
}

pub(crate) async fn repeats_nothing_after_a_reset_stream(harness: &Harness<'_>) -> Check {
    let mut tried = before_the_head();
    let closed = |name: &str, last, code| stream(name, [Act::GoAway(last, code), Act::Close]);
    tried.push(closed("GOAWAY at the stream, then closed", Last::This, NO_ERROR));
    tried.push(closed("GOAWAY above the stream, then closed", Last::Highest, NO_ERROR));
    let calm = frames::ENHANCE_YOUR_CALM;
    tried.push(closed("GOAWAY with ENHANCE_YOUR_CALM, then closed", Last::This, calm));
    tried.push(stream("CANCEL within the body", [HEAD, Act::Data(b"{"), Act::Reset(CANCEL)]));
    tried.push(stream("REFUSED_STREAM after the head", [HEAD, Act::Reset(REFUSED_STREAM)]));
    for method in [Method::POST, Method::GET] {
        let request = |subject: &crate::harness::Subject| {
            let path = "/user/otp/recovery-codes";
            subject.request(method.clone(), path)
        };
        each(harness, tried.clone(), request, async |subject, seen| {
            seen.ended()?;
            wait(Duration::from_millis(30)).await;
            let got = subject.server.requests();
            let expected = format!("{method}: 1 received by the server");
            expect(got == 1, expected, || format!("{got} received"))
        })
        .await?;
    }
    Ok(())
}

pub(crate) async fn the_next_send_after_a_failed_stream(harness: &Harness<'_>) -> Check {
    let large = Reply::json(200, vec![b' '; 5000]);
    let tried = vec![
        stream("a refused stream", [Act::Reset(REFUSED_STREAM)]),
        stream("a cancelled stream", [Act::Reset(CANCEL)]),
        stream("an internal error", [Act::Reset(INTERNAL_ERROR)]),
        stream("a reset body", [HEAD, Act::Data(b"{"), Act::Reset(CANCEL)]),
        stream("an answer that is too large", [Act::Reply(large.clone())]),
        stream("a malformed head", [Act::Frame(|id| frames::fields(id, &[("a", "b")], true))]),
        stream("a length that disagrees", [Act::Head(200, &[("content-length", "9")]), Act::End]),
        stream("data before the head", [Act::Data(b"{"), Act::End]),
        stream("a close", [Act::Close]),
        stream("a reset connection", [Act::ResetConnection]),
        ("a close within the body".to_owned(), Fault::Cut(200, Ending::Close)),
        (
            "a field block that does not decode".to_owned(),
            Fault::Frames(|id| {
                vec![frames::Frame::new(frames::HEADERS, frames::END_HEADERS, id, [0xff; 20])]
            }),
        ),
        ("a push".to_owned(), Fault::Stream(vec![Act::Push(b"pushed"), Act::Echo])),
    ];
    next_is_answered(harness, tried, None).await?;
    let late = vec![
        stream("silence", []),
        stream("silence within the body", [HEAD, Act::Data(b"{")]),
        stream("a late answer", [Act::Wait(LIMIT + Duration::from_millis(20)), Act::Reply(large)]),
    ];
    next_is_answered(harness, late, Some(LIMIT)).await
}
