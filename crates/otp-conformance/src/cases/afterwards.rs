//! The call after one that failed, or whose answer was not the end of it.

use std::time::Duration;

use http::Method;
use otp_core::Request;
use otp_core::bytes::Bytes;

use crate::harness::{Harness, Observed, Subject};
use crate::hostile::frames::{self, Frame};
use crate::hostile::{Ending, Fault, Protocol, Reply, Setup, Step};
use crate::mismatch::{Check, expect, expect_eq};
use crate::time::{all, until, wait, within};

/// The limit of a first call that is to end by it.
const SHORT: Duration = Duration::from_millis(150);

/// When the answer to such a call comes after all.
const LATE: Duration = Duration::from_millis(350);

/// Within this the next call has its answer: long before its own limit, and before that of the connection.
const SOON: Duration = Duration::from_secs(3);

/// How often a first call may have ended before it was received: on a busy machine connecting takes long.
const TRIES: usize = 3;

/// A first call.
struct First {
    what: &'static str,
    /// One for each request.
    faults: Vec<Fault>,
    limit: Duration,
    /// Of the answer's body.
    size: usize,
    /// A body of the request.
    body: Bytes,
    /// How long to wait before the next call.
    pause: Duration,
    /// The first has an answer, and what comes after it is not for the next: that one may notice it and fail.
    may_fail: bool,
}

impl First {
    fn new(what: &'static str, fault: Fault) -> Self {
        Self {
            what,
            faults: vec![fault],
            limit: Duration::from_secs(4),
            size: 64 * 1024,
            body: Bytes::new(),
            pause: Duration::ZERO,
            may_fail: false,
        }
    }

    fn steps(what: &'static str, steps: Vec<Step>) -> Self {
        Self::new(what, Fault::Steps(steps))
    }

    fn late(self) -> Self {
        Self { limit: SHORT, ..self }
    }

    /// With a small limit for the body.
    fn small(self) -> Self {
        Self { size: 16, ..self }
    }

    fn large(self) -> Self {
        Self { body: vec![b'x'; 8 * 1024 * 1024].into(), ..self }
    }

    fn with_more(self) -> Self {
        Self { may_fail: true, pause: Duration::from_millis(60), ..self }
    }

    fn request(&self, subject: &Subject) -> Request {
        let request = match self.body.is_empty() {
            true => subject.post(),
            false => subject.changed(subject.request(Method::PUT, "/things"), |http| {
                *http.body_mut() = self.body.clone();
            }),
        };
        request.with_time_limit(self.limit).with_response_limit(self.size)
    }
}

/// The answer to the call of this number.
fn numbered(number: usize) -> String {
    format!("the answer to call {number}")
}

/// What would be an answer if it began where an answer begins.
fn planted() -> String {
    let stolen = "the answer to call 1";
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{stolen}", stolen.len())
}

/// The next calls get their own answers: at once, once more, and after the first's has come.
async fn each(harness: &Harness<'_>, firsts: Vec<First>) -> Check {
    all(firsts.into_iter().map(|first| next(harness, first))).await.into_iter().collect()
}

async fn next(harness: &Harness<'_>, first: First) -> Check {
    let at = |wrong: crate::mismatch::Mismatch| wrong.when(&format!("after {}", first.what));
    for _ in 0..TRIES {
        let mut faults = first.faults.clone();
        let calls = faults.len();
        for number in 1..=3 {
            let own = Reply::status(200).body(numbered(calls + number));
            faults.push(Fault::Answer(own));
        }
        let subject = harness.subject_of(faults);
        for _ in 0..calls {
            subject.send(first.request(&subject)).await.ended().map_err(at)?;
        }
        if subject.server.requests() < calls {
            continue;
        }
        wait(first.pause).await;
        let mut lost = 0;
        for number in 1..=3 {
            if number == 3 && first.limit == SHORT {
                wait(LATE).await;
            }
            let seen = subject.send(subject.get()).await;
            if first.may_fail && seen.error().is_ok() {
                // It was received by a connection that then failed, or by none.
                lost += 1;
                continue;
            }
            own(&seen, calls + number)
                .or_else(|wrong| match lost {
                    0 => Err(wrong),
                    // Its number is that of a call before it, which was not received.
                    lost => own(&seen, calls + number - lost).map_err(|_| wrong),
                })
                .map_err(at)?;
        }
        return Ok(());
    }
    Ok(())
}

fn own(seen: &Observed, number: usize) -> Check {
    let body = String::from_utf8_lossy(seen.answer()?.body()).into_owned();
    expect_eq("the next body", &body, &numbered(number))?;
    expect(seen.took < SOON, "an answer at once", || seen.describe())
}

