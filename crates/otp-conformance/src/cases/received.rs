//! What a server has received, or receives late: failures while a request is written, alerts of TLS, and
//! connections that are made when nobody waits any more.

use std::time::Duration;

use http::Method;
use otp_core::Progress::Unknown;
use otp_core::bytes::Bytes;

use crate::harness::{Harness, Subject};
use crate::hostile::{Ending, Fault, Protocol, Reply, Setup, Step, Wire};
use crate::mismatch::{Check, Mismatch, expect};
use crate::time::{all, wait};

/// An error about a request that was received, received once; or an answer with this status.
fn received_once(subject: &Subject, seen: &crate::harness::Observed, before: usize) -> Check {
    let got = subject.server.requests().saturating_sub(before);
    expect(got <= 1, "1 received by the server", || format!("{got} received"))?;
    // On a busy machine connecting may take all of the time.
    if got == 0 {
        return seen.ended();
    }
    seen.progress(Unknown)
}

pub(crate) async fn an_alert_after_the_request_is_unknown(harness: &Harness<'_>) -> Check {
    let mut rows = vec![
        ("an alert within the head", Fault::CutHead(Ending::Alert)),
        ("an alert within the body", Fault::Cut(200, Ending::Alert)),
        ("closed without a farewell within the head", Fault::CutHead(Ending::Cut)),
        ("closed without a farewell within the body", Fault::Cut(200, Ending::Cut)),
        ("a farewell before the head", Fault::Close),
    ];
    if harness.wire.protocol() == Protocol::Http1 {
        rows.push(("an alert before the head", Fault::Steps(vec![Step::End(Ending::Alert)])));
        // With a pause, since TLS may lose what comes just before an alert.
        let begun = Step::text("HTTP/1.1 200 OK\r\ncontent-length: 300\r\n\r\n{");
        let pause = Step::Wait(Duration::from_millis(30));
        let steps = vec![begun, pause, Step::End(Ending::Alert)];
        rows.push(("an alert while the body comes", Fault::Steps(steps)));
        rows.push((
            "closed without a farewell before the head",
            Fault::Steps(vec![Step::End(Ending::Cut)]),
        ));
    }
    let tries = rows.iter().flat_map(|row| [(row, false), (row, true)]);
    let tries = tries.map(async |((what, fault), kept)| {
        let mut faults = vec![Fault::Answer(Reply::json(200, "{}")), fault.clone()];
        let before = usize::from(kept);
        if kept {
            faults.push(Fault::Answer(Reply::json(200, "{}")));
        } else {
            faults.remove(0);
        }
        let subject = harness.subject_of(faults);
        if kept {
            subject.send(subject.get()).await.status(200)?;
        }
        let seen = subject.send(subject.post()).await;
        let place = if kept { " on a kept connection" } else { "" };
        received_once(&subject, &seen, before)
            .map_err(|wrong| wrong.when(&format!("{what}{place}")))
    });
    all(tries).await.into_iter().collect::<Check>()?;
    // TLS 1.3: the client is through, and is refused after it has sent. What that proves stacks see differently.
    let wire = Wire::with_client_certificates(harness.wire);
    let server = Setup::new(wire, vec![Fault::Answer(Reply::json(200, "{}"))]).start();
    let subject = harness.subject_at(server.expect("a server on the loopback address"));
    let seen = subject.send(subject.post()).await;
    seen.error().map(drop).map_err(|wrong| wrong.when("a certificate asked for, and none shown"))
}

/// More than the buffers between the two take.
const LARGE: usize = 8 * 1024 * 1024;

pub(crate) async fn a_write_that_fails_is_unknown(harness: &Harness<'_>) -> Check {
    let rows = match harness.wire.protocol() {
        Protocol::Http2 => vec![("closed", Fault::Close), ("reset", Fault::Reset)],
        Protocol::Http1 => {
            let pause = Step::Wait(Duration::from_millis(50));
            let early = || Step::Answer(Reply::status(413));
            let last = || Step::Answer(Reply::status(413).header("connection", "close"));
            let steps = [
                ("closed", vec![Step::End(Ending::Close)]),
                ("reset", vec![Step::End(Ending::Reset)]),
                ("ended by an alert", vec![Step::End(Ending::Alert)]),
                ("closed after a while", vec![pause.clone(), Step::End(Ending::Close)]),
                ("reset after a while", vec![pause.clone(), Step::End(Ending::Reset)]),
                ("answered and closed", vec![last(), Step::End(Ending::Close)]),
                ("answered, and reset", vec![early(), pause, Step::End(Ending::Reset)]),
            ];
            steps.map(|(what, steps)| (what, Fault::Early(steps))).to_vec()
        }
    };
    let large = Bytes::from(vec![b'x'; LARGE]);
    let tries = rows.into_iter().map(async |(what, fault)| {
        let subject = harness.subject_of(vec![fault, Fault::Answer(Reply::json(200, "{}"))]);
        let request = subject.changed(subject.request(Method::PUT, "/things"), |http| {
            *http.body_mut() = large.clone();
        });
        let seen = subject.send(request).await;
        let at = |wrong: Mismatch| wrong.when(&format!("{what} while the request was written"));
        wait(Duration::from_millis(50)).await;
        match seen.answer() {
            // The answer came, and a client may have read it before it heard of the end.
            Ok(_) => {
                seen.status(413).map_err(at)?;
                let got = subject.server.requests();
                expect(got == 1, "1 received by the server", || format!("{got} received"))
                    .map_err(at)
            }
            Err(_) => received_once(&subject, &seen, 0).map_err(at),
        }
    });
    all(tries).await.into_iter().collect()
}

/// The limit of a call that ends while it connects.
const SHORT: Duration = Duration::from_millis(150);

pub(crate) async fn a_late_connection_gets_no_request(harness: &Harness<'_>) -> Check {
    let at_once = 3;
    let answer = || Fault::Answer(Reply::json(200, "{}"));
    let mut rows = Vec::new();
    if harness.wire.is_tls() {
        let setup = Setup::new(harness.wire, vec![answer()]);
        let delays = vec![SHORT * 3; 2 * at_once];
        rows.push(("a late handshake", setup.delayed(delays), SHORT * 6));
    }
    if harness.wire.hangs_in_connect() {
        let setup = Setup::new(harness.wire, vec![answer(), Fault::HangInConnect]);
        // Linux asks again after a second (RFC 6298 §2).
        let until = Duration::from_millis(1500);
        rows.push(("a late connection", setup.accepting_after(SHORT * 2), until));
    }
    let tries = rows.into_iter().map(async |(what, setup, until)| {
        let subject = harness.subject_at(setup.start().expect("a server on the loopback address"));
        let sends = (0..at_once).map(async |number| {
            let request = match number % 2 {
                0 => subject.post(),
                _ => subject.get(),
            };
            subject.send(request.with_time_limit(SHORT)).await
        });
        let seen = all(sends).await;
        wait(until.saturating_sub(SHORT)).await;
        let got = subject.server.requests();
        // A client that was answered had connected after all.
        let answered = seen.iter().filter(|seen| seen.answer().is_ok()).count();
        expect(got <= answered, format!("{what}: nothing received after the limit"), || {
            format!("{got} received; {}", seen[0].describe())
        })
    });
    all(tries).await.into_iter().collect()
}
