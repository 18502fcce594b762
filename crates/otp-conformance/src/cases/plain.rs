//! The plainest exchanges. Other cases rest on them: see [`foundation`](crate::foundation).

use std::time::Duration;

use super::in_time::LIMIT;
use crate::harness::Harness;
use crate::hostile::{Ending, Fault, Protocol, Reply, Step, frames};
use crate::mismatch::{Check, Mismatch, Symptom, expect};

pub(crate) async fn a_post_is_answered(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    subject.send(subject.post()).await.status(200)
}

pub(crate) async fn a_second_send_is_answered(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    for number in 1..=3 {
        let seen = subject.send(subject.get()).await;
        seen.status(200).map_err(|wrong| wrong.when(&format!("send {number}")))?;
    }
    Ok(())
}

pub(crate) async fn a_chunked_body_ends(harness: &Harness<'_>) -> Check {
    let subject =
        harness.subject(Fault::Answer(Reply::json(200, "{\"a\":\"few chunks\"}").chunked()));
    let seen = subject.send(subject.get()).await;
    expect(seen.answer()?.body()[..] == *b"{\"a\":\"few chunks\"}", "the whole body", || {
        seen.describe()
    })
}

/// Each half of an answer comes after this time.
const LATE: Duration = Duration::from_millis(200);

/// A poll that takes so long has waited for one of the halves, at least.
const LONG: Duration = Duration::from_millis(150);

/// A busy machine stops a thread now and then; one that blocks is seen each time.
const TRIES: usize = 3;

pub(crate) async fn a_send_does_not_block(harness: &Harness<'_>) -> Check {
    for tries in 1.. {
        harness.state.forget_polls();
        let subject = harness.subject(Fault::Late(LATE));
        let seen = subject.send(subject.get()).await;
        // What comes of it is another case's.
        let longest = harness.state.longest_poll();
        if longest < LONG {
            return Ok(());
        }
        if tries == TRIES {
            let seen = format!("a poll that took {} ms; {}", longest.as_millis(), seen.describe());
            let late = (LATE * 2).as_millis();
            return Err(Mismatch::new(
                format!("an answer after {late} ms, and until then polls that return at once"),
                seen,
            )
            .of(Symptom::Blocks));
        }
    }
    Ok(())
}

/// One more than a `Vec` can ever hold, so that making room for it panics and does not abort the process.
const TOO_LONG: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775808\r\n\r\nabc";

/// 2^64 + 3: whoever counts in 64 bits without a check reads 3.
const WRAPPED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551619\r\n\r\nabc";

const LONG_CHUNK: &[u8] =
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8000000000000000\r\nabc";

pub(crate) async fn a_claimed_length_is_not_allocated(harness: &Harness<'_>) -> Check {
    let is_http1 = harness.wire.protocol() == Protocol::Http1;
    let faults = if is_http1 {
        vec![
            ("a length of 2^63", Fault::Raw(TOO_LONG)),
            ("a chunk of 2^63", Fault::Raw(LONG_CHUNK)),
        ]
    } else {
        let absurd = |id| {
            let length = [("content-length", "9223372036854775808")];
            vec![frames::headers(id, 200, &length, false), frames::data(id, b"abc", false)]
        };
        vec![("a length of 2^63", Fault::FramesThenClose(absurd))]
    };
    for (what, fault) in faults {
        let subject = harness.subject(fault);
        // Too large, malformed or cut short: what is wrong with it is another case's.
        let seen = subject.send(subject.get()).await;
        seen.ended().map_err(|wrong| wrong.when(&format!("{what}, of which 3 bytes come")))?;
    }
    if is_http1 {
        // The connection stays open, so that nobody takes it for the end of the body.
        let wrapped = Fault::Steps(vec![Step::text(WRAPPED), Step::End(Ending::Silence)]);
        let subject = harness.subject(wrapped);
        let seen = subject.send(subject.get().with_time_limit(LIMIT)).await;
        let taken = seen.answer().is_ok();
        let expected = "a length of 2^64 + 3, of which 3 bytes come: an error";
        expect(!taken, expected, || seen.describe())?;
    }
    Ok(())
}
