//! GOAWAY (RFC 9113 §6.8): streams above its last id were not processed, the others go on.

use std::time::Duration;

use otp_core::Progress::NotSent;

use super::resets::CODES;
use super::{Tried, each, has_body, next_is_answered, stream};
use crate::harness::{Harness, Observed, Subject};
use crate::hostile::frames::{ENHANCE_YOUR_CALM, INTERNAL_ERROR, NO_ERROR};
use crate::hostile::{Act, Fault, Last};
use crate::mismatch::{Check, Mismatch, expect};
use crate::time::all;

const SHORT: Act = Act::Wait(Duration::from_millis(20));

/// A GOAWAY that lets this stream end, and the answer.
fn graceful() -> Vec<Tried> {
    let at = Act::GoAway(Last::This, NO_ERROR);
    let warning = Act::GoAway(Last::Highest, NO_ERROR);
    vec![
        stream("GOAWAY at the stream", [at.clone(), Act::Echo]),
        stream("GOAWAY above the stream", [Act::GoAway(Last::Above, NO_ERROR), SHORT, Act::Echo]),
        stream("a warning and the answer", [warning.clone(), SHORT, Act::Echo]),
        stream("a warning, GOAWAY and the answer", [warning, SHORT, at.clone(), SHORT, Act::Echo]),
        stream("GOAWAY, the answer and a close", [at.clone(), SHORT, Act::Echo, Act::Close]),
        stream(
            "the head, GOAWAY and the body",
            [Act::Head(200, &[]), at, SHORT, Act::Data(b"first"), Act::End],
        ),
    ]
}

pub(crate) async fn an_answer_after_goaway_is_the_answer(harness: &Harness<'_>) -> Check {
    let request = |subject: &Subject| subject.marked("first");
    each(harness, graceful(), request, async |_, seen| has_body(seen, "first")).await
}

pub(crate) async fn goaway_at_the_stream_is_unknown(harness: &Harness<'_>) -> Check {
    let closed = |what: &str, last, code| {
        stream(&format!("{what}, then closed"), [Act::GoAway(last, code), Act::Close])
    };
    let mut tried: Vec<_> =
        CODES.iter().map(|(name, code)| closed(name, Last::This, *code)).collect();
    for (name, code) in [("NO_ERROR", NO_ERROR), ("ENHANCE_YOUR_CALM", ENHANCE_YOUR_CALM)] {
        tried.push(closed(&format!("{name} above the stream"), Last::Above, code));
        tried.push(closed(&format!("{name} at the highest id"), Last::Highest, code));
    }
    each(harness, tried, Subject::post, async |_, seen| seen.progress(otp_core::Progress::Unknown))
        .await
}

/// The first request shows that the last id counts, and not only whether there is one.
pub(crate) async fn goaway_below_a_later_stream_is_not_sent(harness: &Harness<'_>) -> Check {
    for code in [NO_ERROR, ENHANCE_YOUR_CALM] {
        let away = Fault::Stream(vec![Act::GoAway(Last::Below, code), Act::Close]);
        let subject = harness.subject_of(vec![Fault::Echo, away]);
        has_body(&subject.send(subject.marked("first")).await, "first")?;
        let seen = subject.send(subject.post()).await;
        match code {
            NO_ERROR => seen.progress(NotSent)?,
            // A server that says what is wrong proves as much; not every stack looks at it.
            _ => seen.error().map(drop)?,
        }
    }
    Ok(())
}

pub(crate) async fn a_connection_that_goes_away_is_replaced(harness: &Harness<'_>) -> Check {
    let mut tried = graceful();
    let away = |last, code| Act::GoAway(last, code);
    tried.extend([
        stream("an answer and GOAWAY", [Act::Echo, away(Last::This, NO_ERROR)]),
        stream("an answer and a warning", [Act::Echo, away(Last::Highest, NO_ERROR)]),
        stream(
            "an answer and GOAWAY with a reason",
            [Act::Echo, away(Last::This, ENHANCE_YOUR_CALM)],
        ),
        stream("GOAWAY below the stream", [away(Last::Zero, NO_ERROR), Act::Close]),
        stream("GOAWAY and a close", [away(Last::This, INTERNAL_ERROR), Act::Close]),
    ]);
    next_is_answered(harness, tried, None).await
}

/// A GOAWAY between two streams of one connection concerns the second only.
pub(crate) async fn goaway_concerns_the_streams_above_it(harness: &Harness<'_>) -> Check {
    let faults = vec![
        Fault::Echo,
        Fault::Stream(vec![
            Act::Requests(3),
            Act::GoAway(Last::This, NO_ERROR),
            SHORT,
            Act::Echo,
            SHORT,
            Act::Close,
        ]),
        // On a connection of its own it is answered.
        Fault::Stream(vec![Act::Wait(Duration::from_millis(60)), Act::Echo]),
        Fault::Echo,
    ];
    let subject = harness.subject_of(faults);
    has_body(&subject.send(subject.marked("before")).await, "before")?;
    let markers = ["one", "two"];
    let sends = markers.map(|marker| subject.send(subject.marked(marker)));
    let seen = all(sends).await;
    // Whichever came first is the first stream.
    let answered = seen.iter().zip(markers).filter(|(seen, own)| has_body(seen, own).is_ok());
    let answered = answered.count();
    expect(answered >= 1, "an answer to the first of two streams", || {
        seen.iter().map(Observed::describe).collect::<Vec<_>>().join("; ")
    })?;
    for (seen, own) in seen.iter().zip(markers) {
        if seen.error().is_err() {
            has_body(seen, own).map_err(|wrong: Mismatch| wrong.when(own))?;
        }
    }
    Ok(())
}
