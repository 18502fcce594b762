//! Bad clients: whatever they send or do not send, the emulator lets go of them in time, and answers
//! others meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use otp_core::secrecy::ExposeSecret;
use otp_emulator::Emulator;
use support::{Program, ask};

/// How long the emulators of these tests wait for a bad client.
const PATIENCE: Duration = Duration::from_millis(300);

/// When a test gives up.
const LONG: Duration = Duration::from_secs(30);

/// Begins a connection of HTTP/2: the preface and empty settings (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn impatient() -> Emulator {
    Emulator::builder().plain().patience(PATIENCE).start().unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Whether a good client is answered.
fn answers(emulator: &Emulator) -> bool {
    let token = emulator.token();
    let header = format!("X-Auth-Token: {}\r\n", token.expose_secret());
    let path = "/metal/v1/user/otp/recovery-codes";
    ask(emulator.local_addr(), "GET", path, &header, "").status == 200
}

/// What comes until the other side ends the connection, in whatever way; none if it does not.
fn until_closed(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        _ => Some(answer),
    }
}

#[test]
fn what_is_no_request_is_refused_and_its_connection_closed() {
    let emulator = impatient();
    let long_head = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(64 * 1024));
    let many_heads = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(2000));
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(64 * 1024));
    let cases: [&[u8]; 14] = [
        b"\r\n\r\n\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello on a plain port",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\0: b\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST / HTTP/1.1\r\nContent-Length: minus\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        long_head.as_bytes(),
        many_heads.as_bytes(),
        long_path.as_bytes(),
    ];
    for bytes in cases {
        let mut stream = connect(emulator.local_addr());
        // It may be closed before all is written.
        let _ = stream.write_all(bytes);
        let answer = until_closed(&mut stream);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        let answer = answer.unwrap_or_else(|| panic!("{shown:?} was left open"));
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown:?}: {answer}");
        assert!(answers(&emulator), "after {shown:?}");
    }
}

#[test]
fn frames_that_are_none_end_a_connection_of_http2() {
    let emulator = impatient();
    let frames: [&[u8]; 5] = [
        // A window update of nothing, data on no stream, headers that do not decode, a frame larger than
        // allowed, and a push from a client.
        b"\0\0\x04\x08\0\0\0\0\0\0\0\0\0",
        b"\0\0\x01\0\x01\0\0\0\x05a",
        b"\0\0\x03\x01\x05\0\0\0\x01\xff\xff\xff",
        b"\xff\xff\xff\0\0\0\0\0\x01",
        b"\0\0\x04\x05\x04\0\0\0\x01\0\0\0\x02",
    ];
    for frame in frames {
        let mut stream = connect(emulator.local_addr());
        stream.write_all(PREFACE).unwrap();
        let _ = stream.write_all(frame);
        assert!(until_closed(&mut stream).is_some(), "{frame:?} was left open");
        assert!(answers(&emulator), "after {frame:?}");
    }
}

#[test]
fn who_connects_and_says_too_little_is_let_go() {
    let emulator = impatient();
    for said in [
        &b""[..],
        b"G",
        b"PRI * HTTP/2.0\r\n",
        b"GET /metal/v1/user/otp/recovery-codes HTTP/1.1\r\nHost: emulator\r\n",
        PREFACE,
    ] {
        let mut half_open: Vec<_> = (0..20).map(|_| connect(emulator.local_addr())).collect();
        for stream in &mut half_open {
            stream.write_all(said).unwrap();
        }
        assert!(answers(&emulator), "beside {said:?}");
        for stream in &mut half_open {
            assert!(until_closed(stream).is_some(), "{said:?} was left open");
        }
    }
}