fn is_http2(harness: &Harness<'_>) -> bool {
    harness.wire.protocol() == Protocol::Http2
}

pub(crate) async fn after_a_timeout(harness: &Harness<'_>) -> Check {
    let mut firsts = Vec::new();
    if is_http2(harness) {
        firsts.push(First::new("a timeout before the head", Fault::Late(LATE)).late());
        firsts.push(First::new("a timeout within the body", Fault::Late(SHORT / 2)).late());
    } else {
        let (late, text) = (Step::Wait(LATE), |text: &str| Step::text(text));
        firsts.extend([
            First::steps("a timeout before the head", vec![late.clone(), text(&planted())]),
            First::steps(
                "a timeout within the head",
                vec![
                    text("HTTP/1.1 200 OK\r\nx-a"),
                    late.clone(),
                    text(": b\r\n"),
                    text("content-length: 2\r\n\r\nok"),
                ],
            ),
            First::steps(
                "a timeout after the head",
                vec![
                    text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"),
                    late.clone(),
                    text("ok"),
                ],
            ),
            First::steps(
                "a timeout within a body with a length",
                vec![
                    text(&format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\no",
                        planted().len() + 2
                    )),
                    late.clone(),
                    text(&planted()),
                    text("k"),
                ],
            ),
            First::steps(
                "a timeout within a chunked body",
                vec![
                    text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"),
                    late.clone(),
                    text("0\r\n\r\n"),
                ],
            ),
            First::steps(
                "a timeout within a body until the end",
                vec![text("HTTP/1.1 200 OK\r\n\r\no"), late.clone(), text(&planted()), text("k")],
            ),
            First::steps(
                "a timeout after an informational response",
                vec![text("HTTP/1.1 103 Early Hints\r\n\r\n"), late.clone(), text(&planted())],
            ),
            First::new(
                "a timeout while writing",
                Fault::Early(vec![late.clone(), Step::ReadBody, text(&planted())]),
            )
            .large(),
        ]);
        firsts = firsts.into_iter().map(First::late).collect();
    }
    each(harness, firsts).await?;
    if harness.wire.is_tls() {
        after_a_handshake(harness).await?;
    }
    Ok(())
}

/// After a limit that was reached in the handshake.
async fn after_a_handshake(harness: &Harness<'_>) -> Check {
    let setup = Setup::new(harness.wire, vec![Fault::Echo]).delayed(vec![LATE]);
    let subject = harness.subject_at(setup.start().expect("a server on the loopback address"));
    subject.send(subject.marked("first").with_time_limit(SHORT)).await.ended()?;
    for marker in ["second", "third"] {
        echoed(&subject, marker).await.map_err(|w| w.when("after a timeout in the handshake"))?;
    }
    Ok(())
}

async fn echoed(subject: &Subject, marker: &str) -> Check {
    let seen = subject.send(subject.marked(marker)).await;
    let body = String::from_utf8_lossy(seen.answer()?.body()).into_owned();
    expect_eq(&format!("the body of {marker}"), &body.as_str(), &marker)?;
    expect(seen.took < SOON, "an answer at once", || seen.describe())
}

pub(crate) async fn after_an_answer_too_large(harness: &Harness<'_>) -> Check {
    let body = Reply::status(200).body(planted());
    let mut firsts =
        vec![First::new("a body with a length that is too large", Fault::Answer(body.clone()))];
    if !is_http2(harness) {
        let (text, pause) = (|text: &str| Step::text(text), Step::Wait(Duration::from_millis(60)));
        let planted = planted();
        let length = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", planted.len());
        let chunk = format!("{:x}\r\n{planted}\r\n0\r\n\r\n", planted.len());
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        firsts.extend([
            First::steps(
                "a length that is too large, and then the body",
                vec![text(&length), pause.clone(), text(&planted)],
            ),
            First::steps("a chunk that is too large", vec![text(chunked), text(&chunk)]),
            First::steps(
                "a chunk that is too large, and comes later",
                vec![text(chunked), pause.clone(), text(&chunk)],
            ),
            First::steps(
                "chunks that are too large together",
                vec![text(chunked), text("10\r\n0123456789abcdef\r\n"), text(&chunk)],
            ),
            First::steps(
                "a body until the end that is too large",
                vec![text("HTTP/1.1 200 OK\r\n\r\n0123456789abcdef"), text(&planted)],
            ),
            First::steps(
                "a head that is too large",
                vec![
                    text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"),
                    text(&format!("x-more: {}\r\n", "x".repeat(1000)).repeat(1000)),
                    text("\r\n"),
                    text(&planted),
                ],
            ),
        ]);
    }
    each(harness, firsts.into_iter().map(First::small).collect()).await
}

