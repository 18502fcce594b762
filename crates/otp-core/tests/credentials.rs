//! Tokens from a provider: when a client asks for one, and what becomes of a call that has none.
//!
//! What concurrent calls share is in `credentials_shared.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use otp_core::http::HeaderValue;
use otp_core::http::header::AUTHORIZATION;
use otp_core::operation::{
    AuthScheme, FindEnsureOtp, FindRecoveryCodes, ReadError, ReceiveCodes, RegenerateCodes,
    RequestDraft, ResponseReader, WriteError,
};
use otp_core::{
    ClientConfig, Effect, Endpoint, Error, ErrorKind, Exchange, Operation, Otp, RetryPolicy, Step,
};
use support::tokens::Turn::{Fail, Give, Hang, Panic};
use support::tokens::{Client, FLAVOURS, Flavour, Provider, Service, token};
use support::{OTP, response};

/// Runs with a service that accepts `valid`, a provider that does this, and a client of each flavour.
fn each(
    valid: &[&str],
    turns: &[support::tokens::Turn],
    test: impl Fn(Flavour, &Service, &Provider, &Client),
) {
    for flavour in FLAVOURS {
        let (service, provider) = (Service::accepting(valid), Provider::of(turns));
        let client = Client::new(flavour, &service, &provider);
        support::traced(|| test(flavour, &service, &provider, &client));
    }
}

fn verify() -> FindEnsureOtp {
    FindEnsureOtp::new(Otp::new(OTP).unwrap())
}

#[test]
fn the_first_call_asks_for_a_token_and_later_ones_use_it() {
    each(&["t1"], &[Give("t1")], |_, service, provider, client| {
        for _ in 0..3 {
            client.call(FindRecoveryCodes).unwrap();
        }
        assert_eq!(service.tokens(), ["t1", "t1", "t1"]);
        assert_eq!(provider.asked(), [None]);
        assert_eq!(provider.time_limits(), [Duration::from_secs(30)]);
    });
}

#[test]
fn every_operation_is_sent_again_with_a_fresh_token_after_a_401() {
    type Call = fn(&Client) -> Result<usize, Error>;
    let calls: [Call; 4] = [
        |client| client.call(FindRecoveryCodes).map(|answer| answer.metadata.attempts()),
        |client| client.call(ReceiveCodes).map(|answer| answer.metadata.attempts()),
        |client| client.call(RegenerateCodes).map(|answer| answer.metadata.attempts()),
        |client| client.call(verify()).map(|answer| answer.metadata.attempts()),
    ];
    for call in calls {
        each(&["t2"], &[Give("t1"), Give("t2")], |flavour, service, provider, client| {
            assert_eq!(call(client).unwrap(), 2, "{flavour:?}");
            assert_eq!(service.tokens(), ["t1", "t2"]);
            let paths = service.paths();
            assert_eq!(paths[0], paths[1]);
            assert_eq!(provider.asked(), [None, Some("t1".to_owned())]);
        });
    }
}

#[test]
fn the_failed_attempt_is_in_the_metadata() {
    each(&["t2"], &[Give("t1"), Give("t2")], |_, _, _, client| {
        let answer = client.call(verify()).unwrap();
        let failed = answer.metadata.failed_attempts();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].cause, ErrorKind::Unauthorized);
        assert_eq!(failed[0].effect, Effect::NotApplied);
    });
}

