//! `find_recovery_codes` through otp-hyper, side by side with the same call by a hand-written hyper-util
//! client that has none of the protections: no deadline, no limits, no retries, no secrets, no error
//! mapping.
//!
//! Each side has a process of its own for the client and one for the server, so that only the client's CPU time
//! counts. With few open files allowed, 5,000 calls are in flight in place of 10,000. The sides take turns, round by round. A ratio is the
//! median of the rounds' ratios; more than 1 is better in calls a second, less than 1 in CPU time.
//!
//! `cargo bench -p otp-hyper --bench loopback`; `-- --quick` for a short run, `-- --only 'HTTP/1.1, two threads'` for a
//! part of it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints a table"
)]

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use otp_core::bytes::Bytes;
use otp_core::http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use otp_core::http::{Request, Response, StatusCode};
use otp_core::{AuthToken, BaseUrl, OtpsApi, OtpsClient};
use otp_hyper::{HttpVersions, HyperTransport};
use tokio::runtime::{Builder, Runtime};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const BODY: &str = r#"{"recovery_codes":["aaaaa-aaaaa","bbbbb-bbbbb","ccccc-ccccc","ddddd-ddddd","eeeee-eeeee","fffff-fffff","ggggg-ggggg","hhhhh-hhhhh","iiiii-iiiii","jjjjj-jjjjj"]}"#;

/// What a program has without this project.
#[derive(Clone)]
struct ByHand {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

#[derive(serde::Deserialize)]
struct Codes {
    recovery_codes: Vec<String>,
}

impl ByHand {
    fn new(base: String, http2: bool, in_flight: usize) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let mut builder = Client::builder(TokioExecutor::new());
        // Its pool grows beyond the number of calls in flight: it goes on connecting for a call that got another
        // connection meanwhile. Without a limit it runs out of open files.
        builder.http2_only(http2).pool_max_idle_per_host(in_flight);
        let client = builder.build(tcp);
        Self { client, base }
    }

    async fn call(&self) -> usize {
        let request = Request::get(format!("{}/user/otp/recovery-codes", self.base))
            .header("x-auth-token", TOKEN)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "by-hand/1.0")
            .body(Full::default())
            .unwrap();
        let response = self.client.request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Codes>(&body).unwrap().recovery_codes.len()
    }
}

fn ours(base: &str, http2: bool) -> OtpsClient {
    let versions = if http2 { HttpVersions::Http2 } else { HttpVersions::Http1 };
    let transport = HyperTransport::builder().http_versions(versions).build().unwrap();
    OtpsClient::builder(transport, AuthToken::new(TOKEN).unwrap())
        .base_url(BaseUrl::new(base).unwrap())
        .build()
        .unwrap()
}

/// Prints its address and serves until its standard input is closed. For each line of that, it prints how many
/// connections it has accepted.
fn serve() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    println!("{}", listener.local_addr().unwrap());
    static ACCEPTED: AtomicUsize = AtomicUsize::new(0);
    std::thread::spawn(|| {
        for _ in std::io::stdin().lines() {
            println!("{}", ACCEPTED.load(Ordering::SeqCst));
        }
        std::process::exit(0);
    });
    one_thread().block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            ACCEPTED.fetch_add(1, Ordering::SeqCst);
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(|_| async {
                    Response::builder()
                        .header(CONTENT_TYPE, "application/json")
                        .body(Full::new(Bytes::from_static(BODY.as_bytes())))
                });
                let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// How long `calls` calls take with this many of them in flight.
