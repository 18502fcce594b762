use std::future::poll_fn;
use std::pin::pin;
use std::time::{Duration, Instant};

use crate::harness::Harness;
use crate::hostile::{Fault, Reply};
use crate::mismatch::{Check, expect, expect_eq};
use crate::time::{all, wait};

const AT_ONCE: usize = 24;

/// Within this one is answered, before the others give up.
const LIMIT: Duration = Duration::from_secs(1);

/// When the others give up: long after the one had to be answered.
const GIVE_UP: Duration = Duration::from_secs(4);

pub(crate) async fn answers_are_not_mixed(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Echo);
    // Twice, so that the second time meets kept connections.
    for round in 0..2 {
        let markers: Vec<_> = (0..AT_ONCE).map(|i| format!("send-{round}-{i}")).collect();
        let sends = markers.iter().map(|marker| subject.send(subject.marked(marker)));
        for (seen, marker) in all(sends).await.into_iter().zip(&markers) {
            let body = String::from_utf8_lossy(seen.answer()?.body());
            expect_eq(&format!("the body of {marker}"), &body.as_ref(), &marker.as_str())?;
        }
    }
    Ok(())
}

/// How many wait. Browsers open six connections to a server and no more.
const WAITING: usize = 5;

pub(crate) async fn one_does_not_wait_for_another(harness: &Harness<'_>) -> Check {
    let mut faults = vec![Fault::Silence; WAITING];
    faults.push(Fault::Answer(Reply::json(200, "{}")));
    let subject = harness.subject_of(faults);
    let waiting = (0..WAITING).map(|_| subject.send(subject.post().with_time_limit(GIVE_UP)));
    let waiting = all(waiting.collect::<Vec<_>>());
    let answered = async {
        // The silence is for those who come first. A transport that sends one after the other sends fewer.
        let started = Instant::now();
        while subject.server.requests() < WAITING && started.elapsed() < LIMIT {
            wait(Duration::from_millis(10)).await;
        }
        subject.send(subject.post().with_time_limit(LIMIT)).await
    };
    let seen = while_others_wait(answered, waiting).await;
    let at = format!("while {WAITING} others wait");
    seen.status(200).map_err(|wrong| wrong.when(&at))?;
    expect(seen.took <= LIMIT, format!("{at}: an answer at once"), || seen.describe())
}

/// Drives both, and drops the others once it has an answer.
async fn while_others_wait<T>(answered: impl Future<Output = T>, waiting: impl Future) -> T {
    let (mut answered, mut waiting) = (pin!(answered), pin!(waiting));
    let mut is_over = false;
    poll_fn(|cx| {
        is_over = is_over || waiting.as_mut().poll(cx).is_ready();
        answered.as_mut().poll(cx)
    })
    .await
}
