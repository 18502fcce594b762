//! Responses that RFC 9113 §8.1.1 calls malformed. A client must not take them.

use super::{Tried, each, stream, unknown_if_error};
use crate::harness::{Harness, Subject};
use crate::hostile::frames::{self, Frame};
use crate::hostile::{Act, Last};
use crate::mismatch::Check;

/// A complete `200` with this field.
macro_rules! with_field {
    ($what:literal, $name:literal, $value:literal) => {
        stream(
            $what,
            [Act::Frame(|id| frames::fields(id, &[(":status", "200"), ($name, $value)], true))],
        )
    };
}

/// A `200` with a body, and this field after it.
macro_rules! in_trailers {
    ($what:literal, $name:literal, $value:literal) => {
        stream(
            $what,
            [
                Act::Head(200, &[]),
                Act::Data(b"{}"),
                Act::Frame(|id| frames::fields(id, &[($name, $value)], true)),
            ],
        )
    };
}

/// A complete head of these fields.
macro_rules! of_fields {
    ($what:literal, $($name:literal: $value:literal),*) => {
        stream($what, [Act::Frame(|id| frames::fields(id, &[$(($name, $value)),*], true))])
    };
}

fn fields() -> Vec<Tried> {
    vec![
        with_field!("a name in upper case", "X-Name", "a"),
        with_field!("a name with a space", "x name", "a"),
        with_field!("a name with a colon", "x:name", "a"),
        with_field!("a value with a line feed", "x-name", "a\nb"),
        with_field!("a value with a zero", "x-name", "a\0b"),
        with_field!("the field connection", "connection", "close"),
        with_field!("the field transfer-encoding", "transfer-encoding", "chunked"),
        with_field!("the field keep-alive", "keep-alive", "timeout=5"),
        with_field!("the field proxy-connection", "proxy-connection", "close"),
        with_field!("the field upgrade", "upgrade", "h2c"),
        in_trailers!("a name in upper case in trailers", "X-End", "a"),
        in_trailers!("the field connection in trailers", "connection", "close"),
    ]
}

fn pseudo_fields() -> Vec<Tried> {
    vec![
        of_fields!("no status", "content-type": "application/json"),
        of_fields!("a status twice", ":status": "200", ":status": "200"),
        of_fields!("a status after a field", "x-name": "a", ":status": "200"),
        of_fields!("a status that is no number", ":status": "abc"),
        of_fields!("a status of four digits", ":status": "2000"),
        // A pseudo-field of requests, and any in trailers, are malformed too. The h2 crate drops them, which
        // harms nobody.
        of_fields!("an unknown pseudo-field", ":status": "200", ":reason": "OK"),
        of_fields!("an informational head that is the end", ":status": "103"),
    ]
}

fn lengths() -> Vec<Tried> {
    const TEN: Act = Act::Head(200, &[("content-length", "10")]);
    vec![
        stream("ten announced, five sent", [TEN, Act::Data(b"12345"), Act::End]),
        stream("ten announced, none sent", [TEN, Act::End]),
        stream(
            "ten announced, and the head is the end",
            [Act::Frame(|id| frames::headers(id, 200, &[("content-length", "10")], true))],
        ),
        stream("ten announced, eleven sent", [TEN, Act::Data(b"12345678901"), Act::End]),
        stream(
            "ten announced, five and trailers sent",
            [
                TEN,
                Act::Data(b"12345"),
                Act::Frame(|id| frames::fields(id, &[("x-end", "a")], true)),
            ],
        ),
        stream(
            "two lengths that disagree",
            [
                Act::Head(200, &[("content-length", "5"), ("content-length", "6")]),
                Act::Data(b"12345"),
                Act::End,
            ],
        ),
        stream(
            "a length that is no number",
            [Act::Head(200, &[("content-length", "five")]), Act::Data(b"12345"), Act::End],
        ),
    ]
}

async fn no_answers(harness: &Harness<'_>, tried: Vec<Tried>) -> Check {
    each(harness, tried, Subject::get, async |_, seen| seen.error().map(drop)).await
}

pub(crate) async fn malformed_fields_are_no_answer(harness: &Harness<'_>) -> Check {
    no_answers(harness, fields()).await
}

pub(crate) async fn malformed_pseudo_fields_are_no_answer(harness: &Harness<'_>) -> Check {
    no_answers(harness, pseudo_fields()).await
}

pub(crate) async fn a_length_that_disagrees_is_no_answer(harness: &Harness<'_>) -> Check {
    no_answers(harness, lengths()).await
}

pub(crate) async fn what_is_malformed_is_unknown(harness: &Harness<'_>) -> Check {
    let mut tried = fields();
    tried.extend(pseudo_fields());
    tried.extend(lengths());
    tried.extend(super::order::out_of_order());
    tried.push(stream(
        "GOAWAY on a stream",
        [Act::Frame(|id| Frame { stream: id, ..frames::go_away(0, frames::NO_ERROR) })],
    ));
    tried.push(stream(
        "GOAWAY below the stream after its head",
        [Act::Head(200, &[]), Act::GoAway(Last::Zero, frames::NO_ERROR), Act::Close],
    ));
    each(harness, tried, Subject::post, async |_, seen| unknown_if_error(seen)).await
}
