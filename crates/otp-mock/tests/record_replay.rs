//! What is played is what was recorded.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use otp_core::http::HeaderValue;
use otp_core::secrecy::ExposeSecret;
use otp_core::{
    AuthToken, ClientBuilder, ErrorKind, Otp, OtpsApi, OtpsClient, Request, Response, RetryPolicy,
    Transport, TransportError, TransportErrorKind, async_trait,
};
use otp_mock::{Expected, FakeOtps, Fault, Recorder, Recording, Reply, ScriptedTransport};
use pollster::block_on;

fn client(transport: impl Transport + 'static, token: &str) -> OtpsClient {
    OtpsClient::new(transport, AuthToken::new(token).unwrap())
}

/// What a client sees of these replies, with this token, and what it sees when they are played.
fn live_and_played<T>(
    token: &str,
    replies: impl IntoIterator<Item = Reply>,
    see: impl Fn(&OtpsClient) -> T,
) -> (T, T, Recording) {
    let script = replies.into_iter().fold(ScriptedTransport::in_order(), |script, reply| {
        script.answer(Expected::anything(), reply)
    });
    let recorder = Recorder::new(script);
    let live = see(&client(recorder.clone(), token));
    let recording = recorder.recording();
    let read: Recording = recording.to_string().parse().unwrap();
    assert_eq!(read, recording, "the file says all of it");
    let replay = read.replay();
    let played = see(&client(replay.clone(), "token-1"));
    replay.finish();
    (live, played, recording)
}

#[test]
fn a_date_to_retry_after_is_as_far_away() {
    let reply = Reply::error(429, "slow down")
        .with_header("date", "Mon, 01 Jan 2024 00:00:00 GMT")
        .with_header("retry-after", "Mon, 01 Jan 2024 00:01:00 GMT");
    let (live, played, _) = live_and_played("k3y-of-mine", [reply], |client| {
        block_on(client.receive_codes()).unwrap_err().retry_after()
    });
    assert_eq!((live, played), (Some(Duration::from_secs(60)), live));
}

#[test]
fn an_encoded_answer_is_refused_again() {
    let reply = Reply::recovery_codes(["abcde-fghij"]).with_header("content-encoding", "br");
    let (live, played, _) = live_and_played("k3y-of-mine", [reply], |client| {
        block_on(client.find_recovery_codes()).unwrap_err().kind()
    });
    assert_eq!((live, played), (ErrorKind::Decode, live));
}

#[test]
fn a_body_that_is_null_stays_one() {
    let reply = Reply::json(200, "null");
    let (live, played, _) = live_and_played("k3y-of-mine", [reply], |client| {
        block_on(client.find_recovery_codes()).unwrap_err().to_string()
    });
    assert_eq!(played, live);
}

#[test]
fn of_two_session_tokens_the_first_is_kept() {
    let mut response = Reply::no_content().into_response().unwrap();
    for token in ["canary-one", "canary-two"] {
        response.headers_mut().append("x-auth-token", HeaderValue::from_static(token));
    }
    response.headers_mut().append("x-request-id", HeaderValue::from_static("for-canary-two"));
    let (live, played, recording) =
        live_and_played("k3y-of-mine", [Reply::response(response)], |client| {
            let verified = block_on(client.find_ensure_otp(&Otp::new("123456").unwrap()));
            verified.unwrap().into_session_token().unwrap()
        });
    assert_eq!(live.expose_secret(), "canary-one");
    // The client's own is the first.
    assert_eq!(played.expose_secret(), "token-2");
    assert!(!recording.to_string().contains("canary"), "{recording}");
}

#[test]
fn a_short_secret_leaves_alone_what_has_a_fixed_grammar() {
    for token in ["t", "json", "r", "1", "Jan"] {
        let codes = Reply::recovery_codes(["abcde-fghij"]);
        let busy = Reply::error(429, "slow down")
            .with_header("date", "Mon, 01 Jan 2024 00:00:00 GMT")
            .with_header("retry-after", "Mon, 01 Jan 2024 00:01:10 GMT")
            .with_header("x-ratelimit-reset", "1704067210");
        let (live, played, _) = live_and_played(token, [codes, busy], |client| {
            let codes = block_on(client.find_recovery_codes()).map(|codes| codes.len());
            let busy = block_on(client.receive_codes()).unwrap_err();
            (codes.map_err(|error| error.to_string()), busy.retry_after())
        });
        assert_eq!(live, (Ok(1), Some(Duration::from_secs(70))), "{token}");
        assert_eq!(played, live, "{token}");
    }
}

#[test]
fn an_otp_that_is_echoed_as_a_number_is_replaced() {
    for header in ["retry-after", "x-ratelimit-reset", "content-type", "x-request-id", "date"] {
        let reply = Reply::error(429, "slow down").with_header(header, "123456");
        let (_, _, recording) = live_and_played("k3y-of-mine", [reply], |client| {
            block_on(client.find_ensure_otp(&Otp::new("123456").unwrap())).unwrap_err();
        });
        assert!(!recording.to_string().contains("123456"), "{recording}");
    }
}

fn limited(builder: ClientBuilder<OtpsClient>) -> OtpsClient {
    let seconds = Duration::from_secs;
    builder.attempt_timeout(seconds(20)).timeout(seconds(30)).build().unwrap()
}

