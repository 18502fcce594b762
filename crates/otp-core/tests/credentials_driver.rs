//! Tokens for those who drive an exchange themselves: `Step::Authenticate`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use otp_core::credentials::TokenRequest;
use otp_core::operation::ReceiveCodes;
use otp_core::secrecy::ExposeSecret;
use otp_core::{ClientConfig, Effect, Error, ErrorKind, Exchange, Step};
use support::response;
use support::tokens::token;

const NOW: Duration = Duration::ZERO;

fn config() -> ClientConfig {
    ClientConfig::new(None)
}

fn start(config: &ClientConfig) -> Exchange<ReceiveCodes> {
    Exchange::new(config, ReceiveCodes, config.options_for::<ReceiveCodes>(), NOW)
}

#[track_caller]
fn asks(step: Step<()>) -> (Option<String>, Duration) {
    let Step::Authenticate(request) = step else { panic!("{step:?}") };
    let rejected = request.rejected().map(|token| token.expose_secret().to_owned());
    (rejected, request.time_limit())
}

/// The token that is sent.
#[track_caller]
fn sends(step: Step<()>) -> String {
    let Step::Send(request) = step else { panic!("{step:?}") };
    request.as_http().headers()["x-auth-token"].to_str().unwrap().to_owned()
}

#[track_caller]
fn fails(step: Step<()>) -> Error {
    let Step::Done(Err(error)) = step else { panic!("{step:?}") };
    error
}

fn answer(exchange: &mut Exchange<ReceiveCodes>, status: u16) {
    exchange.received(Ok(response(status, &[], "")), NOW);
}

/// A call that has sent `t1`, of a configuration that got it from an earlier one.
fn sent_t1(config: &ClientConfig) -> Exchange<ReceiveCodes> {
    let mut exchange = start(config);
    match exchange.next(NOW) {
        Step::Authenticate(_) => {
            exchange.authenticated(Ok(token("t1")));
            assert_eq!(sends(exchange.next(NOW)), "t1");
        }
        step => assert_eq!(sends(step), "t1"),
    }
    exchange
}

#[test]
fn a_configuration_without_a_token_asks_its_driver_once() {
    let config = config();
    let mut first = start(&config);
    assert_eq!(asks(first.next(NOW)), (None, Duration::from_secs(30)));
    first.authenticated(Ok(token("t1")));
    assert_eq!(sends(first.next(NOW)), "t1");
    answer(&mut first, 204);
    assert!(matches!(first.next(NOW), Step::Done(Ok(_))));

    assert_eq!(sends(start(&config).next(NOW)), "t1");
    assert_eq!(sends(start(&config.clone()).next(NOW)), "t1", "clones share it");
    let shown = format!("{config:?}");
    assert!(!shown.contains("t1"), "{shown}");
}

#[test]
fn a_401_asks_for_another_token_once() {
    let config = config();
    let mut exchange = sent_t1(&config);
    answer(&mut exchange, 401);
    assert_eq!(asks(exchange.next(NOW)).0.unwrap(), "t1");
    exchange.authenticated(Ok(token("t2")));
    assert_eq!(sends(exchange.next(NOW)), "t2");
    answer(&mut exchange, 401);
    assert_eq!(fails(exchange.next(NOW)).kind(), ErrorKind::Unauthorized);
}

#[test]
fn the_same_token_again_ends_the_call_with_its_401() {
    let config = config();
    let mut exchange = sent_t1(&config);
    answer(&mut exchange, 401);
    asks(exchange.next(NOW));
    exchange.authenticated(Ok(token("t1")));
    let error = fails(exchange.next(NOW));
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.attempts().len(), 1);
}

#[test]
fn a_driver_without_a_token_ends_the_call() {
    let config = config();
    let mut exchange = start(&config);
    asks(exchange.next(NOW));
    exchange.authenticated(Err("no vault".into()));
    let error = fails(exchange.next(NOW));
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert_eq!(error.effect(), Effect::NotApplied);
    asks(start(&config).next(NOW));
}

