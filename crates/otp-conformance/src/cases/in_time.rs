use std::time::Duration;

use http::Method;
use otp_core::bytes::Bytes;
use otp_core::{Request, TransportErrorKind};

use crate::bench::{Bench, Observed, Subject};
use crate::hostile::{Ending, Fault};
use crate::mismatch::{Check, expect};

/// The limit of the requests here.
pub(crate) const LIMIT: Duration = Duration::from_millis(300);

/// How late a send may be.
const GRACE: Duration = Duration::from_millis(250);

/// How often one may be late: a busy machine is late now and then, a transport without a limit always.
const TRIES: usize = 3;

/// Meets a fault with a request, until it ends in time.
async fn in_time(bench: &Bench<'_>, fault: Fault, request: impl Fn(&Subject) -> Request) -> Check {
    let mut tries = 0;
    loop {
        tries += 1;
        let subject = bench.subject(fault.clone());
        let seen = subject.send(request(&subject).with_time_limit(LIMIT)).await;
        match late(&seen) {
            Err(_) if tries < TRIES => {}
            outcome => return outcome,
        }
    }
}

fn late(seen: &Observed) -> Check {
    seen.ended()?;
    expect(seen.took <= LIMIT + GRACE, format!("an error after {} ms", LIMIT.as_millis()), || {
        seen.describe()
    })?;
    seen.error().map(drop)
}

pub(crate) async fn while_connecting(bench: &Bench<'_>) -> Check {
    in_time(bench, Fault::HangInHandshake, Subject::post).await
}

pub(crate) async fn while_writing(bench: &Bench<'_>) -> Check {
    // More than the buffers of both ends take.
    let large = Bytes::from(vec![b'x'; 24 * 1024 * 1024]);
    in_time(bench, Fault::Deaf, |subject| {
        let large = large.clone();
        subject.changed(subject.request(Method::PUT, "/things"), |http| *http.body_mut() = large)
    })
    .await
}

pub(crate) async fn before_the_head(bench: &Bench<'_>) -> Check {
    in_time(bench, Fault::Silence, Subject::post).await
}

pub(crate) async fn within_the_head(bench: &Bench<'_>) -> Check {
    in_time(bench, Fault::CutHead(Ending::Silence), Subject::post).await
}

pub(crate) async fn within_the_body(bench: &Bench<'_>) -> Check {
    in_time(bench, Fault::Cut(200, Ending::Silence), Subject::post).await
}

pub(crate) async fn under_a_trickle(bench: &Bench<'_>) -> Check {
    in_time(bench, Fault::Cut(200, Ending::Trickle), Subject::post).await
}

/// Here a transport may also give up before.
pub(crate) async fn under_informational_responses(bench: &Bench<'_>) -> Check {
    in_time(bench, Fault::EndlessInformational, Subject::post).await
}

pub(crate) async fn a_timeout_says_so(bench: &Bench<'_>) -> Check {
    for (when, fault) in
        [("before the head", Fault::Silence), ("within the body", Fault::Cut(200, Ending::Silence))]
    {
        let subject = bench.subject(fault);
        let seen = subject.send(subject.post().with_time_limit(LIMIT)).await;
        seen.kind(&[TransportErrorKind::Timeout]).map_err(|wrong| wrong.when(when))?;
    }
    Ok(())
}
