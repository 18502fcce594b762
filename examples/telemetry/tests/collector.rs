//! The program against a collector that keeps what it is sent, and against everything else that can stand there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Reads one request to its end.
fn request(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).unwrap();
        received.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some(head) = received.windows(4).position(|end| end == b"\r\n\r\n") {
            let length: usize = text
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned)
                })
                .unwrap()
                .parse()
                .unwrap();
            if received.len() >= head + 4 + length {
                return text;
            }
        }
        assert!(read > 0, "the exporter left");
    }
}

/// Answers every connection with these bytes, or, given none, with silence. It gives what came first.
fn collector(answer: &'static [u8]) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, seen) = mpsc::channel();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Ok(()) = sender.send(request(&mut stream)) else { return };
            if answer.is_empty() {
                held.push(stream);
            } else {
                stream.write_all(answer).unwrap();
            }
        }
    });
    (endpoint, seen)
}

/// Runs the program to its end, which must come in time.
fn run(endpoint: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_otp-example-telemetry"));
    // Whatever the developer's own settings.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            program.env_remove(name);
        }
    }
    let mut child = program
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("NO_PROXY", "*")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (ended, end) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        out.read_to_end(&mut stdout).unwrap();
        err.read_to_end(&mut stderr).unwrap();
        let _ = ended.send(());
        (stdout, stderr)
    });
    let in_time = end.recv_timeout(Duration::from_secs(60)).is_ok();
    if !in_time {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let (stdout, stderr) = reader.join().unwrap();
    let output = Output { status, stdout, stderr };
    assert!(in_time, "it did not end: {output:?}");
    output
}

/// The last sentence of a run that must fail.
fn failure(endpoint: &str) -> String {
    let output = run(endpoint);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("exported"), "it says both");
    said.trim_end().to_owned()
}

#[test]
fn the_spans_of_the_client_arrive_without_the_otp_and_no_others() {
    let (endpoint, seen) = collector(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let output = run(&endpoint);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().last().unwrap(), format!("2 spans exported to {endpoint}"));

    let sent = seen.recv().unwrap();
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

#[test]
fn where_nothing_listens_it_fails_and_says_so() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{address}");
    let said = failure(&endpoint);
    let told = format!("nothing was exported: no connection to a collector at {endpoint} (");
    assert!(said.contains(&told), "{said}");
    assert!(
        said.ends_with("start one there, or put where it is into OTEL_EXPORTER_OTLP_ENDPOINT"),
        "{said}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn where_nothing_can_be_printed_it_fails_and_says_so() {
    let (endpoint, _seen) = collector(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_otp-example-telemetry"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("NO_PROXY", "*")
        .stdout(full)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "cannot print: No space left on device (os error 28)\n");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_collector_that_never_answers_is_given_up_in_bounded_time() {
    let (endpoint, seen) = collector(b"");
    let started = Instant::now();
    let said = failure(&endpoint);
    // One attempt takes 5 seconds at most; one more may begin just before that.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(seen.recv().unwrap().starts_with("POST /v1/traces"));
    let told = format!(
        "it is not known whether 2 spans arrived: {endpoint} took the request and did not answer in time; see \
         whether a collector listens there"
    );
    assert!(said.contains(&told), "{said}");
}

#[test]
fn every_other_answer_fails_with_what_happened_and_what_to_do() {
    let cases: [(&'static [u8], &str, &str); 9] = [
        (
            b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "nothing was exported: the collector at {} answered 503 Service Unavailable to the last of 4 requests",
            "see its log, and try again later",
        ),
        (
            // The exporter waits as long as it may, and not ten minutes.
            b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 600\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "nothing was exported: the collector at {} answered 503 Service Unavailable",
            "see its log, and try again later",
        ),
        (
            b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
            "nothing was exported: the collector at {} answered 401 Unauthorized",
            "put what it asks for into OTEL_EXPORTER_OTLP_HEADERS",
        ),
        (
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "nothing was exported: the collector at {} answered 404 Not Found",
            "see whether it takes OTLP over HTTP at this port, usually 4318",
        ),
        (
            b"HTTP/1.1 302 Found\r\nlocation: /login\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "nothing was exported: the collector at {} answered 302 Found",
            "see whether it takes OTLP over HTTP at this port, usually 4318",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
            "nothing was exported: {} answered, but not as a collector does (content type \"text/html\")",
            "put where one is into OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 4\r\n\r\n\xff\xff\xff\xff",
            "nothing was exported: {} answered, but not as a collector does (",
            "put where one is into OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (
            // `partial_success { rejected_spans: 1, error_message: "full" }`
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 10\r\n\r\n\x0a\x08\x08\x01\x12\x04full",
            "1 of 2 spans exported: the collector at {} rejected 1, and gave \"full\"",
            "see its log",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            "it is not known whether 2 spans arrived: {} took the request and broke the connection (",
            "see whether a collector listens there for OTLP over HTTP (usually at port 4318, while 4317 is for gRPC)",
        ),
    ];
    let runs = cases.map(|(answer, told, to_do)| {
        std::thread::spawn(move || {
            let (endpoint, _seen) = collector(answer);
            let said = failure(&endpoint);
            assert!(said.contains(&told.replace("{}", &endpoint)), "{told}\n{said}");
            assert!(said.ends_with(to_do), "{to_do}\n{said}");
        })
    });
    for run in runs {
        run.join().unwrap();
    }
}

#[test]
fn an_endpoint_without_a_scheme_is_refused_with_how_to_write_it() {
    let said = failure("localhost:4318");
    assert!(said.starts_with("nothing was exported: "), "{said}");
    assert!(said.ends_with("an endpoint looks like http://localhost:4318"), "{said}");
}
