use std::time::Duration;

use crate::bench::{Bench, Subject};
use crate::hostile::{Fault, Protocol};
use crate::mismatch::{Check, Mismatch, expect, expect_eq};
use crate::time::{drop_after, wait};

/// At how many polls a send is dropped at most. Most have ended long before.
const POLLS: usize = 40;

/// A server that echoes as slowly as its protocol allows, so that there are many polls to drop at.
fn echoing(bench: &Bench<'_>) -> Subject {
    match bench.wire.protocol() {
        Protocol::Http1 => bench.subject(Fault::TricklingEcho),
        Protocol::Http2 => bench.subject(Fault::Echo),
    }
}

pub(crate) async fn nothing_is_sent_unpolled(bench: &Bench<'_>) -> Check {
    let subject = bench.subject(Fault::Echo);
    drop(subject.transport.send(subject.post()));
    let kept = subject.transport.send(subject.post());
    wait(Duration::from_millis(100)).await;
    let requests = subject.server.requests();
    drop(kept);
    expect(requests == 0, "no request", || format!("{requests} received"))
}

pub(crate) async fn what_was_dropped_is_sent_once_at_most(bench: &Bench<'_>) -> Check {
    let subject = echoing(bench);
    for polls in 1..POLLS {
        let dropped = subject.marked(&format!("dropped-{polls}"));
        if drop_after(polls, subject.transport.send(dropped)).await.is_some() {
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

pub(crate) async fn a_drop_does_not_spoil_the_next(bench: &Bench<'_>) -> Check {
    let subject = echoing(bench);
    for polls in 1..POLLS {
        let dropped = subject.marked(&format!("dropped-{polls}"));
        let ended = drop_after(polls, subject.transport.send(dropped)).await;
        let marker = format!("own-{polls}");
        let seen = subject.send(subject.marked(&marker)).await;
        let at = format!("after a drop at poll {polls}");
        let body = seen.answer().map_err(|wrong| wrong.when(&at))?.body();
        expect_eq(&format!("{at}: the body"), &String::from_utf8_lossy(body).as_ref(), &&*marker)?;
        match ended {
            Some(Err(error)) => return Err(Mismatch::new("an answer", error.to_string())),
            Some(Ok(_)) => break,
            None => {}
        }
    }
    Ok(())
}