pub(crate) async fn after_a_malformed_answer(harness: &Harness<'_>) -> Check {
    if is_http2(harness) {
        let garbage = Fault::Frames(|id| vec![Frame::new(1, 4, id, [0xff; 20])]);
        return each(harness, vec![First::new("fields that do not decode", garbage)]).await;
    }
    let malformed = [
        ("a status line that is none", "HTTP/1.1 abc\r\n\r\n"),
        ("another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        (
            "lengths that disagree",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        ),
        ("a length that is none", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"),
        ("a chunk without a size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
        ("a header without a name", "HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 0\r\n\r\n"),
    ];
    // A `101` too: nobody asked for another protocol.
    let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    let firsts = malformed.into_iter().chain([("another protocol, agreed on", switched)]);
    let firsts = firsts.flat_map(|(what, bytes)| {
        let at_once = vec![Step::text(format!("{bytes}{}", planted()))];
        // The next request is on its way by then, if it goes to the same connection.
        let pause = Step::Wait(Duration::from_millis(80));
        let later = vec![Step::text(bytes), pause, Step::text(planted())];
        [First::steps(what, at_once), First::steps(what, later)]
    });
    // An unlucky one waits for the end of what it was told; nobody ends it.
    each(
        harness,
        firsts.map(|first| First { limit: Duration::from_millis(500), ..first }).collect(),
    )
    .await
}

pub(crate) async fn after_a_lost_connection(harness: &Harness<'_>) -> Check {
    let mut firsts = vec![
        First::new("a connection closed", Fault::Close),
        First::new("a connection reset", Fault::Reset),
        First::new("a head cut off", Fault::CutHead(Ending::Close)),
        First::new("a body cut off", Fault::Cut(200, Ending::Close)),
        First::new("a body cut off by a reset", Fault::Cut(200, Ending::Reset)),
        // One after the other, on connections of their own.
        First {
            faults: vec![Fault::Close, Fault::Reset, Fault::Cut(200, Ending::Close)],
            ..First::new("three connections lost", Fault::Close)
        },
    ];
    if is_http2(harness) {
        let reset = |id| vec![frames::reset(id, frames::INTERNAL_ERROR)];
        firsts.push(First::new("a stream reset", Fault::Frames(reset)));
    } else {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nok";
        firsts.extend([
            First::steps("a chunk cut off", vec![Step::text(chunked), Step::End(Ending::Close)]),
            First::new("a head cut off without a farewell", Fault::CutHead(Ending::Cut)),
            First::new("a body cut off without a farewell", Fault::Cut(200, Ending::Cut)),
            First::new("a body cut off by an alert", Fault::Cut(200, Ending::Alert)),
            First::new(
                "an early answer that ended the connection",
                Fault::Early(vec![
                    Step::Answer(Reply::status(413).header("connection", "close")),
                    Step::End(Ending::Close),
                ]),
            )
            .large(),
        ]);
    }
    each(harness, firsts).await
}

pub(crate) async fn after_an_answer_with_more(harness: &Harness<'_>) -> Check {
    let planted = planted();
    let ends = [
        ("a body longer than its length", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        ("a body though its length is 0", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        (
            "more after the last chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
        ("a 204 with a body", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("a 304 with a body", "HTTP/1.1 304 Not Modified\r\ncontent-length: 60\r\n\r\n"),
    ];
    let firsts = ends.into_iter().map(|(what, answer)| {
        First::steps(what, vec![Step::text(format!("{answer}{planted}"))]).with_more()
    });
    let early = Fault::Early(vec![Step::Answer(Reply::status(413)), Step::ReadBody]);
    let early = First::new("an answer before the request was read", early).large();
    each(harness, firsts.chain([early]).collect()).await
}

/// How many failures: more than circuit breakers usually wait for.
const MANY: usize = 25;

pub(crate) async fn many_failures_stop_no_send(harness: &Harness<'_>) -> Check {
    let later = |status| Fault::Answer(Reply::status(status).header("retry-after", "120"));
    let rows = [
        ("25 connections lost", vec![Fault::Close; MANY]),
        ("25 answers of 503", vec![Fault::Answer(Reply::status(503)); MANY]),
        ("a 503 with Retry-After", vec![later(503)]),
        ("a 429 with Retry-After", vec![later(429)]),
    ];
    let each = rows.into_iter().map(async |(what, mut faults)| {
        let failures = faults.len();
        faults.push(Fault::Answer(Reply::status(200).body(numbered(failures + 1))));
        let subject = harness.subject_of(faults);
        for _ in 0..failures {
            subject.send(subject.post()).await.ended().map_err(|wrong| wrong.when(what))?;
        }
        own_after(&subject, failures + 1).await.map_err(|wrong| wrong.when(what))
    });
    all(each).await.into_iter().collect::<Check>()?;
    after_refusals(harness).await.map_err(|wrong| wrong.when("after 25 refused connections"))
}

async fn after_refusals(harness: &Harness<'_>) -> Check {
    if harness.wire.is_unix() {
        return Ok(());
    }
    let answer = Fault::Answer(Reply::status(200).body(numbered(1)));
    let setup = Setup::new(harness.wire, vec![answer]).accepting_after(LATE);
    let subject = harness.subject_at(setup.start().expect("a server on the loopback address"));
    for _ in 0..MANY {
        // The last ones may be answered: a refusal takes two seconds on some systems.
        subject.send(subject.get()).await.ended()?;
    }
    wait(LATE).await;
    own_after(&subject, 1).await
}

/// How many fail at once.
const AT_ONCE: usize = 6;

pub(crate) async fn after_several_failures_at_once(harness: &Harness<'_>) -> Check {
    let mut tries = 0;
    let subject = loop {
        tries += 1;
        let late = match harness.wire.protocol() {
            Protocol::Http1 => Fault::Steps(vec![Step::Wait(LATE), Step::Echo]),
            // The only one of its kind that still reads markers.
            Protocol::Http2 => Fault::Silence,
        };
        let mut faults = vec![late; AT_ONCE];
        faults.push(Fault::Echo);
        let subject = harness.subject_of(faults);
        let firsts = (0..AT_ONCE).map(async |number| {
            let request = subject.marked(&format!("late-{number}"));
            subject.send(request.with_time_limit(SHORT)).await.ended()
        });
        all(firsts).await.into_iter().collect::<Check>()?;
        match subject.server.requests() == AT_ONCE {
            true => break subject,
            false if tries == TRIES => return Ok(()),
            false => {}
        }
    };
    // At once, and once more when the late answers have come.
    for round in 0..2 {
        let markers: Vec<_> = (0..AT_ONCE).map(|number| format!("own-{round}-{number}")).collect();
        let nexts = markers.iter().map(|marker| echoed(&subject, marker));
        let nexts: Check = all(nexts).await.into_iter().collect();
        nexts.map_err(|wrong| wrong.when(&format!("after {AT_ONCE} timeouts at once")))?;
        wait(LATE + SHORT).await;
    }
    Ok(())
}

pub(crate) async fn after_a_drop_a_late_answer_is_nobodys(harness: &Harness<'_>) -> Check {
    let late = match is_http2(harness) {
        true => vec![("before the head", Fault::Late(LATE / 2))],
        false => vec![
            ("before the head", Fault::Steps(vec![Step::Wait(LATE), Step::text(planted())])),
            (
                "within the body",
                Fault::Steps(vec![
                    Step::text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no"),
                    Step::Wait(LATE),
                    Step::text("k"),
                ]),
            ),
            (
                "within a chunked body",
                Fault::Steps(vec![
                    Step::text("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n"),
                    Step::Wait(LATE),
                    Step::text("0\r\n\r\n"),
                ]),
            ),
        ],
    };
    let outcomes = all(late.into_iter().map(|(what, fault)| async move {
        let at = |wrong: crate::mismatch::Mismatch| wrong.when(&format!("dropped {what}"));
        let own = |number| Fault::Answer(Reply::status(200).body(numbered(number)));
        let subject = harness.subject_of(vec![fault, own(2), own(3), own(4)]);
        let mut sending = subject.transport.send(subject.post());
        let received = async {
            until(|| subject.server.requests() > 0).await;
            // Until it has heard of what came first.
            wait(Duration::from_millis(30)).await;
        };
        let mut received = std::pin::pin!(received);
        while let crate::time::Ended::Late = within(Duration::from_millis(5), &mut received).await {
            let _ = within(Duration::from_millis(1), &mut sending).await;
        }
        drop(sending);
        for number in 2..=4 {
            if number == 4 {
                wait(LATE).await;
            }
            own_after(&subject, number).await.map_err(at)?;
        }
        Ok(())
    }))
    .await;
    outcomes.into_iter().collect()
}

async fn own_after(subject: &Subject, number: usize) -> Check {
    own(&subject.send(subject.get()).await, number)
}
