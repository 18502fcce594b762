//! The fault matrix: whatever goes wrong, for every operation, two of a larger SDK among them, and both versions of HTTP, the caller is
//! told what happened and whether the server may have acted; a POST is received once at most unless it
//! provably was not sent, a GET three times at most; the call ends in time; and no secret is shown.
//!
//! A row is a fault and what it must come to. A row that fails names itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use otp_conformance::hostile::frames::{self, Frame};
use otp_conformance::hostile::{Certificate, Ending, Fault, Protocol, Reply, Server};
use otp_core::ErrorKind::{self, *};
use otp_core::{AuthToken, Effect, OtpsClient, RetryPolicy};
use otp_hyper::{HyperTransport, Proxy, Roots};
use support::{OPERATIONS, OTP, Outcome, PROTOCOLS, TOKEN, call};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

const CODE: &str = "canary-c0de-51de";
const PASSWORD: &str = "canary-pr0xy-77aa";

const ATTEMPT: Duration = Duration::from_millis(400);
const CALL: Duration = Duration::from_millis(1500);
const GRACE: Duration = Duration::from_millis(250);

/// One line of the matrix.
#[derive(Clone)]
struct Row {
    what: &'static str,
    over: &'static [Protocol],
    fault: Fault,
    kind: ErrorKind,
    /// Of verify, SMS, regenerate, and reading the codes. [`expected`] has the others'.
    effect: [Effect; 4],
    /// How many requests the server receives of a POST and of the GET.
    received: [usize; 2],
}

const BOTH: &[Protocol] = &PROTOCOLS;
const H1: &[Protocol] = &[Protocol::Http1];
const H2: &[Protocol] = &[Protocol::Http2];

const NOT: [Effect; 4] = [Effect::NotApplied; 4];
const UNK: [Effect; 4] = [Effect::Unknown; 4];
/// A `200` proves a regeneration and a reading, a `204` a verification and an SMS.
const AFTER_200: [Effect; 4] = [Effect::Unknown, Effect::Unknown, Effect::Applied, Effect::Applied];
const AFTER_204: [Effect; 4] = [Effect::Applied, Effect::Applied, Effect::Unknown, Effect::Unknown];

/// Nothing is received.
const NONE: [usize; 2] = [0, 0];
/// Nothing is repeated.
const ONCE: [usize; 2] = [1, 1];
/// Only the reading is repeated.
const GET: [usize; 2] = [1, 3];
/// Everything is repeated, since nothing counts as received.
const ALL: [usize; 2] = [3, 3];

fn row(
    what: &'static str,
    over: &'static [Protocol],
    fault: Fault,
    kind: ErrorKind,
    effect: [Effect; 4],
    received: [usize; 2],
) -> Row {
    Row { what, over, fault, kind, effect, received }
}

fn answer(status: u16) -> Fault {
    Fault::Answer(Reply::status(status))
}

fn json(status: u16, body: &str) -> Fault {
    Fault::Answer(Reply::json(status, body))
}

fn reply(status: u16) -> Reply {
    Reply::status(status)
}

/// An error body with everything that the server knows of the request, in every form.
fn echo() -> String {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine};
    let mut echoes = Vec::new();
    for secret in [TOKEN, OTP] {
        echoes.push(secret.to_owned());
        echoes.push(format!("see https://metal.test/user/otp/verify/{secret}?token={secret}"));
        echoes.push(secret.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02X}").unwrap();
            text
        }));
        echoes.push(secret.replace('-', "%2D"));
        echoes.push(BASE64_STANDARD.encode(secret));
        echoes.push(BASE64_URL_SAFE.encode(format!("user:{secret}")));
    }
    let quoted: Vec<_> = echoes.iter().map(|echo| format!("\"{echo}\"")).collect();
    format!("{{\"error\": {}, \"errors\": [{}]}}", quoted[0], quoted.join(","))
}

