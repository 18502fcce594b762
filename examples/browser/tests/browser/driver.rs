//! A `WebDriver` program and the browser that it starts, with what they say when they do not start.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;

/// A start may fail on a busy machine. What a test does with the browser is never repeated.
const STARTS: usize = 3;

/// A driver that is told by the system which port to listen on. It is stopped when it is dropped.
pub struct Driver {
    process: Mutex<Child>,
    output: Output,
    /// What speaks to it.
    pub agent: Agent,
    /// The address of its session: the browser.
    pub session: String,
}

impl Driver {
    /// Starts a driver and a session of it. `command` is called for each try, so that each has a profile of its own;
    /// what it returns beside the program is kept as long as the driver.
    ///
    /// # Panics
    ///
    /// If three tries fail, with the reason, the exit status and the output of each.
    pub fn start<K>(
        mut command: impl FnMut() -> (Command, K),
        capabilities: &Value,
        limit: Duration,
    ) -> (Self, K) {
        let mut failures = Vec::new();
        while failures.len() < STARTS {
            let (mut command, kept) = command();
            let started = Self::try_start(&mut command, limit)
                .and_then(|driver| driver.with_session(capabilities));
            match started {
                Ok(driver) => return (driver, kept),
                Err(failure) => failures.push(format!("{}. {failure}", failures.len() + 1)),
            }
        }
        panic!("the browser's driver did not start in {STARTS} tries:\n{}", failures.join("\n"));
    }

    fn try_start(command: &mut Command, limit: Duration) -> Result<Self, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| match error.kind() {
                // Another try would not find it either.
                ErrorKind::NotFound => {
                    panic!("{program} is not there: examples/browser/build-and-test installs it")
                }
                _ => panic!("{program} cannot be run: {error}"),
            });
        let output = Output::default();
        let (sender, ports) = mpsc::channel();
        output.collect(process.stdout.take().unwrap(), sender.clone());
        output.collect(process.stderr.take().unwrap(), sender);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        let process = Mutex::new(process);
        let mut driver = Self { process, output, agent, session: String::new() };
        match ports.recv_timeout(limit) {
            Ok(port) => {
                driver.session = format!("http://127.0.0.1:{port}/session");
                Ok(driver)
            }
            Err(RecvTimeoutError::Timeout) => {
                Err(driver
                    .failed(&format!("{program} did not say within {limit:?} where it listens")))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(driver.failed(&format!("{program} ended and did not say where it listens")))
            }
        }
    }

    fn with_session(mut self, capabilities: &Value) -> Result<Self, String> {
        let request = self.agent.post(&self.session).content_type("application/json");
        let answer = request.send(capabilities.to_string()).and_then(|mut response| {
            Ok((response.status(), response.body_mut().read_to_string()?))
        });
        match answer {
            Err(error) => Err(self.failed(&format!("no session: {}: {error}", self.session))),
            Ok((status, body)) => {
                let body: Value = serde_json::from_str(&body).unwrap_or(Value::String(body));
                match body["value"]["sessionId"].as_str() {
                    Some(id) if status.is_success() => {
                        self.session = format!("{}/{id}", self.session);
                        Ok(self)
                    }
                    _ => Err(self.failed(&format!("no session: HTTP {status}: {body}"))),
                }
            }
        }
    }

    /// What a person needs to know of a driver that fails. It is stopped.
    pub fn failed(&self, reason: &str) -> String {
        let status = match self.end_by_itself() {
            Some(status) => format!("it ended with {status}"),
            None => "it was still running".to_owned(),
        };
        self.close();
        format!("{reason}; {status}, and had written:\n{}", self.output.written())
    }

    /// Its exit status, if it has ended or is about to: its output is closed a moment before.
    fn end_by_itself(&self) -> Option<ExitStatus> {
        let closed = self.output.closed(Duration::ZERO);
        let limit = Instant::now() + Duration::from_secs(if closed { 2 } else { 0 });
        loop {
            match lock(&self.process).try_wait() {
                Ok(None) if Instant::now() < limit => std::thread::sleep(Duration::from_millis(5)),
                result => return result.ok().flatten(),
            }
        }
    }

    /// Closes the browser, which the driver alone would leave behind, and ends the driver.
    fn close(&self) {
        if self.session.contains("/session/") {
            let request = self.agent.delete(&self.session).config();
            let _ = request.timeout_global(Some(Duration::from_secs(10))).build().call();
        }
        let mut process = lock(&self.process);
        let _ = process.kill();
        let _ = process.wait();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the driver writes. It is read to its end, so that the driver never waits for a reader nor loses one.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    text: String,
    open: Vec<mpsc::Receiver<()>>,
}

impl Output {
    /// As much as is shown.
    const MOST: usize = 16 * 1024;

    fn collect(&self, stream: impl Read + Send + 'static, ports: mpsc::Sender<String>) {
        let (end, open) = mpsc::channel::<()>();
        self.lock().open.push(open);
        let output = self.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stream).split(b'\n');
            let mut ports = Some(ports);
            while let Some(Ok(line)) = lines.next() {
                let line = String::from_utf8_lossy(&line).into_owned();
                if let Some((_, port)) = line.split_once("successfully on port ") {
                    if let Some(ports) = ports.take() {
                        let _ = ports.send(port.trim_end().trim_end_matches('.').to_owned());
                    }
                }
                output.lock().push(&line);
            }
            // In this order: who hears that no port comes any more can rely on the end.
            drop(end);
            drop(ports);
        });
    }

    /// Everything, if the streams end soon. The browser may hold them open after the driver has ended.
    fn written(&self) -> String {
        self.closed(Duration::from_secs(1));
        match &self.lock().text {
            text if text.is_empty() => "(nothing)".to_owned(),
            text => text.trim_end().to_owned(),
        }
    }

    /// Whether all streams have ended, or do within this time.
    fn closed(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let open = std::mem::take(&mut self.lock().open);
        let open: Vec<_> = open
            .into_iter()
            .filter(|open| {
                let left = until.saturating_duration_since(Instant::now());
                open.recv_timeout(left) == Err(RecvTimeoutError::Timeout)
            })
            .collect();
        let closed = open.is_empty();
        self.lock().open = open;
        closed
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        lock(&self.0)
    }
}

impl Collected {
    fn push(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
        if self.text.len() > Output::MOST {
            let cut = self.text.len() - Output::MOST / 2;
            let cut = (cut..).find(|&at| self.text.is_char_boundary(at)).unwrap();
            self.text = format!("…{}", &self.text[cut..]);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
