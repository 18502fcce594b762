//! Any history of an exchange: it ends, keeps its deadline, and repeats nothing that it must not.

#![no_main]

#[path = "traced.rs"]
mod traced;

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use otp_core::http::StatusCode;
use otp_core::operation::{FindRecoveryCodes, RegenerateCodes};
use otp_core::{
    AuthToken, CallOptions, ClientConfig, Exchange, Operation, Response, RetryPolicy, Step,
    TransportError, TransportErrorKind as Kind,
};

#[derive(Arbitrary, Debug)]
struct History {
    start: u64,
    timeout: u32,
    attempt_timeout: u32,
    attempts: u8,
    base: u16,
    cap: u16,
    events: Vec<(Event, u16)>,
    overslept: u16,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Event {
    NotSent(u8),
    Unknown(u8),
    LostBody(u16, u8),
    Status(u16, Option<u64>),
}

fn kind(number: u8) -> Kind {
    match number % 8 {
        0 => Kind::Connect,
        1 => Kind::Tls,
        2 => Kind::Timeout,
        3 => Kind::ConnectionLost,
        4 => Kind::Protocol,
        5 => Kind::ResponseTooLarge,
        6 => Kind::ProxyRefused,
        _ => Kind::Other,
    }
}

fn outcome(event: Event) -> Result<Response, TransportError> {
    let response = |status: u16| {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::from_u16(100 + status % 900).unwrap_or_default();
        response
    };
    match event {
        Event::NotSent(number) => Err(TransportError::not_sent(kind(number))),
        Event::Unknown(number) => Err(TransportError::unknown(kind(number))),
        Event::LostBody(status, number) => {
            Err(TransportError::unknown(kind(number)).with_head(response(status).into_parts().0))
        }
        Event::Status(status, wait) => {
            let mut response = response(status);
            if let Some(wait) = wait {
                response.headers_mut().insert("retry-after", wait.into());
            }
            Ok(response)
        }
    }
}

fn play<O: Operation>(operation: O, history: &History) {
    let Ok(token) = AuthToken::new("t0ken") else { return };
    let config = ClientConfig::new(token);
    let millis = |ms: u64| Duration::from_millis(ms);
    let options = CallOptions::default()
        .with_timeout(millis(history.timeout.into()))
        .with_attempt_timeout(millis(history.attempt_timeout.into()))
        .with_retry(
            RetryPolicy::default()
                .with_max_attempts(history.attempts.into())
                .with_backoff(millis(history.base.into()), millis(history.cap.into())),
        );
    let mut now = millis(history.start);
    let deadline = now.saturating_add(options.timeout());
    let mut exchange = Exchange::new(&config, operation, options, now);
    let (mut sent, mut may_send) = (0, true);
    for _ in 0..64 {
        match exchange.next(now) {
            Step::Send(request) => {
                assert!(may_send && now < deadline);
                assert!(request.time_limit() <= deadline - now);
                let (event, took) =
                    history.events.get(sent).copied().unwrap_or((Event::NotSent(0), 0));
                sent += 1;
                now = now.saturating_add(millis(took.into()));
                exchange.received(outcome(event), now);
                may_send = O::ENDPOINT.is_idempotent() || matches!(event, Event::NotSent(_));
            }
            Step::Authenticate(_) => panic!("the client has a token"),
            Step::Wait(wait) => {
                assert!(now.saturating_add(wait) < deadline);
                now = now.saturating_add(wait).saturating_add(millis(history.overslept.into()));
            }
            Step::Done(_) => {
                assert!(sent <= 10);
                return;
            }
        }
    }
    panic!("it does not end");
}

fuzz_target!(|history: History| {
    traced::traced(&["t0ken"], || {
        play(FindRecoveryCodes, &history);
        play(RegenerateCodes, &history);
    });
});