#[test]
fn a_time_out_takes_its_time_again() {
    let service = FakeOtps::new();
    service.arm(Fault::Slow { delay: Duration::from_secs(60) });
    let recorder = Recorder::new(service.clone());
    let see = |client: OtpsClient| {
        let error = block_on(client.find_recovery_codes()).unwrap_err();
        let last = error.attempts().last().unwrap();
        (error.kind(), error.attempts().len(), last.started + last.duration)
    };
    let live = see(limited(OtpsClient::builder(recorder.clone(), service.token().clone())));
    assert_eq!(live, (ErrorKind::Timeout, 2, Duration::from_secs(30)));
    let recording = recorder.recording();
    assert!(recording.to_string().contains("\"took_ms\": 20000"), "{recording}");
    let replay = recording.replay();
    let token = AuthToken::new("token-1").unwrap();
    assert_eq!(see(limited(OtpsClient::builder(replay.clone(), token))), live);
    replay.finish();
}

#[test]
fn an_answer_takes_its_time_again() {
    let (live, played, recording) = live_and_played(
        "k3y-of-mine",
        [
            Reply::error(503, "Busy").after(Duration::from_secs(3)),
            Reply::recovery_codes(["abcde-fghij"]).after(Duration::from_millis(1500)),
        ],
        |client| {
            let answer = block_on(client.call(otp_core::operation::FindRecoveryCodes).send());
            answer.unwrap().metadata.failed_attempts()[0].duration
        },
    );
    assert_eq!((live, played), (Duration::from_secs(3), live));
    assert!(recording.to_string().contains("\"took_ms\": 1500"), "{recording}");
}

/// A transport that takes all the time it has.
#[derive(Clone)]
struct Late(ScriptedTransport);

#[async_trait]
impl Transport for Late {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        Transport::sleep(&self.0, request.time_limit()).await;
        Transport::send(&self.0, request).await
    }

    async fn sleep(&self, duration: Duration) {
        Transport::sleep(&self.0, duration).await;
    }

    fn now(&self) -> Duration {
        Transport::now(&self.0)
    }
}

#[test]
fn what_comes_at_the_last_moment_is_the_same_again() {
    let head = || Reply::status(200).into_response().unwrap().into_parts().0;
    for reply in [
        || Reply::recovery_codes(["abcde-fghij"]),
        || Reply::failed(TransportError::not_sent(TransportErrorKind::Connect)),
        || Reply::failed(TransportError::not_sent(TransportErrorKind::Timeout)),
        || Reply::failed(TransportError::unknown(TransportErrorKind::Timeout)),
    ] {
        assert_same_at_the_last_moment(reply());
    }
    let cut = TransportError::unknown(TransportErrorKind::Timeout).with_head(head());
    assert_same_at_the_last_moment(Reply::failed(cut));
}

fn assert_same_at_the_last_moment(reply: Reply) {
    fn see(builder: ClientBuilder<OtpsClient>) -> String {
        let client = builder.retry(RetryPolicy::never()).build().unwrap();
        match block_on(client.regenerate_codes()) {
            Ok(codes) => format!("{} codes", codes.len()),
            Err(error) => format!("{:?} {:?} {:?}", error.kind(), error.effect(), error.status()),
        }
    }
    let script = ScriptedTransport::in_order().answer(Expected::anything(), reply);
    let recorder = Recorder::new(Late(script));
    let live = see(OtpsClient::builder(recorder.clone(), AuthToken::new("k3y").unwrap()));
    let replay = recorder.recording().replay();
    let token = AuthToken::new("token-1").unwrap();
    assert_eq!(see(OtpsClient::builder(replay, token)), live);
}

/// Answers the codes only after the SMS.
#[derive(Clone, Default)]
struct OneWaitsForTheOther(Arc<AtomicBool>);

#[async_trait]
impl Transport for OneWaitsForTheOther {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.endpoint().name() == "receive_codes" {
            self.0.store(true, Ordering::SeqCst);
            return Ok(Reply::no_content().into_response().unwrap());
        }
        let done = |_: &mut std::task::Context<'_>| match self.0.load(Ordering::SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        poll_fn(done).await;
        Ok(Reply::recovery_codes(["abcde-fghij"]).into_response().unwrap())
    }

    async fn sleep(&self, _: Duration) {}

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn calls_that_overlapped_are_played_in_the_order_in_which_they_were_sent() {
    let both = |client: &OtpsClient| {
        let (mut codes, mut sms) = (client.find_recovery_codes(), client.receive_codes());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let first = codes.as_mut().poll(&mut context);
        assert_eq!(sms.as_mut().poll(&mut context).map(|sms| sms.is_ok()), Poll::Ready(true));
        let codes = match first {
            Poll::Ready(codes) => Poll::Ready(codes),
            Poll::Pending => codes.as_mut().poll(&mut context),
        };
        assert!(matches!(codes, Poll::Ready(Ok(codes)) if codes.len() == 1));
    };
    let recorder = Recorder::new(OneWaitsForTheOther::default());
    both(&client(recorder.clone(), "k3y-of-mine"));
    let replay = recorder.recording().replay();
    both(&client(replay.clone(), "token-1"));
    replay.finish();
}
