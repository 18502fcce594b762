//! The emulator against the service's OpenAPI document (2024-09, cut to these operations): every request
//! that the document has is answered with a status that it documents and a body that its schema takes. What
//! the emulator answers beyond that is in the document too, marked with `x-emulator`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use otp_core::bytes::Bytes;
use otp_core::http::{Method, Request as HttpRequest, Response};
use otp_core::operation::ReceiveCodes;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Operation, Request, Transport};
use otp_emulator::{Emulator, Fault};
use otp_hyper::{HttpVersions, HyperTransport, Roots};
use otp_mock::FakeUser;
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("metal-otps.openapi.json");

/// Speaks to the emulator below the operations: any method, any path, any token.
struct Raw {
    emulator: Emulator,
    transport: HyperTransport,
}

impl Raw {
    fn new(versions: HttpVersions) -> Self {
        let emulator = Emulator::start().unwrap();
        let transport = HyperTransport::builder()
            .roots(Roots::pem(emulator.ca_pem()).unwrap())
            .http_versions(versions)
            .build()
            .unwrap();
        Self { emulator, transport }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&AuthToken>,
        body: &'static str,
    ) -> Response<Bytes> {
        let base = self.emulator.base_url();
        let origin = format!("{}://{}", base.scheme(), base.authority());
        let mut request = HttpRequest::builder()
            .method(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap())
            .uri(format!("{origin}{path}"))
            .body(Bytes::from(body))
            .unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("x-auth-token", token.to_header_value());
        }
        self.transport.send(Request::new(ReceiveCodes::ENDPOINT, request)).await.unwrap()
    }

    /// An OTP that works once.
    async fn otp(&self) -> String {
        let token = self.emulator.token();
        self.send("post", "/metal/v1/user/otp/sms/receive", Some(&token), "").await;
        self.emulator.fake().last_sms().unwrap().otp.expose_secret().to_owned()
    }
}

/// Whether the document's schema of this answer takes it; the reason if not.
fn documented(document: &Value, operation: &Value, answer: &Response<Bytes>) -> Result<(), String> {
    let status = answer.status().as_u16().to_string();
    let response = operation["responses"].get(&status);
    let Some(response) = response.filter(|response| response.get("x-emulator").is_none()) else {
        return Err(format!("{status} is not documented"));
    };
    let schema = &response["content"]["application/json"]["schema"];
    if schema.is_null() {
        let empty = answer.body().is_empty();
        return empty.then_some(()).ok_or("a body that is not documented".to_owned());
    }
    if answer.headers()["content-type"] != "application/json" {
        return Err("not application/json".to_owned());
    }
    let body: Value = serde_json::from_slice(answer.body()).map_err(|error| error.to_string())?;
    let schema = json!({ "$ref": schema["$ref"], "components": document["components"] });
    jsonschema::validate(&schema, &body).map_err(|error| error.to_string())?;
    // The schemas take any object. What is in it must be named there, and an error must say something.
    let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
    let properties = document["components"]["schemas"][name]["properties"].as_object().unwrap();
    let fields = body.as_object().unwrap();
    match fields.keys().find(|field| !properties.contains_key(*field)) {
        Some(field) => Err(format!("the field {field} is not documented")),
        None if fields.is_empty() => Err("an empty object".to_owned()),
        None => Ok(()),
    }
}

#[tokio::test]
async fn every_request_of_the_document_has_a_documented_answer() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let mut operations = 0;
    let mut statuses = std::collections::BTreeSet::new();
    for versions in [HttpVersions::Http1, HttpVersions::Http2] {
        let raw = Raw::new(versions);
        let good = raw.emulator.token();
        let off = raw.emulator.fake().add_user(FakeUser::without_two_factor());
        let off = off.token().clone();
        let unknown = AuthToken::new("unknown").unwrap();
        for (template, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                operations += 1;
                for token in [Some(&good), Some(&off), Some(&unknown), None] {
                    let otps = [raw.otp().await, "000".into(), "%20".into(), "a%2Fb".into()];
                    for otp in otps.iter().take(if template.contains('{') { 4 } else { 1 }) {
                        let path = format!("/metal/v1{}", template.replace("{otp}", otp));
                        let answer = raw.send(method, &path, token, "").await;
                        documented(&document, operation, &answer).unwrap_or_else(|what| {
                            panic!("{method} {path} with {token:?} over {versions:?}: {what}")
                        });
                        statuses.insert(answer.status().as_u16());
                    }
                }
            }
        }
    }
    assert_eq!(operations, 8, "four operations over two versions");
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200, 204, 400, 401, 422]);
}

