//! Faults of one's own: what a client sees, what the service did, and which requests they strike.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod larger_sdk;

use std::time::Duration;

use larger_sdk::{CreateKey, with_keys};
use otp_core::http::StatusCode;
use otp_core::operation::{FindEnsureOtp, ReceiveCodes, RegenerateCodes};
use otp_core::{AuthToken, Effect, ErrorKind, Operation, Otp, OtpsApi, OtpsClient, RetryPolicy};
use otp_mock::{CustomFault, Event, FakeOtps, FakeUser, Fault, Reply};
use pollster::block_on;

/// Makes a call, and says what the client sees.
fn seen(service: &FakeOtps) -> Result<(), (ErrorKind, Effect)> {
    let outcome = block_on(service.receive_codes());
    outcome.map_err(|error| (error.kind(), error.effect()))
}

#[test]
fn before_acting_anything_comes_back_as_it_is_and_the_service_does_nothing() {
    let cases = [
        (Reply::connection_refused(), ErrorKind::Connect, Effect::NotApplied, 3),
        (Reply::not_sent(), ErrorKind::ConnectionLost, Effect::NotApplied, 3),
        (Reply::lost(), ErrorKind::ConnectionLost, Effect::Unknown, 1),
        (Reply::never(), ErrorKind::Timeout, Effect::Unknown, 1),
        (Reply::error(403, "No"), ErrorKind::Forbidden, Effect::NotApplied, 1),
        (Reply::status(418).with_body("tea"), ErrorKind::Rejected, Effect::Unknown, 1),
        (Reply::status(599), ErrorKind::Server, Effect::Unknown, 1),
    ];
    for (reply, kind, effect, times) in cases {
        let shown = format!("{reply:?}");
        let service = FakeOtps::new();
        service.arm_custom(CustomFault::before_acting("mine", reply));
        assert_eq!(seen(&service), Err((kind, effect)), "{shown}");
        assert_eq!(service.journal().events(), vec![Event::StruckBy("mine"); times], "{shown}");
        assert!(service.sms_outbox().is_empty());
        assert_eq!(service.armed_custom(), ["mine"], "it lasts");
        service.disarm_all();
        assert_eq!(seen(&service), Ok(()));
    }
}

#[test]
fn headers_and_body_come_as_they_are() {
    let service = FakeOtps::new();
    let busy = Reply::json(429, r#"{"errors":["a","b"]}"#)
        .with_header("retry-after", "7")
        .with_header("x-request-id", "mine");
    service.arm_custom(CustomFault::before_acting("busy", busy));
    let error = block_on(service.receive_codes()).unwrap_err();
    assert_eq!(
        (error.retry_after(), error.request_id()),
        (Some(Duration::from_secs(7)), Some("mine"))
    );
    assert_eq!(error.messages(), ["a", "b"]);
}

#[test]
fn after_acting_the_reply_is_what_the_fault_makes_of_it() {
    type Change = fn(Reply) -> Reply;
    let late = |reply: Reply| reply.after(Duration::from_secs(60));
    let cases: [(Change, ErrorKind, Effect); 4] = [
        (|_| Reply::lost(), ErrorKind::ConnectionLost, Effect::Unknown),
        (Reply::cut, ErrorKind::ConnectionLost, Effect::Applied),
        (late, ErrorKind::Timeout, Effect::Unknown),
        (|_| Reply::error(500, "Oops"), ErrorKind::Server, Effect::Unknown),
    ];
    for (change, kind, effect) in cases {
        let service = FakeOtps::new();
        service.arm_custom(CustomFault::after_acting("mine", change));
        assert_eq!(seen(&service), Err((kind, effect)));
        assert_eq!(service.journal().events(), [Event::SmsSent, Event::StruckBy("mine")]);
        assert_eq!(service.sms_outbox().len(), 1);
    }
}

#[test]
fn after_acting_a_refusal_is_left_alone_and_does_not_count() {
    let service = FakeOtps::new();
    let lost = CustomFault::after_acting("lost", |_| Reply::lost());
    service.arm_custom(lost.for_operation(FindEnsureOtp::ENDPOINT).times(1));
    let wrong = block_on(service.find_ensure_otp(&Otp::new("wrong").unwrap())).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::BadRequest);
    assert_eq!(service.armed_custom(), ["lost"]);
    seen(&service).unwrap();
    let right = block_on(service.find_ensure_otp(&service.last_sms().unwrap().otp)).unwrap_err();
    assert_eq!(right.effect(), Effect::Unknown);
    assert!(service.armed_custom().is_empty());
}

#[test]
fn on_a_route_the_handler_is_called_only_if_the_fault_is_after_it() {
    for (fault, effect, created) in [
        (CustomFault::before_acting("refused", Reply::connection_refused()), Effect::NotApplied, 0),
        (CustomFault::after_acting("lost", |_| Reply::lost()), Effect::Unknown, 1),
        (CustomFault::after_acting("cut", Reply::cut), Effect::Applied, 1),
    ] {
        let (service, keys) = with_keys(FakeOtps::new());
        service.arm_custom(fault.for_operation(CreateKey::ENDPOINT));
        let client = OtpsClient::new(service.clone(), service.token().clone());
        let error = block_on(client.call(CreateKey { description: "ci" }).send()).unwrap_err();
        assert_eq!((error.effect(), keys.lock().unwrap().len()), (effect, created), "{error}");
        assert_eq!(seen(&service), Ok(()), "it is about the route alone");
    }
}

