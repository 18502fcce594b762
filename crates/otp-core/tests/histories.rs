//! The promises of the exchange, held against random histories on a turned clock.
//!
//! Nothing here knows how the exchange decides. A history is what a server and a network did, and how
//! long it took; the test knows what each of these proves, and watches that the exchange never does what
//! it must not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BinaryHeap;
use std::time::Duration;

use otp_core::http::HeaderValue;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{
    AuthToken, CallOptions, ClientConfig, Effect, Exchange, Operation, Otp, Response, RetryPolicy,
    Step, TransportError, TransportErrorKind as Kind,
};
use proptest::prelude::*;
use support::{response, traced};

/// What happened to one attempt.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A proof that nothing was sent.
    NotSent(Kind),
    /// No answer.
    Unknown(Kind),
    /// A head with this status, and then no body.
    LostBody(u16, Kind),
    Status(u16),
    /// A status with `Retry-After` in seconds.
    Patience(u16, u64),
    /// A body that no operation takes.
    Garbage,
    Success,
}

impl Event {
    fn outcome<O: Operation>(self) -> Result<Response, TransportError> {
        let response = |status, headers: &[_], body| {
            let mut response = response(status, headers, body);
            for (name, value) in announced() {
                response.headers_mut().insert(name, value);
            }
            response
        };
        match self {
            Self::NotSent(kind) => Err(TransportError::not_sent(kind)),
            Self::Unknown(kind) => Err(TransportError::unknown(kind)),
            Self::LostBody(status, kind) => {
                let (head, _) = response(status, &[], "").into_parts();
                Err(TransportError::unknown(kind).with_head(head))
            }
            Self::Status(status) => Ok(response(status, &[], "")),
            Self::Patience(status, seconds) => {
                let mut response = response(status, &[], "");
                response.headers_mut().insert("retry-after", seconds.to_string().parse().unwrap());
                Ok(response)
            }
            Self::Garbage => Ok(response(200, &[], "garbage")),
            Self::Success if O::ENDPOINT.is_acknowledged_by(http_204()) => {
                Ok(response(204, &[], ""))
            }
            Self::Success => Ok(response(200, &[], r#"{"recovery_codes": []}"#)),
        }
    }

    /// What this proves about the server, by README's table.
    fn effect<O: Operation>(self) -> Effect {
        let by_status = |status| match status {
            200..=299 if O::ENDPOINT.is_acknowledged_by(status_code(status)) => Effect::Applied,
            400 | 401 | 403 | 404 | 422 | 429 => Effect::NotApplied,
            // By their definitions the server does not process the request.
            405 | 406 | 410 | 411 | 413..=417 | 421 | 425 | 426 | 428 | 431 | 451 => {
                Effect::NotApplied
            }
            _ => Effect::Unknown,
        };
        match self {
            Self::NotSent(_) => Effect::NotApplied,
            Self::Unknown(_) => Effect::Unknown,
            Self::LostBody(status, _) => by_status(status),
            // Without a body, the success of another operation is a status that this one does not
            // have, or a body that cannot be read.
            Self::Status(status) | Self::Patience(status, _) => by_status(status),
            Self::Garbage => by_status(200),
            Self::Success => Effect::NotApplied,
        }
    }

    /// Whether trying again can help, whoever may.
    fn is_transient(self) -> bool {
        match self {
            Self::NotSent(kind) => {
                matches!(kind, Kind::Connect | Kind::ConnectionLost | Kind::Timeout)
            }
            Self::Unknown(kind) => matches!(
                kind,
                Kind::Connect | Kind::ConnectionLost | Kind::Timeout | Kind::Protocol
            ),
            Self::LostBody(200..=299, kind) => Self::Unknown(kind).is_transient(),
            Self::LostBody(status, _) | Self::Status(status) | Self::Patience(status, _) => {
                matches!(status, 408 | 429 | 502 | 503 | 504)
            }
            Self::Garbage | Self::Success => false,
        }
    }

    fn is_proof_that_nothing_was_sent(self) -> bool {
        matches!(self, Self::NotSent(_))
    }
}

/// Headers that change nothing of what a response means, with values that are often odd.
fn announced() -> impl Iterator<Item = (&'static str, HeaderValue)> {
    let names = ["sunset", "deprecation", "x-request-id", "x-ratelimit-reset", "date"];
    names.into_iter().filter(|_| fastrand::bool()).map(|name| {
        let number = fastrand::u64(..) >> fastrand::u32(0..64);
        let value = match fastrand::u8(0..4) {
            0 => number.to_string(),
            1 => format!("@{number}"),
            2 => format!("@{}", 253_402_300_790 + number % 20),
            _ => format!("Tue, {:02} Jan {:04} 00:00:00 GMT", number % 33, number % 10_100),
        };
        (name, value.parse().unwrap())
    })
}

fn status_code(status: u16) -> otp_core::http::StatusCode {
    otp_core::http::StatusCode::from_u16(status).unwrap()
}

fn http_204() -> otp_core::http::StatusCode {
    otp_core::http::StatusCode::NO_CONTENT
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Connect,
        Kind::ProxyRefused,
        Kind::Tls,
        Kind::Timeout,
        Kind::ConnectionLost,
        Kind::Protocol,
        Kind::ResponseTooLarge,
        Kind::Other,
    ])
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![
        // No success without a body: whether that is one depends on the operation.
        prop::sample::select(vec![
            201_u16, 206, 302, 307, 400, 401, 403, 404, 408, 422, 429, 500, 501, 502, 503, 504,
        ]),
        300_u16..=599,
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => kind().prop_map(Event::NotSent),
        3 => kind().prop_map(Event::Unknown),
        1 => (prop_oneof![Just(200), Just(204), status()], kind())
            .prop_map(|(status, kind)| Event::LostBody(status, kind)),
        2 => status().prop_map(Event::Status),
        2 => (prop::sample::select(vec![408_u16, 429, 500, 503]),
              prop_oneof![0..40_u64, Just(u64::MAX)])
            .prop_map(|(status, wait)| Event::Patience(status, wait)),
        1 => Just(Event::Garbage),
        1 => Just(Event::Success),
    ]
}

