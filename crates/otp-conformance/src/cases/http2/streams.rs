//! Streams beside one another, and how many there may be (RFC 9113 §5.1.2).

use std::pin::Pin;
use std::time::Duration;

use otp_core::Progress::NotSent;

use super::{OF_STREAMS, has_body, no_violation_of};
use crate::cases::in_time::{FLOOD, LIMIT, ends_in_time, punctual};
use crate::harness::{Harness, Observed, Subject};
use crate::hostile::frames::{self, Frame, MAX_CONCURRENT_STREAMS};
use crate::hostile::{Act, Fault};
use crate::mismatch::{Check, Mismatch, expect};
use crate::time::{all, until, wait};

/// A server whose last fault has these settings, and one answered request, so that the client knows them.
async fn settled(harness: &Harness<'_>, faults: Vec<Fault>) -> Result<Subject, Mismatch> {
    let subject = harness.subject_of([vec![Fault::Echo], faults].concat());
    has_body(&subject.send(subject.marked("settled")).await, "settled")?;
    Ok(subject)
}

fn limited(streams: &'static [(u16, u32)], fault: Fault) -> Fault {
    Fault::With(streams, Box::new(fault))
}

const ONE: &[(u16, u32)] = &[(MAX_CONCURRENT_STREAMS, 1)];
const TWO: &[(u16, u32)] = &[(MAX_CONCURRENT_STREAMS, 2)];

/// Sends so many at the same time; each gets its own answer.
async fn at_once(subject: &Subject, count: usize) -> Check {
    let markers: Vec<_> = (0..count).map(|i| format!("send-{i}")).collect();
    let sends = markers.iter().map(|marker| subject.send(subject.marked(marker)));
    for (seen, marker) in all(sends).await.iter().zip(&markers) {
        has_body(seen, marker).map_err(|wrong| wrong.when(marker))?;
    }
    Ok(())
}

pub(crate) async fn keeps_the_limit_of_streams(harness: &Harness<'_>) -> Check {
    let slowly = || Fault::Stream(vec![Act::Wait(Duration::from_millis(15)), Act::Echo]);
    let lowered = Fault::Stream(vec![Act::Settings(ONE), Act::Echo]);
    let tried = [
        ("two streams", vec![limited(TWO, slowly())]),
        ("lowered to one stream", vec![lowered, slowly()]),
    ];
    let meetings = tried.map(|(what, faults)| async move {
        let at = |wrong: Mismatch| wrong.when(what);
        let is_lowered = faults.len() > 1;
        let subject = settled(harness, faults).await.map_err(at)?;
        if is_lowered {
            subject.send(subject.get()).await.status(200).map_err(at)?;
        }
        let all_answered = at_once(&subject, 8).await;
        no_violation_of(&subject, &OF_STREAMS).map_err(at)?;
        all_answered.map_err(at)
    });
    all(meetings).await.into_iter().collect()
}

/// How many are sent while one stream is open and no other may be.
const WAITING: usize = 3;

fn waiting() -> impl Iterator<Item = String> {
    (0..WAITING).map(|i| format!("waits-{i}"))
}

/// What comes of sends with little time while another has the only stream for so long.
async fn all_that_wait(subject: &Subject, long: Duration) -> Vec<Observed> {
    let first = subject.send(subject.marked("first").with_time_limit(long));
    let first: Pin<Box<dyn Future<Output = _> + '_>> =
        Box::pin(async move { (first.await, false) });
    let sends = waiting().map(|marker| -> Pin<Box<dyn Future<Output = _> + '_>> {
        let request = subject.marked(&marker).with_time_limit(LIMIT);
        Box::pin(async move {
            until(|| subject.server.requests() > 1).await;
            (subject.send(request).await, true)
        })
    });
    let seen = all([first].into_iter().chain(sends)).await;
    seen.into_iter().filter_map(|(seen, waited)| waited.then_some(seen)).collect()
}

pub(crate) async fn while_waiting_for_a_stream(harness: &Harness<'_>) -> Check {
    let mut tries = 0;
    loop {
        tries += 1;
        let subject = settled(harness, vec![limited(ONE, Fault::Silence)]).await?;
        let seen = all_that_wait(&subject, LIMIT * 2 + Duration::from_millis(100)).await;
        let outcome = seen.iter().try_for_each(|seen| {
            punctual(seen)?;
            seen.error().map(drop)
        });
        // A busy machine is late now and then.
        if outcome.is_ok() || tries == 3 {
            return outcome;
        }
    }
}