#[test]
fn it_strikes_whom_and_what_it_is_for_and_so_often() {
    let service = FakeOtps::new();
    let users = ["ann", "bob", "carol"];
    let [ann, bob, carol] =
        users.map(|name| service.add_user(FakeUser::with_phone("+1").named(name)));
    let no = || CustomFault::before_acting("no", Reply::error(403, "No"));
    service.arm_custom(
        no().for_user("ann").for_user("bob").for_operation(ReceiveCodes::ENDPOINT).times(3),
    );
    let forbidden = Err((ErrorKind::Forbidden, Effect::NotApplied));
    assert_eq!(seen(&carol), Ok(()));
    assert_eq!(seen(&ann), forbidden);
    block_on(ann.find_recovery_codes()).unwrap();
    assert_eq!(seen(&bob), forbidden);
    // The token of nobody is no user's.
    let nobody = service.with_token(AuthToken::new("nobody").unwrap());
    assert_eq!(seen(&nobody), Err((ErrorKind::Unauthorized, Effect::NotApplied)));
    assert_eq!(service.armed_custom(), ["no"]);
    assert_eq!(seen(&ann), forbidden);
    assert_eq!((seen(&ann), seen(&bob)), (Ok(()), Ok(())), "it struck three times");
    assert!(service.armed_custom().is_empty());
    let journal = service.journal();
    let struck = journal.entries().filter(|entry| entry.event == Event::StruckBy("no"));
    let struck: Vec<_> = struck.map(|entry| (entry.user.as_deref(), entry.operation)).collect();
    let operation = Some("receive_codes");
    assert_eq!(
        struck,
        [(Some("ann"), operation), (Some("bob"), operation), (Some("ann"), operation)]
    );

    service.arm_custom(
        no().for_operation(ReceiveCodes::ENDPOINT).for_operation(RegenerateCodes::ENDPOINT),
    );
    assert_eq!(seen(&carol), forbidden);
    assert!(block_on(carol.regenerate_codes()).is_err());
    assert!(block_on(carol.find_recovery_codes()).is_ok());

    service.disarm_all();
    service.arm_custom(no().times(0));
    assert!(service.armed_custom().is_empty() && seen(&ann).is_ok());
}

#[test]
fn several_strike_in_the_order_in_which_they_were_armed_and_with_named_ones() {
    let service = FakeOtps::new();
    let status = |status| Reply::error(status, "No");
    service.arm_custom(CustomFault::before_acting("first", status(403)).times(1));
    service.arm_custom(CustomFault::before_acting("second", status(404)).times(1));
    service.arm(Fault::Unavailable { times: 1 });
    service.arm(Fault::Slow { delay: Duration::from_secs(1) });
    let tagged = |tag: &'static str| move |reply: Reply| reply.with_header("x-request-id", tag);
    service.arm_custom(CustomFault::after_acting("a", tagged("a")));
    service.arm_custom(CustomFault::after_acting("b", tagged("b")));
    let client = OtpsClient::builder(service.clone(), service.token().clone())
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let kinds = [(); 3].map(|()| block_on(client.find_recovery_codes()).unwrap_err().kind());
    assert_eq!(kinds, [ErrorKind::Server, ErrorKind::Forbidden, ErrorKind::NotFound]);
    let before = service.date();
    let answer = block_on(client.call(otp_core::operation::FindRecoveryCodes).send()).unwrap();
    assert_eq!(answer.metadata.request_id(), Some("b"), "the last one has the last word");
    assert_eq!(service.date().duration_since(before).unwrap(), Duration::from_secs(1));
    let own = service.journal();
    let own = own.events().into_iter().filter(|event| matches!(event, Event::StruckBy(_)));
    let own: Vec<_> = own.map(|event| event.to_string()).collect();
    assert_eq!(own, ["struck by first", "struck by second", "struck by a", "struck by b"]);
}

#[test]
fn what_makes_a_fault_s_reply_may_call_the_service_also_as_it_is_dropped() {
    struct CallsWhenDropped(FakeOtps);
    impl Drop for CallsWhenDropped {
        fn drop(&mut self) {
            self.0.advance(Duration::from_secs(1));
            self.0.armed_custom();
            self.0.users();
        }
    }
    let service = FakeOtps::new();
    let held = CallsWhenDropped(service.clone());
    service.arm_custom(CustomFault::before_acting("looks", move || {
        let armed = held.0.armed_custom();
        Reply::error(403, &format!("{} are armed, {} users", armed.len(), held.0.users().len()))
    }));
    let error = block_on(service.receive_codes()).unwrap_err();
    assert_eq!(error.messages(), ["1 are armed, 1 users"]);
    let before = service.date();
    service.disarm_all();
    assert_eq!(service.date().duration_since(before).unwrap(), Duration::from_secs(1));
}

#[test]
fn without_a_user_or_an_operation_it_strikes_what_is_no_operation_too() {
    use otp_core::http::Request;
    let service = FakeOtps::new();
    let ask = || {
        let request = Request::get("/metal/v1/nothing").body(Default::default()).unwrap();
        service.respond(&request).status()
    };
    let no = || CustomFault::before_acting("no", Reply::status(418));
    service.arm_custom(no().for_user("user-1"));
    service.arm_custom(no().for_operation(ReceiveCodes::ENDPOINT));
    assert_eq!(ask(), StatusCode::NOT_FOUND);
    service.arm_custom(no().times(1));
    assert_eq!(ask(), StatusCode::NOT_FOUND, "a probe does not use up one that is counted");
    assert_eq!(service.armed_custom().len(), 3);
    service.arm_custom(no());
    assert_eq!([ask(), ask()], [StatusCode::IM_A_TEAPOT; 2]);
}

#[test]
fn its_debug_shows_no_reply() {
    let fault =
        CustomFault::before_acting("mine", Reply::recovery_codes(["canary"])).for_user("ann");
    let shown = format!("{fault:?}");
    assert!(
        shown.contains("mine") && shown.contains("ann") && !shown.contains("canary"),
        "{shown}"
    );
}
