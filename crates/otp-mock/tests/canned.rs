//! Errors of every kind can be had without the client.

use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{
    AuthToken, Effect, Error, ErrorKind, Operation, Otp, OtpsApi, OtpsClient, RetryPolicy,
    TransportError, TransportErrorKind,
};
use otp_mock::{Expected, FakeOtps, FakeUser, Reply, ScriptedTransport, canned};
use pollster::block_on;

#[test]
fn there_is_an_error_of_every_kind_for_every_operation() {
    fn check<O: Operation>() {
        for kind in ErrorKind::ALL {
            let error = canned::error::<O>(*kind).build();
            assert_eq!(error.kind(), *kind);
            assert_eq!(error.operation(), Some(O::ENDPOINT.name()));
            let sentence = error.to_string();
            assert!(sentence.starts_with(O::ENDPOINT.name()), "{sentence}");
            assert!(sentence.len() > 60, "one word is no sentence: {sentence}");
        }
        assert_eq!(canned::unknown::<O>().effect(), Effect::Unknown);
        let lost = canned::lost_reply::<O>();
        assert_eq!(lost.effect(), Effect::Applied);
        assert!(O::ENDPOINT.is_acknowledged_by(lost.status().expect("a head arrived")));
    }
    check::<FindEnsureOtp>();
    check::<FindRecoveryCodes>();
    check::<ReceiveCodes>();
    check::<RegenerateCodes>();
}

#[test]
fn whatever_a_test_is_about_can_be_said_of_an_error() {
    let failed = |cause| {
        let mut attempt = otp_core::Attempt::new(cause);
        attempt.started = Duration::from_millis(5);
        attempt
    };
    for effect in [Effect::NotApplied, Effect::Unknown, Effect::Applied] {
        let error = canned::error::<ReceiveCodes>(ErrorKind::Server)
            .effect(effect)
            .status(StatusCode::BAD_GATEWAY)
            .messages(["one", "two"])
            .request_id("req-1".to_owned())
            .retry_after(Duration::from_secs(7))
            .attempts([failed(ErrorKind::Timeout), failed(ErrorKind::Server)])
            .build();
        assert_eq!(error.effect(), effect);
        assert_eq!(error.status(), Some(StatusCode::BAD_GATEWAY));
        assert_eq!(error.messages(), ["one", "two"]);
        assert_eq!(error.request_id(), Some("req-1"));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        let causes: Vec<_> = error.attempts().iter().map(|attempt| attempt.cause).collect();
        assert_eq!(causes, [ErrorKind::Timeout, ErrorKind::Server]);
    }
}

#[test]
fn the_service_s_refusals_are_what_the_service_in_memory_answers() {
    let service = FakeOtps::builder().rate_limit(2, Duration::from_secs(60)).build();
    let off = service.add_user(FakeUser::without_two_factor());
    let nobody = service.with_token(AuthToken::new("nobody").expect("a token"));
    let wrong = Otp::new("wrong").expect("an OTP");
    let answered = [
        block_on(service.find_ensure_otp(&wrong)).expect_err("a wrong OTP"),
        block_on(nobody.receive_codes()).expect_err("no user"),
        block_on(off.receive_codes()).expect_err("no two-factor"),
        block_on(async {
            service.receive_codes().await?;
            service.receive_codes().await
        })
        .expect_err("a third request"),
    ];
    let prepared = [
        canned::error::<FindEnsureOtp>(ErrorKind::BadRequest).build(),
        canned::error::<ReceiveCodes>(ErrorKind::Unauthorized).build(),
        canned::error::<ReceiveCodes>(ErrorKind::Unprocessable).build(),
        canned::error::<ReceiveCodes>(ErrorKind::RateLimited).build(),
    ];
    for (answered, prepared) in answered.iter().zip(&prepared) {
        assert_eq!(prepared.kind(), answered.kind());
        assert_eq!(prepared.effect(), answered.effect());
        assert_eq!(prepared.status(), answered.status());
        assert_eq!(prepared.messages(), answered.messages());
    }
}

