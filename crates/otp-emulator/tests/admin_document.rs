//! The admin API answers as its OpenAPI document says, and the document's examples work as they stand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, FakeOtps};
use otp_mock::FakeUser;
use serde_json::{Value, json};
use support::{Raw, ask};

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

fn start(tls: bool) -> (Emulator, SocketAddr) {
    let emulator = Emulator::builder()
        .fake(FakeOtps::builder().seed(7).build())
        .admin("127.0.0.1:0".parse().unwrap());
    let emulator = if tls { emulator } else { emulator.plain() };
    let emulator = emulator.start().unwrap();
    let admin = emulator.admin_addr().unwrap();
    (emulator, admin)
}

fn document(admin: SocketAddr) -> Value {
    ask(admin, "GET", "/openapi.json", "", "").json()
}

/// The object that a `$ref` leads to, or the object itself.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// The template, and the operation there, of a request.
fn operation<'d>(document: &'d Value, method: &str, path: &str) -> Option<(&'d str, &'d Value)> {
    let path = path.split('?').next().unwrap();
    let fits = |template: &str| {
        let (template, path): (Vec<_>, Vec<_>) =
            (template.split('/').collect(), path.split('/').collect());
        template.len() == path.len()
            && template.iter().zip(path).all(|(a, b)| a.starts_with('{') || *a == b)
    };
    let paths = document["paths"].as_object().unwrap();
    // A literal path is meant before one with a parameter.
    let mut found: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
    found.sort_by_key(|(template, _)| template.contains('{'));
    let with_method = |(template, path): &(&'d String, &'d Value)| {
        path.get(method.to_lowercase()).map(|operation| (template.as_str(), operation))
    };
    found.iter().find_map(with_method)
}

/// Says what of an answer the document does not have.
fn documented(document: &Value, operation: &Value, answer: &Raw) -> Result<(), String> {
    let status = answer.status.to_string();
    let Some(response) = operation["responses"].get(&status) else {
        return Err(format!("{status} is not documented"));
    };
    let response = resolved(document, response);
    let Some(content) = response["content"].as_object() else {
        return if answer.body.is_empty() { Ok(()) } else { Err("it has a body".to_owned()) };
    };
    let (kind, content) = content.iter().next().unwrap();
    if !answer.head.contains(&format!("content-type: {kind}\r\n")) {
        return Err(format!("it is not {kind}: {}", answer.head));
    }
    if kind == "application/json" {
        let schema = json!({ "allOf": [content["schema"]], "components": document["components"] });
        let body = answer.json();
        return jsonschema::validate(&schema, &body)
            .map_err(|error| format!("{error}: {}", answer.body));
    }
    Ok(())
}