#[test]
fn a_rejected_token_is_not_used_by_the_calls_that_start_during_the_refresh() {
    let config = config();
    let (mut one, mut two) = (sent_t1(&config), sent_t1(&config));
    answer(&mut one, 401);
    asks(one.next(NOW));
    let mut late = start(&config);
    let mut later = start(&config);
    assert_eq!(asks(late.next(NOW)).0.unwrap(), "t1");
    one.authenticated(Ok(token("t2")));
    assert_eq!(sends(one.next(NOW)), "t2");

    // Those that have not asked yet take what came meanwhile, a late 401 too.
    assert_eq!(sends(later.next(NOW)), "t2");
    answer(&mut two, 401);
    assert_eq!(sends(two.next(NOW)), "t2");
    late.authenticated(Ok(token("t3")));
    assert_eq!(sends(late.next(NOW)), "t3");
    assert_eq!(sends(start(&config).next(NOW)), "t3");
}

#[test]
fn only_the_rejected_token_is_dropped() {
    let config = config();
    let (mut one, mut two) = (sent_t1(&config), sent_t1(&config));
    answer(&mut one, 401);
    asks(one.next(NOW));
    one.authenticated(Ok(token("t2")));
    answer(&mut two, 401);
    // It is over before it goes on.
    drop(two);
    assert_eq!(sends(start(&config).next(NOW)), "t2");
}

#[test]
fn what_was_not_asked_for_is_ignored() {
    let config = config();
    let mut exchange = start(&config);
    exchange.authenticated(Ok(token("unasked")));
    asks(exchange.next(NOW));
    exchange.authenticated(Ok(token("t1")));
    exchange.authenticated(Ok(token("unasked")));
    assert_eq!(sends(exchange.next(NOW)), "t1");
    exchange.authenticated(Ok(token("unasked")));
    assert_eq!(sends(start(&config).next(NOW)), "t1");
    answer(&mut exchange, 204);
    assert!(matches!(exchange.next(NOW), Step::Done(Ok(_))));
}

#[test]
fn a_driver_that_does_not_say_what_came_of_it_is_told_so() {
    let mut exchange = start(&config());
    asks(exchange.next(NOW));
    answer(&mut exchange, 204);
    let error = fails(exchange.next(NOW));
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("its driver did not say"), "{error}");
}

#[test]
fn no_token_is_asked_for_when_the_time_is_up() {
    let config = config();
    let late = Duration::from_secs(30);
    let error = fails(start(&config).next(late));
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::NotApplied));

    let mut exchange = sent_t1(&config);
    answer(&mut exchange, 401);
    assert_eq!(fails(exchange.next(late)).kind(), ErrorKind::Unauthorized);
}

#[test]
fn nothing_is_sent_with_a_token_that_comes_after_the_deadline() {
    let config = config();
    let late = Duration::from_secs(30);
    let mut exchange = start(&config);
    asks(exchange.next(NOW));
    exchange.authenticated(Ok(token("t1")));
    let error = fails(exchange.next(late));
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::NotApplied));

    let mut exchange = sent_t1(&config);
    answer(&mut exchange, 401);
    asks(exchange.next(late - Duration::from_millis(1)));
    exchange.authenticated(Ok(token("t2")));
    let error = fails(exchange.next(late));
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthorized, Effect::NotApplied));
    assert_eq!(sends(start(&config).next(NOW)), "t2", "the next call has it");
}

#[test]
fn the_time_limit_of_a_token_request_is_what_is_left_of_the_call() {
    let mut exchange = sent_t1(&config());
    answer(&mut exchange, 401);
    assert_eq!(asks(exchange.next(Duration::from_secs(12))).1, Duration::from_secs(18));
}

#[test]
fn a_token_request_shows_no_token() {
    let mut exchange = sent_t1(&config());
    answer(&mut exchange, 401);
    let Step::Authenticate(request) = exchange.next(NOW) else { panic!() };
    let shown = format!("{:?} {exchange:?}", TokenRequest::clone(&request));
    assert!(!shown.contains("t1"), "{shown}");
}

#[test]
fn a_request_without_a_call_carries_the_token_that_is_there() {
    let config = config();
    let sent = |config: &ClientConfig| config.request(&ReceiveCodes).unwrap().into_http();
    assert!(!sent(&config).headers().contains_key("x-auth-token"));
    let _ = sent_t1(&config);
    assert_eq!(sent(&config).headers()["x-auth-token"], "t1");
}

#[test]
fn a_fixed_token_never_asks() {
    let config = ClientConfig::new(token("fixed"));
    let mut exchange = start(&config);
    assert_eq!(sends(exchange.next(NOW)), "fixed");
    answer(&mut exchange, 401);
    assert_eq!(fails(exchange.next(NOW)).kind(), ErrorKind::Unauthorized);
}