/// What the client makes of it if an attempt goes wrong in this way; nothing for what no answer leads to.
fn answer(kind: ErrorKind) -> Option<Reply> {
    let not_sent = |kind| Some(Reply::failed(TransportError::not_sent(kind)));
    let failed = |kind| Some(Reply::failed(TransportError::unknown(kind)));
    match kind {
        ErrorKind::Connect => not_sent(TransportErrorKind::Connect),
        ErrorKind::Tls => not_sent(TransportErrorKind::Tls),
        ErrorKind::Timeout => failed(TransportErrorKind::Timeout),
        ErrorKind::ConnectionLost => failed(TransportErrorKind::ConnectionLost),
        ErrorKind::Protocol => failed(TransportErrorKind::Protocol),
        ErrorKind::ResponseTooLarge => failed(TransportErrorKind::ResponseTooLarge),
        ErrorKind::Transport => failed(TransportErrorKind::Other),
        ErrorKind::Decode => Some(Reply::json(200, "no JSON")),
        ErrorKind::UnexpectedStatus => Some(Reply::status(302)),
        ErrorKind::BadRequest => Some(Reply::error(400, "no")),
        ErrorKind::Unauthorized => Some(Reply::error(401, "no")),
        ErrorKind::Forbidden => Some(Reply::error(403, "no")),
        ErrorKind::NotFound => Some(Reply::error(404, "no")),
        ErrorKind::Rejected => Some(Reply::error(409, "no")),
        ErrorKind::Unprocessable => Some(Reply::error(422, "no")),
        ErrorKind::RateLimited => Some(Reply::error(429, "no")),
        ErrorKind::Server => Some(Reply::error(500, "no")),
        _ => None,
    }
}

#[test]
fn an_error_is_what_the_client_reports_after_one_attempt() {
    fn check<O: Operation>(operation: impl Fn() -> O) {
        for kind in ErrorKind::ALL {
            let prepared = canned::error::<O>(*kind).build();
            let Some(reply) = answer(*kind) else {
                assert_eq!((prepared.status(), prepared.attempts()), (None, &[][..]), "{kind:?}");
                continue;
            };
            let script = ScriptedTransport::in_order().answer(Expected::any::<O>(), reply);
            let client = OtpsClient::builder(script, AuthToken::new("k3y").expect("a token"))
                .retry(RetryPolicy::never())
                .build()
                .expect("a client");
            let real = block_on(client.call(operation()).send()).map(drop).expect_err("no success");
            // An SMS has no answer with a body, so there is none that it cannot read.
            if real.kind() != *kind {
                assert_eq!((O::ENDPOINT.name(), *kind), ("receive_codes", ErrorKind::Decode));
                continue;
            }
            let about = |error: &Error| {
                let attempts: Vec<_> = error
                    .attempts()
                    .iter()
                    .map(|attempt| (attempt.cause, attempt.effect, attempt.status))
                    .collect();
                (error.effect(), error.status(), attempts, error.messages().len())
            };
            assert_eq!(about(&prepared), about(&real), "{kind:?} of {}", O::ENDPOINT.name());
        }
    }
    check(|| FindEnsureOtp::new(Otp::new("123456").expect("an OTP")));
    check(|| FindRecoveryCodes);
    check(|| ReceiveCodes);
    check(|| RegenerateCodes);
}

#[test]
fn what_a_test_says_of_an_error_is_true_of_its_attempt_too() {
    let error = canned::error::<RegenerateCodes>(ErrorKind::Server)
        .effect(Effect::Applied)
        .status(StatusCode::BAD_GATEWAY)
        .build();
    let [attempt] = error.attempts() else { panic!("one attempt: {error:?}") };
    assert_eq!(attempt.cause, ErrorKind::Server);
    assert_eq!((attempt.effect, attempt.status), (Effect::Applied, Some(StatusCode::BAD_GATEWAY)));
}

#[test]
fn a_message_is_a_sentence_of_the_service() {
    for kind in ErrorKind::ALL {
        let error = canned::error::<RegenerateCodes>(*kind).build();
        let fits = |message: &String| message.len() > 8 && !message.contains("OTP");
        assert!(error.messages().iter().all(fits), "{error}");
    }
}

#[test]
fn a_verification_has_the_session_that_it_was_given() {
    let token = AuthToken::new("s3ssion").expect("a token");
    assert_eq!(canned::verified().session_token(), None);
    assert_eq!(canned::verified_with_session(token.clone()).into_session_token(), Some(token));
}
