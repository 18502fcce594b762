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

/// How many wait. Pools with a limit have one of 2, 6, 10, 32, 64 or 100 by default.
const WAITING: usize = 101;

/// The same in a browser, which opens six connections to a server and no more.
const WAITING_IN_A_BROWSER: usize = 5;

pub(crate) async fn one_does_not_wait_for_another(harness: &Harness<'_>) -> Check {
    if harness.wire.cors {
        return nobody_waits(harness, WAITING_IN_A_BROWSER).await;
    }
    nobody_waits(harness, WAITING).await
}

async fn nobody_waits(harness: &Harness<'_>, many: usize) -> Check {
    // By then all are received if none waits for another, and later they give up. Those that cannot be dropped are
    // waited for.
    let patience = Duration::from_millis(if harness.has_futures { 6000 } else { 3000 });
    let give_up = patience + Duration::from_secs(1);
    let mut faults = vec![Fault::Silence; many];
    faults.push(Fault::Answer(Reply::json(200, "{}")));
    let subject = harness.subject_of(faults);
    let waiting = (0..many).map(|_| subject.send(subject.post().with_time_limit(give_up)));
    let answered = async {
        // The silence is for those who come first.
        let started = Instant::now();
        while subject.server.requests() < many && started.elapsed() < patience {
            wait(Duration::from_millis(10)).await;
        }
        let received = subject.server.requests();
        (received, subject.send(subject.post().with_time_limit(LIMIT)).await)
    };
    let (mut waiting, mut answered) = (Some(Box::pin(all(waiting))), pin!(answered));
    let (received, seen) = poll_fn(|cx| {
        if waiting.as_mut().is_some_and(|sends| sends.as_mut().poll(cx).is_ready()) {
            waiting = None;
        }
        answered.as_mut().poll(cx)
    })
    .await;
    if let Some(waiting) = waiting.filter(|_| !harness.has_futures) {
        waiting.await;
    }
    expect(received >= many, format!("{many} sends at once are all received"), || {
        format!("{received} received, and the others only when one of these had ended")
    })?;
    let at = format!("while {many} others wait");
    seen.status(200).map_err(|wrong| wrong.when(&at))?;
    expect(seen.took <= LIMIT, format!("{at}: an answer at once"), || seen.describe())
}
