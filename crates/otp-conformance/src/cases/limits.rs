//! Limits of every size, and over all phases together.

use std::time::{Duration, Instant};

use http::Method;
use otp_core::TransportErrorKind::{Connect, Timeout};
use otp_core::bytes::Bytes;

use super::in_time::{GRACE, LIMIT, TRIES};
use crate::Case;
use crate::child::Folder;
use crate::harness::{Harness, Observed, Subject};
use crate::hostile::{Fault, Protocol, Reply, Server, Setup, Step};
use crate::mismatch::{Check, Mismatch, expect};
use crate::names;
use crate::time::{all, until, wait};

/// A complete answer after this time.
fn after(harness: &Harness<'_>, time: Duration) -> Fault {
    match harness.wire.protocol() {
        Protocol::Http1 => {
            Fault::Steps(vec![Step::Wait(time), Step::Answer(Reply::json(200, "late"))])
        }
        Protocol::Http2 => Fault::Late(time / 2),
    }
}

fn started(setup: Setup) -> Server {
    setup.start().expect("a server on the loopback address")
}

pub(crate) async fn one_limit_for_all_phases(harness: &Harness<'_>) -> Check {
    harness.state.needs(Case::BeforeTheHead);
    // Neither phase is too long by itself.
    let (part, answer) = (LIMIT * 2 / 3, Step::Answer(Reply::json(200, "late")));
    let mut rows = Vec::new();
    if harness.wire.is_tls() {
        let setup = Setup::new(harness.wire, vec![after(harness, part)]);
        rows.push(("connecting and the head", setup.delayed(vec![part; 8]), Bytes::new()));
    }
    if harness.wire.protocol() == Protocol::Http1 {
        let large = Bytes::from(vec![b'x'; 8 * 1024 * 1024]);
        let steps = vec![Step::Wait(part), Step::ReadBody, Step::Wait(part), answer];
        let setup = Setup::new(harness.wire, vec![Fault::Early(steps)]);
        rows.push(("writing and the head", setup, large));
        let steps = ["HTTP/1.1 103 X\r\n\r\n", "HTTP/1.1 200 X\r\n", "content-length: 0\r\n\r\n"];
        let steps = steps.map(|text| [Step::text(text), Step::Wait(part)]);
        let setup = Setup::new(harness.wire, vec![Fault::Steps(steps.concat())]);
        rows.push(("the parts of a head", setup, Bytes::new()));
    }
    let tries = rows.into_iter().map(async |(what, setup, body)| {
        let at = |wrong: Mismatch| wrong.when(what);
        let mut tries = 0;
        loop {
            tries += 1;
            let subject = harness.subject_at(started(setup.clone()));
            let request = subject.changed(subject.request(Method::PUT, "/things"), |http| {
                *http.body_mut() = body.clone();
            });
            let seen = subject.send(request.with_time_limit(LIMIT)).await;
            seen.error().map_err(at)?;
            match punctual(&seen, LIMIT) {
                Err(_) if tries < TRIES => {}
                outcome => return outcome.map_err(at),
            }
        }
    });
    all(tries).await.into_iter().collect()
}

/// In a process that has its own name server.
pub(crate) async fn while_resolving(harness: &Harness<'_>) -> Check {
    let folder = Folder::new();
    let folder =
        folder.map_err(|error| Mismatch::new("a folder for a process", error.to_string()))?;
    harness.again_with_names("while_resolving", &folder).await?.outcome.check()
}

/// In the child, where the kit is the name server.
pub(crate) async fn slow_names(harness: &Harness<'_>) -> Check {
    let unable = |error: std::io::Error| Mismatch::new("a name server", error.to_string());
    names::serve().map_err(unable)?;
    let server = |answer| {
        let setup = Setup::new(harness.wire, vec![answer]);
        harness.subject_at(started(setup.named(&[names::SOON_FOUND, names::LATE_FOUND])))
    };
    let at_once = || Fault::Answer(Reply::json(200, "{}"));
    let seen = {
        let subject = server(at_once()).named(names::SOON_FOUND);
        subject.send(subject.post()).await
    };
    seen.status(200).map_err(|wrong| wrong.when("a name found within the limit"))?;

    let subject = server(at_once()).named(names::LATE_FOUND);
    let seen = subject.send(subject.post().with_time_limit(LIMIT)).await;
    let late = |wrong: Mismatch| wrong.when("a name found after the limit");
    seen.error().map_err(late)?;
    punctual(&seen, LIMIT).map_err(late)?;
    wait(names::LATE).await;
    let received = subject.server.requests();
    expect(received == 0, "a name found after the limit: nothing is sent", || {
        format!("{received} received")
    })?;

    // Neither phase is too long by itself.
    let subject = server(after(harness, names::SOON)).named(names::SOON_FOUND);
    let seen = subject.send(subject.post().with_time_limit(LIMIT)).await;
    let both = |wrong: Mismatch| wrong.when("a slow name and a slow answer");
    seen.error().map_err(both)?;
    punctual(&seen, LIMIT).map_err(both)
}

fn punctual(seen: &Observed, limit: Duration) -> Check {
    expect(seen.took <= limit + GRACE, format!("an end after {limit:?}"), || seen.describe())
}

