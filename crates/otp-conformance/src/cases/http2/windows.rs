//! Flow control (RFC 9113 §5.2, §6.9) and settings that change (§6.5), both ways.

use std::time::Duration;

use http::Method;
use otp_core::TransportErrorKind::ResponseTooLarge;
use otp_core::bytes::Bytes;

use super::{OF_TABLES, OF_WINDOWS, has_body, no_violation_of};
use crate::harness::{Harness, Subject};
use crate::hostile::frames::{HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE};
use crate::hostile::{Act, Fault, Reply};
use crate::mismatch::{Check, Mismatch, expect};
use crate::time::all;

/// Larger than the protocol's first window.
const LARGE: usize = 200 * 1024;

fn pattern() -> Vec<u8> {
    (0..LARGE as u32).map(|i| (i % 251 + i / 251) as u8).collect()
}

/// A `PUT` with a large body and this marker.
fn upload(subject: &Subject, marker: &'static str) -> otp_core::Request {
    subject.changed(subject.request(Method::PUT, "/things"), |http| {
        http.headers_mut().insert(crate::harness::MARKER, http::HeaderValue::from_static(marker));
        *http.body_mut() = Bytes::from(pattern());
    })
}

/// The last request has arrived in full.
fn arrived_whole(subject: &Subject) -> Check {
    let received = subject.server.received();
    let body = received.last().map(|received| received.body.as_slice()).unwrap_or_default();
    expect(body == pattern(), format!("these {LARGE} bytes"), || {
        let same = body.iter().zip(pattern()).take_while(|(a, b)| *a == b).count();
        format!("{} bytes, which differ from byte {same} on", body.len())
    })
}

pub(crate) async fn a_large_upload_arrives(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Echo);
    // Twice, so that the second meets a window that was used up.
    for marker in ["first", "second"] {
        let at = |wrong: Mismatch| wrong.when(marker);
        has_body(&subject.send(upload(&subject, marker)).await, marker).map_err(at)?;
        arrived_whole(&subject).map_err(at)?;
    }
    Ok(())
}

/// So long a client has to send more than it may.
const TEMPTING: Act = Act::Wait(Duration::from_millis(40));

/// More than any upload here needs.
const PLENTY: u32 = 1 << 20;

pub(crate) async fn keeps_the_servers_windows(harness: &Harness<'_>) -> Check {
    let small: &[(u16, u32)] = &[(INITIAL_WINDOW_SIZE, 1000)];
    let credits = vec![
        TEMPTING,
        Act::Credit(20_000),
        TEMPTING,
        Act::Credit(PLENTY),
        Act::Complete,
        Act::Echo,
    ];
    let tried = [
        ("the protocol's window", &[][..], credits.clone()),
        ("a window of 1,000 bytes", small, credits),
        (
            "the connection's window",
            &[(INITIAL_WINDOW_SIZE, PLENTY)],
            vec![TEMPTING, Act::CreditConnection(PLENTY), Act::Complete, Act::Echo],
        ),
        (
            "a window that is closed",
            &[(INITIAL_WINDOW_SIZE, 0)],
            vec![TEMPTING, Act::Credit(PLENTY), Act::Complete, Act::Echo],
        ),
    ];
    let uploads = tried.map(|(what, settings, acts)| async move {
        // The first request is there so that the settings are known.
        let subject = harness.subject_of(vec![
            Fault::Echo,
            Fault::With(settings, Box::new(Fault::EarlyStream(acts))),
        ]);
        let at = |wrong: Mismatch| wrong.when(what);
        has_body(&subject.send(subject.marked("first")).await, "first").map_err(at)?;
        let seen = subject.send(upload(&subject, "second")).await;
        no_violation_of(&subject, &OF_WINDOWS).map_err(at)?;
        // On a connection of its own it has the protocol's window, of which this server gives back no part.
        if what == "raised" && subject.server.connections() > 1 {
            return Ok(());
        }
        has_body(&seen, "second").map_err(at)?;
        arrived_whole(&subject).map_err(at)
    });
    all(uploads).await.into_iter().collect()
}

pub(crate) async fn changed_settings_are_honoured(harness: &Harness<'_>) -> Check {
    let lowered = Fault::Stream(vec![
        Act::Settings(&[
            (INITIAL_WINDOW_SIZE, 100),
            (HEADER_TABLE_SIZE, 0),
            (MAX_FRAME_SIZE, 0x8000),
        ]),
        Act::Echo,
    ]);
    let raised = Fault::Stream(vec![Act::Settings(&[(INITIAL_WINDOW_SIZE, 400_000)]), Act::Echo]);
    let credits = Fault::EarlyStream(vec![TEMPTING, Act::Credit(PLENTY), Act::Complete, Act::Echo]);
    let only_connection =
        Fault::EarlyStream(vec![Act::CreditConnection(PLENTY), Act::Complete, Act::Echo]);
    // What is raised while an upload waits is its window too (RFC 9113 §6.9.2).
    let meanwhile = Fault::EarlyStream(vec![
        Act::CreditConnection(PLENTY),
        Act::Settings(&[(INITIAL_WINDOW_SIZE, 400_000)]),
        Act::Complete,
        Act::Echo,
    ]);
    let tried = [
        ("lowered", vec![lowered, credits]),
        ("raised", vec![raised, only_connection]),
        ("raised meanwhile", vec![Fault::Echo, meanwhile]),
    ];
    let uploads = tried.map(|(what, faults)| async move {
        let subject = harness.subject_of(faults);
        let at = |wrong: Mismatch| wrong.when(what);
        has_body(&subject.send(subject.marked("first")).await, "first").map_err(at)?;
        let seen = subject.send(upload(&subject, "second")).await;
        no_violation_of(&subject, &OF_WINDOWS).map_err(at)?;
        no_violation_of(&subject, &OF_TABLES).map_err(at)?;
        has_body(&seen, "second").map_err(at)?;
        arrived_whole(&subject).map_err(at)
    });
    all(uploads).await.into_iter().collect()
}

pub(crate) async fn large_answers_arrive(harness: &Harness<'_>) -> Check {
    let reply = Reply::status(200).header("content-type", "application/json").body(pattern());
    let subject = harness.subject(Fault::Answer(reply));
    // Several, so that the connection's window is used up more than once.
    for number in 1..=3 {
        let seen = subject.send(subject.get().with_response_limit(LARGE)).await;
        let at = |wrong: Mismatch| wrong.when(&format!("answer {number}"));
        let got = seen.answer().map_err(at)?.body();
        expect(got[..] == pattern()[..], format!("these {LARGE} bytes"), || {
            format!("{} bytes", got.len())
        })
        .map_err(at)?;
    }
    Ok(())
}

pub(crate) async fn a_discarded_answer_gives_its_window_back(harness: &Harness<'_>) -> Check {
    let reply = |bytes| Fault::Answer(Reply::json(200, vec![b' '; bytes]));
    let subject = harness.subject_of(vec![
        reply(60_000),
        reply(60_000),
        reply(60_000),
        reply(60_000),
        reply(50_000),
    ]);
    for _ in 0..4 {
        let seen = subject.send(subject.get().with_response_limit(1000)).await;
        seen.kind(&[ResponseTooLarge])?;
    }
    let seen = subject.send(subject.get().with_response_limit(64 * 1024)).await;
    let got = seen.answer().map_err(|wrong| wrong.when("after four that were too large"))?;
    expect(got.body().len() == 50_000, "50000 bytes", || seen.describe())
}