#[tokio::test]
async fn what_the_document_does_not_have_is_refused_with_its_error_body() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let error =
        json!({ "$ref": "#/components/schemas/Error", "components": document["components"] });
    for versions in [HttpVersions::Http1, HttpVersions::Http2] {
        let raw = Raw::new(versions);
        let token = raw.emulator.token();
        for (method, path, body, status, allow) in [
            ("get", "/", "", 404, None),
            ("get", "/metal/v1", "", 404, None),
            ("get", "/metal/v2/user/otp/recovery-codes", "", 404, None),
            ("get", "/user/otp/recovery-codes", "", 404, None),
            ("get", "/metal/v1/user/otp/recovery-codes/", "", 404, None),
            ("post", "/metal/v1/user/otp/verify", "", 404, None),
            ("post", "/metal/v1/user/otp/verify/", "", 404, None),
            ("post", "/metal/v1/user/otp/verify/1/2", "", 404, None),
            ("post", "/metal/v1//user/otp/sms/receive", "", 404, None),
            ("delete", "/metal/v1/user/otp/recovery-codes", "", 405, Some("GET, POST")),
            ("put", "/metal/v1/user/otp/recovery-codes", "", 405, Some("GET, POST")),
            ("get", "/metal/v1/user/otp/sms/receive", "", 405, Some("POST")),
            ("get", "/metal/v1/user/otp/verify/123456", "", 405, Some("POST")),
            ("patch", "/metal/v1/user/otp/verify/123456", "", 405, Some("POST")),
            ("post", "/metal/v1/user/otp/sms/receive", "{}", 422, None),
            ("post", "/metal/v1/user/otp/recovery-codes", "x", 422, None),
        ] {
            let answer = raw.send(method, path, Some(&token), body).await;
            let at = format!("{method} {path} over {versions:?}");
            assert_eq!(answer.status().as_u16(), status, "{at}");
            let allowed = answer.headers().get("allow").map(|allow| allow.to_str().unwrap());
            assert_eq!(allowed, allow, "{at}");
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            jsonschema::validate(&error, &body).unwrap();
            assert!(body.get("error").or(body.get("errors")).is_some(), "{at}: {body}");
        }
        assert!(raw.emulator.fake().sms_outbox().is_empty(), "a refused request sent an SMS");
    }
}

#[tokio::test]
async fn a_second_token_is_as_bad_as_none() {
    let raw = Raw::new(HttpVersions::Http1);
    let base = raw.emulator.base_url();
    let token = raw.emulator.token().to_header_value();
    let request = HttpRequest::post(format!("{base}/user/otp/sms/receive"))
        .header("x-auth-token", token.clone())
        .header("x-auth-token", token)
        .body(Bytes::new())
        .unwrap();
    let answer = raw.transport.send(Request::new(ReceiveCodes::ENDPOINT, request)).await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
}

#[test]
fn the_document_says_which_of_its_statuses_are_the_service_s_own() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    for (method, path, own, added) in [
        ("get", "/user/otp/recovery-codes", "200 401 404 422", "400 408 413 429 431 503"),
        ("post", "/user/otp/recovery-codes", "200 401 404 422", "400 408 413 429 431 503"),
        ("post", "/user/otp/sms/receive", "204 400 401 422 500", "408 413 429 431 503"),
        ("post", "/user/otp/verify/{otp}", "204 400 401", "404 408 413 422 429 431 503"),
    ] {
        let responses = document["paths"][path][method]["responses"].as_object().unwrap();
        let are = |by_emulator: bool| {
            let of = |response: &Value| response.get("x-emulator").is_some() == by_emulator;
            let statuses = responses.iter().filter(|(_, response)| of(response));
            statuses.map(|(status, _)| status.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((are(false).as_str(), are(true).as_str()), (own, added), "{method} {path}");
    }
}

#[tokio::test]
async fn what_the_emulator_answers_beyond_the_service_s_statuses_is_in_the_document() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let raw = Raw::new(HttpVersions::Http1);
    let fake = raw.emulator.fake();
    let token = raw.emulator.token();
    let mut seen = Vec::new();
    // More than any operation takes.
    let large: &str = Box::leak("a".repeat(70_000).into_boxed_str());
    for (path, body) in [
        ("/user/otp/verify/1", "body"),
        ("/user/otp/verify/%2F", ""),
        ("/user/otp/verify/1", ""),
        ("/user/otp/verify/1", ""),
        ("/user/otp/verify/1", ""),
        ("/user/otp/verify/1", ""),
        ("/user/otp/verify/1", ""),
        ("/user/otp/sms/receive", large),
        ("unavailable", ""),
    ] {
        let path = match path {
            "unavailable" => {
                fake.arm(Fault::Unavailable { times: 1 });
                "/user/otp/sms/receive"
            }
            path => path,
        };
        let answer = raw.send("post", &format!("/metal/v1{path}"), Some(&token), body).await;
        let template = fake.path_template(&format!("/metal/v1{path}")).unwrap();
        let responses = &document["paths"][template]["post"]["responses"];
        let response = &responses[answer.status().as_str()];
        let schema = &response["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/Error", "{path}: {}", answer.status());
        seen.push(answer.status().as_u16());
    }
    assert_eq!(seen, [422, 400, 400, 400, 400, 400, 429, 413, 503]);
}
