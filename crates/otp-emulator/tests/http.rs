//! HTTP, exactly: what each version of it demands of a server, whatever is asked for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use hyper::{Request, StatusCode};
use otp_core::Endpoint;
use otp_core::bytes::Bytes;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, FakeOtps};
use otp_mock::Reply;
use support::{ask, raw};

const CODES: &str = "/metal/v1/user/otp/recovery-codes";
const SMS: &str = "/metal/v1/user/otp/sms/receive";

fn plain() -> Emulator {
    Emulator::builder().plain().admin(([127, 0, 0, 1], 0).into()).start().unwrap()
}

fn admin(emulator: &Emulator) -> SocketAddr {
    emulator.admin_url().unwrap().trim_start_matches("http://").parse().unwrap()
}

/// Sends requests over HTTP/2 without TLS. Each answer: its status, the length that it announces, its body.
async fn by_http2(
    address: SocketAddr,
    requests: Vec<Request<()>>,
) -> Vec<(StatusCode, Option<String>, Bytes)> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut answers = Vec::new();
    for request in requests {
        let mut sender = sender.clone().ready().await.unwrap();
        let (answer, _) = sender.send_request(request, true).unwrap();
        let answer = answer.await.unwrap();
        let length = answer.headers().get("content-length");
        let length = length.map(|length| length.to_str().unwrap().to_owned());
        let (head, mut body) = answer.into_parts();
        let mut bytes = Vec::new();
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            // An empty frame would be a body too: clients refuse it after HEAD.
            bytes.extend_from_slice(if data.is_empty() { b"(empty)" } else { &data });
        }
        answers.push((head.status, length, bytes.into()));
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    answers
}

