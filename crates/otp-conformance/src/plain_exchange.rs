//! The plain exchange before all cases: who fails it would fail most of them, and pass some for nothing.

use crate::harness::Harness;
use crate::hostile::{Fault, Reply, Server, Wire};
use crate::mismatch::{Check, expect};

/// A `GET` gets through, and an answer comes back, whatever it says.
pub(crate) async fn exchange(harness: &Harness<'_>, futures: bool) -> Check {
    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    let seen = subject.send(subject.get()).await;
    let through = seen.answer().is_ok() && subject.server.requests() > 0;
    expect(through, "GET, a 200: received by the server, and an answer", || {
        let left_behind = match seen.is_late() && !futures {
            true => " (its thread cannot be stopped, and is left behind)",
            false => "",
        };
        format!("{}{left_behind}; {}", seen.describe(), arrived(&subject.server))
    })
}

/// What came to the server.
fn arrived(server: &Server) -> String {
    let (connections, requests) = (server.connections(), server.requests());
    let no_tls = match server.wire().is_tls() && server.unencrypted() > 0 {
        true => "; what came was no TLS",
        false => "",
    };
    format!("connections at the server: {connections}, requests: {requests}{no_tls}")
}

/// What to look for first.
pub(crate) fn advice(wire: Wire) -> &'static str {
    match (wire.is_tls(), wire.is_unix()) {
        (true, false) => {
            "does the transport trust `ca_pem`? does it speak TLS, or do you want `.in_the_clear()`?"
        }
        (true, true) => {
            "does the transport connect to the server's `socket`, and trust `ca_pem`? does it speak TLS, \
             or do you want `.in_the_clear()`?"
        }
        (false, false) => "does the transport go to the host and port of the URL, without TLS?",
        (false, true) => "does the transport connect to the server's `socket`, without TLS?",
    }
}
