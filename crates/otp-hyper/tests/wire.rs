//! What goes on the wire, as a server sees it, in both versions of HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use otp_conformance::hostile::{Fault, Protocol, Reply, Server};
use otp_core::http::{HeaderName, HeaderValue};
use otp_core::operation::ReceiveCodes;
use otp_core::{Otp, OtpsApi};
use support::{OPERATIONS, OTP, PROTOCOLS, TOKEN, call, client};

const USER_AGENT: &str = concat!("otp-core/", env!("CARGO_PKG_VERSION"));

/// Method and path of an operation, by the OpenAPI document.
fn request_line(operation: &str) -> (&'static str, String) {
    match operation {
        "find_ensure_otp" => ("POST", format!("/metal/v1/user/otp/verify/{OTP}")),
        "receive_codes" => ("POST", "/metal/v1/user/otp/sms/receive".to_owned()),
        "regenerate_codes" => ("POST", "/metal/v1/user/otp/recovery-codes".to_owned()),
        "find_recovery_codes" => ("GET", "/metal/v1/user/otp/recovery-codes".to_owned()),
        "create_key" => ("POST", "/metal/v1/user/api-keys?include=user".to_owned()),
        "find_key" => ("GET", format!("/metal/v1/user/api-keys/a%2Fb?otp={OTP}")),
        other => panic!("there is no operation {other}"),
    }
}

/// The JSON body of an operation, if it has one.
fn body(operation: &str) -> String {
    match operation {
        "create_key" => format!(r#"{{"description":"ci","otp":"{OTP}"}}"#),
        _ => String::new(),
    }
}

/// An answer that each operation takes as a success.
fn success(operation: &str) -> Reply {
    match operation {
        "find_ensure_otp" | "receive_codes" => Reply::status(204),
        "create_key" => Reply::json(201, r#"{"id": "k-1"}"#),
        "find_key" => Reply::status(404),
        _ => Reply::json(200, r#"{"recovery_codes": ["a", "b"]}"#),
    }
}

#[tokio::test]
async fn over_http1_each_request_is_these_bytes_and_no_others() {
    for operation in OPERATIONS {
        let server = Server::start(Protocol::Http1, Fault::Answer(success(operation)));
        call(&client(&server), operation).await.unwrap();

        let received = server.received();
        assert_eq!(received.len(), 1);
        let (method, path) = request_line(operation);
        // RFC 9110 §8.6: a POST without a body says that its length is zero.
        let body = body(operation);
        let (length, framing) = match body.len() {
            0 if method == "POST" => ("content-length: 0\r\n", String::new()),
            0 => ("", String::new()),
            // Where there is a body, hyper writes its length last.
            len => ("content-type: application/json\r\n", format!("content-length: {len}\r\n")),
        };
        assert_eq!(
            received[0].head,
            format!(
                "{method} {path} HTTP/1.1\r\n\
                 accept: application/json\r\n\
                 user-agent: {USER_AGENT}\r\n\
                 x-auth-token: {TOKEN}\r\n\
                 {length}\
                 host: {}\r\n\
                 {framing}\
                 \r\n",
                server.address()
            )
        );
        assert_eq!(received[0].body, body.as_bytes());
    }
}

#[tokio::test]
async fn over_http2_each_request_has_these_fields_and_no_others() {
    for operation in OPERATIONS {
        let server = Server::start(Protocol::Http2, Fault::Answer(success(operation)));
        call(&client(&server), operation).await.unwrap();

        let received = server.received();
        assert_eq!(received.len(), 1);
        let (method, path) = request_line(operation);
        assert_eq!((received[0].method.as_str(), &received[0].path), (method, &path));
        assert_eq!(received[0].head, format!("https {}", server.address()));
        let mut fields = vec![
            ("accept", "application/json"),
            ("user-agent", USER_AGENT),
            ("x-auth-token", TOKEN),
        ];
        let (body, length) = (body(operation), body(operation).len().to_string());
        if !body.is_empty() {
            fields.push(("content-type", "application/json"));
        }
        if method == "POST" {
            fields.push(("content-length", &length));
        }
        let sent = received[0].headers.iter();
        let sent: Vec<_> =
            sent.map(|(n, v)| (n.as_str(), std::str::from_utf8(v).unwrap())).collect();
        assert_eq!(sent, fields);
        assert_eq!(received[0].body, body.as_bytes());
    }
}

#[tokio::test]
async fn two_calls_send_the_same_but_for_their_operation() {
    for protocol in PROTOCOLS {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let client = client(&server);
        client.receive_codes().await.unwrap();
        client.receive_codes().await.unwrap();
        let received = server.received();
        assert_eq!(received[0].head, received[1].head);
        assert_eq!(received[0].headers, received[1].headers);
    }
}

#[tokio::test]
async fn a_call_s_own_headers_and_another_token_arrive() {
    for protocol in PROTOCOLS {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let other = client(&server).with_token("other-token".try_into().unwrap());
        other
            .call(ReceiveCodes)
            .header(HeaderName::from_static("traceparent"), HeaderValue::from_static("00-ab-cd-01"))
            .send()
            .await
            .unwrap();
        let received = server.received();
        assert_eq!(received[0].header("traceparent"), Some("00-ab-cd-01"));
        assert_eq!(received[0].header("x-auth-token"), Some("other-token"));
    }
}

#[tokio::test]
async fn input_that_is_refused_is_not_sent() {
    for protocol in PROTOCOLS {
        let server = Server::start(protocol, Fault::Answer(Reply::status(204)));
        let client = client(&server);
        for bad in ["", "12/34", "../recovery-codes", "12?34", "%2e%2e", "é"] {
            let refused = async { client.find_ensure_otp(&Otp::new(bad)?).await };
            assert!(refused.await.is_err());
        }
        assert!(server.received().is_empty());
    }
}
