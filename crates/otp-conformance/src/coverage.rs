//! Which sentence of the promises, and which requirement of the RFCs, is seen by which case.
//!
//! The tables are code, so that a case that is renamed or taken away is noticed. The page is made from them.
#![doc = include_str!("coverage/page.md")]

#[cfg(test)]
mod page;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod rfc9110;
#[cfg(test)]
mod rfc9112;
#[cfg(test)]
mod rfc9113;

#[cfg(test)]
use crate::{Case, Clause};

/// A sentence of the documentation of `Transport`, word for word.
#[cfg(test)]
struct Promise {
    clause: Clause,
    sentence: &'static str,
    cases: &'static [Case],
}

#[cfg(test)]
const fn promise(clause: Clause, sentence: &'static str, cases: &'static [Case]) -> Promise {
    Promise { clause, sentence, cases }
}

#[cfg(test)]
#[derive(Clone, Copy)]
enum Level {
    Must,
    MustNot,
}

/// What an RFC requires of a client.
#[cfg(test)]
struct Requirement {
    section: &'static str,
    level: Level,
    /// What a client must or must not do, in our words.
    what: &'static str,
    seen: Seen,
}

#[cfg(test)]
enum Seen {
    By(&'static [Case]),
    /// By nothing, for this reason.
    Not(&'static str),
}

/// What a transport can do wrong and no case sees, with the reason.
#[cfg(test)]
const UNSEEN: &[(&str, &str)] = &[
    (
        "An error comes a few hundred milliseconds late.",
        "a busy machine delays a correct transport as much",
    ),
    (
        "A request is repeated more than 1.2 seconds after its failure.",
        "the kit would have to wait longer for each transport",
    ),
    (
        "Less than 14 MiB are lost by 24 failures of 1 MiB each, or a leak shows only outside Linux.",
        "allocators keep some memory, and other systems do not report what a process holds in one place",
    ),
    (
        "A circuit breaker waits for more than 25 failures.",
        "usual ones wait for fewer, and each failure takes time",
    ),
    (
        "Credentials of the platform are sent by themselves: from a key store, by Kerberos or NTLM.",
        "a process cannot set those up for a test",
    ),
];

#[cfg(test)]
const fn seen(
    section: &'static str,
    level: Level,
    what: &'static str,
    cases: &'static [Case],
) -> Requirement {
    Requirement { section, level, what, seen: Seen::By(cases) }
}

#[cfg(test)]
const fn not_seen(
    section: &'static str,
    level: Level,
    what: &'static str,
    reason: &'static str,
) -> Requirement {
    Requirement { section, level, what, seen: Seen::Not(reason) }
}
