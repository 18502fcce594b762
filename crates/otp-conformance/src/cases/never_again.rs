//! One request, also when it pays to look a while later.

use std::pin::Pin;
use std::time::Duration;

use http::{HeaderValue, Method};
use otp_core::Request;
use otp_core::bytes::Bytes;

use crate::harness::{Harness, Observed, Subject};
use crate::hostile::{Ending, Fault, Protocol, Reply, Step};
use crate::mismatch::{Check, Mismatch, expect};
use crate::time::{all, until, wait};

/// How long a repeat is waited for: most stacks begin with less than a second.
const LATER: Duration = Duration::from_millis(1200);

/// How long a repeat at the end of a limit is waited for.
const SOON: Duration = Duration::from_millis(100);

/// Long after anything here.
const LIMIT: Duration = Duration::from_secs(10);

/// Methods that stacks treat differently when they repeat, with a body if they define one.
const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::DELETE];

/// One that may be repeated, and one that may not (RFC 9110 §9.2.2).
const TWO: [Method; 2] = [Method::GET, Method::POST];

fn request(subject: &Subject, method: &Method) -> Request {
    let request = subject.request(method.clone(), "/things").with_time_limit(LIMIT);
    match *method {
        Method::POST | Method::PUT => subject.changed(request, |http| {
            *http.body_mut() = Bytes::from_static(b"{\"a\":1}");
        }),
        _ => request,
    }
}

/// Meets a fault with each method, on a new connection or on a kept one. It is counted what the servers receive,
/// also later.
async fn once(
    harness: &Harness<'_>,
    what: &str,
    fault: &Fault,
    (kept, methods): (bool, &[Method]),
    change: impl Fn(Request) -> Request,
    outcome: impl Fn(&Observed) -> Check,
) -> Check {
    let change = &change;
    let tries = methods.iter().map(async |method| {
        let answer = || Fault::Answer(Reply::json(200, "{}"));
        // A repeat would have an answer, which no stack wants to miss.
        let faults = match kept {
            true => vec![answer(), fault.clone(), answer()],
            false => vec![fault.clone(), answer()],
        };
        let subject = harness.subject_of(faults);
        let before = usize::from(kept);
        if kept {
            subject.send(request(&subject, &Method::GET)).await.status(200)?;
        }
        let seen = subject.send(change(request(&subject, method))).await;
        wait(LATER.saturating_sub(seen.took).max(SOON)).await;
        let got = subject.server.requests().saturating_sub(before);
        let place = if kept { " on a kept connection" } else { "" };
        let at = |wrong: Mismatch| wrong.when(&format!("{method}, {what}{place}"));
        expect(got <= 1, "1 received by the server", || {
            format!("{got} received; {}", seen.describe())
        })
        .map_err(at)?;
        outcome(&seen).map_err(at)
    });
    all(tries).await.into_iter().collect()
}

fn anything(_: &Observed) -> Check {
    Ok(())
}

pub(crate) async fn repeats_nothing_after_silence(harness: &Harness<'_>) -> Check {
    let (all_methods, two): (&[_], &[_]) = (&METHODS, &TWO);
    let faults = [
        ("silence", Fault::Silence, (false, all_methods)),
        ("silence", Fault::Silence, (true, all_methods)),
        ("silence within the head", Fault::CutHead(Ending::Silence), (false, two)),
        ("silence within the body", Fault::Cut(200, Ending::Silence), (false, two)),
    ];
    let tries = faults.iter().map(|(what, fault, how)| {
        let patient = |request: Request| request.with_time_limit(LATER);
        once(harness, what, fault, *how, patient, anything)
    });
    all(tries).await.into_iter().collect()
}

