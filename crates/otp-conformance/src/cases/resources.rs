//! What is left after many failures.

use std::time::Duration;

use http::Method;
use otp_core::Request;
use tokio::sync::Mutex;

use crate::harness::{Harness, Subject};
use crate::hostile::frames::Frame;
use crate::hostile::{Ending, Fault, Protocol, Reply};
use crate::mismatch::{Check, Mismatch, expect};
use crate::resources;
use crate::time::{all, until, wait, within};

/// How many failures of each kind.
const FAILURES: usize = 100;

/// How many of them at a time.
const AT_ONCE: usize = 25;

/// What may be left of each kind: what is spare in a pool, and what has nothing to do with it. Other tests run in
/// this process.
const LEFT: usize = FAILURES * 2 / 5;

/// Kits count what the process has. In one process they do so one after the other.
static ONE: Mutex<()> = Mutex::const_new(());

/// Failures of a kind.
struct Kind {
    what: &'static str,
    fault: Fault,
    limit: Duration,
    /// Dropped at its limit.
    dropped: bool,
}

impl Kind {
    /// Whether it is another failure if the limit is over before there is a connection.
    fn needs_a_connection(&self) -> bool {
        self.limit < Duration::from_secs(1) && !matches!(self.fault, Fault::HangInHandshake)
    }
}

fn kinds(harness: &Harness<'_>) -> Vec<Kind> {
    let new = |what, fault| Kind { what, fault, limit: Duration::from_secs(4), dropped: false };
    let large = Fault::Answer(Reply::status(200).body(vec![b'x'; 300]));
    let malformed = match harness.wire.protocol() {
        Protocol::Http1 => Fault::Raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
        Protocol::Http2 => Fault::Frames(|id| vec![Frame::new(1, 4, id, [0xff; 20])]),
    };
    // Long enough for so many handshakes.
    let short = Duration::from_millis(120);
    let mut kinds = vec![
        new("refused connections", Fault::Refused),
        new("closed connections", Fault::Close),
        new("connections reset", Fault::Reset),
        new("answers cut off", Fault::Cut(200, Ending::Close)),
        new("answers too large", large),
        new("malformed answers", malformed),
        Kind { limit: short, ..new("timeouts", Fault::Silence) },
        Kind { limit: short, ..new("timeouts within the body", Fault::Cut(200, Ending::Silence)) },
    ];
    if harness.wire.is_tls() {
        let limit = Duration::from_millis(20);
        kinds.push(Kind { limit, ..new("timeouts in the handshake", Fault::HangInHandshake) });
        kinds.push(new("handshakes that fail", Fault::CloseInHandshake));
    }
    if harness.has_futures {
        kinds.push(Kind { dropped: true, limit: short, ..new("drops", Fault::Silence) });
    }
    kinds
}

fn request(subject: &Subject, kind: &Kind) -> Request {
    let limit = if kind.dropped { Duration::from_secs(20) } else { kind.limit };
    subject.get().with_time_limit(limit).with_response_limit(16)
}

async fn fail(subject: &Subject, kind: &Kind) -> Check {
    let request = request(subject, kind);
    if kind.dropped {
        // That a drop does not panic, and sends nothing, is another case's.
        let _ = within(kind.limit, subject.transport.send(request)).await;
        return Ok(());
    }
    subject.send(request).await.ended().map_err(|wrong| wrong.when(kind.what))
}

/// Lets so many of them fail.
async fn failures(subject: &Subject, kind: &Kind) -> Check {
    for _ in 0..FAILURES / AT_ONCE {
        let round = (0..AT_ONCE).map(|_| fail(subject, kind));
        all(round).await.into_iter().collect::<Check>()?;
    }
    Ok(())
}

pub(crate) async fn failures_leave_no_connection(harness: &Harness<'_>) -> Check {
    let _one = ONE.lock().await;
    let fails = async |kind: Kind| {
        let mut faults = vec![kind.fault.clone()];
        if matches!(kind.fault, Fault::Silence) {
            // The last is there so that the server of HTTP/2 hears of a stream that is reset.
            faults = vec![Fault::Silence; 2 * FAILURES];
            faults.push(Fault::Close);
        }
        let subject = harness.subject_of(faults);
        failures(&subject, &kind).await?;
        left_at(&subject, &kind).await
    };
    // Those that need their time to connect have the machine to themselves.
    let (slow, quick): (Vec<_>, Vec<_>) =
        kinds(harness).into_iter().partition(Kind::needs_a_connection);
    all(quick.into_iter().map(&fails)).await.into_iter().collect::<Check>()?;
    for kind in slow {
        fails(kind).await?;
    }
    Ok(())
}

