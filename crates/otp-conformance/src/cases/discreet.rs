use std::fmt::Write as _;
use std::time::Duration;

use otp_core::Progress::NotSent;

use super::in_time::LIMIT;
use crate::harness::{Harness, Observed};
use crate::hostile::{Certificate, Ending, Fault, Protocol, Reply};
use crate::log;
use crate::mismatch::{Check, expect};
use crate::time::wait;

pub(crate) async fn https_is_never_in_the_clear(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    let request = subject.changed(subject.post(), |http| {
        let secure = http.uri().to_string().replacen("http:", "https:", 1);
        *http.uri_mut() = secure.parse().expect("a URI of a case");
    });
    let seen = subject.send(request).await;
    // For what a thread or a task in the background has written.
    wait(Duration::from_millis(30)).await;
    let got = subject.server.unencrypted();
    expect(got == 0, "an https URL: a refusal, or a TLS handshake", || {
        format!("connections in the clear: {got}, and {}", seen.describe())
    })?;
    seen.progress(NotSent).map_err(|wrong| wrong.when("an https URL on a server without TLS"))
}

/// An answer with a session in a header and a recovery code in its body.
fn secret_reply(harness: &Harness<'_>, status: u16) -> Reply {
    let body = format!("{{\"recovery_codes\":[\"{}\"]}}", harness.secrets.code);
    Reply::json(status, body).header("x-auth-token", &harness.secrets.session)
}

/// Faults that end in an error, each of another kind.
fn faults(harness: &Harness<'_>) -> Vec<(&'static str, Fault)> {
    let mut faults = vec![
        ("connection refused", Fault::Refused),
        ("closed", Fault::Close),
        ("silence", Fault::Silence),
        ("closed within the head", Fault::CutHead(Ending::Close)),
        ("closed within the body", Fault::Cut(200, Ending::Close)),
        ("silence within the body", Fault::Cut(200, Ending::Silence)),
        ("a body that never ends", Fault::Endless { announced: false }),
        ("a head that never ends", Fault::EndlessHead),
        ("secrets cut off", Fault::AnswerAndClose(secret_reply(harness, 200).cut())),
    ];
    if harness.wire.is_tls() {
        faults.push(("a bad certificate", Fault::Certificate(Certificate::WrongHost)));
        faults.push(("no TLS", Fault::NotTls(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
    }
    if harness.wire.protocol() == Protocol::Http1 {
        faults.push(("no HTTP", Fault::Raw(b"HTTP/1.1 abc\r\n\r\n")));
    }
    faults
}

/// Everything that an error says, its sources included.
fn said(seen: &Observed) -> String {
    let Ok(error) = seen.error() else { return String::new() };
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        write!(text, " {cause} {cause:?} {cause:#?}").expect("a String takes everything");
        source = cause.source();
    }
    text
}

/// What stands around a find, on one line.
fn excerpt(text: &str, find: &str) -> String {
    /// Characters on either side.
    const AROUND: usize = 60;
    let (before, after) = text.split_once(find).unwrap_or_default();
    let start = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(AROUND).map_or(after.len(), |(at, _)| at);
    let around = format!("{}{find}{}", &before[start..], &after[..end]);
    let words: Vec<_> = around.split_whitespace().collect();
    let cut = |is_cut| if is_cut { "…" } else { "" };
    format!("{}{}{}", cut(start > 0), words.join(" "), cut(end < after.len()))
}

pub(crate) async fn errors_hold_no_secret(harness: &Harness<'_>) -> Check {
    for (what, fault) in faults(harness) {
        let subject = harness.subject(fault);
        let seen = subject.send(subject.post().with_time_limit(LIMIT)).await;
        let said = said(&seen);
        let base_url = subject.server.base_url().to_string();
        let (origin, path) = base_url.split_once("/metal").unwrap_or((&base_url, ""));
        let path = format!("/metal{path}");
        // An address without a scheme tells nothing but the place.
        let url = [origin, &path].into_iter().find(|part| said.contains(part));
        let leaked = harness.secrets.leaked(&said).or(url.map(str::to_owned)).unwrap_or_default();
        expect(leaked.is_empty(), format!("{what}: an error without secrets and URL"), || {
            format!("{leaked} in: {}", excerpt(&said, &leaked))
        })?;
    }
    Ok(())
}

pub(crate) async fn logs_hold_no_secret(harness: &Harness<'_>) -> Check {
    let listening = log::listen();
    // The second fault is there so that no server of HTTP/2 logs what it reads.
    for status in [200, 422] {
        let success = Fault::Answer(secret_reply(harness, status));
        let subject = harness.subject_of(vec![success, Fault::Close]);
        subject.send(subject.post()).await;
    }
    for (_, fault) in faults(harness) {
        let subject = harness.subject(fault);
        // Whatever comes of it: that is another case's.
        subject.send(subject.post().with_time_limit(LIMIT)).await;
    }
    let line = listening.lines().into_iter().find(|line| harness.secrets.leaked(line).is_some());
    expect(line.is_none(), "log lines and spans without secrets", || line.unwrap_or_default())
}
