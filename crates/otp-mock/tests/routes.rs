//! Endpoints of a larger SDK in the service in memory: they are treated as its own operations.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod larger_sdk;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use larger_sdk::{CreateKey, FindKey, with_keys};
use otp_core::http::{HeaderValue, Method, Request, StatusCode};
use otp_core::{
    AuthToken, Effect, Endpoint, ErrorKind, Operation, OtpsApi, OtpsClient, blocking, local,
};
use otp_mock::{Event, FakeOtps, FakeUser, Fault, Reply};
use pollster::block_on;
use serde_json::{Value, json};

const CREATE: CreateKey = CreateKey { description: "ci" };
const FIRST: FindKey = FindKey { id: "1" };

fn client(service: &FakeOtps) -> OtpsClient {
    OtpsClient::new(service.clone(), service.token().clone())
}

/// A request as a server gets it, by the service's first user.
fn raw(service: &FakeOtps, method: &Method, path: &str) -> otp_core::Response {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("x-auth-token", service.token().to_header_value());
    service.respond(&request.body(Default::default()).unwrap())
}

#[test]
fn a_route_keeps_its_state_and_knows_who_asks() {
    let (service, _) = with_keys(FakeOtps::new());
    let bob = client(&service.add_user(FakeUser::with_app().named("bob")));
    let client = client(&service);
    block_on(async {
        let created = client.call(CREATE).send().await.unwrap();
        assert_eq!((created.value, created.metadata.status()), (1, StatusCode::CREATED));
        assert!(created.metadata.request_id().is_some_and(|id| id.len() == 16));
        assert_eq!(bob.call(CreateKey { description: "laptop" }).send().await.unwrap().value, 2);

        assert_eq!(client.call(FIRST).send().await.unwrap().value, "ci");
        let error = bob.call(FIRST).send().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.messages()),
            (ErrorKind::NotFound, &["Not found".into()][..])
        );
        assert_eq!(error.operation(), Some("find_key"));
    });
    let journal = service.journal();
    let refused = Event::Refused(StatusCode::NOT_FOUND);
    assert_eq!(journal.events(), [Event::Acted, Event::Acted, Event::Acted, refused]);
    let last = journal.entries().next_back().unwrap();
    assert_eq!((last.user.as_deref(), last.operation), (Some("bob"), Some("find_key")));
    assert!(journal.to_string().contains("create_key            acted"), "{journal}");
}

#[test]
fn it_is_there_in_every_flavour() {
    let (service, keys) = with_keys(FakeOtps::new());
    let token = service.token().clone();
    let blocking = blocking::OtpsClient::new(service.clone(), token.clone());
    assert_eq!(blocking.call(CREATE).send().unwrap().value, 1);
    let local = local::OtpsClient::new(service.clone(), token);
    assert_eq!(block_on(local.call(CREATE).send()).unwrap().value, 2);
    assert_eq!(block_on(client(&service).call(CREATE).send()).unwrap().value, 3);
    assert_eq!(keys.lock().unwrap().len(), 3);
}

#[test]
fn what_a_handler_gets_of_a_request() {
    const MOVE: &Endpoint = &Endpoint::put("move_key", "/projects/{project}/keys/{id}");
    let service = FakeOtps::builder()
        .user(FakeUser::with_app().named("ann"))
        .starts_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .route(MOVE, |request| {
            let date = request.fake().date().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let seen = json!({
                "operation": request.endpoint().name(),
                "method": request.as_http().method().as_str(),
                "params": [request.param("project"), request.param("id")],
                "query": request.query_pairs(),
                "first": [request.query("page"), request.query("none")],
                "header": request.headers()["x-trace"].to_str().unwrap(),
                "json": request.json::<Value>()?,
                "user": [request.user(), &request.fake().user().unwrap().name],
                "app": request.fake().app_code().is_some(),
                "seconds": date.as_secs(),
            });
            assert!(!format!("{request:?}").contains("canary"), "{request:?}");
            Ok(Reply::json(200, seen).with_header("x-mine", "1"))
        })
        .build();
    service.advance(Duration::from_secs(7));
    let put = |query: &str, body: &'static str| {
        let uri = format!("/metal/v1/projects/a%2Fb/keys/%C3%A9%FF{query}");
        let request = Request::put(uri)
            .header("x-auth-token", service.token().to_header_value())
            .header("x-trace", "canary-trace");
        service.respond(&request.body(body.into()).unwrap())
    };
    let answer = put("?page=2&tag=a%26b+c&page=3&&flag", r#"{"to": "canary"}"#);
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["x-mine"], "1");
    let seen: Value = serde_json::from_slice(answer.body()).unwrap();
    let expected = json!({
        "operation": "move_key",
        "method": "PUT",
        "params": ["a/b", "\u{e9}\u{fffd}"],
        "query": [["page", "2"], ["tag", "a&b c"], ["page", "3"], ["flag", ""]],
        "first": ["2", null],
        "header": "canary-trace",
        "json": { "to": "canary" },
        "user": ["ann", "ann"],
        "app": true,
        "seconds": 1_000_000_007,
    });
    assert_eq!(seen, expected);

    let refused = put("", "no JSON");
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body = String::from_utf8(refused.body().to_vec()).unwrap();
    assert!(body.contains("The body cannot be read: expected ident"), "{body}");
    assert_eq!(service.journal().events(), [Event::Acted, Event::Refused(refused.status())]);
}