#[rustfmt::skip]
fn matrix() -> Vec<Row> {
    let mut rows = vec![
        // Before the request.
        row("connection refused", BOTH, Fault::Refused, Connect, NOT, NONE),
        row("TCP accepts and TLS hangs", BOTH, Fault::HangInHandshake, Connect, NOT, NONE),
        row("TCP accepts and closes", BOTH, Fault::CloseInHandshake, Connect, NOT, NONE),
        row("plaintext on a TLS port", BOTH, Fault::NotTls(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Tls, NOT, NONE),
        row("TLS below 1.2", BOTH, Fault::NotTls(&[0x15, 3, 1, 0, 2, 2, 70]), Tls, NOT, NONE),
        row("certificate expired", BOTH, Fault::Certificate(Certificate::Expired), Tls, NOT, NONE),
        row("certificate not yet valid", BOTH, Fault::Certificate(Certificate::NotYetValid), Tls, NOT, NONE),
        row("certificate of another host", BOTH, Fault::Certificate(Certificate::WrongHost), Tls, NOT, NONE),
        row("certificate self-signed", BOTH, Fault::Certificate(Certificate::SelfSigned), Tls, NOT, NONE),
        row("certificate of an unknown CA", BOTH, Fault::Certificate(Certificate::Untrusted), Tls, NOT, NONE),
        row("certificate with a common name only", BOTH, Fault::Certificate(Certificate::CommonNameOnly), Tls, NOT, NONE),

        // Before or within the head.
        row("silence", BOTH, Fault::Silence, Timeout, UNK, GET),
        row("closed before the head", BOTH, Fault::Close, ConnectionLost, UNK, GET),
        row("reset before the head", BOTH, Fault::Reset, ConnectionLost, UNK, GET),
        row("closed within the head", H1, Fault::Raw(b"HTTP/1.1 200 OK\r\ncontent-"), ConnectionLost, UNK, GET),
        row("endless head", BOTH, Fault::EndlessHead, ResponseTooLarge, UNK, ONCE),
        row("a head over the cap", BOTH, Fault::LargeHead(70 * 1024), ResponseTooLarge, UNK, ONCE),
        row("a head of too many fields", H1, Fault::ManyFields(200), ResponseTooLarge, UNK, ONCE),
        row("endless informational responses", BOTH, Fault::EndlessInformational, ResponseTooLarge, UNK, ONCE),

        // Within the body.
        row("silence in the body", BOTH, Fault::Cut(200, Ending::Silence), Timeout, AFTER_200, GET),
        row("a trickling body", BOTH, Fault::Cut(200, Ending::Trickle), Timeout, AFTER_200, GET),
        row("closed in the body", BOTH, Fault::Cut(200, Ending::Close), ConnectionLost, AFTER_200, GET),
        row("reset in the body", BOTH, Fault::Cut(200, Ending::Reset), ConnectionLost, AFTER_200, GET),
        row("a wrong chunk", H1, Fault::Raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), Protocol, AFTER_200, GET),
        row("a chunk cut off", H1, Fault::Raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc"), ConnectionLost, AFTER_200, GET),
        row("a body that never ends", BOTH, Fault::Endless { announced: false }, ResponseTooLarge, AFTER_200, ONCE),
        row("a body announced too large", BOTH, Fault::Endless { announced: true }, ResponseTooLarge, AFTER_200, ONCE),
        row("a body just over the cap", BOTH, json(200, &" ".repeat(64 * 1024 + 1)), ResponseTooLarge, AFTER_200, ONCE),
        row("an error's body that never ends", BOTH, Fault::Cut(401, Ending::Silence), Unauthorized, NOT, ONCE),
        row("a failure's body cut off", BOTH, Fault::Cut(503, Ending::Close), Server, UNK, GET),

        // An answer that cannot be read.
        row("no JSON", BOTH, json(200, "canary"), Decode, AFTER_200, ONCE),
        row("JSON cut off", BOTH, json(200, r#"{"recovery_codes": ["canary-c0de-51de""#), Decode, AFTER_200, ONCE),
        row("codes that are no list", BOTH, json(200, r#"{"recovery_codes": "canary-c0de-51de", "token": 1}"#), Decode, AFTER_200, ONCE),
        row("an empty object", BOTH, json(200, "{}"), Decode, AFTER_200, ONCE),
        row("null", BOTH, json(200, "null"), Decode, AFTER_200, ONCE),
        row("nothing", BOTH, json(200, ""), Decode, AFTER_200, ONCE),
        row("null codes", BOTH, json(200, r#"{"recovery_codes": null, "token": null}"#), Decode, AFTER_200, ONCE),
        row("bad UTF-8", H1, Fault::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 25\r\n\r\n{\"recovery_codes\":[\"\xff\xfe\"]}"), Decode, AFTER_200, ONCE),
        row("bad UTF-8", H2, Fault::Frames(|id| vec![frames::headers(id, 200, &[], false), frames::data(id, b"{\"recovery_codes\":[\"\xff\xfe\"]}", true)]), Decode, AFTER_200, ONCE),
        row("a captive portal", BOTH, Fault::Answer(reply(200).header("content-type", "text/html").body("<h1>Hi</h1>")), Decode, UNK, ONCE),
        row("a content encoding", BOTH, Fault::Answer(reply(200).header("content-encoding", "gzip").body(r#"{"recovery_codes":[],"token":"t"}"#)), Decode, AFTER_200, ONCE),

        // No HTTP.
        row("conflicting lengths", H1, Fault::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"), Protocol, UNK, GET),
        row("a bad status line", H1, Fault::Raw(b"HTTP/1.1 abc\r\n\r\n"), Protocol, UNK, GET),
        row("101", H1, Fault::Raw(b"HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"), Protocol, UNK, ONCE),
        row("another protocol", H1, Fault::Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), Protocol, UNK, GET),
        row("bytes after a 204", H1, Fault::Raw(b"HTTP/1.1 502 X\r\ncontent-length: 0\r\n\r\nHTTP/1.1 204 X\r\n\r\n"), Server, UNK, GET),
        row("headers on stream 0", H2, Fault::Frames(|_| vec![Frame::new(frames::HEADERS, frames::END_HEADERS, 0, [])]), Protocol, UNK, GET),
        row("a field block that does not decode", H2, Fault::Frames(|id| vec![Frame::new(frames::HEADERS, frames::END_HEADERS, id, [0xff; 20])]), Protocol, UNK, GET),
        row("a status that is none", H2, Fault::Frames(|id| vec![Frame::new(frames::HEADERS, 5, id, frames::field(":status", "abc"))]), Protocol, UNK, GET),
        row("a push nobody asked for", H2, Fault::Frames(|id| vec![Frame::new(frames::PUSH_PROMISE, frames::END_HEADERS, id, [0, 0, 0, 2])]), Protocol, UNK, GET),

        // Resets and farewells.
        row("the stream refused", H2, Fault::Frames(|id| vec![frames::reset(id, frames::REFUSED_STREAM)]), ConnectionLost, NOT, ALL),
        row("GOAWAY above the last id", H2, Fault::FramesThenClose(|_| vec![frames::go_away(0, frames::NO_ERROR)]), ConnectionLost, NOT, ALL),
        row("GOAWAY with a reason, above the last id", H2, Fault::FramesThenClose(|_| vec![frames::go_away(0, frames::ENHANCE_YOUR_CALM)]), ConnectionLost, NOT, ALL),
        row("GOAWAY at the last id, then closed", H2, Fault::FramesThenClose(|id| vec![frames::go_away(id, frames::NO_ERROR)]), ConnectionLost, UNK, GET),
        row("GOAWAY with a reason at the last id, then closed", H2, Fault::FramesThenClose(|id| vec![frames::go_away(id, frames::INTERNAL_ERROR)]), ConnectionLost, UNK, GET),
        row("the stream reset by an error", H2, Fault::Frames(|id| vec![frames::reset(id, frames::INTERNAL_ERROR)]), ConnectionLost, UNK, GET),
        row("the stream cancelled", H2, Fault::Frames(|id| vec![frames::reset(id, frames::CANCEL)]), ConnectionLost, UNK, GET),
        row("the stream refused after its head", H2, Fault::Frames(|id| vec![frames::headers(id, 200, &[], false), frames::reset(id, frames::REFUSED_STREAM)]), ConnectionLost, AFTER_200, GET),
        row("the stream reset after a 204", H2, Fault::Frames(|id| vec![frames::headers(id, 204, &[], false), frames::reset(id, frames::INTERNAL_ERROR)]), ConnectionLost, AFTER_204, GET),

        // Floods.
        row("a flood of pings", H2, Fault::Flood(|_| frames::ping()), Timeout, UNK, GET),
        row("a flood of settings", H2, Fault::Flood(|_| frames::settings()), Timeout, UNK, GET),
        row("a flood of resets", H2, Fault::Flood(|id| frames::reset(id, frames::CANCEL)), ConnectionLost, UNK, GET),
        row("a flood of empty data", H2, Fault::Flood(|id| frames::data(id, b"", false)), Protocol, UNK, GET),

        // Answers that the operation does not have.
        row("302", BOTH, Fault::Answer(reply(302).header("location", "https://elsewhere.test/")), UnexpectedStatus, UNK, ONCE),
        row("201", BOTH, answer(201), UnexpectedStatus, UNK, ONCE),
        row("closed in the body of a 201", BOTH, Fault::Cut(201, Ending::Close), ConnectionLost, UNK, GET),
        row("206", BOTH, answer(206), UnexpectedStatus, UNK, ONCE),

        // Refusals and failures of the service.
        row("400", BOTH, answer(400), BadRequest, NOT, ONCE),
        row("401", BOTH, answer(401), Unauthorized, NOT, ONCE),
        row("403", BOTH, answer(403), Forbidden, NOT, ONCE),
        row("404", BOTH, answer(404), NotFound, NOT, ONCE),
        row("409", BOTH, answer(409), Rejected, UNK, ONCE),
        row("422", BOTH, answer(422), Unprocessable, NOT, ONCE),
        row("408", BOTH, answer(408), Timeout, UNK, GET),
        row("429", BOTH, answer(429), RateLimited, NOT, GET),
        row("429 with a sane wait", BOTH, Fault::Answer(reply(429).header("retry-after", "0")), RateLimited, NOT, GET),
        row("429 with a long wait", BOTH, Fault::Answer(reply(429).header("retry-after", "60")), RateLimited, NOT, ONCE),
        row("429 with an absurd wait", BOTH, Fault::Answer(reply(429).header("retry-after", "99999999999999999999")), RateLimited, NOT, ONCE),
        row("500", BOTH, answer(500), Server, UNK, ONCE),
        row("502", BOTH, answer(502), Server, UNK, GET),
        row("503", BOTH, answer(503), Server, UNK, GET),
        row("504", BOTH, answer(504), Server, UNK, GET),
        row("an echo of all secrets", BOTH, json(400, &echo()), BadRequest, NOT, ONCE),
        row("an echo of all secrets in headers", BOTH, Fault::Answer(reply(503).header("x-request-id", TOKEN).header("location", OTP)), Server, UNK, GET),
    ];
    // Informational responses before an answer do no harm.
    for n in [1, 3] {
        rows.push(row("informational responses, then 401", BOTH, Fault::Informational(n, reply(401)), Unauthorized, NOT, ONCE));
    }
    rows
}

/// Whether the log is written.
static LOUD: AtomicBool = AtomicBool::new(true);

/// Everything that is logged, at every level, by every crate in the tree.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The secrets, raw, percent-encoded and in base64.
fn canaries() -> Vec<String> {
    use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};
    let credentials = format!("user:{PASSWORD}");
    let mut forms = vec![BASE64_STANDARD_NO_PAD.encode(&credentials[..credentials.len() / 3 * 3])];
    for secret in [TOKEN, OTP, CODE, PASSWORD] {
        forms.push(secret.to_owned());
        forms.push(secret.replace('-', "%2D"));
        forms.push(secret.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02X}").unwrap();
            text
        }));
        // Whole groups of three bytes, so that what follows does not matter.
        let whole = &secret[..secret.len() / 3 * 3];
        forms.push(BASE64_STANDARD_NO_PAD.encode(whole));
        forms.push(BASE64_URL_SAFE_NO_PAD.encode(whole));
    }
    forms
}

fn leaked(text: &str) -> Option<String> {
    canaries().into_iter().find(|canary| text.contains(canary.as_str()))
}

fn client(server: &Server) -> OtpsClient {
    let transport = HyperTransport::builder()
        .roots(Roots::pem(server.ca_pem()).unwrap())
        .connect_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let (base, cap) = (Duration::from_millis(1), Duration::from_millis(5));
    OtpsClient::builder(transport, AuthToken::new(TOKEN).unwrap())
        .base_url(server.base_url())
        .attempt_timeout(ATTEMPT)
        .timeout(CALL)
        .retry(RetryPolicy::default().with_backoff(base, cap))
        .build()
        .unwrap()
}

/// What a row must come to for an operation.
fn expected(row: &Row, operation: &str) -> (ErrorKind, Effect) {
    let [verify, sms, regenerate, read] = row.effect;
    match (operation, row.what) {
        ("find_ensure_otp", _) => (row.kind, verify),
        // An SMS has no success with a body: for it, a 200 is a status that it does not have.
        ("receive_codes", _) if row.kind == Decode => (UnexpectedStatus, sms),
        ("receive_codes", _) => (row.kind, sms),
        // Its own statuses: a 201 proves it, and a 409 declines it.
        ("create_key", "201") => (Decode, Effect::Applied),
        ("create_key", "closed in the body of a 201") => (row.kind, Effect::Applied),
        ("create_key", "409") => (row.kind, Effect::NotApplied),
        ("regenerate_codes" | "create_key", _) => (row.kind, regenerate),
        _ => (row.kind, read),
    }
}

/// What is wrong with a row, for one operation over one version.
async fn check(row: Row, protocol: Protocol, index: usize) -> Vec<String> {
    let operation = OPERATIONS[index];
    let server = Server::start(protocol, row.fault.clone());
    let client = client(&server);
    let started = Instant::now();
    let outcome = call(&client, operation).await;
    let took = started.elapsed();

    let mut wrong = Vec::new();
    let mut expect = |what: &str, got: String, want: String| {
        if got != want {
            wrong.push(format!(
                "{} / {operation} over {protocol:?}: {what} is {got}, must be {want}",
                row.what
            ));
        }
    };
    let error = match outcome {
        // For this one, there being none is an answer.
        Ok(Outcome::Found(None)) if row.kind == NotFound => {
            expect("requests received", server.requests().to_string(), "1".to_owned());
            return wrong;
        }
        Ok(outcome) => {
            expect("the outcome", format!("{outcome:?}"), "an error".to_owned());
            return wrong;
        }
        Err(error) => error,
    };
    let (kind, effect) = expected(&row, operation);
    let reading = matches!(operation, "find_recovery_codes" | "find_key");
    expect("kind", format!("{:?} ({error})", error.kind()), format!("{kind:?} ({error})"));
    expect(
        "effect",
        format!("{:?} ({error:?})", error.effect()),
        format!("{effect:?} ({error:?})"),
    );
    let (received, most) = (server.requests(), row.received[usize::from(reading)]);
    match row.fault {
        // Whoever floods does not read on, so it may miss what was sent.
        Fault::Flood(_) if (1..=most).contains(&received) => {}
        _ => expect("requests received", received.to_string(), most.to_string()),
    }
    let in_time = took <= CALL + GRACE;
    expect("in time", format!("{in_time} ({took:?})"), format!("true ({took:?})"));

    let mut said = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(said, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    // Only these have an OTP for the server to echo: in the path, in the body, in the query.
    let has_otp = matches!(operation, "find_ensure_otp" | "create_key" | "find_key");
    let leaked = leaked(&said).filter(|_| has_otp || !said.contains(OTP));
    expect("leaked", format!("{leaked:?}"), "None".to_owned());
    wrong
}

/// What goes well must not be told either: the codes, and a session token.
async fn every_success() {
    let codes = format!(r#"{{"recovery_codes": ["{CODE}"]}}"#);
    for protocol in PROTOCOLS {
        for (operation, reply) in [
            ("find_recovery_codes", Reply::json(200, codes.as_str())),
            ("regenerate_codes", Reply::json(200, codes.as_str())),
            ("find_ensure_otp", Reply::status(204).header("x-auth-token", TOKEN)),
            ("receive_codes", Reply::status(204)),
            ("create_key", Reply::json(201, format!(r#"{{"id": "{OTP} for {TOKEN}"}}"#))),
            ("find_key", Reply::json(200, format!(r#"{{"id": "{OTP} for {TOKEN}"}}"#))),
        ] {
            let server = Server::start(protocol, Fault::Answer(reply));
            let outcome = call(&client(&server), operation).await.unwrap();
            let shown = format!("{outcome:?}");
            assert_eq!(leaked(&shown), None, "{shown}");
        }
    }
}

/// The faults that need more than a server: a proxy that refuses, and connections that were kept.
async fn every_other_way_to_fail() {
    for protocol in PROTOCOLS {
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = proxy.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = proxy.accept().await.unwrap();
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(b"HTTP/1.1 407 No\r\n\r\n").await;
            }
        });
        let kept = vec![Fault::Answer(reply(503)), Fault::Close];
        for operation in OPERATIONS {
            let server = Server::sequence(protocol, kept.clone());
            let proxy = Proxy::new(format!("http://{address}")).unwrap();
            let proxy = proxy.basic_auth("user", PASSWORD).unwrap();
            let roots = Roots::pem(server.ca_pem()).unwrap();
            let transport = HyperTransport::builder().roots(roots).proxy(proxy).build().unwrap();
            let through = OtpsClient::builder(transport, AuthToken::new(TOKEN).unwrap())
                .base_url(server.base_url())
                .build()
                .unwrap();
            let error = call(&through, operation).await.unwrap_err();
            assert_eq!((error.kind(), error.effect()), (Connect, Effect::NotApplied), "{error}");
            assert_eq!(server.requests(), 0);
            assert_eq!(leaked(&format!("{error} {error:?}")), None, "{error:?}");

            let direct = client(&server);
            let first = call(&direct, operation).await.unwrap_err();
            let second = call(&direct, operation).await.unwrap_err();
            assert_eq!((second.kind(), second.effect()), (ConnectionLost, Effect::Unknown));
            assert_eq!(leaked(&format!("{first:?} {second} {second:?}")), None, "{second:?}");
        }
    }
}

/// A name that no resolver can resolve, since it cannot be one. Nothing is asked of the network.
#[tokio::test]
async fn a_name_that_does_not_resolve_is_no_connection() {
    let client =
        OtpsClient::builder(HyperTransport::new().unwrap(), AuthToken::new(TOKEN).unwrap())
            .base_url(
                otp_core::BaseUrl::dangerously_in_the_clear("http://no..name/metal/v1").unwrap(),
            )
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
    for operation in OPERATIONS {
        let error = call(&client, operation).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (Connect, Effect::NotApplied), "{error}");
        assert!(!error.to_string().contains("no..name"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_of_the_matrix_and_no_secret_anywhere() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.clone());
    let loud = dynamic_filter_fn(|_, _| LOUD.load(Ordering::Relaxed));
    tracing_subscriber::registry().with(lines.with_filter(loud)).init();
    let panics = log.clone();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        io::Write::write_all(&mut panics.clone(), info.to_string().as_bytes()).unwrap();
        hook(info);
    }));

    // A few at a time, so that the machine's load does not look like a late call.
    let gate = Arc::new(tokio::sync::Semaphore::new(8));
    let mut checks = tokio::task::JoinSet::new();
    let mut cases = 0;
    for row in matrix() {
        for protocol in row.over {
            for index in 0..OPERATIONS.len() {
                cases += 1;
                let (row, protocol, gate) = (row.clone(), *protocol, Arc::clone(&gate));
                checks.spawn(async move {
                    // A flood takes all of the machine that it can get.
                    let alone = matches!(
                        row.fault,
                        Fault::Flood(_) | Fault::EndlessHead | Fault::EndlessInformational
                    );
                    let _turn = gate.acquire_many(if alone { 8 } else { 1 }).await.unwrap();
                    let found = check(row.clone(), protocol, index).await;
                    (row, protocol, index, found)
                });
            }
        }
    }
    let mut wrong = Vec::new();
    for (row, protocol, index, found) in checks.join_all().await {
        // On a busy machine one is late now and then, or its time is over before it meets its fault; and each
        // frame of a flood is a dozen lines of the log. What is wrong by itself is wrong again, alone and
        // unlogged; and what was leaked or sent twice is wrong at any time.
        let late =
            |what: &String| what.contains(": in time is") || what.contains(": kind is Timeout");
        let only_late = !found.is_empty() && found.iter().all(late);
        LOUD.store(!only_late, Ordering::Relaxed);
        wrong.extend(if only_late { check(row, protocol, index).await } else { found });
    }
    LOUD.store(true, Ordering::Relaxed);
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));

    every_success().await;
    every_other_way_to_fail().await;

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.len() > 1_000_000, "the log must really be there, {} bytes", log.len());
    if let Some(canary) = leaked(&log) {
        let line = log.lines().find(|line| line.contains(&canary)).unwrap();
        panic!("{canary} is in the log: {line}");
    }
}
