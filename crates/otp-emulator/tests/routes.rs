//! A larger SDK's endpoint over a real connection.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use otp_core::http::{HeaderValue, StatusCode};
use otp_core::operation::{ReadError, RequestDraft, ResponseReader};
use otp_core::secrecy::ExposeSecret;
use otp_core::{Effect, Endpoint, ErrorKind, Operation, RetryPolicy};
use otp_emulator::{Cors, Emulator, FakeOtps, Fault};
use otp_hyper::HttpVersions;
use otp_mock::{CustomFault, Event, Reply};
use serde_json::{Value, json};
use support::{Raw, ask, client};

/// When a test gives up.
const LONG: Duration = Duration::from_secs(10);

/// Renames a key of the larger SDK.
struct RenameKey(String);

impl Operation for RenameKey {
    type Output = String;
    const ENDPOINT: &'static Endpoint =
        &Endpoint::post("rename_key", "/keys/{id}").acknowledged_by(&[StatusCode::OK]);

    fn write(&self, request: &mut RequestDraft) {
        request.path_param("id", "canary-7");
        let body = json!({ "name": self.0 }).to_string();
        request.body(HeaderValue::from_static("application/json"), body);
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<String, ReadError> {
        let key: Value = response.json_object()?;
        key["name"].as_str().map(str::to_owned).ok_or_else(|| ReadError::decode("it has no name"))
    }
}

/// A service with the endpoint.
fn fake() -> FakeOtps {
    let service = FakeOtps::builder().seed(7).build();
    service.route(RenameKey::ENDPOINT, |request| {
        let key: Value = request.json()?;
        let tag = request.query("tag");
        Ok(Reply::json(200, json!({ "id": request.param("id"), "name": key["name"], "tag": tag })))
    });
    service
}

fn rename(address: SocketAddr, method: &str, token: &str, body: &str) -> Raw {
    let path = "/metal/v1/keys/canary-7?tag=a%20b";
    ask(address, method, path, &format!("X-Auth-Token: {token}\r\n"), body)
}

#[test]
fn a_route_answers_any_client_and_is_logged_by_its_template() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let logged = Arc::clone(&lines);
    let emulator = Emulator::builder()
        .plain()
        .fake(fake())
        .on_request(move |line| logged.lock().unwrap().push(line.to_string()))
        .start()
        .unwrap();
    let (address, token) = (emulator.local_addr(), emulator.token().expose_secret().to_owned());
    // More than an operation of the service ever sends.
    let long = "n".repeat(30_000);
    let answer = rename(address, "POST", &token, &json!({ "name": long }).to_string());
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains("content-type: application/json")
            && answer.head.contains("x-request-id:")
    );
    assert_eq!(answer.json(), json!({ "id": "canary-7", "name": long, "tag": "a b" }));

    assert_eq!(rename(address, "POST", "nobody", "{}").status, 401);
    assert_eq!(rename(address, "POST", &token, "no JSON").status, 422);
    let other = rename(address, "DELETE", &token, "");
    assert!(other.status == 405 && other.head.contains("allow: post"), "{other:?}");
    drop(emulator);
    let lines = lines.lock().unwrap().join("\n");
    assert!(lines.contains("POST /keys/{id} HTTP/1.1 200"), "{lines}");
    assert!(lines.contains("DELETE /keys/{id} HTTP/1.1 405"), "{lines}");
    assert!(!lines.contains("canary"), "{lines}");
}

