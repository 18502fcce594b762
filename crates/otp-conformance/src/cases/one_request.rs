use std::time::Duration;

use http::header::AUTHORIZATION;

use crate::bench::{Bench, Observed, Subject};
use crate::hostile::{Ending, Fault, Reply};
use crate::mismatch::{Check, expect};
use crate::time::wait;

pub(crate) async fn sends_once(bench: &Bench<'_>) -> Check {
    for (what, reply) in [("a 204", Reply::status(204)), ("a 200", Reply::json(200, "{}"))] {
        asked_once(bench, what, Fault::Answer(reply), |seen| seen.answer().map(drop)).await?;
    }
    Ok(())
}

pub(crate) async fn repeats_nothing_after_a_server_error(bench: &Bench<'_>) -> Check {
    for status in [500, 502, 503, 504] {
        let fault = Fault::Answer(Reply::status(status));
        asked_once(bench, &format!("a {status}"), fault, |seen| seen.status(status)).await?;
    }
    Ok(())
}

pub(crate) async fn repeats_nothing_after_a_rate_limit(bench: &Bench<'_>) -> Check {
    for status in [408, 429] {
        let reply = Reply::status(status).header("retry-after", "0");
        let what = format!("a {status}");
        asked_once(bench, &what, Fault::Answer(reply), |seen| seen.status(status)).await?;
    }
    Ok(())
}

pub(crate) async fn repeats_nothing_after_a_lost_connection(bench: &Bench<'_>) -> Check {
    for (what, fault) in [
        ("closed before the head", Fault::Close),
        ("reset before the head", Fault::Reset),
        ("closed within the body", Fault::Cut(200, Ending::Close)),
    ] {
        asked_once(bench, what, fault, Observed::ended).await?;
    }
    Ok(())
}

/// A `POST` and a `GET`, each received once.
async fn asked_once(
    bench: &Bench<'_>,
    what: &str,
    fault: Fault,
    outcome: impl Fn(&Observed) -> Check,
) -> Check {
    for method in ["POST", "GET"] {
        let subject = bench.subject(fault.clone());
        let request = if method == "POST" { subject.post() } else { subject.get() };
        let seen = subject.send(request).await;
        let at = format!("{method}, {what}");
        outcome(&seen).map_err(|wrong| wrong.when(&at))?;
        received(&subject, 1).await.map_err(|wrong| wrong.when(&at))?;
    }
    Ok(())
}

/// So many requests, also a little later.
async fn received(subject: &Subject, count: usize) -> Check {
    wait(Duration::from_millis(30)).await;
    let got = subject.server.requests();
    expect(got == count, format!("{count} received by the server"), || format!("{got} received"))
}

pub(crate) async fn follows_no_redirect(bench: &Bench<'_>) -> Check {
    for status in [301, 302, 303, 307, 308] {
        let redirect = Reply::status(status).header("location", "/metal/v1/elsewhere");
        let faults = vec![Fault::Answer(redirect), Fault::Answer(Reply::status(204))];
        let subject = bench.subject_of(faults);
        let seen = subject.send(subject.post()).await;
        let at = format!("a {status}");
        received(&subject, 1).await.map_err(|wrong| wrong.when(&at))?;
        seen.status(status).map_err(|wrong| wrong.when(&at))?;
    }
    Ok(())
}

pub(crate) async fn answers_no_challenge(bench: &Bench<'_>) -> Check {
    let challenge = Reply::status(401).header("www-authenticate", "Basic realm=\"metal\"");
    let subject = bench.subject(Fault::Answer(challenge));
    let seen = subject.send(subject.post()).await;
    received(&subject, 1).await?;
    seen.status(401)?;
    let sent = subject.server.received().iter().any(|r| r.header(AUTHORIZATION.as_str()).is_some());
    expect(!sent, "no credentials", || "an Authorization header".to_owned())
}

pub(crate) async fn keeps_no_cookies(bench: &Bench<'_>) -> Check {
    let baker = Reply::status(204).header("set-cookie", "session=kept; Path=/; SameSite=None");
    let subject = bench.subject(Fault::Answer(baker));
    for _ in 0..2 {
        subject.send(subject.post()).await.status(204)?;
    }
    let received = subject.server.received();
    let cookie = received.iter().find_map(|request| request.header("cookie"));
    expect(cookie.is_none(), "no Cookie header", || format!("Cookie: {cookie:?}"))
}
