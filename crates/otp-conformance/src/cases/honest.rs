use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use otp_core::Progress::{NotSent, Unknown};
use otp_core::TransportErrorKind::{self, ConnectionLost, Protocol, Tls};
use otp_core::bytes::Bytes;

use super::in_time::{LIMIT, after_the_request};
use crate::Case;
use crate::harness::{Harness, Observed, Subject};
use crate::hostile::frames::{self, Frame};
use crate::hostile::{self, Certificate, Ending, Fault, Reply, Step};
use crate::mismatch::{Check, Mismatch, expect};
use crate::time::{all, until, wait};

/// Meets each fault with a `POST` and says which of them went wrong.
async fn each(
    harness: &Harness<'_>,
    faults: impl IntoIterator<Item = (&str, Fault)>,
    check: impl Fn(&Observed) -> Check,
) -> Check {
    for (what, fault) in faults {
        let subject = harness.subject(fault);
        let seen = subject.send(subject.post()).await;
        check(&seen).map_err(|wrong| wrong.when(what))?;
    }
    Ok(())
}

/// That nothing came to the server in the clear, also a little later.
async fn nothing_in_the_clear(subject: &Subject, seen: &Observed) -> Check {
    wait(Duration::from_millis(30)).await;
    let got = subject.server.unencrypted();
    expect(got == 0, "nothing in the clear", || {
        format!("connections without TLS: {got}, and {}", seen.describe())
    })
}

fn is_http2(harness: &Harness<'_>) -> bool {
    harness.wire.protocol() == hostile::Protocol::Http2
}

pub(crate) async fn a_refused_connection_is_not_sent(harness: &Harness<'_>) -> Check {
    each(harness, [("connection refused", Fault::Refused)], |seen| {
        seen.kind(&[TransportErrorKind::Connect])?;
        seen.progress(NotSent)
    })
    .await
}

pub(crate) async fn an_unknown_host_is_not_sent(harness: &Harness<'_>) -> Check {
    // Never registered (RFC 2606 §2). A resolver may take its time to say so.
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}"))).named("nowhere.invalid");
    let seen = subject.send(subject.post()).await;
    seen.kind(&[TransportErrorKind::Connect, TransportErrorKind::Timeout])?;
    seen.progress(NotSent)
}

const BAD_CERTIFICATES: [(&str, Certificate); 5] = [
    ("expired", Certificate::Expired),
    ("not yet valid", Certificate::NotYetValid),
    ("for another host", Certificate::WrongHost),
    ("self-signed", Certificate::SelfSigned),
    ("of an unknown CA", Certificate::Untrusted),
];

pub(crate) async fn a_bad_certificate_gets_no_request(harness: &Harness<'_>) -> Check {
    for (what, bad) in BAD_CERTIFICATES {
        gets_no_request(harness, bad).await.map_err(|wrong| wrong.when(what))?;
    }
    Ok(())
}

async fn gets_no_request(harness: &Harness<'_>, bad: Certificate) -> Check {
    let subject = harness.subject(Fault::Certificate(bad));
    let seen = subject.send(subject.post()).await;
    nothing_in_the_clear(&subject, &seen).await?;
    let got = subject.server.requests();
    expect(got == 0, "no request", || format!("{got}, and {}", seen.describe()))?;
    seen.error().map(drop)
}

pub(crate) async fn a_common_name_is_not_enough(harness: &Harness<'_>) -> Check {
    harness.state.needs(Case::ABadCertificateGetsNoRequest);
    gets_no_request(harness, Certificate::CommonNameOnly).await
}

pub(crate) async fn a_bad_certificate_is_a_tls_error(harness: &Harness<'_>) -> Check {
    let faults = BAD_CERTIFICATES.map(|(what, bad)| (what, Fault::Certificate(bad)));
    each(harness, faults, |seen| {
        // Whoever trusts it fails the case before.
        if seen.answer().is_ok() {
            return Ok(());
        }
        seen.kind(&[Tls])?;
        seen.progress(NotSent)
    })
    .await
}

