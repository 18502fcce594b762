//! Starts the subjects, is their server and their proxy, and counts what they find.

mod forms;
mod proxy;
mod table;

pub use table::{steps, table};

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use otp_conformance::hostile::{Fault, Protocol, Reply, Server, Wire};

use crate::masked::Masked;
use crate::scan::SHORTEST;

/// The kinds of secrets, in the order of the table's columns.
pub const KINDS: [&str; 5] = ["token", "otp", "session-token", "recovery-codes", "proxy-password"];

/// A client, a wire and an allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which client.
    pub subject: &'static str,
    /// Over which version.
    pub http2: bool,
    /// Whether there is TLS.
    pub tls: bool,
    /// Whether there is a proxy.
    pub proxy: bool,
    /// Whether the allocator wipes.
    pub wiping: bool,
}

/// What one client found, step by step.
#[derive(Debug, Default)]
pub struct Found {
    /// For each step, in order, its name and how many copies of each kind there were.
    pub steps: Vec<(String, BTreeMap<String, usize>)>,
    /// The copies that were left at the end: kind, form, place and the text around them.
    pub left: Vec<String>,
}

impl Found {
    /// How many copies of this kind there were after this step.
    pub fn after(&self, step: &str, kind: &str) -> usize {
        let step = self.steps.iter().find(|(name, _)| name == step);
        step.and_then(|(_, counts)| counts.get(kind).copied()).unwrap_or_default()
    }

    /// How many copies of this kind were left when all was dropped.
    pub fn at_the_end(&self, kind: &str) -> usize {
        self.after("end", kind)
    }
}

/// The programs: the subject, and the one with the wiping allocator.
#[derive(Clone, Copy, Debug)]
pub struct Programs<'a> {
    /// With the allocator that every program has.
    pub usual: &'a Path,
    /// With one that wipes.
    pub wiping: &'a Path,
}

struct Secrets(Vec<(&'static str, String, &'static str)>);

impl Secrets {
    /// Random ones, so that nothing in a program's own text is one of them by chance.
    fn new() -> Self {
        let random = |length| -> String { (0..length).map(|_| fastrand::alphanumeric()).collect() };
        let token = || format!("{}+/={}", random(19), random(20));
        let mut secrets = vec![
            ("token", token(), "token"),
            ("refused-token", token(), "token"),
            ("otp", random(SHORTEST), "otp"),
            ("wrong-otp", random(SHORTEST), "otp"),
            ("late-otp", random(SHORTEST), "otp"),
            ("dropped-otp", random(SHORTEST), "otp"),
            ("session-token", token(), "session-token"),
            (
                "proxy-password",
                format!("{}%:/{}", random(SHORTEST), random(SHORTEST)),
                "proxy-password",
            ),
        ];
        for name in ["code-0", "code-1", "code-2", "code-3"] {
            secrets.push((name, random(16), "recovery-codes"));
        }
        Self(secrets)
    }

    fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, secret, _)| secret.as_str())
            .unwrap_or_default()
    }

    /// What the server answers to the first six calls.
    fn answers(&self) -> [(u16, String, &str); 6] {
        // Long enough to come in many pieces. The first and the last code are searched for.
        let others = r#""a-code-that-nobody-searches-for","#.repeat(30);
        let codes = |one, other| {
            format!(r#"{{"recovery_codes":["{}",{others}"{}"]}}"#, self.get(one), self.get(other))
        };
        let error =
            |words: &str, secret| format!(r#"{{"errors":["{words}: {}"]}}"#, self.get(secret));
        [
            (204, String::new(), ""),
            (204, String::new(), self.get("session-token")),
            (200, codes("code-0", "code-1"), ""),
            (200, codes("code-2", "code-3"), ""),
            (401, error("there is no such token", "refused-token"), ""),
            (400, error("this is not the OTP", "wrong-otp"), ""),
        ]
    }
}

fn script(secrets: &Secrets) -> Vec<Fault> {
    let mut script: Vec<Fault> = secrets
        .answers()
        .into_iter()
        .enumerate()
        .map(|(at, (status, body, token))| {
            let mut reply = Reply::status(status);
            if !body.is_empty() {
                reply = Reply::json(status, body);
            }
            if !token.is_empty() {
                reply = reply.header("x-auth-token", token);
            }
            // The new codes and a refusal come in pieces.
            Fault::Answer(if at == 3 || at == 4 { reply.chunked() } else { reply })
        })
        .collect();
    script.push(Fault::Silence);
    script
}

/// Runs one client, and says what it found.
///
/// # Errors
///
/// If the client cannot be started, or fails.
pub fn run(run: Run, programs: Programs<'_>) -> io::Result<Found> {
    let secrets = Secrets::new();
    let mut wire = Wire::from(if run.http2 { Protocol::Http2 } else { Protocol::Http1 });
    if !run.tls {
        wire = wire.in_the_clear();
    }
    let server = Server::sequence(wire, script(&secrets));
    let proxy = if run.proxy { Some(proxy::start()?) } else { None };

    let mut child = Command::new(if run.wiping { programs.wiping } else { programs.usual })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut told = format!("subject {}\nurl {}\n", run.subject, server.base_url());
    if run.http2 {
        told += "http2\n";
    }
    if !server.ca_pem().is_empty() {
        told += &format!("pem {}\n", Masked::new(server.ca_pem().as_bytes()).to_line());
    }
    if let Some(proxy) = &proxy {
        told += &format!("proxy http://{proxy}\n");
    }
    let mut secret = |name: &str, secret: &str| {
        told += &format!("secret {name} {}\n", Masked::new(secret.as_bytes()).to_line());
    };
    for (name, text, _) in &secrets.0 {
        secret(name, text);
    }
    if ["in-memory", "recorder"].contains(&run.subject) {
        for (at, (status, body, token)) in secrets.answers().into_iter().enumerate() {
            secret(&format!("answer-{at}-status"), &status.to_string());
            secret(&format!("answer-{at}-body"), &body);
            secret(&format!("answer-{at}-token"), token);
        }
    }
    for (_, text, kind) in &secrets.0 {
        for (form, bytes) in forms::of(text) {
            told += &format!("needle {kind} {form} {}\n", Masked::new(&bytes).to_line());
        }
    }
    told += "go\n";
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(told.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{run:?}: {said}")));
    }
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

fn read(output: &str) -> Found {
    let mut found = Found::default();
    for line in output.lines() {
        if let Some(step) = line.strip_prefix("step ") {
            found.steps.push((step.to_owned(), BTreeMap::new()));
            found.left.clear();
        } else if let Some(copy) = line.strip_prefix("copy ") {
            let kind = copy.split(' ').next().unwrap_or_default().to_owned();
            if let Some((_, counts)) = found.steps.last_mut() {
                *counts.entry(kind).or_default() += 1;
            }
            found.left.push(copy.to_owned());
        }
    }
    found
}