#[derive(Clone, Debug)]
struct History {
    start: Duration,
    options: CallOptions,
    /// What happens to each attempt, and how long that takes.
    attempts: Vec<(Event, Duration)>,
    /// How much longer than asked each sleep takes.
    overslept: Duration,
    /// How many retries others took before.
    spent: usize,
}

fn millis(range: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn history() -> impl Strategy<Value = History> {
    let options = (millis(1..=60_000), millis(1..=15_000), 1..=10_u32, 1..=1000_u64, 0..=5000_u64)
        .prop_map(|(timeout, attempt, attempts, base, more)| {
            let (base, cap) = (Duration::from_millis(base), Duration::from_millis(base + more));
            CallOptions::default().with_timeout(timeout).with_attempt_timeout(attempt).with_retry(
                RetryPolicy::default().with_max_attempts(attempts).with_backoff(base, cap),
            )
        });
    let took = prop_oneof![3 => millis(0..=200), 1 => millis(0..=20_000)];
    let overslept = prop_oneof![4 => Just(Duration::ZERO), 1 => millis(0..=30_000)];
    let start = prop_oneof![Just(Duration::ZERO), millis(0..=u64::MAX / 1000), Just(Duration::MAX)];
    (start, options, prop::collection::vec((event(), took), 10..=10), overslept, 0..=12_usize)
        .prop_map(|(start, options, attempts, overslept, spent)| History {
            start,
            options,
            attempts,
            overslept,
            spent,
        })
}

/// Plays a history and holds every promise against it.
fn play<O: Operation>(operation: O, history: &History) {
    let config = ClientConfig::new(AuthToken::new("t0ken").unwrap());
    spend(&config, history.spent);
    let budget_left = budget_after(history.spent);

    let (options, idempotent) = (&history.options, O::ENDPOINT.is_idempotent());
    let deadline = history.start.saturating_add(options.timeout());
    let mut now = history.start;
    let mut exchange = Exchange::new(&config, operation, options.clone(), now);
    let mut happened: Vec<Event> = Vec::new();
    let mut asked_to_wait = Duration::ZERO;
    let mut may_send = true;

    for _ in 0..=2 * options.retry().max_attempts() + 1 {
        match exchange.next(now) {
            Step::Send(request) => {
                assert!(may_send, "sent again after {:?}", happened.last());
                assert!(now < deadline, "sent after the deadline");
                assert!(!request.time_limit().is_zero());
                assert!(request.time_limit() <= options.attempt_timeout());
                assert!(request.time_limit() <= deadline - now, "beyond the deadline");
                assert!(now >= asked_to_wait, "sent before the server wanted it");

                let (event, took) = history.attempts[happened.len()];
                now = now.saturating_add(took.min(request.time_limit()));
                exchange.received(event.outcome::<O>(), now);
                happened.push(event);
                may_send =
                    event.is_transient() && (idempotent || event.is_proof_that_nothing_was_sent());
                if let Event::Patience(408 | 429 | 503, seconds) = event {
                    asked_to_wait = now.saturating_add(Duration::from_secs(seconds));
                }
            }
            Step::Authenticate(_) => panic!("the client has a token"),
            Step::Wait(wait) => {
                assert!(may_send, "waits for nothing");
                assert!(now.saturating_add(wait) < deadline, "a wait beyond the deadline");
                now = now.saturating_add(wait).saturating_add(history.overslept);
            }
            Step::Done(result) => {
                let attempts = happened.len();
                assert!(attempts <= options.retry().max_attempts() as usize);
                assert!(attempts <= 1 + budget_left, "more retries than the budget had");
                match result {
                    Ok(answer) => {
                        assert!(matches!(happened.last(), Some(Event::Success)));
                        assert_eq!(answer.metadata.attempts(), attempts);
                    }
                    Err(error) => {
                        assert_eq!(error.attempts().len(), attempts);
                        let worst = happened.iter().map(|event| event.effect::<O>()).max();
                        assert!(
                            worst.unwrap_or(Effect::NotApplied) <= error.effect()
                                || happened.iter().any(|event| unclear(*event)),
                            "{:?} hides that {happened:?}",
                            error.effect()
                        );
                        if happened.iter().all(|event| event.is_proof_that_nothing_was_sent()) {
                            assert_eq!(error.effect(), Effect::NotApplied, "{happened:?}");
                        }
                    }
                }
                return;
            }
        }
    }
    panic!("it does not end");
}

/// A body that the operation does not take at a status that would acknowledge it: whether that counts as
/// an undocumented status (`Unknown`) or an unreadable answer (`Applied`) depends on the operation.
fn unclear(event: Event) -> bool {
    matches!(event, Event::Garbage | Event::Status(200..=299))
}

/// What the budget has for a call after this many that each took a retry, as its docs have it: ten to
/// start with, and a tenth for each call, up to ten.
fn budget_after(retries: usize) -> usize {
    let mut tenths = 100;
    for _ in 0..retries {
        tenths = 100.min(tenths + 1);
        tenths -= if tenths >= 10 { 10 } else { 0 };
    }
    100.min(tenths + 1) / 10
}

/// Takes retries out of the budget that this configuration's calls share.
fn spend(config: &ClientConfig, retries: usize) {
    for _ in 0..retries {
        let options = CallOptions::default();
        let mut exchange = Exchange::new(config, FindRecoveryCodes, options, Duration::ZERO);
        let _ = exchange.next(Duration::ZERO);
        exchange.received(Ok(response(503, &[], "")), Duration::ZERO);
    }
}

fn play_all(history: &History) {
    play(FindRecoveryCodes, history);
    play(RegenerateCodes, history);
    play(ReceiveCodes, history);
    play(FindEnsureOtp::new(Otp::new("123456").unwrap()), history);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_history_keeps_every_promise(history in history()) {
        traced(|| play_all(&history));
    }
}

/// The same with more than a million calls; CI runs it in release.
#[test]
#[ignore = "takes a minute in release and several in debug"]
fn very_many_histories_keep_every_promise() {
    let config = ProptestConfig { cases: 300_000, failure_persistence: None, ..Default::default() };
    proptest!(config, |(history in history())| traced(|| play_all(&history)));
}

/// A minute of a failing service with 64 callers in flight: at most 1.2 times the calls made.
#[test]
fn a_failing_service_sees_at_most_a_fifth_more_traffic() {
    struct Caller {
        /// When it acts next; reversed, so that the heap gives the earliest.
        at: std::cmp::Reverse<Duration>,
        exchange: Exchange<FindRecoveryCodes>,
        answers: bool,
    }
    impl PartialEq for Caller {
        fn eq(&self, other: &Self) -> bool {
            self.at == other.at
        }
    }
    impl Eq for Caller {}
    impl PartialOrd for Caller {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Caller {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.at.cmp(&other.at)
        }
    }

    let minute = Duration::from_secs(60);
    // From a service that fails at once to one that lets every attempt run into its timeout.
    for answer_takes in [5, 50, 500, 5_000].map(Duration::from_millis) {
        let config = ClientConfig::new(AuthToken::new("t0ken").unwrap());
        let start = |at| Caller {
            at: std::cmp::Reverse(at),
            exchange: Exchange::new(&config, FindRecoveryCodes, CallOptions::default(), at),
            answers: false,
        };
        let mut callers: BinaryHeap<Caller> = (0..64).map(|_| start(Duration::ZERO)).collect();
        let (mut calls, mut sent) = (64_u32, 0_u32);
        while let Some(mut caller) = callers.pop() {
            let now = caller.at.0;
            if now >= minute {
                break;
            }
            if std::mem::take(&mut caller.answers) {
                caller.exchange.received(Ok(response(503, &[], "")), now);
            }
            match caller.exchange.next(now) {
                Step::Send(_) => {
                    sent += 1;
                    caller.answers = true;
                    caller.at.0 = now + answer_takes;
                }
                Step::Authenticate(_) => panic!("the client has a token"),
                Step::Wait(wait) => caller.at.0 = now + wait,
                Step::Done(_) => {
                    calls += 1;
                    caller = start(now);
                }
            }
            callers.push(caller);
        }
        assert!(sent > 0 && f64::from(sent) <= 1.2 * f64::from(calls), "{sent} for {calls} calls");
    }
}
