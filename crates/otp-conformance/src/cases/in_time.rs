use std::time::Duration;

use http::Method;
use otp_core::bytes::Bytes;
use otp_core::{Request, TransportErrorKind};

use crate::Case;
use crate::harness::{Harness, Observed, Subject};
use crate::hostile::{Ending, Fault};
use crate::mismatch::{Check, Mismatch, Symptom, expect};

/// The limit of the requests here.
pub(crate) const LIMIT: Duration = Duration::from_millis(300);

/// How late a send may be.
pub(crate) const GRACE: Duration = Duration::from_millis(250);

/// How often one may be late: a busy machine is late now and then, a transport without a limit always.
pub(crate) const TRIES: usize = 3;

/// Floods take most of a machine. Kits in one process let them come one after the other.
pub(crate) static FLOOD: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Meets a fault with a request: there is an error, and in time.
async fn in_time(
    harness: &Harness<'_>,
    fault: Fault,
    request: impl Fn(&Subject) -> Request,
) -> Check {
    ends_in_time(harness, fault, request).await?.error().map(drop)
}

/// Meets a fault with a request, until it ends in time.
pub(crate) async fn ends_in_time(
    harness: &Harness<'_>,
    fault: Fault,
    request: impl Fn(&Subject) -> Request,
) -> Result<Observed, Mismatch> {
    harness.state.needs(Case::BeforeTheHead);
    let mut tries = 0;
    loop {
        tries += 1;
        let subject = harness.subject(fault.clone());
        let seen = subject.send(request(&subject).with_time_limit(LIMIT)).await;
        match punctual(&seen) {
            Err(_) if tries < TRIES => {}
            outcome => return outcome.map(|()| seen),
        }
    }
}

pub(crate) fn punctual(seen: &Observed) -> Check {
    seen.ended()?;
    let millis = LIMIT.as_millis();
    expect(seen.took <= LIMIT + GRACE, format!("an end after {millis} ms"), || seen.describe())
        .map_err(|wrong| wrong.of(Symptom::Late))
}

pub(crate) async fn while_connecting(harness: &Harness<'_>) -> Check {
    if harness.wire.is_tls() {
        let at = "in the handshake";
        let seen = in_time(harness, Fault::HangInHandshake, Subject::post).await;
        seen.map_err(|wrong| wrong.when(at))?;
    }
    if harness.wire.hangs_in_connect() {
        in_time(harness, Fault::HangInConnect, Subject::post).await?;
    }
    Ok(())
}

pub(crate) async fn while_writing(harness: &Harness<'_>) -> Check {
    // More than the buffers between them take: a system's for sending grows to 4 MiB.
    let large = Bytes::from(vec![b'x'; 8 * 1024 * 1024]);
    in_time(harness, Fault::Deaf, |subject| {
        let large = large.clone();
        subject.changed(subject.request(Method::PUT, "/things"), |http| *http.body_mut() = large)
    })
    .await
}

pub(crate) async fn before_the_head(harness: &Harness<'_>) -> Check {
    in_time(harness, Fault::Silence, Subject::post).await
}

pub(crate) async fn within_the_head(harness: &Harness<'_>) -> Check {
    in_time(harness, Fault::CutHead(Ending::Silence), Subject::post).await
}

pub(crate) async fn within_the_body(harness: &Harness<'_>) -> Check {
    in_time(harness, Fault::Cut(200, Ending::Silence), Subject::post).await
}

pub(crate) async fn under_a_trickle(harness: &Harness<'_>) -> Check {
    in_time(harness, Fault::Cut(200, Ending::Trickle), Subject::post).await
}

pub(crate) async fn under_a_trickling_head(harness: &Harness<'_>) -> Check {
    in_time(harness, Fault::CutHead(Ending::Trickle), Subject::post).await
}

pub(crate) async fn across_phases(harness: &Harness<'_>) -> Check {
    // Neither is too late by itself.
    in_time(harness, Fault::Late(LIMIT * 2 / 3), Subject::post).await
}

pub(crate) async fn an_answer_in_time_is_awaited(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Late(LIMIT * 2));
    let request = subject.get().with_time_limit(LIMIT * 20);
    let seen = subject.send(request).await;
    expect(seen.answer()?.body()[..] == *b"late", "the late answer", || seen.describe())
}

/// That none of them is the answer is another case's.
pub(crate) async fn under_informational_responses(harness: &Harness<'_>) -> Check {
    let _one = FLOOD.lock().await;
    ends_in_time(harness, Fault::EndlessInformational, Subject::post).await.map(drop)
}

pub(crate) async fn a_timeout_says_so(harness: &Harness<'_>) -> Check {
    for (when, fault) in
        [("before the head", Fault::Silence), ("within the body", Fault::Cut(200, Ending::Silence))]
    {
        let seen = after_the_request(harness, &fault).await;
        // That it ends, and with an error, is another case's.
        if seen.error().is_ok() {
            seen.kind(&[TransportErrorKind::Timeout]).map_err(|wrong| wrong.when(when))?;
        }
    }
    Ok(())
}

/// Meets a fault with a request that has little time, until the server has received one: on a busy
/// machine connecting may take all of it.
pub(crate) async fn after_the_request(harness: &Harness<'_>, fault: &Fault) -> Observed {
    let mut tries = 0;
    loop {
        tries += 1;
        let subject = harness.subject(fault.clone());
        let seen = subject.send(subject.post().with_time_limit(LIMIT)).await;
        if subject.server.requests() > 0 || tries == TRIES {
            return seen;
        }
    }
}
