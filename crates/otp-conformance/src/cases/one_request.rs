use std::time::Duration;

use http::Method;

use super::in_time::LIMIT;
use crate::harness::{Harness, Observed, Subject};
use crate::hostile::frames::{self, Frame};
use crate::hostile::{Ending, Fault, Protocol, Reply, Server};
use crate::mismatch::{Check, expect};
use crate::time::wait;

pub(crate) async fn sends_once(harness: &Harness<'_>) -> Check {
    for (what, reply) in [("a 200", Reply::json(200, "{}")), ("a 204", Reply::status(204))] {
        asked_once(harness, what, Fault::Answer(reply), |seen| seen.answer().map(drop)).await?;
    }
    Ok(())
}

pub(crate) async fn repeats_nothing_after_a_server_error(harness: &Harness<'_>) -> Check {
    for status in [500, 502, 503, 504] {
        let fault = Fault::Answer(Reply::status(status));
        asked_once(harness, &format!("a {status}"), fault, |seen| seen.status(status)).await?;
    }
    Ok(())
}

pub(crate) async fn repeats_nothing_after_a_rate_limit(harness: &Harness<'_>) -> Check {
    for status in [408, 429] {
        let reply = Reply::status(status).header("retry-after", "0");
        let what = format!("a {status}");
        asked_once(harness, &what, Fault::Answer(reply), |seen| seen.status(status)).await?;
    }
    Ok(())
}

pub(crate) async fn repeats_nothing_after_a_lost_connection(harness: &Harness<'_>) -> Check {
    let mut faults = vec![
        ("closed before the head", Fault::Close),
        ("reset before the head", Fault::Reset),
        ("closed within the head", Fault::CutHead(Ending::Close)),
        ("closed within the body", Fault::Cut(200, Ending::Close)),
    ];
    if harness.wire.protocol() == Protocol::Http2 {
        let reset = |id| vec![frames::reset(id, frames::INTERNAL_ERROR)];
        faults.push(("the stream reset", Fault::Frames(reset)));
    }
    for (what, fault) in faults {
        asked_once(harness, what, fault, Observed::ended).await?;
    }
    Ok(())
}

pub(crate) async fn repeats_nothing_on_a_kept_connection(harness: &Harness<'_>) -> Check {
    for (what, lost) in [("closed", Fault::Close), ("reset", Fault::Reset)] {
        let answer = || Fault::Answer(Reply::status(422));
        let subject = harness.subject_of(vec![answer(), lost, answer()]);
        subject.send(subject.post()).await.status(422)?;
        subject.send(subject.post()).await.ended()?;
        let at = format!("a second request, {what} after it was read");
        received(&subject, 2).await.map_err(|wrong| wrong.when(&at))?;
    }
    Ok(())
}

pub(crate) async fn repeats_nothing_whatever_goes_wrong(harness: &Harness<'_>) -> Check {
    let mut faults = vec![
        ("silence", Fault::Silence),
        ("silence within the body", Fault::Cut(200, Ending::Silence)),
        ("a head that never ends", Fault::EndlessHead),
        ("a body that never ends", Fault::Endless { announced: false }),
    ];
    if harness.wire.protocol() == Protocol::Http2 {
        faults.push(("no HTTP/2", Fault::Frames(|id| vec![Frame::new(1, 4, id, [0xff; 20])])));
    } else {
        faults.push(("no HTTP", Fault::Raw(b"HTTP/1.1 abc\r\n\r\n")));
    }
    for (what, fault) in faults {
        for method in [Method::POST, Method::GET] {
            let subject = harness.subject(fault.clone());
            let request = subject.request(method.clone(), "/things").with_time_limit(LIMIT);
            subject.send(request).await;
            wait(Duration::from_millis(30)).await;
            // On a busy machine connecting may take all of the time.
            let got = subject.server.requests();
            let expected = format!("{method}, {what}: 1 received by the server");
            expect(got <= 1, expected, || format!("{got} received"))?;
        }
    }
    Ok(())
}

/// A `POST` and a `GET`, each received once.
async fn asked_once(
    harness: &Harness<'_>,
    what: &str,
    fault: Fault,
    outcome: impl Fn(&Observed) -> Check,
) -> Check {
    for method in ["POST", "GET"] {
        let subject = harness.subject(fault.clone());
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

pub(crate) async fn follows_no_redirect(harness: &Harness<'_>) -> Check {
    let elsewhere = Server::start(harness.wire, Fault::Answer(Reply::json(200, "{}")));
    let other_origin = format!("{}/elsewhere", elsewhere.base_url());
    for status in [300, 301, 302, 303, 307, 308] {
        for (method, location) in [
            (Method::POST, "/metal/v1/elsewhere"),
            (Method::GET, "/metal/v1/elsewhere"),
            (Method::POST, other_origin.as_str()),
            (Method::GET, other_origin.as_str()),
        ] {
            let redirect = Reply::status(status).header("location", location);
            let faults = vec![Fault::Answer(redirect), Fault::Answer(Reply::json(200, "{}"))];
            let subject = harness.subject_of(faults);
            let seen = subject.send(subject.request(method.clone(), "/things")).await;
            let at = format!("{method}, a {status}");
            received(&subject, 1).await.map_err(|wrong| wrong.when(&at))?;
            seen.status(status).map_err(|wrong| wrong.when(&at))?;
        }
    }
    let followed = elsewhere.requests();
    expect(followed == 0, "nothing sent to another origin", || format!("{followed} received there"))
}

pub(crate) async fn answers_no_challenge(harness: &Harness<'_>) -> Check {
    let basic = "Basic realm=\"metal\"";
    let digest = "Digest realm=\"metal\", nonce=\"bm9uY2U\", qop=\"auth\", algorithm=SHA-256";
    for (method, challenge) in [
        (Method::POST, basic),
        (Method::GET, basic),
        (Method::GET, digest),
        (Method::GET, "Bearer realm=\"metal\", error=\"invalid_token\""),
        (Method::GET, "Negotiate"),
        (Method::GET, "NTLM"),
    ] {
        let reply = Reply::status(401).header("www-authenticate", challenge);
        let subject = harness.subject(Fault::Answer(reply));
        let seen = subject.send(subject.request(method.clone(), "/things")).await;
        let scheme = challenge.split(' ').next().unwrap_or_default();
        let at = format!("{method}, {scheme}");
        received(&subject, 1).await.map_err(|wrong| wrong.when(&at))?;
        seen.status(401).map_err(|wrong| wrong.when(&at))?;
        let sent = subject.server.received().iter().any(|r| !r.values("authorization").is_empty());
        expect(!sent, format!("{at}: no credentials"), || "an Authorization header".to_owned())?;
    }
    Ok(())
}

pub(crate) async fn keeps_no_cookies(harness: &Harness<'_>) -> Check {
    let baker = |status: u16, cookie: &str| {
        Fault::Answer(Reply::json(status, "{}").header("set-cookie", cookie))
    };
    let statuses = [200, 401, 500, 200];
    let subject = harness.subject_of(vec![
        baker(200, "session=kept; Path=/; SameSite=None"),
        baker(401, "failed=kept"),
        baker(500, "broken=kept; Path=/; Secure; HttpOnly"),
        baker(200, "last=kept"),
    ]);
    for status in statuses {
        subject.send(subject.post()).await.status(status)?;
    }
    let received = subject.server.received();
    let cookies: Vec<_> = received.iter().flat_map(|request| request.values("cookie")).collect();
    expect(cookies.is_empty(), "no Cookie header", || {
        format!("Cookie: {}", String::from_utf8_lossy(&cookies.concat()))
    })
}