#[tokio::test]
async fn no_answer_to_head_has_a_body_in_either_version() {
    let emulator = plain();
    let (service, admin) = (emulator.local_addr(), admin(&emulator));
    for (address, path) in [
        (service, CODES),
        (service, SMS),
        (service, "/nowhere"),
        (admin, "/"),
        (admin, "/sms"),
        (admin, "/nowhere"),
    ] {
        let request = Request::head(format!("http://{address}{path}")).body(()).unwrap();
        let get = Request::get(format!("http://{address}{path}")).body(()).unwrap();
        let answers = by_http2(address, vec![request, get]).await;
        let (status, length, body) = &answers[0];
        assert_eq!(body, "", "{path} over HTTP/2");
        let length = length.as_ref().map(|length| length.parse::<u32>().unwrap());
        assert!(length.is_some_and(|length| length > 0), "{path}: {length:?}");
        assert!(!answers[1].2.is_empty(), "{path}: GET has one");

        let head = format!("HEAD {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        let answer = raw(address, &head);
        assert_eq!((answer.status, answer.body.as_str()), (status.as_u16(), ""), "{path}");
        let announced = answer.head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(announced.map(|length| length.parse::<u32>().unwrap()), length, "{path}");
    }
}

#[tokio::test]
async fn a_route_cannot_give_a_body_to_a_204() {
    static NOTHING: &Endpoint = &Endpoint::get("nothing", "/nothing");
    let fake = FakeOtps::new();
    fake.route(NOTHING, |_| Ok(Reply::status(204).with_body("something")));
    let emulator = Emulator::builder().plain().fake(fake).start().unwrap();
    let address = emulator.local_addr();
    let request = Request::get(format!("http://{address}/metal/v1/nothing"))
        .header("x-auth-token", emulator.token().to_header_value());
    let answers = by_http2(address, vec![request.body(()).unwrap()]).await;
    assert_eq!(answers, [(StatusCode::NO_CONTENT, None, Bytes::new())]);
}

#[test]
fn a_request_of_http1_says_for_which_host_it_is() {
    let emulator = plain();
    let token = emulator.token();
    let token = format!("X-Auth-Token: {}\r\nConnection: close\r\n", token.expose_secret());
    for address in [emulator.local_addr(), admin(&emulator)] {
        for (target, hosts, why) in [
            ("", "", "no Host"),
            ("http://e", "", "no Host"),
            ("", "Host: e\r\nHost: e\r\n", "two Host"),
            ("", "Host: a b\r\n", "no host"),
            ("", "Host:\r\n", "no host"),
            ("", "Host: a/b\r\n", "no host"),
            ("", "Host: a:b\r\n", "no host"),
            ("", "Host: u@a\r\n", "no host"),
            ("http://u@e", "Host: e\r\n", "no host"),
        ] {
            let request = format!("GET {target}{CODES} HTTP/1.1\r\n{hosts}{token}\r\n");
            let answer = raw(address, &request);
            assert_eq!(answer.status, 400, "{request}");
            assert!(answer.head.contains("connection: close"), "{request}: {}", answer.head);
            assert!(answer.json()["error"].as_str().unwrap().contains(why), "{answer:?}");
        }
    }
    let address = emulator.local_addr();
    for (target, version, hosts) in [
        ("", "1.1", "Host: e\r\n"),
        ("", "1.1", "Host: [::1]:80\r\n"),
        ("http://e", "1.1", "Host: e\r\n"),
        // The target's host counts (RFC 9112 §3.2.2).
        ("http://e", "1.1", "Host: other\r\n"),
        ("", "1.0", ""),
    ] {
        let request = format!("GET {target}{CODES} HTTP/{version}\r\n{hosts}{token}\r\n");
        assert_eq!(raw(address, &request).status, 200, "{request}");
    }
    let no_path = format!("GET metal HTTP/1.1\r\nHost: e\r\n{token}\r\n");
    assert_eq!(raw(address, &no_path).status, 400);
}

#[tokio::test]
async fn a_request_of_http2_says_for_which_host_it_is_and_no_other() {
    let emulator = plain();
    let address = emulator.local_addr();
    let request = |host: Option<&str>| {
        let url = format!("http://e:80{CODES}");
        let mut request =
            Request::get(url).header("x-auth-token", emulator.token().to_header_value());
        if let Some(host) = host {
            request = request.header("host", host);
        }
        request.body(()).unwrap()
    };
    let requests = [None, Some("e:80"), Some("E:80"), Some("e:81"), Some("a b")].map(request);
    let answers = by_http2(address, requests.into()).await;
    let statuses: Vec<_> = answers.iter().map(|(status, ..)| status.as_u16()).collect();
    assert_eq!(statuses, [200, 200, 200, 400, 400]);
}

#[tokio::test]
async fn the_origin_of_the_admin_page_holds_the_port_in_http2_too() {
    let emulator = plain();
    let address = admin(&emulator);
    let request = |origin: String| {
        let request = Request::get(format!("http://{address}/users")).header("origin", origin);
        request.body(()).unwrap()
    };
    let other_port = format!("http://127.0.0.1:{}", emulator.local_addr().port());
    let origins = [format!("http://{address}"), other_port, "http://127.0.0.1".to_owned()];
    let answers = by_http2(address, origins.map(request).into()).await;
    let statuses: Vec<_> = answers.iter().map(|(status, ..)| status.as_u16()).collect();
    assert_eq!(statuses, [200, 403, 403]);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_in_full_over_http2() {
    let emulator = plain();
    for address in [emulator.local_addr(), admin(&emulator)] {
        // More than is taken, more than is read, and one that does not say how much it is.
        for (size, announced) in [(70_000, true), (2_000_000, true), (300_000, false)] {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
            let connection = tokio::spawn(connection);
            let mut request = Request::post(format!("http://{address}{SMS}"));
            if announced {
                request = request.header("content-length", size);
            }
            let (answer, mut body) = sender.send_request(request.body(()).unwrap(), false).unwrap();
            body.send_data(Bytes::from(vec![b'a'; size]), true).unwrap();
            let answer = answer.await.unwrap();
            assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
            let mut body = answer.into_body();
            let data = body.data().await.unwrap().unwrap();
            assert_eq!(data, r#"{"error":"The body is too large"}"#, "{size}");
            connection.abort();
        }
    }
}

/// What is sent after the request line and the token, and the statuses that come back.
#[test]
fn requests_of_http1_are_framed_as_the_standard_says() {
    let emulator = plain();
    let address = emulator.local_addr();
    let token = emulator.token();
    let token = token.expose_secret();
    let long = "a".repeat(20_000);
    let many = "A: b\r\n".repeat(150);
    for (rest, statuses) in [
        ("Content-Length: 0\r\n\r\n", &[204][..]),
        ("Content-Length: 0\r\nContent-Length: 0\r\n\r\n", &[204]),
        ("Content-Length: 0\r\nContent-Length: 1\r\n\r\n", &[400]),
        ("Content-Length: 0, 0\r\n\r\n", &[400]),
        ("Content-Length: +0\r\n\r\n", &[400]),
        ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &[204]),
        ("Transfer-Encoding: chunked\r\nTrailer: a\r\n\r\n0\r\na: b\r\n\r\n", &[204]),
        // The length does not count, and the connection ends (RFC 9112 §6.3).
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &[204]),
        ("Transfer-Encoding: gzip\r\n\r\n", &[400]),
        ("Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", &[400]),
        ("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", &[100, 422]),
        ("Expect: 100-continue\r\nContent-Length: 200000\r\n\r\n", &[413]),
        ("A: b\r\n c\r\n\r\n", &[400]),
        ("A: b\0c\r\n\r\n", &[400]),
        ("A: b\rc\r\n\r\n", &[400]),
        ("A : b\r\n\r\n", &[400]),
        (&format!("A: {long}\r\n\r\n"), &[431]),
        (&format!("{many}\r\n"), &[431]),
    ] {
        let request = format!(
            "POST {SMS} HTTP/1.1\r\nHost: e\r\nX-Auth-Token: {token}\r\nConnection: close\r\n{rest}"
        );
        let shown = &rest[..rest.len().min(60)];
        assert_eq!(statuses_of(address, &request), statuses, "{shown:?}");
    }
    let get = |target: &str, more: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: e\r\nX-Auth-Token: {token}\r\n{more}\r\n")
    };
    let last = "Connection: close\r\n";
    let three = [get(CODES, ""), get("/nowhere", ""), get(CODES, last)].concat();
    assert_eq!(statuses_of(address, &three), [200, 404, 200], "in the order of the requests");
    // An over-long target counts as a head that is too long.
    assert_eq!(statuses_of(address, &get(&format!("/{long}"), last)), [431]);
    assert_eq!(statuses_of(address, &format!("\r\n{}", get(CODES, last))), [200]);
    assert_eq!(statuses_of(address, &get(CODES, last).replace("1.1", "1.2")), [400]);
    assert_eq!(statuses_of(address, &get(CODES, last).replace("GET", "get")), [405]);
}

