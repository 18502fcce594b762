//! What a request must be (RFC 9113 §8.2, §8.3).

use http::Method;
use otp_core::bytes::Bytes;

use super::{OF_STREAMS, OF_TABLES, OF_WINDOWS, no_violation};
use crate::cases::each::SOON;
use crate::harness::Harness;
use crate::hostile::{Fault, Reply, Setup, Wire};
use crate::mismatch::{Check, expect, expect_eq};

/// What is about windows, streams and tables is another case's.
fn is_of_requests(violation: &str) -> bool {
    let others = OF_WINDOWS.iter().chain(&OF_STREAMS).chain(&OF_TABLES);
    !others.into_iter().any(|other| violation.starts_with(other))
}

pub(crate) async fn http2_is_negotiated(harness: &Harness<'_>) -> Check {
    let answer = Fault::Answer(Reply::json(200, "{}"));
    let setup = Setup::new(Wire::http1(), vec![answer]).without_alpn();
    let subject = harness.subject_at(setup.start().expect("a server on the loopback address"));
    // HTTP/1.1 is as good as an error here.
    subject.send(subject.post().with_time_limit(SOON)).await.ended()?;
    // A server of HTTP/1.1 reads the preface (RFC 9113 §3.4) as a request.
    let spoken = subject.server.received().iter().any(|received| received.method == "PRI");
    let expected = "TLS that has chosen no protocol: HTTP/1.1, or no request";
    expect(!spoken, expected, || "HTTP/2".to_owned())
}

pub(crate) async fn requests_are_well_formed(harness: &Harness<'_>) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    for (method, body) in [
        (Method::GET, 0),
        (Method::POST, 0),
        (Method::PUT, 3000),
        (Method::POST, 20_000),
        (Method::DELETE, 0),
    ] {
        let request = subject.request(method.clone(), "/things?a=b");
        let request = match body {
            0 => request,
            bytes => {
                subject.changed(request, |http| *http.body_mut() = Bytes::from(vec![b'x'; bytes]))
            }
        };
        let at = format!("{method} with {body} bytes");
        subject.send(request).await.status(200).map_err(|wrong| wrong.when(&at))?;
        no_violation(&subject, is_of_requests).map_err(|wrong| wrong.when(&at))?;
        let received = subject.server.received();
        let scheme = received.last().and_then(|received| received.head.split(' ').next());
        let own = if harness.wire.is_tls() { "https" } else { "http" };
        expect_eq(&format!("{at}: the scheme"), &scheme, &Some(own))?;
    }
    Ok(())
}