#[test]
fn every_operation_answers_with_documented_statuses_and_bodies() {
    let (emulator, admin) = start(false);
    let (_secure, secure_admin) = start(true);
    let document = document(admin);
    let token = emulator.token().expose_secret().to_owned();
    let mine = json!({ "token": token }).to_string();
    let again = json!({ "two_factor": "off", "token": token }).to_string();
    let sms = || emulator.fake().add_user(FakeUser::with_phone("+1 555 0177"));
    let _ = sms();
    let send = |otp: &str| {
        let header = format!("X-Auth-Token: {token}\r\n");
        let path = format!("/metal/v1/user/otp/{otp}");
        ask(emulator.local_addr(), "POST", &path, &header, "")
    };
    send("sms/receive");
    send("verify/wrong");
    let verify = |expected: Value| json!({ "expected": [expected] }).to_string();
    let (happened, not) = (
        json!({ "expected": [{ "outcome": "sms_sent" }], "nothing_else": false }).to_string(),
        verify(json!({ "outcome": "sms_sent", "user": "user-2" })),
    );
    let steps = [
        ("GET", "/healthz", "", 200),
        ("GET", "/healthz?x=1", "", 400),
        ("GET", "/readyz", "", 200),
        ("GET", "/readyz?x=1", "", 400),
        ("GET", "/ca.pem", "", 404),
        ("GET", "/ca.pem?x=1", "", 400),
        ("GET", "/openapi.json", "", 200),
        ("GET", "/openapi.json?x=1", "", 400),
        ("GET", "/sms", "", 200),
        ("GET", "/sms?user=nobody", "", 404),
        ("GET", "/sms?usr=bob", "", 400),
        ("GET", "/sms/next?peek=true", "", 200),
        ("GET", "/sms/next", "", 200),
        ("GET", "/sms/next", "", 204),
        ("GET", "/sms/next?user=nobody", "", 404),
        ("GET", "/sms/next?peek=yes", "", 400),
        ("GET", "/journal", "", 200),
        ("GET", "/journal?outcome=sent", "", 400),
        ("GET", "/journal/count?outcome=refused", "", 200),
        ("GET", "/journal/count?since=x", "", 400),
        ("POST", "/journal/verify", happened.as_str(), 200),
        ("POST", "/journal/verify", not.as_str(), 409),
        ("POST", "/journal/verify", "{}", 400),
        ("POST", "/journal/verify", r#"{"expected": [], "user": "nobody"}"#, 404),
        ("GET", "/journal?user=nobody", "", 404),
        ("GET", "/journal/count?user=nobody", "", 404),
        ("DELETE", "/journal", "", 204),
        ("DELETE", "/journal?x=1", "", 400),
        ("DELETE", "/sms", "", 204),
        ("DELETE", "/sms?user=nobody", "", 404),
        ("DELETE", "/sms?x=1", "", 400),
        ("GET", "/users", "", 200),
        ("GET", "/users?x=1", "", 400),
        ("POST", "/users", r#"{"two_factor": "app", "name": "ann"}"#, 201),
        // The same user again is that user, and another one of the name is refused.
        ("POST", "/users", r#"{"two_factor": "app", "name": "ann"}"#, 201),
        ("POST", "/users", r#"{"two_factor": "off", "name": "ann"}"#, 409),
        ("POST", "/users", r#"{"two_factor": "fax"}"#, 400),
        ("GET", "/users/ann", "", 200),
        ("GET", "/users/nobody", "", 404),
        ("GET", "/users/ann?x=1", "", 400),
        ("GET", "/users/ann/app-code", "", 200),
        ("GET", "/users/nobody/app-code", "", 404),
        ("GET", "/users/user-1/app-code", "", 409),
        ("GET", "/users/ann/app-code?x=1", "", 400),
        ("GET", "/users/ann/app-secret", "", 200),
        ("GET", "/users/nobody/app-secret", "", 404),
        ("GET", "/users/user-1/app-secret", "", 409),
        ("GET", "/users/ann/app-secret?x=1", "", 400),
        ("GET", "/users/ann/recovery-codes", "", 200),
        ("GET", "/users/nobody/recovery-codes", "", 404),
        ("GET", "/users/ann/recovery-codes?x=1", "", 400),
        ("PUT", "/users/ann/recovery-codes", r#"{"recovery_codes": ["a-1"]}"#, 204),
        ("PUT", "/users/ann/recovery-codes", "{}", 400),
        ("PUT", "/users/nobody/recovery-codes", r#"{"recovery_codes": []}"#, 404),
        ("POST", "/users/user-1/next", r#"{"otp": "123456"}"#, 204),
        ("POST", "/users/ann/next", r#"{"otp": "123456"}"#, 409),
        ("POST", "/users/ann/next", "{}", 400),
        ("POST", "/users/nobody/next", r#"{"otp": "123456"}"#, 404),
        ("POST", "/users/ann/token", "", 201),
        ("POST", "/users/ann/token", mine.as_str(), 409),
        ("POST", "/users/ann/token", r#"{"token": "a b"}"#, 400),
        ("POST", "/users/nobody/token", "", 404),
        ("DELETE", "/users/ann/lockout", "", 204),
        ("DELETE", "/users/ann/lockout?x=1", "", 400),
        ("DELETE", "/users/nobody/lockout", "", 404),
        ("DELETE", "/users/ann/rate-limit", "", 204),
        ("DELETE", "/users/ann/rate-limit?x=1", "", 400),
        ("DELETE", "/users/nobody/rate-limit", "", 404),
        ("DELETE", "/users/ann/sessions", "", 204),
        ("DELETE", "/users/ann/sessions?x=1", "", 400),
        ("DELETE", "/users/nobody/sessions", "", 404),
        ("DELETE", "/users/ann/token?after=1", "", 204),
        ("DELETE", "/users/ann/token?after=x", "", 400),
        ("DELETE", "/users/nobody/token", "", 404),
        ("DELETE", "/users/ann", "", 204),
        ("DELETE", "/users/ann", "", 404),
        ("DELETE", "/users/ann?x=1", "", 400),
        ("POST", "/tokens/revoke", mine.as_str(), 204),
        ("POST", "/tokens/revoke", mine.as_str(), 404),
        ("POST", "/tokens/revoke", "{}", 400),
        ("POST", "/faults/slow=0?user=user-2&operation=receive_codes&times=always", "", 201),
        ("POST", "/faults/slow=0?times=0", "", 400),
        ("POST", "/faults/slow=0?user=nobody", "", 404),
        ("POST", "/faults/lost-sms?operation=regenerate_codes", "", 409),
        ("GET", "/faults", "", 200),
        ("GET", "/faults?x=1", "", 400),
        ("DELETE", "/faults/1", "", 204),
        ("DELETE", "/faults/1", "", 404),
        ("DELETE", "/faults/1?x=1", "", 400),
        ("DELETE", "/faults", "", 204),
        ("DELETE", "/faults?x=1", "", 400),
        ("GET", "/clock", "", 200),
        ("GET", "/clock?x=1", "", 400),
        ("POST", "/clock/advance?seconds=1", "", 204),
        ("POST", "/clock/advance", "", 400),
        ("POST", "/clock/advance?seconds=1e12", "", 409),
        ("POST", "/users", again.as_str(), 201),
        ("POST", "/reset?user=user-1", "", 409),
        ("POST", "/reset", "", 204),
        ("POST", "/reset?user=nobody", "", 404),
        ("POST", "/reset?x=1", "", 400),
    ];
    let mut seen = BTreeSet::new();
    let mut check = |admin, method: &str, path: &str, body: &str, status| {
        let answer = ask(admin, method, path, "", body);
        let (template, operation) = operation(&document, method, path).unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        documented(&document, operation, &answer)
            .unwrap_or_else(|what| panic!("{method} {path}: {what}"));
        seen.insert(format!("{method} {template} {status}"));
    };
    for (method, path, body, status) in steps {
        check(admin, method, path, body, status);
    }
    check(secure_admin, "GET", "/ca.pem", "", 200);

    // Those of all operations are seen by the tests of who may use the port; 410 by those of the journal, 503 by
    // that of many who wait.
    let elsewhere = ["401", "403", "410", "503"];
    for (template, path) in document["paths"].as_object().unwrap() {
        for (method, operation) in path.as_object().unwrap() {
            for status in operation["responses"].as_object().unwrap().keys() {
                let what = format!("{} {template} {status}", method.to_uppercase());
                assert!(elsewhere.contains(&status.as_str()) || seen.contains(&what), "{what}");
            }
        }
    }
}

/// The request of an operation, made of the document's examples alone.
fn example(document: &Value, template: &str, operation: &Value) -> (String, String) {
    let (mut path, mut query) = (template.to_owned(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolved(document, parameter);
        let name = parameter["name"].as_str().unwrap();
        let value = match &parameter["example"] {
            Value::String(text) => text.clone(),
            Value::Null => panic!("{template}: {name} has no example"),
            value => value.to_string(),
        };
        match parameter["in"].as_str().unwrap() {
            "path" => path = path.replace(&format!("{{{name}}}"), &value),
            _ => query.push(format!("{name}={value}")),
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let content = &operation["requestBody"]["content"]["application/json"];
    let body = match &content["example"] {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    if !body.is_empty() {
        let schema = json!({ "allOf": [content["schema"]], "components": document["components"] });
        jsonschema::validate(&schema, &content["example"]).unwrap();
    }
    (path, body)
}

#[test]
fn every_example_of_the_document_works_as_it_stands() {
    let document = document(start(false).1);
    let mut run = 0;
    for (template, methods) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let Some(operation) = methods.get(method) else { continue };
            let (emulator, admin) = start(true);
            let bob = match template.contains("/app-") {
                true => FakeUser::with_app(),
                false => FakeUser::with_phone("+1 555 0100"),
            };
            let fake = emulator.fake();
            fake.add_user(bob.named("bob").with_token("bobs".parse().unwrap()));
            if template == "/tokens/revoke" {
                fake.of_user("bob").unwrap().issue_this_token("a-token-of-bob".parse().unwrap());
            }
            fake.arm(otp_emulator::Fault::Status { status: 429 });
            let (path, body) = example(&document, template, operation);
            let answer = ask(admin, method.to_uppercase().as_str(), &path, "", &body);
            assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.body);
            documented(&document, operation, &answer).unwrap();
            run += 1;
        }
    }
    assert!(run > 30, "{run}");
}

#[test]
fn every_example_of_an_answer_is_one() {
    let document = document(start(false).1);
    let mut checked = 0;
    for path in document["paths"].as_object().unwrap().values() {
        for operation in path.as_object().unwrap().values() {
            for response in operation["responses"].as_object().unwrap().values() {
                let content = &resolved(&document, response)["content"]["application/json"];
                if content["example"].is_null() {
                    continue;
                }
                let schema =
                    json!({ "allOf": [content["schema"]], "components": document["components"] });
                jsonschema::validate(&schema, &content["example"]).unwrap();
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn head_is_answered_wherever_get_is_without_a_body_and_takes_no_sms() {
    let (emulator, admin) = start(true);
    let document = document(admin);
    emulator.fake().add_user(FakeUser::with_app().named("bob"));
    otp_core::blocking::OtpsApi::receive_codes(emulator.fake()).unwrap();
    for (template, path) in document["paths"].as_object().unwrap() {
        let Some(operation) = path.get("get") else { continue };
        let path = template.replace("{name}", "bob");
        let (head, get) = (ask(admin, "HEAD", &path, "", ""), ask(admin, "GET", &path, "", ""));
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        assert!(operation["responses"].get(get.status.to_string()).is_some(), "{path}");
        if template == "/sms/next" {
            assert_eq!(get.status, 200, "HEAD took the SMS");
        }
    }
    for path in ["/", "/style.css"] {
        let head = ask(admin, "HEAD", path, "", "");
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
}

#[test]
fn a_path_with_another_method_lists_its_methods() {
    let (_emulator, admin) = start(false);
    for (path, allowed) in [
        ("/", "get, head"),
        ("/users", "get, head, post"),
        ("/users/bob/recovery-codes", "get, head, put"),
        ("/faults/slow", "post, delete"),
    ] {
        let answer = ask(admin, "PATCH", path, "", "");
        assert_eq!(answer.status, 405, "{path}");
        assert!(answer.head.contains(&format!("\r\nallow: {allowed}\r\n")), "{}", answer.head);
    }
}