fn statuses_of(address: SocketAddr, request: &str) -> Vec<u16> {
    let answer = raw(address, request);
    let whole = format!("{}\r\n\r\n{}", answer.head, answer.body).to_ascii_lowercase();
    let lines = whole.split('\n').filter_map(|line| {
        // A body ends without a line's end.
        let at = line.find("http/1.1 ")?;
        line[at + 9..].split(' ').next()?.trim().parse().ok()
    });
    lines.collect()
}

#[test]
fn the_date_of_an_answer_is_the_service_s_and_of_the_admin_port_the_system_s() {
    let start = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    let fake = FakeOtps::builder().starts_at(start).build();
    let admin = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let emulator = Emulator::builder().plain().admin(admin).fake(fake.clone()).start().unwrap();
    for date in ["fri, 01 jan 2100 00:00:00 gmt", "fri, 01 jan 2100 00:01:00 gmt"] {
        let header = format!("\r\ndate: {date}\r\n");
        for path in ["/metal/v1/user/otp/recovery-codes", "/nowhere"] {
            let answer = ask(emulator.local_addr(), "GET", path, "", "");
            assert!(format!("{}\r\n", answer.head).contains(&header), "{answer:?}");
            assert_eq!(answer.head.matches("\r\ndate:").count(), 1, "{answer:?}");
        }
        let no_host = raw(emulator.local_addr(), "GET / HTTP/1.1\r\n\r\n");
        assert!(format!("{}\r\n", no_host.head).contains(&header), "{no_host:?}");
        fake.advance(Duration::from_secs(60));
    }
    let answer = ask(emulator.admin_addr().unwrap(), "GET", "/clock", "", "");
    assert!(!answer.head.contains("jan 2100"), "{answer:?}");
}

#[test]
fn a_request_with_two_lengths_is_read_by_its_chunks_and_ends_the_connection() {
    let emulator = plain();
    let token = emulator.token();
    let token = token.expose_secret();
    let lengths = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ];
    for lengths in lengths {
        let next = format!("GET {CODES} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\n\r\n");
        let request = format!(
            "POST {SMS} HTTP/1.1\r\nHost: a\r\nX-Auth-Token: {token}\r\n{lengths}\r\n\r\n0\r\n\r\n{next}"
        );
        let answer = raw(emulator.local_addr(), &request);
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{answer:?}");
    }
}