/// What is still open between the two.
async fn left_at(subject: &Subject, kind: &Kind) -> Check {
    let server = &subject.server;
    let at = |what| format!("after {FAILURES} {}: at most {LEFT} {what}", kind.what);
    let closed = until(|| server.open() <= LEFT).await;
    expect(closed, at("connections open at the server"), || format!("{}", server.open()))?;
    if matches!(kind.fault, Fault::Silence) {
        let waits = || server.requests().saturating_sub(server.abandoned());
        let heard = until(|| waits() <= LEFT).await;
        expect(heard, at("requests that the server still answers"), || format!("{}", waits()))?;
    }
    if server.wire().is_unix() {
        return Ok(());
    }
    let held = || resources::sockets_to(server.address().port()).unwrap_or_default();
    let closed = until(|| held() <= LEFT).await;
    expect(closed, at("sockets to the server"), || format!("{}", held()))
}

pub(crate) async fn failures_leave_no_thread(harness: &Harness<'_>) -> Check {
    let _one = ONE.lock().await;
    let count: [Count; 2] =
        [("threads", resources::threads), ("sockets without a peer", resources::idle_sockets)];
    for kind in kinds(harness) {
        // What else a connection ends by does not differ in this.
        let counts = matches!(kind.fault, Fault::Refused | Fault::Silence | Fault::HangInHandshake);
        if !counts || kind.dropped {
            continue;
        }
        let subject = harness.subject(kind.fault.clone());
        // What it needs anyway it has after one round.
        let round = (0..AT_ONCE).map(|_| fail(&subject, &kind));
        all(round).await.into_iter().collect::<Check>()?;
        let mut tries = 0;
        loop {
            tries += 1;
            let before = count.map(|(_, count)| count());
            failures(&subject, &kind).await?;
            match as_few(&kind, count, before).await {
                Err(_) if tries < TRIES => {}
                outcome => break outcome?,
            }
        }
    }
    Ok(())
}

/// Waits until it holds, at most a second: it is tried more often than once.
async fn soon(mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..50 {
        if holds() {
            return true;
        }
        wait(Duration::from_millis(20)).await;
    }
    holds()
}

type Count = (&'static str, fn() -> Option<usize>);

async fn as_few(kind: &Kind, counts: [Count; 2], before: [Option<usize>; 2]) -> Check {
    for ((what, count), before) in counts.into_iter().zip(before) {
        let (Some(before), Some(_)) = (before, count()) else { continue };
        let few = soon(|| count().is_none_or(|now| now <= before + LEFT)).await;
        let expected = format!("after {FAILURES} {}: about {before} {what}", kind.what);
        expect(few, expected, || format!("{}", count().unwrap_or_default()))?;
    }
    Ok(())
}

/// How much more memory a process may hold: allocators keep some of what they have freed.
const SPARE: u64 = 14 << 20;

/// What is lost with each failure.
const LOST: usize = 1 << 20;

/// How many failures: what they lose is more than `SPARE` together.
const MANY: usize = 24;

/// How often the memory is measured before it counts as lost: others in this process may take some meanwhile.
const TRIES: usize = 3;

pub(crate) async fn failures_leave_no_memory(harness: &Harness<'_>) -> Check {
    let _one = ONE.lock().await;
    let cut = Reply::json(200, vec![b' '; LOST]).cut();
    let answers = harness.subject(Fault::AnswerAndClose(cut));
    let lost = async || {
        let request = answers.get().with_response_limit(2 * LOST);
        answers.send(request).await.error().map(drop)
    };
    frees("answers cut off", MANY, lost).await?;
    let refused = harness.subject(Fault::Refused);
    let unsent = async || {
        let request = refused.changed(refused.request(Method::PUT, "/things"), |http| {
            *http.body_mut() = vec![b'x'; LOST].into();
        });
        refused.send(request).await.error().map(drop)
    };
    frees("requests that were not sent", 2 * MANY, unsent).await
}

/// That many failures leave about as much memory as there was.
async fn frees(what: &str, many: usize, fails: impl AsyncFn() -> Check) -> Check {
    // What it needs anyway it has after a few.
    for _ in 0..many / 3 {
        fails().await?;
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let Some(before) = resources::memory() else { return Ok(()) };
        for _ in 0..many {
            fails().await?;
        }
        let more = || resources::memory().unwrap_or_default().saturating_sub(before);
        if soon(|| more() <= SPARE).await {
            return Ok(());
        }
        if tries == TRIES {
            let expected =
                format!("after {many} {what} of 1 MiB each: at most {} MiB more", SPARE >> 20);
            return Err(Mismatch::new(expected, format!("{} MiB more", more() >> 20)));
        }
    }
}
