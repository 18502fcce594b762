//! What the emulator's tests share.

#![allow(dead_code, reason = "each test binary uses what it needs")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use otp_core::{AuthToken, BaseUrl, OtpsClient};
use otp_hyper::{HttpVersions, HyperTransport, Roots};

pub fn client(url: BaseUrl, token: AuthToken, ca_pem: &str, versions: HttpVersions) -> OtpsClient {
    let mut transport = HyperTransport::builder().http_versions(versions);
    if !ca_pem.is_empty() {
        transport = transport.roots(Roots::pem(ca_pem).unwrap());
    }
    OtpsClient::builder(transport.build().unwrap(), token).base_url(url).build().unwrap()
}

/// An answer as it came, for tests that look below any client.
#[derive(Debug)]
pub struct Raw {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Raw {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends these bytes on a connection of its own and reads until it is closed.
pub fn raw(address: SocketAddr, request: &str) -> Raw {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Raw { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// A request to a path of this address, by HTTP/1.1 without keep-alive.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Raw {
    let length = body.len();
    raw(
        address,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\
             {headers}Connection: close\r\n\r\n{body}"
        ),
    )
}

/// The binary, stopped when the test ends.
pub struct Program {
    pub child: Child,
    /// None once this test hears no more.
    lines: Option<BufReader<ChildStdout>>,
    complaints: Option<BufReader<ChildStderr>>,
}

impl Program {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// With these variables in its environment, too.
    pub fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otp-emulator"));
        Self::run(command.args(arguments).envs(variables.iter().copied()))
    }

    /// With so many files that it may have open.
    #[cfg(unix)]
    pub fn with_open_files(limit: u32, arguments: &[&str]) -> Self {
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let program = env!("CARGO_BIN_EXE_otp-emulator");
        Self::run(Command::new("sh").args(["-c", &script, program]).args(arguments))
    }

    pub fn run(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        let complaints = child.stderr.take().map(BufReader::new);
        Self { child, lines, complaints }
    }

    /// Its standard error, from here on.
    pub fn complaints(&mut self) -> BufReader<ChildStderr> {
        self.complaints.take().unwrap()
    }

    /// What it says on standard error when it does not start.
    pub fn refusal(arguments: &[&str]) -> String {
        let output =
            Command::new(env!("CARGO_BIN_EXE_otp-emulator")).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?} was taken");
        String::from_utf8(output.stderr).unwrap()
    }

    /// The next line on standard error that begins with these words.
    pub fn complained(&mut self, what: &str) -> String {
        let lines = self.complaints.as_mut().unwrap().by_ref().lines();
        let mut lines = lines.map(Result::unwrap).skip_while(|line| !line.starts_with(what));
        lines.next().unwrap()
    }

    /// Ends it, and gives what it printed and nobody read yet.
    pub fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut rest = String::new();
        self.lines.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        self.complaints.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        rest
    }

    /// What follows these words, on the next line that begins with them.
    pub fn said(&mut self, what: &str) -> String {
        let mut line = String::new();
        let lines = self.lines.as_mut().unwrap();
        while lines.read_line(&mut line).unwrap() > 0 {
            if let Some(rest) = line.strip_prefix(what) {
                return rest.trim().to_owned();
            }
            line.clear();
        }
        panic!("the program ended and did not say '{what}'")
    }

    /// Closes this side of its standard output and standard error.
    pub fn hear_no_more(&mut self) {
        self.lines = None;
        self.complaints = None;
    }

    /// Sends it a signal, such as `TERM`.
    #[cfg(unix)]
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// How it ended, which it must do within this time.
    pub fn ended_within(&mut self, limit: Duration) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < limit, "the program still runs");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Where the service of a program without TLS listens, where its admin port does, and its token.
    pub fn introduction(&mut self) -> (SocketAddr, SocketAddr, String) {
        let url = self.said("listening at");
        let token = self.said("token");
        let admin = self.said("status page");
        let address = |url: &str| url.split('/').nth(2).unwrap().parse().unwrap();
        (address(&url), address(&admin), token)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