#[test]
fn unknown_tokens_and_other_methods_do_not_reach_the_handler() {
    let (service, keys) = with_keys(FakeOtps::new());
    let nobody = service.with_token(AuthToken::new("nobody").unwrap());
    let error = block_on(client(&nobody).call(CREATE).send()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthorized, Effect::NotApplied));
    for (method, path, status, allow) in [
        (Method::DELETE, "/metal/v1/user/api-keys", 405, Some("POST")),
        (Method::POST, "/metal/v1/user/api-keys/1", 405, Some("GET")),
        (Method::GET, "/metal/v1/user/api-keys/", 404, None),
        (Method::GET, "/metal/v1/user/api-keys/1/2", 404, None),
        (Method::GET, "/user/api-keys/1", 404, None),
    ] {
        let answer = raw(&service, &method, path);
        assert_eq!(answer.status(), status, "{method} {path}");
        let allowed = answer.headers().get("allow").map(|allow| allow.to_str().unwrap());
        assert_eq!(allowed, allow, "{method} {path}");
        assert!(answer.headers().contains_key("x-request-id"));
    }
    service.revoke_token();
    assert_eq!(raw(&service, &Method::GET, "/metal/v1/user/api-keys/1").status(), 401);
    assert!(keys.lock().unwrap().is_empty());
}

#[test]
fn the_rate_limit_counts_routes_and_refuses_beyond_it() {
    let service = FakeOtps::builder().rate_limit(2, Duration::from_secs(60)).build();
    let (service, keys) = with_keys(service);
    let client = client(&service);
    block_on(async {
        client.receive_codes().await.unwrap();
        let rate = client.call(CREATE).send().await.unwrap().metadata;
        let rate = rate.rate_limit().unwrap();
        assert_eq!((rate.limit, rate.remaining), (Some(2), Some(0)));
        let error = client.call(CREATE).send().await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::RateLimited, Effect::NotApplied));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    });
    assert_eq!(keys.lock().unwrap().len(), 1);
}

#[test]
fn every_named_fault_strikes_a_route_as_it_does_an_operation() {
    for &fault in Fault::ALL {
        let (service, keys) = with_keys(FakeOtps::new());
        service.arm(fault);
        let outcome = block_on(client(&service).call(CREATE).send());
        let acted = keys.lock().unwrap().len();
        let seen = outcome.as_ref().map(|answer| answer.value).map_err(|error| {
            let head_arrived = fault == Fault::CutReply;
            let effect = if head_arrived { Effect::Applied } else { Effect::Unknown };
            assert_eq!(error.effect(), effect, "{fault}: {error}");
            error.kind()
        });
        let (expected, struck) = match fault {
            // These are about another operation.
            Fault::LostRegenerate | Fault::CutRegenerate | Fault::LostSms | Fault::LostVerify => {
                ((Ok(1), 1), false)
            }
            Fault::Unavailable { .. } => ((Err(ErrorKind::Server), 0), true),
            Fault::StaleConnection => ((Ok(1), 1), true),
            Fault::Slow { .. } => ((Err(ErrorKind::Timeout), 1), true),
            Fault::CaptivePortal => ((Err(ErrorKind::UnexpectedStatus), 0), true),
            Fault::Sunset => ((Ok(1), 1), true),
            Fault::Status { .. } => ((Err(ErrorKind::Server), 0), true),
            Fault::RefusedConnection => ((Ok(1), 1), true),
            Fault::LostRequest => ((Err(ErrorKind::ConnectionLost), 0), true),
            Fault::LostReply => ((Err(ErrorKind::ConnectionLost), 1), true),
            Fault::CutReply => ((Err(ErrorKind::ConnectionLost), 1), true),
            _ => panic!("{fault} is new: what does it do to a route?"),
        };
        assert_eq!((seen, acted), expected, "{fault}");
        let journal = service.journal();
        assert_eq!(journal.count(Event::Struck(fault)), usize::from(struck), "{journal}");
        assert_eq!(journal.count(Event::Acted), acted, "{journal}");
        assert!(journal.entries().all(|entry| entry.operation == Some("create_key")), "{journal}");
        if let (Fault::Sunset, Ok(answer)) = (fault, outcome) {
            assert!(answer.metadata.sunset().is_some());
        }
    }
}

