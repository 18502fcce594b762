//! The program against a collector that keeps what it is sent.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

#[test]
fn the_spans_of_the_client_arrive_without_the_otp_and_no_others() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut received = Vec::new();
        loop {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).unwrap();
            received.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&received).into_owned();
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase()
                            .strip_prefix("content-length: ")
                            .map(str::to_owned)
                    })
                    .unwrap();
                let body = received.len() - head.len() - 4;
                if body >= length.parse().unwrap() {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                    return text;
                }
            }
            assert!(read > 0, "the exporter left");
        }
    });

    let output = Command::new(env!("CARGO_BIN_EXE_otp-example-telemetry"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("exported to"), "{said} {}", String::from_utf8_lossy(&output.stderr));

    let sent = collector.join().unwrap();
    assert!(sent.starts_with("POST /v1/traces HTTP/1.1"), "{sent}");
    for name in [
        "POST /user/otp/sms/receive",
        "POST /user/otp/verify/{otp}",
        "url.template",
        "http.request.method",
        "http.response.status_code",
        "error.type",
        "bad_request",
    ] {
        assert!(sent.contains(name), "{name} is missing: {sent}");
    }
    for name in ["000000", "h2::", "hyper", "rustls"] {
        assert!(!sent.contains(name), "{name} was exported: {sent}");
    }
}
