use std::time::Duration;

use crate::harness::{Harness, Subject};
use crate::hostile::Fault;
use crate::mismatch::{Check, Mismatch, expect, expect_eq};
use crate::time::{caught, drop_after, until, wait, within};

/// At how many polls a send is dropped at most. Most have ended long before.
const POLLS: usize = 40;

/// A server that echoes a few bytes at a time, so that there are many polls to drop at.
fn echoing(harness: &Harness<'_>) -> Subject {
    harness.subject(Fault::TricklingEcho)
}

pub(crate) async fn nothing_is_sent_unpolled(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Echo);
    drop(subject.transport.send(subject.post()));
    let kept = subject.transport.send(subject.post());
    wait(Duration::from_millis(100)).await;
    let requests = subject.server.requests();
    drop(kept);
    expect(requests == 0, "no request", || format!("{requests} received"))
}

pub(crate) async fn what_was_dropped_is_sent_once_at_most(harness: &Harness<'_>) -> Check {
    let subject = echoing(harness);
    for polls in 1..POLLS {
        let dropped = subject.marked(&format!("dropped-{polls}"));
        if let Some(ended) = drop_after(polls, caught(subject.transport.send(dropped))).await {
            ended.map(drop)?;
            break;
        }
    }
    // For what a thread or a task in the background would send again.
    wait(Duration::from_millis(250)).await;
    let received = subject.server.received();
    for polls in 1..POLLS {
        let marker = format!("dropped-{polls}");
        let count = received.iter().filter(|r| r.header("x-marker") == Some(&marker)).count();
        expect(count <= 1, format!("dropped after {polls} polls: one request at most"), || {
            format!("{count} received")
        })?;
    }
    Ok(())
}

pub(crate) async fn a_drop_does_not_spoil_the_next(harness: &Harness<'_>) -> Check {
    let subject = echoing(harness);
    for polls in 1..POLLS {
        let dropped = format!("dropped-{polls}");
        let sending = caught(subject.transport.send(subject.marked(&dropped)));
        let ended = drop_after(polls, sending).await;
        let last = ended.is_some();
        if let Some(outcome) = ended {
            let body = outcome?.map_err(|error| Mismatch::new("an answer", error.to_string()))?;
            is_own(body.body(), &dropped, polls)?;
        }
        let own = format!("own-{polls}");
        let seen = subject.send(subject.marked(&own)).await;
        let at = |wrong: Mismatch| wrong.when(&format!("after a drop at poll {polls}"));
        is_own(seen.answer().map_err(at)?.body(), &own, polls)?;
        if last {
            break;
        }
    }
    Ok(())
}

fn is_own(body: &[u8], marker: &str, polls: usize) -> Check {
    let what = format!("after a drop at poll {polls}: the body");
    expect_eq(&what, &String::from_utf8_lossy(body).as_ref(), &marker)
}

pub(crate) async fn gives_up_when_dropped(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Silence);
    // Long after the server's patience, so that its own limit does not end what should have ended.
    let request = subject.post().with_time_limit(Duration::from_secs(30));
    let mut sending = subject.transport.send(request);
    for _ in 0..300 {
        if subject.server.requests() > 0 {
            break;
        }
        let _ = within(Duration::from_millis(10), &mut sending).await;
    }
    drop(sending);
    let heard = until(|| subject.server.abandoned() > 0).await;
    expect(heard, "the connection closed, or the stream reset, soon after the drop", || {
        "the server still waits after three seconds".to_owned()
    })
}
