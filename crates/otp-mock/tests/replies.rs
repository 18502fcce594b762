//! A `Reply` goes wherever a reply is wanted, and a copy of it is the same reply.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::error::Error as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otp_core::operation::{FindRecoveryCodes, ReceiveCodes};
use otp_core::{
    AuthToken, Effect, ErrorKind, OtpsApi, OtpsClient, Progress, TransportError, TransportErrorKind,
};
use otp_mock::{Expected, Outcome, Replies, Reply, ScriptedTransport};
use pollster::block_on;
use serde_json::json;

fn client(script: &ScriptedTransport) -> OtpsClient {
    OtpsClient::new(script.clone(), AuthToken::new("k3y").unwrap())
}

#[test]
fn a_step_that_answers_always_takes_a_reply_as_it_is() {
    let script = ScriptedTransport::in_any_order()
        .answer_always(ReceiveCodes, Reply::error(429, "Too many"))
        .answer_always(FindRecoveryCodes, Reply::json(200, json!({ "recovery_codes": ["a"] })))
        .answer_always(Expected::anything(), TransportError::unknown(TransportErrorKind::Protocol));
    let client = client(&script);
    for _ in 0..3 {
        assert_eq!(block_on(client.receive_codes()).unwrap_err().messages(), ["Too many"]);
        assert_eq!(block_on(client.find_recovery_codes()).unwrap().len(), 1);
        let error = block_on(client.regenerate_codes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
    script.finish();
}

#[test]
fn a_step_that_answers_always_takes_what_makes_replies() {
    let asked = AtomicU32::new(0);
    let script = ScriptedTransport::in_order().answer_always(ReceiveCodes, move || {
        match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::no_content(),
            _ => Reply::error(429, "Too many"),
        }
    });
    let client = client(&script);
    block_on(client.receive_codes()).unwrap();
    assert_eq!(block_on(client.receive_codes()).unwrap_err().kind(), ErrorKind::RateLimited);
}

#[test]
fn a_failing_transport_takes_a_reply_an_error_and_what_makes_either() {
    let refused = || TransportError::not_sent(TransportErrorKind::Connect);
    let cases: [(Replies, ErrorKind, Effect); 5] = [
        (Reply::error(503, "Busy").into(), ErrorKind::Server, Effect::Unknown),
        (Reply::connection_refused().into(), ErrorKind::Connect, Effect::NotApplied),
        (refused().into(), ErrorKind::Connect, Effect::NotApplied),
        (refused.into(), ErrorKind::Connect, Effect::NotApplied),
        (Reply::lost.into(), ErrorKind::ConnectionLost, Effect::Unknown),
    ];
    for (replies, kind, effect) in cases {
        let error = block_on(client(&ScriptedTransport::failing(replies)).receive_codes());
        let error = error.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, effect), "{error}");
    }
}

#[test]
#[cfg(feature = "mockall")]
fn a_mocked_transport_takes_a_reply() {
    let mut transport = otp_mock::MockTransport::new();
    transport.expect_now().return_const(Duration::ZERO);
    transport.expect_send().returning(|_| Reply::error(422, "No phone").into_result());
    let client = OtpsClient::new(transport, AuthToken::new("k3y").unwrap());
    let error = block_on(client.receive_codes()).unwrap_err();
    assert_eq!(
        (error.kind(), error.messages()),
        (ErrorKind::Unprocessable, &["No phone".into()][..])
    );
}

#[test]
fn what_is_no_complete_answer_is_an_error() {
    let answered = Reply::json(201, json!({ "id": 7 })).into_result().unwrap();
    assert_eq!((answered.status().as_u16(), &answered.body()[..]), (201, &b"{\"id\":7}"[..]));
    for (reply, kind, progress, head) in [
        (Reply::lost(), TransportErrorKind::ConnectionLost, Progress::Unknown, false),
        (Reply::status(200).cut(), TransportErrorKind::ConnectionLost, Progress::Unknown, true),
        (Reply::not_sent(), TransportErrorKind::ConnectionLost, Progress::NotSent, false),
        (Reply::never(), TransportErrorKind::Timeout, Progress::Unknown, false),
        (Reply::pending(), TransportErrorKind::Timeout, Progress::Unknown, false),
        (Reply::connection_refused(), TransportErrorKind::Connect, Progress::NotSent, false),
    ] {
        let shown = format!("{reply:?}");
        let error = reply.into_result().unwrap_err();
        let seen = (error.kind(), error.progress(), error.head().is_some());
        assert_eq!(seen, (kind, progress, head), "{shown}");
    }
}

#[test]
fn a_copy_of_a_failure_says_all_that_the_first_says() {
    let head = Reply::status(200).with_header("x-a", "1").into_response().unwrap().into_parts().0;
    let error = TransportError::unknown(TransportErrorKind::Tls)
        .with_reason("why")
        .with_advice("what to do")
        .with_head(head)
        .with_source("deeper");
    let reply = Reply::failed(error).after(Duration::from_secs(3));
    let copy = reply.clone();
    assert_eq!(copy.delay(), Duration::from_secs(3));
    let both = [reply, copy].map(|reply| match reply.into_outcome() {
        Outcome::Failed(error) => error,
        other => panic!("{other:?}"),
    });
    for error in &both {
        assert_eq!(error.source().unwrap().to_string(), "deeper");
        assert_eq!(error.head().unwrap().headers["x-a"], "1");
    }
    let [first, copy] = both.map(|error| format!("{error} {error:?}"));
    assert_eq!(copy, first);
}