async fn time<F, Fut>(in_flight: usize, calls: usize, call: F) -> Duration
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = usize> + Send,
{
    let call = Arc::new(call);
    let started = Instant::now();
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let call = Arc::clone(&call);
            tokio::spawn(async move {
                for _ in 0..calls / in_flight {
                    assert_eq!(call().await, 10);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    started.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The CPU time of all threads of this process. Zero where the system does not tell.
fn cpu() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let nanoseconds = threads.map(|thread| {
        let file = thread.unwrap().path().join("schedstat");
        let told = std::fs::read_to_string(file).unwrap_or_default();
        told.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0)
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// For each number on its standard input, makes so many calls and prints how long they took, and the CPU time.
fn client(which: &str, version: &str, threads: &str, in_flight: usize, base: &str) {
    let runtime = if threads == "1" { one_thread() } else { two_threads() };
    let http2 = version == "2";
    let (client, by_hand) = (ours(base, http2), ByHand::new(base.to_owned(), http2, in_flight));
    for line in std::io::stdin().lines() {
        let calls = line.unwrap().parse().unwrap();
        let before = cpu();
        let took = if which == "ours" {
            let client = client.clone();
            runtime.block_on(time(in_flight, calls, move || {
                let client = client.clone();
                async move { client.find_recovery_codes().await.unwrap().len() }
            }))
        } else {
            let by_hand = by_hand.clone();
            runtime.block_on(time(in_flight, calls, move || {
                let by_hand = by_hand.clone();
                async move { by_hand.call().await }
            }))
        };
        println!("{} {}", took.as_secs_f64(), (cpu() - before).as_secs_f64());
    }
}

/// This program with these arguments. It ends when its standard input is closed.
struct Process(Child, Option<ChildStdin>, BufReader<ChildStdout>);

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        Self(child, stdin, BufReader::new(stdout))
    }

    fn ask(&mut self, what: impl Display) -> String {
        writeln!(self.1.as_mut().unwrap(), "{what}").unwrap();
        self.read()
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.2.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Of a client: calls a second, and CPU seconds.
    fn round(&mut self, calls: usize) -> (f64, f64) {
        let said = self.ask(calls);
        let (seconds, cpu) = said.split_once(' ').unwrap();
        (calls as f64 / seconds.parse::<f64>().unwrap(), cpu.parse().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.1 = None;
        self.0.wait().unwrap();
    }
}

fn start_server() -> (Process, String) {
    let mut server = Process::start(&["--serve"]);
    let base = format!("http://{}/metal/v1", server.read());
    (server, base)
}

fn compare(version: &str, threads: &str, in_flight: usize, rounds: usize, calls: usize) -> String {
    let start = |which: &str| {
        let (server, base) = start_server();
        let arguments = ["--client", which, version, threads, &in_flight.to_string(), &base];
        (Process::start(&arguments), server)
    };
    let (mut ours, mut by_hand) = (start("ours"), start("by-hand"));
    let mut seen: [Vec<f64>; 5] = Default::default();
    for side in [&mut ours.0, &mut by_hand.0] {
        // Opens the connections. With more calls than that hyper-util would open more than one for each call in flight.
        side.round(in_flight);
        side.round(calls);
    }
    for _ in 0..rounds {
        let (a, a_cpu) = ours.0.round(calls);
        let (b, b_cpu) = by_hand.0.round(calls);
        let cpu = a_cpu / calls as f64 * 1e6;
        for (seen, value) in seen.iter_mut().zip([a, b, a / b, cpu, a_cpu / b_cpu]) {
            seen.push(value);
        }
    }
    let [a, b, ratio, cpu, cpu_ratio] = seen.map(median);
    let connections = [&mut ours.1, &mut by_hand.1].map(|server| server.ask("connections"));
    let connections = connections.join(" | ");
    format!("{a:.0} | {b:.0} | {ratio:.2} | {cpu:.1} | {cpu_ratio:.2} | {connections}")
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => return serve(),
        ["--client", which, version, threads, in_flight, base] => {
            return client(which, version, threads, in_flight.parse().unwrap(), base);
        }
        _ => {}
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let only = arguments.iter().position(|argument| argument == "--only");
    let only = only.and_then(|at| arguments.get(at + 1)).map_or("", String::as_str);
    let (rounds, calls) = if quick { (3, 640) } else { (21, 12_800) };

    // hyper-util opens up to three connections for each call in flight.
    let many = match quick {
        true => 1_000,
        false if can_open(35_000) => 10_000,
        false => 5_000,
    };
    println!(
        "| find_recovery_codes | otp-hyper | by hand | ratio | CPU µs a call | ratio | connections | by hand |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for version in ["1", "2"] {
        let name = if version == "1" { "HTTP/1.1" } else { "HTTP/2" };
        for (threads, threads_name) in [("1", "one thread"), ("2", "two threads")] {
            for in_flight in [1, 64, 256, many] {
                let what = format!("{name}, {threads_name}, {in_flight} in flight");
                if what.contains(only) {
                    let calls = calls.max(2 * in_flight);
                    let row = compare(version, threads, in_flight, rounds, calls);
                    println!("| {what}, calls/s | {row} |");
                }
            }
        }
        if name.contains(only) {
            allocations(name, version == "2");
        }
    }
}

/// Whether a process can have so many files open. It is assumed where the system does not tell.
fn can_open(files: u64) -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    soft.is_none_or(|soft| soft >= files)
}

fn allocations(name: &str, http2: bool) {
    let (_server, base) = start_server();
    let (client, by_hand, runtime) =
        (ours(&base, http2), ByHand::new(base, http2, 1), one_thread());
    let per_call = |call: &dyn Fn()| {
        let count = 1000_u64;
        call();
        let info = allocation_counter::measure(|| (0..count).for_each(|_| call()));
        (info.count_total as f64 / count as f64, info.bytes_total as f64 / count as f64)
    };
    let ours = per_call(&|| drop(runtime.block_on(client.find_recovery_codes()).unwrap()));
    let theirs = per_call(&|| {
        runtime.block_on(by_hand.call());
    });
    println!(
        "| {name}, allocations a call | {:.1} | {:.1} | {:.2} | | | | |",
        ours.0,
        theirs.0,
        ours.0 / theirs.0
    );
    println!(
        "| {name}, bytes allocated a call | {:.0} | {:.0} | {:.2} | | | | |",
        ours.1,
        theirs.1,
        ours.1 / theirs.1
    );
}
