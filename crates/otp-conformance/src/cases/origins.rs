//! One transport and more servers than one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http::Method;
use otp_core::Progress::NotSent;
use otp_core::TransportErrorKind::Tls;

use crate::harness::{Harness, Observed, Subject};
use crate::hostile::{Ending, Fault, Protocol, Reply, Server, Setup};
use crate::mismatch::{Check, expect, expect_eq};
use crate::time::{all, wait};

/// A server of this wire that echoes.
fn echoing(harness: &Harness<'_>) -> Server {
    Server::start(harness.wire, Fault::Echo)
}

/// Sends a request with this marker, and asks for its echo.
async fn echoed(subject: &Subject, marker: &str) -> Check {
    let seen = subject.send(subject.marked(marker)).await;
    let body = String::from_utf8_lossy(seen.answer()?.body()).into_owned();
    expect_eq(&format!("the body of {marker}"), &body.as_str(), &marker)
}

/// That each server has received only requests whose marker begins like this.
fn only(servers: &[(&Server, &str)]) -> Check {
    for (server, own) in servers {
        let received = server.received();
        let markers = received.iter().filter_map(|request| request.header("x-marker"));
        let foreign: Vec<_> = markers.filter(|marker| !marker.starts_with(own)).collect();
        expect(foreign.is_empty(), "each server receives what is for it", || {
            format!("at {}, which is for {own}: {foreign:?}", server.address())
        })?;
    }
    Ok(())
}

/// That every answer came, unless a request went astray, which says more.
fn in_order(outcomes: Vec<Check>, servers: &[(&Server, &str)]) -> Check {
    only(servers)?;
    outcomes.into_iter().collect()
}

/// How many go to each server at once.
const AT_ONCE: usize = 6;

pub(crate) async fn one_port_is_not_another(harness: &Harness<'_>) -> Check {
    let first = harness.subject(Fault::Echo);
    let second = first.at(echoing(harness));
    let places = [(&*first.server, "first"), (&*second.server, "second")];
    let mut outcomes = Vec::new();
    for round in 0..3 {
        outcomes.push(echoed(&first, &format!("first-{round}")).await);
        outcomes.push(echoed(&second, &format!("second-{round}")).await);
    }
    in_order(outcomes, &places)?;
    // Twice, so that the second time meets kept connections of both.
    for round in 0..2 {
        let to = |number: usize| match number % 2 {
            0 => (&first, format!("first-at-once-{round}-{number}")),
            _ => (&second, format!("second-at-once-{round}-{number}")),
        };
        let sends = (0..2 * AT_ONCE).map(to);
        let sends = sends.map(async |(subject, marker)| echoed(subject, &marker).await);
        let outcomes = all(sends).await;
        in_order(outcomes, &places).map_err(|wrong| wrong.when("at the same time"))?;
    }
    Ok(())
}

/// One more host of this machine on the port of a server, if there is one and the port is free there.
fn beside(harness: &Harness<'_>, server: &Server, host: IpAddr) -> Option<Server> {
    let names: &[&str] = match host {
        IpAddr::V4(_) => &["127.0.0.2"],
        IpAddr::V6(_) => &["::1"],
    };
    let setup = Setup::new(harness.wire, vec![Fault::Echo]).named(names);
    setup.at(SocketAddr::new(host, server.address().port())).start().ok()
}

pub(crate) async fn one_host_is_not_another(harness: &Harness<'_>) -> Check {
    let start = || {
        let setup = Setup::new(harness.wire, vec![Fault::Echo]);
        setup.named(&["127.0.0.1", "localhost"]).start().expect("a server on the loopback address")
    };
    let first = harness.subject_at(start());
    let mut subjects = vec![(first.clone(), "first")];
    // Systems differ in which of them they have.
    for (host, own) in
        [(Ipv4Addr::new(127, 0, 0, 2).into(), "second"), (Ipv6Addr::LOCALHOST.into(), "third")]
    {
        let Some(server) = beside(harness, &first.server, host) else { continue };
        let subject = first.at(server);
        // Whether an address can be reached is another case's.
        let probe = subject.send(subject.marked(&format!("{own}-probe"))).await;
        if !is_unsent(&probe) {
            subjects.push((subject, own));
        }
    }
    let places: Vec<_> = subjects.iter().map(|(subject, own)| (&*subject.server, *own)).collect();
    only(&places)?;
    for round in 0..2 {
        let mut outcomes = Vec::new();
        for (subject, own) in &subjects {
            outcomes.push(echoed(subject, &format!("{own}-{round}")).await);
        }
        in_order(outcomes, &places)?;
    }
    let sends = subjects.iter().map(|(subject, own)| echoed(subject, own));
    in_order(all(sends).await, &places).map_err(|wrong| wrong.when("at the same time"))?;
    // On a port that no other server has, since a name may have several addresses.
    let alone = first.at(start());
    every_name_is_told(harness, &alone).await
}

/// Two names of one server: each request tells its own, whoever was asked before.
async fn every_name_is_told(harness: &Harness<'_>, by_address: &Subject) -> Check {
    let by_name = by_address.named("localhost");
    for (subject, marker) in [(&by_address, "first-address"), (&&by_name, "first-name")] {
        let seen = subject.send(subject.marked(marker)).await;
        // Not every system knows the name.
        if is_unsent(&seen) {
            continue;
        }
        seen.answer()?;
        let received = subject.server.received();
        let arrived = received.iter().find(|r| r.header("x-marker") == Some(marker));
        let told = arrived.and_then(|received| match harness.wire.protocol() {
            Protocol::Http1 => received.header("host"),
            Protocol::Http2 => received.head.split(' ').next_back(),
        });
        let base_url = subject.base_url();
        expect_eq("the host", &told, &base_url.split('/').nth(2))?;
    }
    Ok(())
}

