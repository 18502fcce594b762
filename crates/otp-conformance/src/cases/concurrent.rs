use std::time::Duration;

use crate::bench::Bench;
use crate::hostile::{Fault, Reply};
use crate::mismatch::{Check, expect, expect_eq};
use crate::time::{all, until};

const AT_ONCE: usize = 24;

/// Within this the second is answered, long before the first gives up.
const LIMIT: Duration = Duration::from_secs(2);

pub(crate) async fn answers_are_not_mixed(bench: &Bench<'_>) -> Check {
    let subject = bench.subject(Fault::Echo);
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

pub(crate) async fn one_does_not_wait_for_another(bench: &Bench<'_>) -> Check {
    let silence_then_answers = vec![Fault::Silence, Fault::Answer(Reply::status(204))];
    let subject = bench.subject_of(silence_then_answers);
    let waiting = async { drop(subject.send(subject.post()).await) };
    let answered = async {
        // The silence is for whoever comes first.
        until(|| subject.server.requests() > 0).await;
        Some(subject.send(subject.post().with_time_limit(LIMIT)).await)
    };
    let waiting = async {
        waiting.await;
        None
    };
    let both: [std::pin::Pin<Box<dyn Future<Output = _>>>; 2] =
        [Box::pin(waiting), Box::pin(answered)];
    match all(both).await.into_iter().flatten().next() {
        Some(seen) => {
            seen.status(204).map_err(|wrong| wrong.when("while another waits"))?;
            expect(seen.took <= LIMIT, "an answer while another waits", || seen.describe())
        }
        None => Ok(()),
    }
}