pub(crate) async fn a_failed_handshake_is_not_sent(harness: &Harness<'_>) -> Check {
    let faults = [
        ("no TLS on the port", Fault::NotTls(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        ("TLS below 1.2", Fault::NotTls(&[0x15, 3, 1, 0, 2, 2, 70])),
        ("closed in the handshake", Fault::CloseInHandshake),
    ];
    for (what, fault) in faults {
        let at = |wrong: Mismatch| wrong.when(what);
        let subject = harness.subject(fault);
        let seen = subject.send(subject.post()).await;
        nothing_in_the_clear(&subject, &seen).await.map_err(at)?;
        seen.kind(&[Tls, TransportErrorKind::Connect]).map_err(at)?;
        seen.progress(NotSent).map_err(at)?;
    }
    Ok(())
}

pub(crate) async fn a_lost_connection_is_unknown(harness: &Harness<'_>) -> Check {
    let mut faults = vec![("closed", Fault::Close), ("reset", Fault::Reset)];
    if is_http2(harness) {
        faults.push((
            "the stream reset",
            Fault::Frames(|id| vec![frames::reset(id, frames::INTERNAL_ERROR)]),
        ));
        faults.push((
            "GOAWAY at the last id, then closed",
            Fault::FramesThenClose(|id| vec![frames::go_away(id, frames::NO_ERROR)]),
        ));
    }
    each(harness, faults, |seen| {
        seen.kind(LOST)?;
        seen.progress(Unknown)
    })
    .await
}

/// The client treats both alike, and a connection that ends where a head must come is both.
const LOST: &[TransportErrorKind] = &[ConnectionLost, Protocol];

pub(crate) async fn a_lost_kept_connection_is_unknown(harness: &Harness<'_>) -> Check {
    for (what, lost) in [("closed", Fault::Close), ("reset", Fault::Reset)] {
        let subject = harness.subject_of(vec![Fault::Answer(Reply::json(200, "{}")), lost]);
        subject.send(subject.post()).await.status(200)?;
        let seen = subject.send(subject.post()).await;
        let at = |wrong: Mismatch| wrong.when(&format!("a second request, {what}"));
        seen.kind(LOST).map_err(at)?;
        seen.progress(Unknown).map_err(at)?;
    }
    Ok(())
}

/// What is lost or late ahead of the head, two other cases ask for.
pub(crate) async fn what_was_received_is_unknown(harness: &Harness<'_>) -> Check {
    const CHUNK: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc";
    let mut faults = vec![
        ("closed within the head", Fault::CutHead(Ending::Close)),
        ("a head that never ends", Fault::EndlessHead),
        ("closed within the body", Fault::Cut(200, Ending::Close)),
        ("silence within the body", Fault::Cut(200, Ending::Silence)),
        ("a body that never ends", Fault::Endless { announced: false }),
        ("a body announced too large", Fault::Endless { announced: true }),
    ];
    if is_http2(harness) {
        faults.push(("no HTTP/2", Fault::Frames(|id| vec![Frame::new(1, 4, id, [0xff; 20])])));
    } else {
        faults.push(("no HTTP", Fault::Raw(b"SSH-2.0-OpenSSH_9.6\r\n")));
        faults.push(("a wrong chunk", Fault::Raw(WRONG_CHUNK)));
        faults.push(("closed within a chunk", Fault::Raw(CHUNK)));
        faults.push(("lengths that disagree", Fault::Raw(CONFLICTING_LENGTHS)));
    }
    for (what, fault) in faults {
        let subject = harness.subject(fault);
        let seen = subject.send(subject.post().with_time_limit(LIMIT)).await;
        known_to_be_received(&subject, &seen).map_err(|wrong| wrong.when(what))?;
    }
    // A server that stops reading has read some of it.
    let subject = harness.subject(Fault::Deaf);
    let large = Bytes::from(vec![b'x'; 8 * 1024 * 1024]);
    let request = subject.changed(subject.request(Method::PUT, "/things"), |http| {
        *http.body_mut() = large;
    });
    let seen = subject.send(request.with_time_limit(LIMIT)).await;
    known_to_be_received(&subject, &seen).map_err(|wrong| wrong.when("a request not read in full"))
}

/// An error about what the server has received says `Unknown`.
fn known_to_be_received(subject: &Subject, seen: &Observed) -> Check {
    // That it is an error is another case's; and on a busy machine connecting may take all of the time.
    if subject.server.requests() == 0 || seen.error().is_err() {
        return Ok(());
    }
    seen.progress(Unknown)
}

pub(crate) async fn a_timeout_is_unknown(harness: &Harness<'_>) -> Check {
    for (when, fault) in
        [("before the head", Fault::Silence), ("within the head", Fault::CutHead(Ending::Silence))]
    {
        let seen = after_the_request(harness, &fault).await;
        // That it ends, and is a `Timeout`, is another case's.
        if seen.error().is_ok() {
            seen.progress(Unknown).map_err(|wrong| wrong.when(when))?;
        }
    }
    Ok(())
}

pub(crate) async fn a_head_cut_off_is_no_answer(harness: &Harness<'_>) -> Check {
    each(harness, [("closed within the head", Fault::CutHead(Ending::Close))], |seen| {
        seen.kind(LOST)
    })
    .await
}

pub(crate) async fn a_body_cut_off_is_no_answer(harness: &Harness<'_>) -> Check {
    let faults = [
        ("closed within the body", Fault::Cut(200, Ending::Close)),
        ("reset within the body", Fault::Cut(200, Ending::Reset)),
    ];
    each(harness, faults, |seen| seen.kind(LOST)).await?;
    // A Unix socket has no reset.
    if is_http2(harness) || harness.wire.is_unix() {
        return Ok(());
    }
    // It would end by a close, and a reset is none.
    let steps = vec![
        Step::text("HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\r\n[\"one\"]"),
        Step::Wait(Duration::from_millis(30)),
        Step::End(Ending::Reset),
    ];
    let until_close = [("reset within a body without a length", Fault::Steps(steps))];
    each(harness, until_close, |seen| seen.kind(LOST)).await
}

pub(crate) async fn a_chunked_body_cut_off_is_no_answer(harness: &Harness<'_>) -> Check {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n";
    const WITHIN: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc";
    let faults = [
        ("closed before the last chunk", Fault::Raw(HEAD)),
        ("closed within a chunk", Fault::Raw(WITHIN)),
    ];
    each(harness, faults, |seen| seen.kind(LOST)).await
}

pub(crate) async fn a_lost_body_leaves_its_head(harness: &Harness<'_>) -> Check {
    let mut faults = vec![("a body that never ends", 200, Fault::Endless { announced: false })];
    for (what, ending) in [
        ("closed within the body", Ending::Close),
        ("silence within the body", Ending::Silence),
        ("a trickling body", Ending::Trickle),
    ] {
        for status in [200, 422, 500] {
            faults.push((what, status, Fault::Cut(status, ending)));
        }
    }
    if !is_http2(harness) {
        whole_heads_of_lost_bodies(harness).await?;
        hints_are_not_the_head(harness).await?;
    }
    for (what, status, fault) in faults {
        let typed = matches!(fault, Fault::Cut(..));
        // A body that never ends is given up for its size.
        let limit = if typed { LIMIT } else { LIMIT * 10 };
        let subject = harness.subject(fault);
        let seen = subject.send(subject.post().with_time_limit(limit)).await;
        // That it is an error at all is another case's; and connecting may have taken all of the time.
        let Ok(error) = seen.error() else { continue };
        if subject.server.requests() == 0 {
            continue;
        }
        let head = error.head();
        let told = head.map(|head| (head.status.as_u16(), head.headers.contains_key(CONTENT_TYPE)));
        expect(
            told.is_some_and(|(got, has_type)| got == status && (has_type || !typed)),
            format!("{what}: an error with the head of the {status}"),
            || format!("{}; its head: {told:?}", seen.describe()),
        )?;
    }
    Ok(())
}

/// The head of an informational response is not that of the answer.
async fn hints_are_not_the_head(harness: &Harness<'_>) -> Check {
    for ending in [Ending::Close, Ending::Reset] {
        let hint = Step::text("HTTP/1.1 103 X\r\nlink: </x>\r\n\r\n");
        let steps = vec![hint, Step::Wait(Duration::from_millis(30)), Step::End(ending)];
        let subject = harness.subject(Fault::Steps(steps));
        let seen = subject.send(subject.post()).await;
        let Ok(error) = seen.error() else { continue };
        let told = error.head().map(|head| head.status.as_u16());
        expect(told.is_none(), "a 103, and then the end: an error without a head", || {
            format!("{}; its head: {told:?}", seen.describe())
        })?;
    }
    Ok(())
}

/// The head is there in whole, its repeated fields too, whatever the body is lost by.
async fn whole_heads_of_lost_bodies(harness: &Harness<'_>) -> Check {
    let chunked = "transfer-encoding: chunked";
    let rows = [
        ("a chunk without a size", chunked, "2\r\nok\r\nzz\r\n", Ending::Close),
        ("a chunk longer than its size", chunked, "2\r\noktoo\r\n0\r\n\r\n", Ending::Close),
        ("a length over the limit", "content-length: 99999999", "ok", Ending::Silence),
        ("a chunk over the limit", chunked, "fffffff\r\nok", Ending::Silence),
        ("a body that is reset", "content-length: 300", "ok", Ending::Reset),
    ];
    let tries = rows.map(async |(what, framing, body, ending)| {
        let head = format!("HTTP/1.1 201 X\r\nx-own: a\r\nx-own: b\r\n{framing}\r\n\r\n{body}");
        // The head is read before the reset is heard of.
        let pause = Step::Wait(Duration::from_millis(30));
        let steps = vec![Step::text(head), pause, Step::End(ending)];
        let subject = harness.subject(Fault::Steps(steps));
        let seen = subject.send(subject.post()).await;
        // That it is an error at all is another case's.
        let Ok(error) = seen.error() else { return Ok(()) };
        let told = error.head().map(|head| {
            let own = head.headers.get_all("x-own").iter();
            (head.status.as_u16(), own.map(HeaderValue::as_bytes).collect::<Vec<_>>())
        });
        // Two fields are one with a comma (RFC 9110 §5.3).
        let own: [&[u8]; 2] = [b"a", b"b"];
        let whole = told.as_ref().is_some_and(|(status, values)| {
            *status == 201 && (*values == own || *values == [b"a, b".as_slice()])
        });
        expect(whole, format!("{what}: an error with the whole head of the 201"), || {
            format!(
                "{}; its head: {}",
                seen.describe(),
                if told.is_some() { "in part" } else { "none" }
            )
        })
    });
    all(tries).await.into_iter().collect()
}

pub(crate) async fn what_is_not_http_is_no_answer(harness: &Harness<'_>) -> Check {
    let faults = if is_http2(harness) {
        let garbage = Fault::Frames(|id| vec![Frame::new(1, 4, id, [0xff; 20])]);
        let nowhere = Fault::Frames(|_| vec![Frame::new(1, 4, 0, [])]);
        vec![("fields that do not decode", garbage), ("headers on stream 0", nowhere)]
    } else {
        vec![
            ("a status line that is none", Fault::Raw(b"HTTP/1.1 abc\r\n\r\n")),
            ("another protocol", Fault::Raw(b"SSH-2.0-OpenSSH_9.6\r\n")),
        ]
    };
    // Over HTTP/2 it is an error of the connection (RFC 9113 §5.4.1), which a client may well call lost.
    let kinds = if is_http2(harness) { LOST } else { &[Protocol] };
    each(harness, faults, |seen| seen.kind(kinds)).await
}

const CONFLICTING_LENGTHS: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab";

const WRONG_CHUNK: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n";

pub(crate) async fn conflicting_lengths_are_no_answer(harness: &Harness<'_>) -> Check {
    let faults = [("1 and 2", Fault::Raw(CONFLICTING_LENGTHS))];
    each(harness, faults, |seen| seen.error().map(drop)).await
}

pub(crate) async fn a_wrong_chunk_is_no_answer(harness: &Harness<'_>) -> Check {
    let faults = [("a size of zz", Fault::Raw(WRONG_CHUNK))];
    each(harness, faults, |seen| seen.error().map(drop)).await
}

pub(crate) async fn an_unasked_answer_is_nobodys(harness: &Harness<'_>) -> Check {
    let (own, anothers) = (|| Reply::status(422), || Reply::json(200, "another's"));
    for (when, unasked) in [
        ("at once", Fault::Unasked(own(), anothers())),
        ("later", Fault::UnaskedLater(own(), anothers())),
    ] {
        let subject = harness.subject_of(vec![unasked, Fault::Answer(Reply::json(201, "{}"))]);
        subject.send(subject.post()).await.status(422)?;
        wait(Duration::from_millis(100)).await;
        let seen = subject.send(subject.post()).await;
        // It may notice and fail, but not take it.
        seen.ended()?;
        let taken = seen.answer().is_ok_and(|answer| answer.status() != 201);
        let expected = format!("unasked {when}: the second request's own answer, or an error");
        expect(!taken, expected, || seen.describe())?;
    }
    Ok(())
}

pub(crate) async fn a_closed_connection_is_replaced(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::AnswerAndClose(Reply::json(200, "{}")));
    for number in 1..=3 {
        let seen = subject.send(subject.post()).await;
        seen.status(200).map_err(|wrong| wrong.when(&format!("request {number}")))?;
        until(|| subject.server.closed() >= number).await;
        // Until the client's end of the connection has heard of it.
        wait(Duration::from_millis(50)).await;
    }
    several_are_replaced(harness).await
}

/// How many kept connections are closed.
const CLOSED: usize = 4;

/// Behind a closed connection there may be another.
async fn several_are_replaced(harness: &Harness<'_>) -> Check {
    // Over HTTP/2 they share one.
    if is_http2(harness) {
        return Ok(());
    }
    // None has its answer before all are there, so that each has a connection of its own.
    let (pause, answer) = (Step::Wait(Duration::from_millis(150)), Reply::json(200, "{}"));
    let steps = vec![pause.clone(), Step::Answer(answer.clone()), pause, Step::End(Ending::Close)];
    let mut faults = vec![Fault::Steps(steps); CLOSED];
    faults.push(Fault::Answer(answer));
    let subject = harness.subject_of(faults);
    for seen in all((0..CLOSED).map(|_| subject.send(subject.post()))).await {
        seen.status(200)?;
    }
    until(|| subject.server.closed() >= CLOSED).await;
    wait(Duration::from_millis(50)).await;
    let seen = subject.send(subject.post()).await;
    seen.status(200).map_err(|wrong| wrong.when(&format!("after {CLOSED} that were closed")))
}

pub(crate) async fn what_http2_refuses_is_not_sent(harness: &Harness<'_>) -> Check {
    let faults = [
        ("REFUSED_STREAM", Fault::Frames(|id| vec![frames::reset(id, frames::REFUSED_STREAM)])),
        (
            "GOAWAY above the last id",
            Fault::FramesThenClose(|_| vec![frames::go_away(0, frames::NO_ERROR)]),
        ),
    ];
    each(harness, faults, |seen| seen.progress(NotSent)).await
}
