use otp_core::TransportErrorKind;

use super::in_time::FLOOD;
use crate::harness::Harness;
use crate::hostile::{Fault, Protocol, Reply};
use crate::mismatch::{Check, Mismatch, expect_eq};

const LIMIT: usize = 1000;

/// What buffers between the two may hold: those of sockets, TLS and the transport.
const BUFFERS: u64 = 12 * 1024 * 1024;

/// An answer with so many bytes of body, with a length and in chunks.
fn replies(harness: &Harness<'_>, bytes: usize) -> Vec<(&'static str, Reply)> {
    let reply = Reply::json(200, vec![b' '; bytes]);
    let mut replies = vec![("with a length", reply.clone())];
    if harness.wire.protocol() == Protocol::Http1 {
        replies.push(("in chunks", reply.chunked()));
    }
    replies
}

pub(crate) async fn a_body_of_the_limit_is_read(harness: &Harness<'_>) -> Check {
    for (how, reply) in replies(harness, LIMIT) {
        let subject = harness.subject(Fault::Answer(reply));
        let seen = subject.send(subject.get().with_response_limit(LIMIT)).await;
        let body = seen.answer().map_err(|wrong| wrong.when(how))?.body();
        expect_eq(&format!("bytes of body {how}"), &body.len(), &LIMIT)?;
    }
    Ok(())
}

pub(crate) async fn a_body_over_the_limit_is_refused(harness: &Harness<'_>) -> Check {
    for (how, reply) in replies(harness, LIMIT + 1) {
        let subject = harness.subject(Fault::Answer(reply));
        let seen = subject.send(subject.get().with_response_limit(LIMIT)).await;
        seen.kind(&[TransportErrorKind::ResponseTooLarge]).map_err(|wrong| wrong.when(how))?;
    }
    Ok(())
}

pub(crate) async fn an_endless_body_is_refused(harness: &Harness<'_>) -> Check {
    let _one = FLOOD.lock().await;
    for (how, announced) in [("with an absurd length", true), ("without a length", false)] {
        bounded(harness, Fault::Endless { announced }, &[TransportErrorKind::ResponseTooLarge])
            .await
            .map_err(|wrong| wrong.when(how))?;
    }
    Ok(())
}

pub(crate) async fn an_endless_head_is_refused(harness: &Harness<'_>) -> Check {
    let _one = FLOOD.lock().await;
    // Not every stack tells a head that is too large from one that is wrong.
    let mut kinds = vec![TransportErrorKind::ResponseTooLarge, TransportErrorKind::Protocol];
    if harness.wire.protocol() == Protocol::Http2 {
        // It is an error of the connection, which a client may well call lost.
        kinds.push(TransportErrorKind::ConnectionLost);
    }
    bounded(harness, Fault::EndlessHead, &kinds).await
}

async fn bounded(harness: &Harness<'_>, fault: Fault, kinds: &[TransportErrorKind]) -> Check {
    let subject = harness.subject(fault);
    let seen = subject.send(subject.get().with_response_limit(64 * 1024)).await;
    let read = subject.server.written();
    if read > BUFFERS {
        let (mib, of) = (read >> 20, BUFFERS >> 20);
        let seen = format!("{mib} MiB read, and {}", seen.describe());
        return Err(Mismatch::new(format!("at most {of} MiB read, buffers included"), seen));
    }
    seen.kind(kinds)
}