pub(crate) async fn a_tiny_limit_is_a_limit(harness: &Harness<'_>) -> Check {
    harness.state.needs(Case::BeforeTheHead);
    let limits = [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(400)];
    let tries = limits.into_iter().flat_map(|limit| [(limit, false), (limit, true)]);
    let tries = tries.map(async |(limit, kept)| {
        let place = if kept { " on a kept connection" } else { "" };
        let at = |wrong: Mismatch| wrong.when(&format!("a limit of {limit:?}{place}"));
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = Fault::Answer(Reply::json(200, "{}"));
            let faults = if kept { vec![answer, Fault::Silence] } else { vec![Fault::Silence] };
            let subject = harness.subject_of(faults);
            if kept {
                subject.send(subject.get()).await.status(200)?;
            }
            let seen = subject.send(subject.post().with_time_limit(limit)).await;
            seen.kind(&[Timeout, Connect]).map_err(at)?;
            match punctual(&seen, limit) {
                Err(_) if tries < TRIES => {}
                outcome => return outcome.map_err(at),
            }
        }
    });
    all(tries).await.into_iter().collect()
}

pub(crate) async fn a_huge_limit_is_awaited(harness: &Harness<'_>) -> Check {
    let year = Duration::from_secs(365 * 24 * 3600);
    let limits = [
        Duration::MAX,
        Duration::from_secs(u64::MAX),
        Duration::from_secs(i64::MAX.unsigned_abs()),
        Duration::from_millis(u64::MAX),
        year * 100,
        // What is left of these in 32 bits is little.
        Duration::from_millis((1 << 32) + 50),
        Duration::from_micros((1 << 32) + 50_000),
        Duration::from_nanos((1 << 32) + 50_000_000),
        Duration::from_secs(1 << 32),
    ];
    let late = Duration::from_millis(300);
    let tries = limits.map(async |limit| {
        let subject = harness.subject(after(harness, late));
        // Whoever never ends is not watched for a hundred years.
        let request = subject.get().with_time_limit(limit);
        let seen = subject.send_within(late + Duration::from_secs(5), request).await;
        seen.status(200).map_err(|wrong| wrong.when(&format!("a limit of {limit:?}")))
    });
    all(tries).await.into_iter().collect()
}

pub(crate) async fn a_limit_may_have_fractions(harness: &Harness<'_>) -> Check {
    harness.state.needs(Case::BeforeTheHead);
    let [limit, early, late] = [1400, 1050, 1800].map(Duration::from_millis);
    let tries = [(early, false), (late, false), (early, true), (late, true)];
    let tries = tries.map(async |(answer, kept)| {
        let place = if kept { " on a kept connection" } else { "" };
        let at = format!("a limit of {limit:?} and an answer after {answer:?}{place}");
        let at = |wrong: Mismatch| wrong.when(&at);
        let mut tries = 0;
        loop {
            tries += 1;
            let fault = after(harness, answer);
            let first = Fault::Answer(Reply::json(200, "{}"));
            let subject = harness.subject_of(match kept {
                true => vec![first, fault],
                false => vec![fault],
            });
            if kept {
                subject.send(subject.get()).await.status(200)?;
            }
            let seen = subject.send(subject.get().with_time_limit(limit)).await;
            let outcome = match answer < limit {
                true => seen.status(200),
                false => seen.error().map(drop).and_then(|()| punctual(&seen, limit)),
            };
            match outcome {
                Err(_) if tries < TRIES - 1 && seen.ended().is_ok() => {}
                outcome => return outcome.map_err(at),
            }
        }
    });
    all(tries).await.into_iter().collect()
}

/// Within this the others are answered, long before the one that hangs gives up.
const SOON: Duration = Duration::from_millis(1100);

/// How long the one that hangs may take.
const HANGS: Duration = Duration::from_millis(1500);

pub(crate) async fn one_that_connects_holds_nobody_up(harness: &Harness<'_>) -> Check {
    let mut tries = 0;
    loop {
        tries += 1;
        match holds_nobody_up(harness).await {
            Err(_) if tries < TRIES => {}
            outcome => return outcome,
        }
    }
}

async fn holds_nobody_up(harness: &Harness<'_>) -> Check {
    let mut tries = Vec::new();
    if harness.wire.is_tls() {
        let setup = Setup::new(harness.wire, vec![Fault::Echo]);
        let subject = harness.subject_at(started(setup.delayed(vec![Duration::from_secs(20)])));
        tries.push(("a handshake", subject.clone(), subject));
    }
    if harness.wire.hangs_in_connect() && harness.has_origins {
        let hangs = harness.subject(Fault::HangInConnect);
        let other = hangs.at(Server::start(harness.wire, Fault::Echo));
        tries.push(("connecting to another server", hangs, other));
    }
    let tries = tries.into_iter().map(async |(what, hangs, other)| {
        let hanging = async {
            hangs.send(hangs.marked("hangs").with_time_limit(HANGS)).await;
            Ok(())
        };
        let (hangs_here, other) = (std::rc::Rc::ptr_eq(&hangs.server, &other.server), &other);
        let going_on = async {
            if hangs_here {
                // The first connection is the one that hangs.
                until(|| other.server.connections() > 0).await;
            } else {
                crate::time::wait(Duration::from_millis(50)).await;
            }
            let started = Instant::now();
            let sends = (0..3).map(|number| going_on(other, number));
            let outcome: Check = all(sends).await.into_iter().collect();
            expect(outcome.is_err() || started.elapsed() <= SOON, "answers at once", || {
                format!("answers after {} ms", started.elapsed().as_millis())
            })
            .and(outcome)
        };
        let both: [std::pin::Pin<Box<dyn Future<Output = Check>>>; 2] =
            [Box::pin(hanging), Box::pin(going_on)];
        let outcome: Check = all(both).await.into_iter().collect();
        outcome.map_err(|wrong| wrong.when(&format!("while one hangs in {what}")))
    });
    all(tries).await.into_iter().collect()
}

async fn going_on(subject: &Subject, number: usize) -> Check {
    let request = subject.marked(&format!("goes-on-{number}"));
    subject.send(request.with_time_limit(SOON)).await.status(200)
}