pub(crate) async fn repeats_nothing_that_was_lost(harness: &Harness<'_>) -> Check {
    let mut faults = vec![
        ("closed", Fault::Close),
        ("reset", Fault::Reset),
        ("closed within the head", Fault::CutHead(Ending::Close)),
        ("reset within the body", Fault::Cut(200, Ending::Reset)),
        ("closed within the body of a 503", Fault::Cut(503, Ending::Close)),
    ];
    if harness.wire.protocol() == Protocol::Http1 {
        faults.push(("closed without a farewell", Fault::Steps(vec![Step::End(Ending::Cut)])));
        faults.push(("not HTTP", Fault::Raw(b"SSH-2.0-OpenSSH_9.6\r\n")));
    }
    let tries = faults.iter().flat_map(|(what, fault)| {
        let same = |request: Request| request;
        let methods = match fault {
            Fault::Close | Fault::Reset => &METHODS[..],
            _ => &TWO[..],
        };
        let how = [(false, methods), (true, methods)];
        how.map(|how| once(harness, what, fault, how, same, Observed::ended))
    });
    let outcomes = all(tries).await;
    outcomes.into_iter().collect::<Check>()?;
    // A web page asks by `OPTIONS` whether it may send such a request.
    if harness.wire.cors {
        return Ok(());
    }
    // Stacks that repeat what is safe to repeat take these for it.
    let keyed = |mut request: Request| {
        let key = HeaderValue::from_static("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"");
        request.headers_mut().insert("idempotency-key", key);
        request
    };
    let tries = [false, true].map(async |kept| {
        let rare = [Method::HEAD, Method::OPTIONS];
        let rare = once(harness, "closed", &Fault::Close, (kept, &rare), |r| r, Observed::ended);
        let what = "closed, with an idempotency key";
        let keyed = once(harness, what, &Fault::Close, (kept, &TWO[1..]), keyed, Observed::ended);
        let both: [Pin<Box<dyn Future<Output = Check> + '_>>; 2] =
            [Box::pin(rare), Box::pin(keyed)];
        all(both).await.into_iter().collect::<Check>()
    });
    all(tries).await.into_iter().collect()
}

/// Statuses for which some stack repeats: servers and proxies mean "not now" or "not like this" by them.
const TEMPTING: [u16; 19] =
    [202, 206, 400, 404, 407, 409, 411, 417, 423, 424, 426, 449, 500, 502, 504, 505, 507, 509, 511];

pub(crate) async fn repeats_nothing_for_a_status(harness: &Harness<'_>) -> Check {
    let after = |status, seconds| Reply::status(status).header("retry-after", seconds);
    let replies = [
        ("a 408 that closes", 408, Reply::status(408).header("connection", "close")),
        ("a 408", 408, after(408, "0")),
        ("a 421", 421, Reply::status(421)),
        ("a 425", 425, after(425, "0")),
        ("a 429", 429, after(429, "1")),
        ("a 503", 503, after(503, "0")),
        ("a 503 to be repeated in a second", 503, after(503, "1")),
        ("a 413 to be repeated", 413, after(413, "0")),
    ];
    // A field about the connection is not for HTTP/2 (RFC 9113 §8.2.2).
    let http2 = harness.wire.protocol() == Protocol::Http2;
    let replies = replies.into_iter().filter(|(what, ..)| !http2 || *what != "a 408 that closes");
    let faults: Vec<_> =
        replies.map(|(what, status, reply)| (what, status, Fault::Answer(reply))).collect();
    let tries = faults.iter().map(|(what, status, fault)| {
        let how = (false, &METHODS[..3]);
        once(harness, what, fault, how, |request| request, |seen| seen.status(*status))
    });
    let first = all(tries);
    // What a server says on a kept connection may be about the connection, and is an answer all the same.
    let kept = [400, 408, 421, 425, 502, 503].map(|status| (status, true));
    let others = TEMPTING.into_iter().map(|status| (status, false)).chain(kept);
    let tries = others.map(async |(status, kept)| {
        let reply = Reply::json(status, "{}");
        let closes = !http2 && matches!(status, 400 | 408 | 502 | 503 | 504);
        let reply = if closes { reply.header("connection", "close") } else { reply };
        let (what, fault) = (format!("a {status}"), Fault::Answer(reply));
        let outcome = |seen: &Observed| seen.status(status);
        once(harness, &what, &fault, (kept, &TWO), |request| request, outcome).await
    });
    let second = all(tries);
    let both: [Pin<Box<dyn Future<Output = Vec<Check>> + '_>>; 2] =
        [Box::pin(first), Box::pin(second)];
    all(both).await.into_iter().flatten().collect()
}

pub(crate) async fn an_unasked_farewell_is_nobodys(harness: &Harness<'_>) -> Check {
    let farewells = [
        ("a 408", "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
        ("a 400", "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno"),
        ("a 503", "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\nno"),
        ("a 408 of HTTP/1.0", "HTTP/1.0 408 Request Time-out\r\nconnection: close\r\n\r\nno"),
    ];
    let tries = farewells.map(async |(what, farewell)| {
        let idle = Fault::Steps(vec![
            Step::Answer(Reply::json(200, "{}")),
            Step::Wait(Duration::from_millis(30)),
            Step::text(farewell),
            Step::End(Ending::Close),
        ]);
        let subject = harness.subject_of(vec![idle, Fault::Answer(Reply::status(422))]);
        subject.send(subject.get()).await.status(200)?;
        until(|| subject.server.closed() > 0).await;
        // Until the client's end of the connection has heard of it.
        wait(Duration::from_millis(50)).await;
        let seen = subject.send(subject.post()).await;
        let at = |wrong: Mismatch| wrong.when(&format!("{what} on a kept connection, unasked"));
        seen.status(422).map_err(at)
    });
    all(tries).await.into_iter().collect()
}