#[tokio::test]
async fn the_client_calls_it_as_any_operation_and_faults_strike_it() {
    for versions in [HttpVersions::Http1, HttpVersions::Http2] {
        let emulator = Emulator::builder().fake(fake()).start().unwrap();
        let client = client(emulator.base_url(), emulator.token(), emulator.ca_pem(), versions);
        let rename = || async {
            let call = client.call(RenameKey("ci".to_owned())).retry(RetryPolicy::never());
            call.send().await.map(|answer| answer.value)
        };
        assert_eq!(rename().await.unwrap(), "ci");

        // HTTP/1.1 has no word for a request that was not processed.
        let refused = CustomFault::before_acting("refused", Reply::connection_refused()).times(1);
        emulator.fake().arm_custom(refused.for_operation(RenameKey::ENDPOINT));
        let error = rename().await.unwrap_err();
        let http2 = versions == HttpVersions::Http2;
        let effect = if http2 { Effect::NotApplied } else { Effect::Unknown };
        assert_eq!((error.kind(), error.effect()), (ErrorKind::ConnectionLost, effect), "{error}");
        assert_eq!(emulator.fake().journal().count(Event::Acted), 1);

        let own = CustomFault::before_acting("own", Reply::error(409, "Busy")).for_user("user-1");
        emulator.fake().arm_custom(own.times(1));
        let error = rename().await.unwrap_err();
        assert_eq!((error.kind(), error.messages()), (ErrorKind::Rejected, &["Busy".into()][..]));

        for (change, effect) in [
            (Reply::cut as fn(Reply) -> Reply, Effect::Applied),
            (|_| Reply::lost(), Effect::Unknown),
        ] {
            emulator.fake().arm_custom(CustomFault::after_acting("reply", change).times(1));
            let error = rename().await.unwrap_err();
            assert_eq!(
                (error.kind(), error.effect()),
                (ErrorKind::ConnectionLost, effect),
                "{error}"
            );
        }
        emulator.arm(Fault::Unavailable { times: 1 });
        assert_eq!(rename().await.unwrap_err().kind(), ErrorKind::Server);
        assert_eq!(emulator.fake().journal().count(Event::Acted), 3);
        assert_eq!(rename().await.unwrap(), "ci");
    }
}

#[test]
fn a_handler_may_call_the_emulator_take_long_and_panic() {
    let fake = fake();
    let emulator = Emulator::builder().plain().fake(fake.clone()).start().unwrap();
    let (address, token) = (emulator.local_addr(), emulator.token().expose_secret().to_owned());
    const CALLS: &Endpoint = &Endpoint::get("calls", "/calls");
    const HANGS: &Endpoint = &Endpoint::get("hangs", "/hangs");
    const PANICS: &Endpoint = &Endpoint::get("panics", "/panics");
    let get = {
        let header = format!("X-Auth-Token: {token}\r\n");
        move |path: &str| ask(address, "GET", &format!("/metal/v1{path}"), &header, "")
    };
    let inside = get.clone();
    fake.route(CALLS, move |_| {
        let codes = inside("/user/otp/recovery-codes");
        Ok(Reply::json(200, json!({ "status": codes.status })))
    });
    let (hangs, hanging) = mpsc::channel::<()>();
    fake.route(HANGS, move |_| {
        hangs.send(()).unwrap();
        std::thread::sleep(Duration::from_secs(3600));
        Ok(Reply::status(200))
    });
    fake.route(PANICS, |_| panic!("the test's own"));

    let hung = get.clone();
    std::thread::spawn(move || hung("/hangs"));
    hanging.recv_timeout(LONG).unwrap();
    assert_eq!(get("/calls").json(), json!({ "status": 200 }));
    let answer = get("/panics");
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json(), json!({ "error": "The handler of the route panicked" }));
    assert_eq!(get("/user/otp/recovery-codes").status, 200);
    let (tell, dropped) = mpsc::channel();
    std::thread::spawn(move || {
        drop(emulator);
        tell.send(()).unwrap();
    });
    dropped.recv_timeout(LONG).unwrap();
}

#[test]
fn a_page_may_send_every_method_that_a_route_can_have() {
    let emulator = Emulator::builder().plain().cors(Cors::any_origin()).start().unwrap();
    let headers = "Origin: http://localhost:8080\r\nAccess-Control-Request-Method: DELETE\r\n";
    let answer = ask(emulator.local_addr(), "OPTIONS", "/metal/v1/keys/7", headers, "");
    assert_eq!(answer.status, 204);
    let allowed = "access-control-allow-methods: delete, get, patch, post, put";
    assert!(answer.head.contains(allowed), "{}", answer.head);
}
