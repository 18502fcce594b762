use std::pin::Pin;
use std::time::{Duration, Instant};

use crate::harness::Harness;
use crate::hostile::{Fault, Reply};
use crate::mismatch::{Check, Mismatch, expect};
use crate::time::{Ended, all, caught, wait, within};

/// Clocks may tick coarsely: a browser's to a millisecond.
const TICK: Duration = Duration::from_millis(5);

pub(crate) async fn sleep_waits(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    let told = Duration::from_millis(60);
    let started = Instant::now();
    let ended = within(Duration::from_secs(5), subject.transport.sleep(told)).await;
    let took = started.elapsed();
    match ended {
        Ended::Returned(()) => {}
        Ended::Late => return Err(Mismatch::new("it returns", "it hangs")),
        Ended::Panicked(message) => {
            return Err(Mismatch::new("it returns", format!("a panic: {message}")));
        }
    }
    // Late is no fault of a busy machine's, but a second is.
    let right = took + TICK >= told && took <= told + Duration::from_secs(1);
    expect(right, format!("{} ms", told.as_millis()), || format!("{} ms", took.as_millis()))
}

pub(crate) async fn sleep_lets_others_run(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    let started = Instant::now();
    let sleeping =
        async { caught(subject.transport.sleep(Duration::from_secs(1))).await.map(|()| None) };
    let sending = async {
        let seen = subject.send(subject.post()).await;
        Ok(Some((seen, started.elapsed())))
    };
    let both: [Pin<Box<dyn Future<Output = _>>>; 2] = [Box::pin(sleeping), Box::pin(sending)];
    let both: Result<Vec<_>, Mismatch> = all(both).await.into_iter().collect();
    let Some((seen, took)) = both?.into_iter().flatten().next() else { return Ok(()) };
    seen.status(200)?;
    expect(took < Duration::from_secs(1), "an answer while another call sleeps for 1 s", || {
        format!("one after {} ms", took.as_millis())
    })
}

pub(crate) async fn now_goes_on(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    let (first, started) = (subject.transport.now(), Instant::now());
    wait(Duration::from_millis(80)).await;
    let (last, passed) = (subject.transport.now(), started.elapsed());
    let Some(gone) = last.checked_sub(first) else {
        return Err(Mismatch::new("a clock that goes on", "one that went back"));
    };
    // Half and double: the two clocks are read one after the other, on a machine that may be busy.
    let (least, most) = (Duration::from_millis(40), passed * 2);
    expect((least..=most).contains(&gone), format!("about {} ms", passed.as_millis()), || {
        format!("{} ms", gone.as_millis())
    })
}

pub(crate) async fn sleeps_are_as_long_as_told(harness: &Harness<'_>) -> Check {
    /// A timer may be early by less than its tick.
    const EARLY: Duration = Duration::from_millis(1);
    let subject = harness.subject(Fault::Answer(Reply::status(204)));
    // Many short ones, since on a busy machine nothing takes long too.
    let sleeps = [(0, 1), (3, 30), (60, 1), (1200, 1), (2500, 1)];
    let sleeps = sleeps.map(async |(told, times)| {
        let started = Instant::now();
        let sleeping = async {
            for _ in 0..times {
                subject.transport.sleep(Duration::from_millis(told)).await;
            }
        };
        let whole = Duration::from_millis(told * u64::from(times));
        let ended = within(whole + Duration::from_secs(5), sleeping).await;
        let took = started.elapsed();
        let what = match times {
            1 => format!("a sleep of {told} ms"),
            _ => format!("{times} sleeps of {told} ms"),
        };
        match ended {
            Ended::Returned(()) => {}
            Ended::Late => return Err(Mismatch::new(what, "it hangs")),
            Ended::Panicked(message) => {
                return Err(Mismatch::new(what, format!("a panic: {message}")));
            }
        }
        // Late is no fault of a busy machine's, but a second is.
        let late = Duration::from_secs(1).max(Duration::from_millis(200) * times);
        let right = took + EARLY * times >= whole && took <= whole + late;
        expect(right, what, || format!("{} ms", took.as_millis()))
    });
    all(sleeps).await.into_iter().collect()
}