#[test]
fn a_refresh_happens_once_a_call_whatever_the_policy_allows() {
    let policies = [RetryPolicy::never(), RetryPolicy::default().with_max_attempts(10)];
    for policy in policies {
        let turns = [Give("t1"), Give("t2"), Give("t3")];
        each(&[], &turns, |_, service, provider, client| {
            let error =
                client.call_with(verify(), |options| options.with_retry(policy)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
            assert_eq!(error.effect(), Effect::NotApplied);
            assert_eq!(error.attempts().len(), 2);
            assert_eq!(service.tokens(), ["t1", "t2"]);
            assert_eq!(provider.asked().len(), 2);
        });
    }
}

#[test]
fn the_next_call_refreshes_again() {
    each(&["t1"], &[Give("t1"), Give("t2"), Give("t3")], |_, service, provider, client| {
        client.call(ReceiveCodes).unwrap();
        for (old, new) in [("t1", "t2"), ("t2", "t3")] {
            service.expire(old);
            service.accept(new);
            client.call(ReceiveCodes).unwrap();
            client.call(ReceiveCodes).unwrap();
        }
        assert_eq!(service.tokens(), ["t1", "t1", "t2", "t2", "t2", "t3", "t3"]);
        assert_eq!(provider.asked(), [None, Some("t1".to_owned()), Some("t2".to_owned())]);
    });
}

#[test]
fn a_provider_that_returns_the_rejected_token_ends_the_call_with_its_401() {
    each(&[], &[Give("t1")], |flavour, service, provider, client| {
        let error = client.call(ReceiveCodes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{flavour:?}");
        assert_eq!(error.messages(), ["who are you?"]);
        assert_eq!(error.request_id(), Some("req-401"));
        assert_eq!(service.tokens(), ["t1"], "it is not sent again");
        assert_eq!(provider.asked(), [None, Some("t1".to_owned())]);
    });
}

#[test]
fn a_call_with_credentials_of_its_own_is_never_refreshed() {
    each(&["t1"], &[Give("t1"), Give("t2")], |_, service, provider, client| {
        let error = client.call_with(ReceiveCodes, |o| o.with_token(token("own"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        let tenant = client.with_token(token("tenant"));
        assert_eq!(tenant.call(ReceiveCodes).unwrap_err().kind(), ErrorKind::Unauthorized);
        let authorization = HeaderValue::from_static("Bearer own-header");
        let error = client
            .call_with(Bearer, |options| options.with_header(AUTHORIZATION, authorization.clone()))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert_eq!(service.tokens(), ["own", "tenant", "own-header"]);
        assert_eq!(provider.asked(), []);

        // They do not drop the client's own token either.
        client.call(ReceiveCodes).unwrap();
        client.call_with(ReceiveCodes, |o| o.with_token(token("own"))).unwrap_err();
        client.call_with(Bearer, |o| o.with_header(AUTHORIZATION, authorization)).unwrap_err();
        client.call(ReceiveCodes).unwrap();
        assert_eq!(provider.asked(), [None]);
    });
}

#[test]
fn an_authorization_for_somebody_else_does_not_stop_a_refresh() {
    // A gateway in front of the service wants it. The service's token is in a header of its own.
    each(&["t2"], &[Give("t1"), Give("t2")], |_, service, provider, client| {
        let authorization = HeaderValue::from_static("Basic Z2F0ZTp3YXk=");
        client.call_with(ReceiveCodes, |o| o.with_header(AUTHORIZATION, authorization)).unwrap();
        assert_eq!(service.tokens(), ["t1", "t2"]);
        assert_eq!(provider.asked().len(), 2);
    });
}

struct Bearer;

impl Operation for Bearer {
    type Output = ();
    const ENDPOINT: &'static Endpoint =
        &Endpoint::post("bearer", "/bearer").auth(AuthScheme::Bearer);
    fn write(&self, _: &mut RequestDraft) -> Result<(), WriteError> {
        Ok(())
    }
    fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
        Ok(())
    }
}

#[test]
fn a_bearer_token_is_refreshed_as_well() {
    each(&["t2"], &[Give("t1"), Give("t2")], |_, service, _, client| {
        client.call(Bearer).unwrap();
        assert_eq!(service.tokens(), ["t1", "t2"]);
    });
}

#[test]
fn an_operation_without_a_token_never_asks_the_provider() {
    struct Public;
    impl Operation for Public {
        type Output = ();
        const ENDPOINT: &'static Endpoint =
            &Endpoint::post("public", "/public").auth(AuthScheme::None);
        fn write(&self, _: &mut RequestDraft) -> Result<(), WriteError> {
            Ok(())
        }
        fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
            Ok(())
        }
    }
    each(&["t1"], &[Give("t1")], |_, service, provider, client| {
        assert_eq!(client.call(Public).unwrap_err().kind(), ErrorKind::Unauthorized);
        assert_eq!(service.tokens(), [""]);
        assert_eq!(provider.asked(), []);
        // Nor does a token that is there already go out.
        client.call(ReceiveCodes).unwrap();
        client.call(Public).unwrap_err();
        assert_eq!(service.tokens(), ["", "t1", ""]);
        assert_eq!(provider.asked(), [None]);
    });
}

#[test]
fn only_a_401_leads_to_a_refresh() {
    for status in [400, 403, 404, 407, 408, 422, 429, 500] {
        each(&["t1"], &[Give("t1")], |_, service, provider, client| {
            service.answer_once(response(status, &[], ""));
            client.call(ReceiveCodes).unwrap_err();
            assert_eq!(service.tokens().len(), 1, "{status}");
            assert_eq!(provider.asked(), [None], "{status}");
        });
    }
}

#[test]
fn retries_go_on_after_a_refresh() {
    each(&["t2"], &[Give("t1"), Give("t2")], |_, service, _, client| {
        service.answer_once(response(503, &[], ""));
        let answer = client.call(FindRecoveryCodes).unwrap();
        assert_eq!(answer.metadata.attempts(), 3);
        assert_eq!(service.tokens(), ["t1", "t2", "t2"]);
    });
}

#[test]
fn a_refresh_happens_after_retries_too_and_the_effect_is_that_of_all_attempts() {
    each(&["t1"], &[Give("t1"), Fail("sealed")], |_, service, _, client| {
        service.answer_once(response(503, &[], ""));
        service.answer_once(response(503, &[], ""));
        service.answer_once(response(401, &[], ""));
        let error = client.call(FindRecoveryCodes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(error.effect(), Effect::Unknown);
        assert_eq!(error.attempts().len(), 3);
    });
    each(&["t1", "t2"], &[Give("t1"), Give("t2")], |_, service, _, client| {
        service.answer_once(response(503, &[], ""));
        service.answer_once(response(503, &[], ""));
        service.answer_once(response(401, &[], ""));
        assert_eq!(client.call(FindRecoveryCodes).unwrap().metadata.attempts(), 4);
        assert_eq!(service.tokens(), ["t1", "t1", "t1", "t2"]);
    });
}

#[test]
fn a_provider_that_fails_is_an_error_of_its_own_kind_and_nothing_is_sent() {
    each(&[], &[Fail("the vault\nis sealed")], |_, service, _, client| {
        let error = client.call(verify()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(error.effect(), Effect::NotApplied);
        assert_eq!(error.operation(), Some("find_ensure_otp"));
        assert_eq!(error.status(), None);
        assert_eq!(error.attempts(), []);
        assert_eq!(error.source().unwrap().to_string(), "the vault\nis sealed");
        assert_eq!(
            error.to_string(),
            "find_ensure_otp failed: there is no token: the vault is sealed; the request was not \
             sent: check the token provider"
        );
        assert_eq!(service.tokens(), [""; 0]);
    });
}

#[test]
fn a_refresh_that_fails_says_that_the_server_did_not_act() {
    each(&[], &[Give("t1"), Fail("the vault is sealed")], |_, service, _, client| {
        let error = client.call(verify()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(error.effect(), Effect::NotApplied);
        assert_eq!(error.status().unwrap(), 401);
        assert_eq!(error.attempts().len(), 1);
        assert_eq!(
            error.to_string(),
            "find_ensure_otp failed: there is no token: the vault is sealed (HTTP 401 \
             Unauthorized); the server did not act: check the token provider"
        );
        assert_eq!(service.tokens(), ["t1"]);
    });
}

#[test]
fn after_a_failure_the_next_call_asks_again_and_names_the_rejected_token() {
    let turns = [Give("t1"), Fail("sealed"), Fail("sealed"), Give("t2")];
    each(&["t2"], &turns, |_, service, provider, client| {
        client.call(ReceiveCodes).unwrap_err();
        client.call(ReceiveCodes).unwrap_err();
        client.call(ReceiveCodes).unwrap();
        assert_eq!(service.tokens(), ["t1", "t2"]);
        let t1 = || Some("t1".to_owned());
        assert_eq!(provider.asked(), [None, t1(), t1(), t1()]);
    });
}

#[test]
fn an_error_of_a_provider_shows_no_token_of_the_call() {
    let texts = ["token canary-t0ken-7c1f is revoked", "Y2FuYXJ5LXQwa2VuLTdjMWY= is revoked"];
    for text in texts {
        let turns = [Give(support::TOKEN), Fail(text)];
        each(&[], &turns, |_, _, _, client| {
            let error = client.call(verify()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credentials);
            let mut shown = format!("{error} {error:?} {error:#?}");
            let mut source = error.source();
            while let Some(link) = source {
                shown += &format!("{link} {link:?}");
                source = link.source();
            }
            assert!(!shown.contains(support::TOKEN) && !shown.contains("Y2FuYXJ5"), "{shown}");
            assert!(shown.contains("is revoked"), "{shown}");
            assert!(!shown.contains("transport"), "{shown}");
        });
    }
}

/// An error without words.
#[derive(Debug)]
struct Speechless;

impl std::fmt::Display for Speechless {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Err(std::fmt::Error)
    }
}

impl std::error::Error for Speechless {}

#[test]
fn an_error_of_a_provider_whose_display_fails_is_no_panic() {
    let config = ClientConfig::new(None);
    let options = config.defaults().clone();
    let mut exchange = Exchange::new(&config, ReceiveCodes, options, Duration::ZERO);
    assert!(matches!(exchange.next(Duration::ZERO), Step::Authenticate(_)));
    exchange.authenticated(Err(Speechless.into()));
    let Step::Done(Err(error)) = exchange.next(Duration::ZERO) else { panic!() };
    assert_eq!(
        error.to_string(),
        "receive_codes failed: there is no token; the request was not sent: check the token \
         provider"
    );
}

#[test]
fn every_token_of_a_call_is_removed_from_what_the_server_says() {
    each(
        &["second-t0ken"],
        &[Give(support::TOKEN), Give("second-t0ken")],
        |_, service, _, client| {
            let body = r#"{"error": "canary-t0ken-7c1f, then second-t0ken"}"#;
            let headers = [("x-request-id", "canary-t0ken-7c1f/second-t0ken")];
            service.answer_once(response(422, &headers, body));
            let error = client.call(ReceiveCodes).unwrap_err();
            assert_eq!(error.messages(), ["[redacted], then [redacted]"]);
            assert_eq!(error.request_id(), Some("[redacted]/[redacted]"));
            let details: serde_json::Value = error.details().unwrap();
            assert_eq!(details["error"], "[redacted], then [redacted]");
        },
    );
}

#[test]
fn a_provider_that_hangs_ends_the_call_at_its_deadline() {
    for flavour in [Flavour::Async, Flavour::Local] {
        let (service, provider) = (Service::accepting(&[]), Provider::of(&[Hang]));
        let client = Client::new(flavour, &service, &provider);
        let limit = Duration::from_secs(7);
        let error = client.call_with(verify(), |options| options.with_timeout(limit)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials, "{flavour:?}");
        assert_eq!(error.effect(), Effect::NotApplied);
        assert!(error.to_string().contains("did not answer within the call's time"), "{error}");
        assert_eq!(otp_core::Transport::now(&*service), limit);
        assert_eq!(provider.time_limits(), [limit]);
    }
}

#[test]
fn a_provider_that_hangs_during_a_refresh_leaves_what_is_known_of_the_401() {
    let (service, provider) = (Service::accepting(&[]), Provider::of(&[Give("t1"), Hang]));
    let client = Client::new(Flavour::Async, &service, &provider);
    let error = client.call(verify()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert_eq!(error.status().unwrap(), 401);
    assert_eq!(error.effect(), Effect::NotApplied);
    assert_eq!(service.tokens(), ["t1"]);
}

#[test]
fn a_provider_that_panics_takes_only_its_own_call_down() {
    each(&["t1"], &[Panic, Give("t1")], |flavour, service, provider, client| {
        let call = || client.call(ReceiveCodes);
        let panicked = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        assert_eq!(panicked.downcast_ref::<&str>(), Some(&"the provider panics"), "{flavour:?}");
        call().unwrap();
        assert_eq!(service.tokens(), ["t1"]);
        assert_eq!(provider.asked().len(), 2);
    });
}

#[test]
fn no_debug_shows_a_token() {
    each(&[support::TOKEN], &[Give(support::TOKEN)], |_, _, provider, client| {
        client.call(ReceiveCodes).unwrap();
        let shown = match client {
            Client::Async(client) => format!("{client:?} {:?}", client.call(ReceiveCodes)),
            Client::Local(client) => format!("{client:?} {:?}", client.call(ReceiveCodes)),
            Client::Blocking(client) => format!("{client:?} {:?}", client.call(ReceiveCodes)),
        };
        assert!(!shown.contains(support::TOKEN), "{shown}");
        assert!(!provider.asked().is_empty());
    });
}
