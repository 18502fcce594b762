//! Everything that can go wrong on the wire.

use std::time::Duration;

use otp_core::TransportErrorKind as Kind;
use otp_mock::Fault;

use crate::world::World;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A named fault of the service.
    Named(Fault),
    /// Nothing is sent.
    NotSent(Kind),
    /// The answer is lost before its head; whether the service acted.
    Lost(Kind, bool),
    /// The service acts, and the answer is lost after its head.
    Cut(Kind),
    /// The service refuses, and does not act.
    Refused(u16),
    /// A status or a body that says nothing; whether the service acted.
    Answered(u16, &'static str, bool),
    /// A captive portal answers, with its page and a content type. Nothing reaches the service.
    Portal(u16, &'static str, Option<&'static str>),
}

/// What a captive portal shows: with a byte order mark in two of them, and after an empty line in the last one.
/// A portal that answers JSON objects cannot be told from the service.
const PAGES: [&str; 3] = [
    "<!DOCTYPE html><html><body>Welcome! <a href=\"/login\">Log in</a></body></html>",
    "\u{feff}<!DOCTYPE html><html><body>Welcome!</body></html>",
    "\u{feff}\r\n<html><body>Welcome!</body></html>",
];

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// For one request.
    Once,
    /// As the named fault lasts.
    AsNamed,
    /// For each request from there on.
    FromThenOn,
    /// For one request; from there on, this goes wrong.
    Then(Wrong),
}

/// What goes wrong, from which request on.
#[derive(Clone, Copy, Debug)]
pub struct Injection {
    pub wrong: Wrong,
    pub lasting: Lasting,
    pub at: usize,
}

const KINDS: [Kind; 7] = [
    Kind::Connect,
    Kind::Tls,
    Kind::Timeout,
    Kind::ConnectionLost,
    Kind::Protocol,
    Kind::ResponseTooLarge,
    Kind::Other,
];

/// Everything that can go wrong.
pub fn everything() -> Vec<(Wrong, Lasting)> {
    let more = [
        Fault::Unavailable { times: 1 },
        Fault::Unavailable { times: 2 },
        Fault::Unavailable { times: 9 },
        Fault::Slow { delay: Duration::from_secs(1) },
        Fault::Slow { delay: Duration::from_secs(60) },
    ];
    let mut all = Vec::new();
    for &fault in Fault::ALL.iter().chain(&more) {
        all.push((Wrong::Named(fault), Lasting::AsNamed));
        all.push((Wrong::Named(fault), Lasting::Once));
        all.push((Wrong::Named(fault), Lasting::FromThenOn));
    }
    let mut wrongs = Vec::new();
    for kind in KINDS {
        wrongs.extend([Wrong::NotSent(kind), Wrong::Cut(kind)]);
        wrongs.extend([true, false].map(|acted| Wrong::Lost(kind, acted)));
    }
    wrongs.extend([400, 401, 403, 404, 422, 429].map(Wrong::Refused));
    for status in [202, 205, 302, 408, 409, 500, 502, 503, 504] {
        wrongs.extend([true, false].map(|acted| Wrong::Answered(status, "", acted)));
    }
    // A success that cannot be read.
    wrongs.extend(["{}", "[", "", "\u{fffd}"].map(|body| Wrong::Answered(200, body, true)));
    for page in PAGES {
        for kind in [None, Some("text/html; charset=utf-8"), Some("application/json")] {
            wrongs.extend([200, 511].map(|status| Wrong::Portal(status, page, kind)));
        }
    }
    // The error of what comes after has every effect, and none of them is that of what came before.
    let then = [
        Wrong::NotSent(Kind::Connect),
        Wrong::Refused(401),
        Wrong::Lost(Kind::ConnectionLost, true),
        Wrong::Cut(Kind::ConnectionLost),
    ];
    for wrong in wrongs {
        all.push((wrong, Lasting::Once));
        all.push((wrong, Lasting::FromThenOn));
        all.extend(then.map(|then| (wrong, Lasting::Then(then))));
    }
    all
}

/// Runs it without a fault, and then with everything that can go wrong, at each request that it makes, with
/// and without the client's retries.
pub fn under_every_fault(run: impl Fn(&World)) {
    for retries in [true, false] {
        World::run(None, retries, &run);
        for (wrong, lasting) in everything() {
            for at in 1.. {
                assert!(at < 100, "it does not end");
                if !World::run(Some(Injection { wrong, lasting, at }), retries, &run) {
                    break;
                }
            }
        }
    }
}
