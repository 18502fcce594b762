//! The plain cases that others rest on.
//!
//! They run first. What rests on one that failed is not run: it would fail too, for the same cause, after a
//! long wait.

use crate::Case;
use crate::hostile::{Act, Ending, Fault, Reply, Step};

/// The foundations in their order, with what to look at in one's own code.
pub(crate) const ALL: &[(Case, &str)] = &[
    (
        Case::APostIsAnswered,
        "how your code hands over a request without a body: does the stack wait for a body, or refuse a \
         `POST` without one? `Content-Length: 0` is right (RFC 9110 §8.6)",
    ),
    (
        Case::ASecondSendIsAnswered,
        "what is left of the first exchange: is its answer read to its end before the connection is kept, \
         and is a worker, a lock or a runtime of the first call gone in the second?",
    ),
    (
        Case::AnEmptyResponseEnds,
        "where your code decides how the body of a response ends: `204`, `304` and a `Content-Length` of 0 \
         have none, whatever else the head says (RFC 9112 §6.3); do not read until the connection closes",
    ),
    (
        Case::AChunkedBodyEnds,
        "where your code decides how the body of a response ends: `Transfer-Encoding: chunked` ends with \
         the chunk of size 0 and an empty line (RFC 9112 §7.1), and the connection stays open",
    ),
    (
        Case::AnyStatusIsAnAnswer,
        "the setting by which your stack turns statuses into errors, such as `error_for_status`, \
         `fail_on_error`, `http_status_as_error`: turn it off, `401` and `500` are `Ok`",
    ),
    (
        Case::ALostConnectionIsUnknown,
        "where your code makes a `TransportError`: `not_sent` only for what fails before the request is \
         handed to the stack, `unknown` for everything else",
    ),
    (
        Case::BeforeTheHead,
        "where your code uses `Request::time_limit`: one deadline, taken when `send` begins, around \
         everything that waits; a stack's own time-out is often off, or one for each read",
    ),
    (
        Case::ASendDoesNotBlock,
        "what blocks within your future: a blocking client or a `recv` there stops every call on its thread. \
         Implement `otp_core::blocking::Transport`, or move the call to `spawn_blocking`",
    ),
    (
        Case::AClaimedLengthIsNotAllocated,
        "where your code makes room for a body: `Vec::with_capacity(content_length)` lets a server choose how \
         much; let it grow, to `Request::response_limit` at most",
    ),
];

/// What to look at if this one fails.
pub(crate) fn advice(case: Case) -> Option<&'static str> {
    ALL.iter().find(|(own, _)| *own == case).map(|(_, advice)| *advice)
}

/// Its place among the foundations.
pub(crate) fn rank(case: Case) -> Option<usize> {
    ALL.iter().position(|(own, _)| *own == case)
}

/// What an exchange with this fault rests on.
pub(crate) fn under(fault: &Fault) -> Vec<Case> {
    match fault {
        Fault::Answer(reply)
        | Fault::AnswerAndClose(reply)
        | Fault::Informational(_, reply)
        | Fault::Unasked(reply, _)
        | Fault::UnaskedLater(reply, _) => under_reply(reply),
        Fault::Steps(steps) | Fault::Early(steps) => {
            let mut written = Vec::new();
            let mut under = Vec::new();
            for step in steps {
                match step {
                    Step::Answer(reply) => under.extend(under_reply(reply)),
                    Step::Write(bytes) => written.extend_from_slice(bytes),
                    _ => {}
                }
            }
            under.extend(under_text(&String::from_utf8_lossy(&written)));
            under
        }
        Fault::Stream(acts) | Fault::EarlyStream(acts) => acts
            .iter()
            .flat_map(|act| match act {
                Act::Reply(reply) => under_reply(reply),
                _ => Vec::new(),
            })
            .collect(),
        Fault::With(_, fault) => under(fault),
        Fault::LargeHead(_) | Fault::ManyFields(_) => vec![Case::AnyStatusIsAnAnswer],
        Fault::Endless { announced: true } => {
            vec![Case::AClaimedLengthIsNotAllocated]
        }
        Fault::HangInConnect
        | Fault::HangInHandshake
        | Fault::Silence
        | Fault::Deaf
        | Fault::EndlessInformational
        | Fault::Cut(_, Ending::Silence | Ending::Trickle)
        | Fault::CutHead(Ending::Silence | Ending::Trickle) => vec![Case::BeforeTheHead],
        _ => Vec::new(),
    }
}

fn under_reply(reply: &Reply) -> Vec<Case> {
    let mut under = Vec::new();
    if reply.is_without_body() {
        under.push(Case::AnEmptyResponseEnds);
    }
    if reply.is_chunked() {
        under.push(Case::AChunkedBodyEnds);
    }
    if reply.is_failure() {
        under.push(Case::AnyStatusIsAnAnswer);
    }
    under
}

/// What is written out: by its status lines and its framing.
fn under_text(text: &str) -> Vec<Case> {
    let mut under = Vec::new();
    for after in text.split("HTTP/1.1 ").skip(1) {
        match after.get(..3).and_then(|status| status.parse().ok()) {
            Some(204 | 304) => under.push(Case::AnEmptyResponseEnds),
            Some(400..=599) => under.push(Case::AnyStatusIsAnAnswer),
            _ => {}
        }
    }
    if text.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        under.push(Case::AChunkedBodyEnds);
    }
    under
}
