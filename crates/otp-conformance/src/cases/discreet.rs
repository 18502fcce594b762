use std::fmt::Write as _;
use std::time::Duration;

use http::{Method, Uri};
use otp_core::Progress::NotSent;

use super::each::{SOON, each, written_then};
use super::in_time::LIMIT;
use crate::harness::{Harness, Observed, Subject};
use crate::hostile::{Certificate, Ending, Fault, Protocol, Reply, Step};
use crate::log;
use crate::mismatch::{Check, Mismatch, expect};
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
pub(super) fn secret_reply(harness: &Harness<'_>, status: u16) -> Reply {
    let body = format!("{{\"recovery_codes\":[\"{}\"]}}", harness.secrets.code);
    Reply::json(status, body).header("x-auth-token", &harness.secrets.session)
}

/// Faults that end in an error, each of another kind.
pub(super) fn faults(harness: &Harness<'_>) -> Vec<(&'static str, Fault)> {
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

/// Answers that end in an error, and say in the wrong place what must not be repeated.
pub(super) fn malformed(harness: &Harness<'_>) -> Vec<(&'static str, Fault)> {
    let secrets = &harness.secrets;
    let (token, otp, session, code) =
        (&secrets.token, &secrets.otp, &secrets.session, &secrets.code);
    let fields = format!("x-auth-token: {session}\r\nx-echo: {token} /{otp}");
    let large = Reply::json(200, format!("[\"{code}\",\"{token}\"]").repeat(3000));
    let large = large.header("x-auth-token", session).header("x-echo", otp);
    let mut faults = vec![
        ("a body too large", Fault::Answer(large.clone())),
        ("a failure too large", Fault::Answer(large.with_status(401))),
        ("a failure cut off", Fault::AnswerAndClose(secret_reply(harness, 401).cut())),
    ];
    if harness.wire.protocol() == Protocol::Http2 {
        let ok = Reply::json(200, format!("[\"{code}\"]")).header("x-auth-token", session);
        let field = |name: &str, value: &str| Fault::Answer(ok.clone().header(name, value));
        faults.extend([
            ("a secret in upper case", field(&format!("X-{session}"), otp)),
            (
                "a secret in a name with a space",
                field(&format!("x {}", session.to_lowercase()), otp),
            ),
            ("a secret in a pseudo-field", field(":token", token)),
            ("a secret in a field of connections", field("connection", session)),
            ("a NUL after a secret", field("x-echo", &format!("{token}\0"))),
            ("a secret for a length", field("content-length", code)),
            ("a body that is too short", field("content-length", "900")),
            ("a body that is too long", field("content-length", "3")),
        ]);
        return faults;
    }
    let ok = "HTTP/1.1 200 OK\r\n";
    let chunked = format!("{ok}{fields}\r\ntransfer-encoding: chunked\r\n\r\n");
    let close = |text: String| written_then(Ending::Close, text);
    faults.extend([
        ("a secret for a status", close(format!("HTTP/1.1 {code} OK\r\n\r\n"))),
        ("a secret for a version", close(format!("{token}/1.1 200 OK\r\n\r\n"))),
        ("a secret for a protocol", close(format!("SSH-2.0-{otp}\r\n"))),
        ("a secret for a field", close(format!("{ok}{session}\r\n\r\n"))),
        ("a secret in a name", close(format!("{ok}x {session}: {otp}\r\n\r\n"))),
        ("a NUL after a secret", close(format!("{ok}{fields}\0\r\n\r\n"))),
        ("a secret for a length", close(format!("{ok}{fields}\r\ncontent-length: {code}\r\n\r\n"))),
        (
            "two lengths",
            close(format!("{ok}{fields}\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n")),
        ),
        ("a secret for a chunk", close(format!("{chunked}{code}\r\n"))),
        ("a secret after a chunk", close(format!("{chunked}5\r\nhello{code}\r\n"))),
        ("a secret for an extension", close(format!("{chunked}5;{code}={code}\r\nhel"))),
        ("a secret in a trailer", close(format!("{chunked}0\r\n{fields}"))),
        ("a head cut off", close(format!("{ok}{fields}"))),
        ("a head reset", written_then(Ending::Reset, format!("{ok}{fields}"))),
        ("a head that does not go on", written_then(Ending::Silence, format!("{ok}{fields}"))),
        ("a head too large", close(format!("{ok}{}\r\n", format!("{fields}\r\n").repeat(8000)))),
    ]);
    faults
}

/// Short where nothing comes, and otherwise long enough for a busy machine.
pub(super) fn limit_of(fault: &Fault) -> Duration {
    match fault {
        Fault::Answer(_) | Fault::AnswerAndClose(_) | Fault::Raw(_) => SOON,
        Fault::Steps(steps) if !steps.contains(&Step::End(Ending::Silence)) => SOON,
        _ => LIMIT,
    }
}

/// Everything that an error says, its sources included, or a panic.
fn said(seen: &Observed) -> String {
    if let Some(message) = seen.panic() {
        return message.to_owned();
    }
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
pub(super) fn excerpt(text: &str, find: &str) -> String {
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

/// An error about this request, or a panic, without a secret and without the URL.
fn says_no_secret(harness: &Harness<'_>, subject: &Subject, seen: &Observed) -> Check {
    let said = said(seen);
    let base_url = subject.server.base_url().to_string();
    let (origin, path) = base_url.split_once("/metal").unwrap_or((&base_url, ""));
    let path = format!("/metal{path}");
    // An address without a scheme tells nothing but the place.
    let url = [origin, &path].into_iter().find(|part| said.contains(part));
    let leaked = harness.secrets.leaked(&said).or(url.map(str::to_owned)).unwrap_or_default();
    expect(leaked.is_empty(), "an error without secrets and URL", || {
        format!("{leaked} in: {}", excerpt(&said, &leaked))
    })
}

pub(crate) async fn errors_hold_no_secret(harness: &Harness<'_>) -> Check {
    each(faults(harness), async |fault| {
        let subject = harness.subject(fault);
        // What is secret may be anywhere in a URL.
        let secrets = &harness.secrets;
        let path = format!("/user/otp/verify/{}?search={}", secrets.otp, secrets.session);
        let request = subject.request(Method::POST, &path);
        let seen = subject.send(request.with_time_limit(LIMIT)).await;
        says_no_secret(harness, &subject, &seen)
    })
    .await?;
    // URLs that a transport may refuse. What it does with them is another case's.
    let otp = &harness.secrets.otp;
    let refusable = [
        ("dots in the path", None, format!("/a/../{otp}")),
        ("quotes in the query", None, format!("/a?b='{otp}'")),
        ("marks in the path", None, format!("/a|{{{otp}}}")),
        ("a scheme that nobody speaks", Some("gopher"), format!("/{otp}")),
        ("a scheme of files", Some("file"), format!("/{otp}")),
    ]
    .map(|(what, scheme, path)| (what, (scheme, path)));
    each(refusable, async |(scheme, path)| {
        let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
        let request = subject.request(Method::POST, &path).with_time_limit(LIMIT);
        let request = subject.changed(request, |http| {
            let mut parts = http.uri().clone().into_parts();
            if let Some(scheme) = scheme {
                parts.scheme = Some(scheme.parse().expect("a scheme of a case"));
            }
            *http.uri_mut() = Uri::from_parts(parts).expect("a URI of a case");
        });
        let seen = subject.send(request).await;
        says_no_secret(harness, &subject, &seen)
    })
    .await
}

pub(crate) async fn malformed_answers_are_not_quoted(harness: &Harness<'_>) -> Check {
    each(malformed(harness), async |fault| {
        let limit = limit_of(&fault);
        let subject = harness.subject(fault);
        let request = subject.post().with_time_limit(limit).with_response_limit(1000);
        let seen = subject.send(request).await;
        says_no_secret(harness, &subject, &seen)
    })
    .await
}

pub(crate) async fn logs_hold_no_secret(harness: &Harness<'_>) -> Check {
    let listening = log::listen();
    for status in [200, 422] {
        let subject = harness.subject(Fault::Answer(secret_reply(harness, status)));
        subject.send(subject.post()).await;
    }
    each(faults(harness).into_iter().chain(malformed(harness)), async |fault| {
        let limit = limit_of(&fault);
        let subject = harness.subject(fault);
        // Whatever comes of it: that is another case's.
        subject.send(subject.post().with_time_limit(limit)).await;
        Ok(())
    })
    .await?;
    let lines = listening.lines();
    if harness.secrets.leaked(&lines.join("\n")).is_none() {
        return Ok(());
    }
    let line = lines.into_iter().find(|line| harness.secrets.leaked(line).is_some());
    let line = line.unwrap_or_else(|| "a secret over several lines".to_owned());
    Err(Mismatch::new("log lines and spans without secrets", line))
}