pub(crate) async fn what_waited_in_vain_is_never_sent(harness: &Harness<'_>) -> Check {
    let slow = Fault::Stream(vec![Act::Wait(LIMIT + Duration::from_millis(150)), Act::Echo]);
    let subject = settled(harness, vec![slow, limited(ONE, Fault::Echo)]).await?;
    let seen = all_that_wait(&subject, LIMIT * 10).await;
    // Until what waits would have been sent after the first.
    wait(Duration::from_millis(100)).await;
    let received = subject.server.received();
    for (seen, marker) in seen.iter().zip(waiting()) {
        let own = |r: &&crate::hostile::Received| r.header("x-marker") == Some(&marker);
        let count = received.iter().filter(own).count();
        expect(count <= 1, "received at most once", || format!("{count} times"))?;
        let unsent = seen.error().is_ok_and(|error| error.progress() == NotSent);
        expect(!unsent || count == 0, "what is told to be unsent is never received", || {
            format!("received, and {}", seen.describe())
        })?;
    }
    Ok(())
}

pub(crate) async fn a_stream_whose_time_is_up_is_given_up(harness: &Harness<'_>) -> Check {
    let silence = || limited(TWO, Fault::Silence);
    let faults = vec![silence(), silence(), silence(), silence(), limited(TWO, Fault::Echo)];
    let subject = settled(harness, faults).await?;
    for _ in 0..2 {
        let sends = (0..2).map(|_| subject.send(subject.get().with_time_limit(LIMIT)));
        all(sends.collect::<Vec<_>>()).await;
    }
    // On a busy machine connecting may take all of the time.
    let silent = subject.server.requests() - 1;
    let heard = until(|| subject.server.abandoned() >= silent).await;
    expect(heard, format!("{silent} streams reset, or their connection closed"), || {
        format!("{} after three seconds", subject.server.abandoned())
    })?;
    if silent == 4 {
        let seen = subject.send(subject.marked("last")).await;
        has_body(&seen, "last").map_err(|wrong| wrong.when("after four that were late"))?;
    }
    Ok(())
}

/// Frame by frame the bodies come in turns, where a client sends its requests over one connection.
pub(crate) async fn answers_in_turns_are_not_mixed(harness: &Harness<'_>) -> Check {
    at_once(&settled(harness, vec![Fault::TricklingEcho]).await?, 8).await
}

pub(crate) async fn while_settings_are_awaited(harness: &Harness<'_>) -> Check {
    ends_in_time(harness, Fault::NoSettings, Subject::post).await?.error().map(drop)
}

pub(crate) async fn an_answer_that_is_too_large_is_given_up(harness: &Harness<'_>) -> Check {
    let subject = settled(harness, vec![Fault::Endless { announced: false }]).await?;
    let seen = subject.send(subject.get().with_response_limit(1000)).await;
    seen.error()?;
    let heard = until(|| subject.server.abandoned() > 0).await;
    expect(heard, "the stream reset, or its connection closed", || {
        "the server still sends after three seconds".to_owned()
    })
}

pub(crate) async fn a_reset_concerns_one_stream(harness: &Harness<'_>) -> Check {
    let echo =
        || Fault::Stream(vec![Act::Requests(4), Act::Wait(Duration::from_millis(30)), Act::Echo]);
    for (what, act) in [
        ("a reset", vec![Act::Reset(frames::CANCEL)]),
        ("a refusal", vec![Act::Reset(frames::REFUSED_STREAM)]),
        ("a reset within the body", vec![Act::Head(200, &[]), Act::Reset(frames::INTERNAL_ERROR)]),
    ] {
        let failing = Fault::Stream([vec![Act::Requests(4)], act].concat());
        // A refused stream may be sent again.
        let subject = settled(harness, vec![failing, echo(), echo(), Fault::Echo]).await?;
        let markers = ["one", "two", "three"];
        let seen = all(markers.map(|marker| subject.send(subject.marked(marker)))).await;
        let own = seen.iter().zip(markers).filter(|(seen, own)| has_body(seen, own).is_ok());
        let own = own.count();
        expect(own >= 2, format!("{what}: the other two get their own answers"), || {
            seen.iter().map(Observed::describe).collect::<Vec<_>>().join("; ")
        })?;
    }
    Ok(())
}

pub(crate) async fn under_frames_without_end(harness: &Harness<'_>) -> Check {
    let floods = [
        ("PING", Fault::Flood(|_| frames::ping())),
        ("SETTINGS", Fault::Flood(|_| frames::settings())),
        ("unknown frames", Fault::Flood(|_| Frame::new(0x2a, 0, 0, [0; 32]))),
    ];
    let _one = FLOOD.lock().await;
    // One after the other: a machine with few cores cannot bear all of them in time.
    for (what, flood) in floods {
        let seen = ends_in_time(harness, flood, Subject::post).await;
        seen.and_then(|seen| seen.error().map(drop)).map_err(|wrong| wrong.when(what))?;
    }
    Ok(())
}
