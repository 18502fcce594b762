//! What only HTTP/2 has. The cases belong to several clauses, so they are grouped by the part of RFC 9113.

mod going_away;
mod malformed;
mod order;
mod requests;
mod resets;
mod responses;
mod streams;
mod windows;

use std::time::Duration;

use otp_core::Progress::{NotSent, Unknown};
use otp_core::Request;

pub(crate) use going_away::*;
pub(crate) use malformed::*;
pub(crate) use order::*;
pub(crate) use requests::*;
pub(crate) use resets::*;
pub(crate) use responses::*;
pub(crate) use streams::*;
pub(crate) use windows::*;

use crate::harness::{Harness, Observed, Subject};
use crate::hostile::{Act, Fault};
use crate::mismatch::{Check, expect, expect_eq};
use crate::time::{all, wait};

/// How many exchanges run at the same time, each with a server of its own.
const AT_ONCE: usize = 16;

/// Something that a server does, and what it is called.
type Tried = (String, Fault);

fn stream(what: &str, acts: impl Into<Vec<Act>>) -> Tried {
    (what.to_owned(), Fault::Stream(acts.into()))
}

/// Meets each of these with a request, at a server of its own.
async fn each(
    harness: &Harness<'_>,
    tried: Vec<Tried>,
    request: impl Fn(&Subject) -> Request,
    check: impl AsyncFn(&Subject, &Observed) -> Check,
) -> Check {
    for some in tried.chunks(AT_ONCE) {
        let meetings = some.iter().map(|(what, fault)| {
            let (request, check) = (&request, &check);
            async move {
                let subject = harness.subject(fault.clone());
                let seen = subject.send(request(&subject)).await;
                check(&subject, &seen).await.map_err(|wrong| wrong.when(what))
            }
        });
        all(meetings).await.into_iter().collect::<Check>()?;
    }
    Ok(())
}

/// An error that does not claim that nothing was sent. That it is an error is another case's.
fn unknown_if_error(seen: &Observed) -> Check {
    match seen.error() {
        Ok(_) => seen.progress(Unknown),
        Err(_) => Ok(()),
    }
}

/// The answer with this body.
fn has_body(seen: &Observed, body: &str) -> Check {
    let got = String::from_utf8_lossy(seen.answer()?.body());
    expect_eq("the body", &got.as_ref(), &body)
}

/// What a client may do wrong, as a server calls it.
const OF_WINDOWS: [&str; 2] = ["more data than", "a frame of"];
const OF_STREAMS: [&str; 1] = ["more streams than"];
const OF_TABLES: [&str; 1] = ["a field block"];

/// That the client did nothing of this kind that HTTP/2 forbids.
fn no_violation_of(subject: &Subject, kinds: &[&str]) -> Check {
    no_violation(subject, |violation| kinds.iter().any(|kind| violation.starts_with(kind)))
}

fn no_violation(subject: &Subject, counts: impl Fn(&str) -> bool) -> Check {
    let violations = subject.server.violations();
    let found: Vec<_> = violations.into_iter().filter(|violation| counts(violation)).collect();
    expect(found.is_empty(), "nothing that HTTP/2 forbids", || found.join("; "))
}

/// After each of these, whatever comes of it, the next send gets its own answer. The first send has this time, or
/// enough.
async fn next_is_answered(
    harness: &Harness<'_>,
    tried: Vec<Tried>,
    time_limit: Option<Duration>,
) -> Check {
    for some in tried.chunks(AT_ONCE) {
        let meetings = some.iter().map(|(what, fault)| async move {
            let subject = harness.subject_of(vec![fault.clone(), Fault::Echo]);
            let first = subject.marked("first").with_response_limit(1000);
            let first = match time_limit {
                Some(limit) => first.with_time_limit(limit),
                None => first,
            };
            subject.send(first).await;
            // Until the client's end of the connection has heard of all of it.
            wait(Duration::from_millis(30)).await;
            // On a busy machine connecting may take all of the time.
            if subject.server.requests() == 0 {
                return Ok(());
            }
            let mut seen = subject.send(subject.marked("second")).await;
            // A GOAWAY may arrive after the second was sent. It proves that nothing was processed.
            let crossed = what.contains("GOAWAY") || what.contains("warning");
            if crossed && seen.error().is_ok_and(|error| error.progress() == NotSent) {
                seen = subject.send(subject.marked("second")).await;
            }
            has_body(&seen, "second").map_err(|wrong| wrong.when(&format!("after {what}")))
        });
        all(meetings).await.into_iter().collect::<Check>()?;
    }
    Ok(())
}