#[test]
fn who_begins_a_handshake_and_says_no_more_is_let_go() {
    let emulator = Emulator::builder().patience(PATIENCE).start().unwrap();
    for said in [&b""[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut stream = connect(emulator.local_addr());
        stream.write_all(said).unwrap();
        assert!(until_closed(&mut stream).is_some(), "{said:?} was left open");
    }
}

#[test]
fn a_head_that_drips_is_not_waited_for() {
    let emulator = impatient();
    let mut stream = connect(emulator.local_addr());
    stream.write_all(b"GET / HTTP/1.1\r\nA: ").unwrap();
    let begun = Instant::now();
    // Each byte comes in good time; all together do not.
    while stream.write_all(b"a").is_ok() {
        assert!(begun.elapsed() < LONG, "it goes on waiting");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(answers(&emulator));
}

#[test]
fn a_body_that_does_not_come_is_a_408_and_one_that_is_too_large_a_413() {
    let emulator = impatient();
    let endless = format!("10\r\n{}\r\n", "a".repeat(16)).repeat(10_000);
    let large = format!("{:x}\r\n{}\r\n0\r\n\r\n", 100_000, "a".repeat(100_000));
    for (head, body, status) in [
        ("Content-Length: 10", "123", "408"),
        ("Transfer-Encoding: chunked", "1\r\na\r\n", "408"),
        ("Content-Length: 1000000000000", "", "413"),
        ("Transfer-Encoding: chunked", endless.as_str(), "413"),
        ("Transfer-Encoding: chunked", large.as_str(), "413"),
        ("Transfer-Encoding: chunked", "not a size\r\n", "400"),
    ] {
        let mut stream = connect(emulator.local_addr());
        let request =
            format!("POST /metal/v1/user/otp/sms/receive HTTP/1.1\r\nHost: e\r\n{head}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let _ = stream.write_all(body.as_bytes());
        assert!(answers(&emulator), "beside {head}");
        let answer = until_closed(&mut stream).unwrap_or_else(|| panic!("{head} was left open"));
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
    }
    assert!(emulator.fake().sms_outbox().is_empty());
}

#[test]
fn beyond_its_room_whoever_idled_longest_makes_place() {
    let emulator = Emulator::builder().plain().max_connections(8).start().unwrap();
    let mut idle: Vec<_> = (0..100).map(|_| connect(emulator.local_addr())).collect();
    assert!(answers(&emulator));
    // The oldest were closed, well before anybody's patience ended; the newest are still there.
    for stream in idle.iter_mut().take(92) {
        assert!(until_closed(stream).is_some());
    }
    let newest = idle.last_mut().unwrap();
    newest.set_nonblocking(true).unwrap();
    assert_eq!(newest.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// Bytes of memory that this process has.
#[cfg(target_os = "linux")]
fn memory_of(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

/// The program, where it is, and a request that it answers with success.
#[cfg(target_os = "linux")]
fn program() -> (Program, SocketAddr, String) {
    let mut program = Program::start(&["--plain", "--no-admin", "--token", "k3y"]);
    let url = program.said("listening at http://");
    let address = url.split('/').next().unwrap().parse().unwrap();
    let request = "GET /metal/v1/user/otp/recovery-codes HTTP/1.1\r\nHost: e\r\n\
                   X-Auth-Token: k3y\r\n";
    (program, address, request.to_owned())
}

#[cfg(target_os = "linux")]
const MORE: u64 = 16 * 1024 * 1024;

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_connections_in_turn_leave_nothing_behind() {
    let (program, address, request) = program();
    let request = format!("{request}Connection: close\r\n\r\n");
    let round = || {
        let mut stream = connect(address);
        stream.write_all(request.as_bytes()).unwrap();
        let answer = until_closed(&mut stream).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"));
    };
    // The journal fills up in these.
    (0..5000).for_each(|_| round());
    let before = memory_of(&program);
    (0..10_000).for_each(|_| round());
    let after = memory_of(&program);
    assert!(after < before + MORE / 4, "from {before} to {after} bytes");
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_asks_and_never_reads_takes_a_bounded_memory() {
    let (program, address, request) = program();
    let request = format!("{request}\r\n").repeat(1000);
    let before = memory_of(&program);
    let mut stream = connect(address);
    stream.set_nonblocking(true).unwrap();
    let mut written = 0;
    let begun = Instant::now();
    // Until the emulator takes no more: the connection is full in both directions.
    let mut full_since = None;
    while written < 256 * 1024 * 1024 && begun.elapsed() < LONG {
        match stream.write(request.as_bytes()) {
            Ok(some) => {
                written += some;
                full_since = None;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let since = *full_since.get_or_insert_with(Instant::now);
                if since.elapsed() > Duration::from_millis(500) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(_) => break,
        }
    }
    let after = memory_of(&program);
    assert!(after < before + MORE, "from {before} to {after} bytes, after {written} were sent");
    let mut other = connect(address);
    other.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = [0; 12];
    other.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[cfg(target_os = "linux")]
#[test]
fn a_crowd_that_connects_and_waits_takes_a_bounded_memory() {
    let (program, address, request) = program();
    let before = memory_of(&program);
    // More than there is room for; some of them are halfway through a request.
    let mut crowd = Vec::new();
    for number in 0..800 {
        let mut stream = connect(address);
        if number % 2 == 0 {
            let _ = stream.write_all(request.as_bytes());
        }
        crowd.push(stream);
    }
    let mut other = connect(address);
    other.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).unwrap();
    let answer = until_closed(&mut other).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    let after = memory_of(&program);
    assert!(after < before + 2 * MORE, "from {before} to {after} bytes");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_of_streams_that_are_reset_takes_a_bounded_memory() {
    let (program, address, request) = program();
    let before = memory_of(&program);
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..20_000 {
        // It may end the connection, and need not.
        let Ok(ready) = sender.clone().ready().await else { break };
        sender = ready;
        let url = format!("http://{address}/metal/v1/user/otp/recovery-codes");
        let flood = hyper::Request::get(url).body(()).unwrap();
        let Ok((_, mut stream)) = sender.send_request(flood, false) else { break };
        stream.send_reset(h2::Reason::CANCEL);
    }
    let mut other = connect(address);
    other.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).unwrap();
    assert!(until_closed(&mut other).unwrap().starts_with(b"HTTP/1.1 200"));
    let after = memory_of(&program);
    assert!(after < before + MORE, "from {before} to {after} bytes");
    drop(sender);
    connection.abort();
}

#[tokio::test]
async fn a_client_of_http2_that_asks_and_takes_no_answer_is_let_go() {
    let emulator = impatient();
    let stream = tokio::net::TcpStream::connect(emulator.local_addr()).await.unwrap();
    // It gives no window for any answer.
    let mut stalled = h2::client::Builder::new();
    let (sender, connection) =
        stalled.initial_window_size(0).handshake::<_, &[u8]>(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let token = emulator.token().to_header_value();
    let mut asked = Vec::new();
    for _ in 0..50 {
        let mut sender = sender.clone().ready().await.unwrap();
        let request =
            hyper::Request::get(format!("{}/user/otp/recovery-codes", emulator.base_url()))
                .header("x-auth-token", token.clone())
                .body(())
                .unwrap();
        asked.push(sender.send_request(request, true).unwrap());
    }
    for (answer, _) in &mut asked {
        assert_eq!(answer.await.unwrap().status(), 200);
    }
    assert!(answers(&emulator));
    let ended = tokio::time::timeout(LONG, connection).await;
    assert!(ended.is_ok(), "the connection was left open");
}