/// Whether nothing left, and the transport says so.
fn is_unsent(seen: &Observed) -> bool {
    seen.error().is_ok_and(|error| error.progress() == NotSent)
}

pub(crate) async fn a_failure_at_one_server_stays_there(harness: &Harness<'_>) -> Check {
    let failures = [
        ("a refused connection", Fault::Refused),
        ("a connection closed", Fault::Close),
        ("a connection reset", Fault::Reset),
        ("silence", Fault::Silence),
        ("a body cut off", Fault::Cut(200, Ending::Close)),
        ("an answer that says misdirected", Fault::Answer(Reply::status(421))),
    ];
    let outcomes = all(failures.map(|(what, fault)| async move {
        let good = harness.subject(Fault::Echo);
        let bad = good.at(Server::start(harness.wire, fault));
        echoed(&good, "good-before").await.map_err(|wrong| wrong.when(what))?;
        // Twice: what a pool learns from the first may spoil the second.
        for round in 0..2 {
            let request = bad.marked(&format!("bad-{round}"));
            bad.send(request.with_time_limit(Duration::from_millis(200))).await;
            let outcome = echoed(&good, &format!("good-{round}")).await;
            only(&[(&good.server, "good"), (&bad.server, "bad")])
                .and(outcome)
                .map_err(|wrong| wrong.when(&format!("after {what} at another server")))?;
        }
        Ok(())
    }));
    outcomes.await.into_iter().collect()
}

pub(crate) async fn http_is_not_https(harness: &Harness<'_>) -> Check {
    // Both on one port, so that the scheme is all that differs.
    for first in ["http", "https"] {
        let setup = Setup::new(harness.wire, vec![Fault::Echo]).in_the_clear_too(Fault::Echo);
        let subject = harness.subject_at(setup.start().expect("a server on the loopback address"));
        let second = if first == "http" { "https" } else { "http" };
        for (number, scheme) in [first, second, first, second].into_iter().enumerate() {
            let marker = format!("{scheme}-{number}");
            let request = subject.changed(subject.marked(&marker), |http| {
                let uri = http.uri().to_string().replacen("https:", &format!("{scheme}:"), 1);
                *http.uri_mut() = uri.parse().expect("a URI of a case");
            });
            let seen = subject.send(request).await;
            let clear = subject.server.received_in_the_clear();
            let is_secure = |request: &&crate::hostile::Received| {
                request.header("x-marker").is_some_and(|marker| marker.starts_with("https"))
            };
            let leaked = clear.iter().filter(is_secure).count();
            expect(leaked == 0, "what is for an https URL arrives in TLS", || {
                format!("{leaked} received in the clear, after a request to an http URL")
            })?;
            // A transport may refuse to go without TLS.
            if scheme == "https" {
                seen.answer().map_err(|wrong| wrong.when("an https URL after an http URL"))?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn one_name_is_not_another(harness: &Harness<'_>) -> Check {
    for (covered, other) in [("127.0.0.1", "localhost"), ("localhost", "127.0.0.1")] {
        let names: &[&str] = if covered == "localhost" { &["localhost"] } else { &["127.0.0.1"] };
        let setup = Setup::new(harness.wire, vec![Fault::Echo]).named(names);
        let server = setup.start().expect("a server on the loopback address");
        let covered = harness.subject_at(server).named(covered);
        let other = covered.named(other);
        // Twice, so that the second time may resume a session of TLS.
        for round in 0..2 {
            let seen = covered.send(covered.marked(&format!("covered-{round}"))).await;
            // Not every system knows the name.
            if is_unsent(&seen) {
                break;
            }
            seen.answer()?;
            let seen = other.send(other.marked(&format!("other-{round}"))).await;
            only(&[(&covered.server, "covered")])
                .map_err(|wrong| wrong.when("a name that the certificate does not have"))?;
            if seen.error().is_ok_and(|error| error.kind() != Tls) && is_unsent(&seen) {
                break;
            }
            seen.kind(&[Tls])?;
        }
    }
    Ok(())
}

pub(crate) async fn follows_no_hint(harness: &Harness<'_>) -> Check {
    let elsewhere = Server::start(harness.wire, Fault::Echo);
    let port = elsewhere.address().port();
    let there = format!("{}/elsewhere", elsewhere.base_url());
    let hints = [
        (200, "alt-svc", format!("http/1.1=\":{port}\"; ma=600, h2=\":{port}\"; ma=600")),
        (421, "alt-svc", format!("http/1.1=\":{port}\"; ma=600, h2=\":{port}\"; ma=600")),
        (200, "refresh", format!("0; url={there}")),
        (200, "link", format!("<{there}>; rel=\"preload\", <{there}>; rel=\"next\"")),
        (200, "content-location", there.clone()),
        (201, "location", there.clone()),
        (202, "location", there.clone()),
        (305, "location", there.clone()),
        (503, "location", there.clone()),
    ];
    let outcomes = all(hints.map(|(status, name, value)| {
        let at = format!("a {status} with {name}");
        let hint = Fault::Answer(Reply::json(status, "{}").header(name, &value));
        async move {
            let subject = harness.subject(hint);
            for method in [Method::POST, Method::GET, Method::GET] {
                let seen = subject.send(subject.request(method, "/things")).await;
                seen.status(status).map_err(|wrong| wrong.when(&at))?;
            }
            wait(Duration::from_millis(30)).await;
            let got = subject.server.requests();
            expect(got == 3, format!("{at}: three requests received"), || format!("{got}"))
        }
    }))
    .await;
    let followed = elsewhere.requests();
    expect(followed == 0, "nothing sent to another origin", || {
        format!("{followed} received there")
    })?;
    outcomes.into_iter().collect()
}