#[test]
fn a_late_answer_of_a_handler_is_later_still_by_a_fault() {
    let service = FakeOtps::new();
    let second = Duration::from_secs(1);
    service.route(FindKey::ENDPOINT, move |_| Ok(Reply::json(200, "{}").after(second)));
    service.arm(Fault::Slow { delay: second * 2 });
    let before = service.date();
    block_on(client(&service).call(FIRST).send()).unwrap_err();
    assert_eq!(service.date().duration_since(before).unwrap(), second * 3);
}

#[test]
fn a_route_can_be_replaced_while_the_service_runs() {
    let (service, _) = with_keys(FakeOtps::new());
    // What a handler holds may call the service as it is dropped.
    struct CallsWhenDropped(FakeOtps);
    impl Drop for CallsWhenDropped {
        fn drop(&mut self) {
            block_on(self.0.receive_codes()).unwrap();
            self.0.route(FindKey::ENDPOINT, |_| Err(Reply::error(410, "Gone")));
        }
    }
    // Also one that cannot be a route.
    let other = CallsWhenDropped(service.with_token(service.token().clone()));
    let routing = AssertUnwindSafe(|| {
        service.route(otp_core::operation::ReceiveCodes::ENDPOINT, move |_| {
            let _other = &other;
            Ok(Reply::status(200))
        });
    });
    catch_unwind(routing).unwrap_err();
    assert_eq!(service.sms_outbox().len(), 1);

    let held = CallsWhenDropped(service.clone());
    service.route(CreateKey::ENDPOINT, move |_| {
        let _held = &held;
        Ok(Reply::json(201, json!({ "id": 7 })))
    });
    assert_eq!(block_on(client(&service).call(CREATE).send()).unwrap().value, 7);
    service.route(CreateKey::ENDPOINT, |_| Err(Reply::error(403, "No")));
    assert_eq!(service.sms_outbox().len(), 2);
    let error = block_on(client(&service).call(CREATE).send()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(raw(&service, &Method::GET, "/metal/v1/user/api-keys/1").status(), 410);
}

#[test]
fn a_handler_may_call_the_service_and_its_own_route() {
    let service = FakeOtps::new();
    let depth = AtomicU32::new(0);
    service.route(CreateKey::ENDPOINT, move |request| {
        let fake = request.fake();
        blocking::OtpsApi::receive_codes(&fake).unwrap();
        let sms = fake.last_sms().unwrap();
        blocking::OtpsApi::find_ensure_otp(&fake, &sms.otp).unwrap();
        if depth.fetch_add(1, Ordering::SeqCst) < 3 {
            let client = blocking::OtpsClient::new(fake.clone(), fake.token().clone());
            client.call(CREATE).send().unwrap();
        }
        fake.advance(Duration::from_secs(1));
        fake.route(FindKey::ENDPOINT, |_| Ok(Reply::status(200)));
        let depth = u64::from(depth.load(Ordering::SeqCst));
        Ok(Reply::json(201, json!({ "id": depth, "sms": fake.sms_outbox().len() })))
    });
    assert_eq!(block_on(client(&service).call(CREATE).send()).unwrap().value, 4);
    assert_eq!(service.sms_outbox().len(), 4);
    assert_eq!(service.journal().count(Event::Acted), 4);
}

#[test]
fn a_handler_that_panics_fails_the_call_and_leaves_the_service_working() {
    let service = FakeOtps::new();
    service.route(CreateKey::ENDPOINT, |_| panic!("the test's own"));
    let client = client(&service);
    let calling = AssertUnwindSafe(|| block_on(client.call(CREATE).send()));
    let panic = catch_unwind(calling).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the test's own"));
    block_on(client.receive_codes()).unwrap();
    assert_eq!(service.journal().events(), [Event::SmsSent]);
    service.route(CreateKey::ENDPOINT, |_| Ok(Reply::json(201, json!({ "id": 1 }))));
    block_on(client.call(CREATE).send()).unwrap();
}

#[test]
fn requests_are_handled_at_the_same_time() {
    let service = FakeOtps::new();
    let together = Arc::new(std::sync::Barrier::new(2));
    service.route(CreateKey::ENDPOINT, move |_| {
        together.wait();
        Ok(Reply::json(201, json!({ "id": 1 })))
    });
    let calls = [(); 2].map(|()| {
        let client = client(&service);
        std::thread::spawn(move || block_on(client.call(CREATE).send()).is_ok())
    });
    assert!(calls.into_iter().all(|call| call.join().unwrap()));
}

#[test]
fn of_several_templates_the_most_specific_one_counts() {
    const ANY: &Endpoint = &Endpoint::get("any", "/keys/{id}");
    const DEFAULT: &Endpoint = &Endpoint::get("default", "/keys/default");
    const ANY_S_PARTS: &Endpoint = &Endpoint::get("any_s_parts", "/keys/{id}/parts");
    const FILE: &Endpoint = &Endpoint::get("file", "/files/key-{id}.json");
    const REMOVE: &Endpoint = &Endpoint::delete("remove", "/keys/{name}");
    const HEALTH: &Endpoint = &Endpoint::get("health", "/user/otp/{what}");
    let service = FakeOtps::new();
    for endpoint in [ANY, DEFAULT, ANY_S_PARTS, FILE, REMOVE, HEALTH] {
        service.route(endpoint, |request| {
            let name = HeaderValue::from_static(request.endpoint().name());
            Ok(Reply::status(200).with_header("x-name", name.to_str().unwrap()))
        });
    }
    for (method, path, name) in [
        (Method::GET, "/keys/1", "any"),
        (Method::GET, "/keys/default", "default"),
        (Method::GET, "/keys/default/parts", "any_s_parts"),
        (Method::DELETE, "/keys/default", "remove"),
        (Method::GET, "/files/key-7.json", "file"),
        (Method::GET, "/user/otp/health", "health"),
    ] {
        let answer = raw(&service, &method, &format!("/metal/v1{path}"));
        assert_eq!(answer.headers()["x-name"], name, "{method} {path}");
    }
    let codes = raw(&service, &Method::GET, "/metal/v1/user/otp/recovery-codes");
    assert!(codes.headers().get("x-name").is_none(), "the operation is more specific");
    let allow = raw(&service, &Method::PUT, "/metal/v1/keys/default");
    assert_eq!(allow.headers()["allow"], "GET, DELETE");
    for (path, template) in [
        ("/metal/v1/keys/default", Some("/keys/default")),
        ("/metal/v1/keys/canary", Some("/keys/{id}")),
        ("/metal/v1/user/otp/verify/canary", Some("/user/otp/verify/{otp}")),
        ("/metal/v1/nothing", None),
    ] {
        let known = service.path_template(path);
        // Which of two templates that take the same paths does not matter.
        assert_eq!(known.map(|known| known.replace("{name}", "{id}")).as_deref(), template);
    }
}

#[test]
fn what_cannot_be_a_route_is_refused_with_why() {
    const VERIFY: &Endpoint = &Endpoint::post("mine", "/user/otp/verify/{code}");
    const TWO: &Endpoint = &Endpoint::get("mine", "/keys/{a}-{b}");
    for (endpoint, why) in [
        (VERIFY, "/user/otp/verify/{code} is the path of find_ensure_otp"),
        (TWO, "/keys/{a}-{b} has a parameter that is not a whole segment"),
    ] {
        let routing = || FakeOtps::new().route(endpoint, |_| Ok(Reply::status(200)));
        let building =
            || drop(FakeOtps::builder().route(endpoint, |_| Ok(Reply::status(200))).build());
        for panic in [catch_unwind(routing), catch_unwind(building)] {
            let sentence = panic.unwrap_err().downcast::<String>().unwrap();
            assert!(
                sentence.starts_with(&format!("there can be no route to mine: {why}")),
                "{sentence}"
            );
        }
    }
}

#[test]
fn a_parameter_that_the_template_does_not_have_is_the_test_s_mistake() {
    let service = FakeOtps::new();
    service.route(FindKey::ENDPOINT, |request| {
        Ok(Reply::json(200, json!({ "description": request.param("key") })))
    });
    let calling = AssertUnwindSafe(|| block_on(client(&service).call(FIRST).send()));
    let sentence = catch_unwind(calling).unwrap_err().downcast::<String>().unwrap();
    assert_eq!(*sentence, "/user/api-keys/{id} has no parameter \"key\"");
}

#[test]
fn the_state_of_a_handler_can_be_changed_by_it_alone() {
    let service = FakeOtps::new();
    let count = Mutex::new(0);
    service.route(CreateKey::ENDPOINT, move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        Ok(Reply::json(201, json!({ "id": *count })))
    });
    let client = client(&service);
    let ids = [(); 3].map(|()| block_on(client.call(CREATE).send()).unwrap().value);
    assert_eq!(ids, [1, 2, 3]);
}
