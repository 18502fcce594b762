//! What stays in a process's memory of the secrets that it had, counted, and compared with what README says.
//!
//! With `--nocapture` it prints the tables.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and shows its figures"
)]

use std::path::Path;

use otp_example_memory::driver::{self, Found, KINDS, Programs, Run};

const PROGRAMS: (&str, &str) =
    (env!("CARGO_BIN_EXE_subject"), env!("CARGO_BIN_EXE_subject_wiping"));

/// All that is done in memory, without a socket.
const IN_MEMORY: Run =
    Run { subject: "in-memory", http2: false, tls: true, proxy: false, wiping: false };
const RECORDER: Run = Run { subject: "recorder", ..IN_MEMORY };
const HTTP1: Run =
    Run { subject: "otp-hyper", http2: false, tls: true, proxy: true, wiping: false };
const HTTP2: Run = Run { http2: true, ..HTTP1 };
const CLEAR: Run = Run { tls: false, proxy: false, ..HTTP1 };
const BY_HAND: Run = Run { subject: "stack", proxy: false, ..HTTP1 };
const REQWEST: Run = Run { subject: "reqwest", ..HTTP1 };

/// What is run, as the table names it, and how many copies of each kind may stay.
///
/// No code of this project leaves one. hyper writes the head of a request into one buffer, h2 the same in HPACK,
/// and both read into buffers that they share with what they give out; rustls keeps the last records that it
/// decrypted. How much of these is overwritten before the end differs from run to run: the bounds are what the
/// stack alone leaves, used by hand.
const RUNS: [(&str, Run, [usize; 5]); 12] = [
    ("`otp-core`, over a transport without I/O", IN_MEMORY, [0; 5]),
    ("the same, with a `Recorder`", RECORDER, [0; 5]),
    ("`otp-hyper`, HTTP/1.1 in the clear", CLEAR, [4, 4, 3, 4, 0]),
    ("`otp-hyper`, HTTP/1.1", HTTP1, [4, 6, 4, 6, 0]),
    ("`otp-hyper`, HTTP/2 in the clear", Run { http2: true, ..CLEAR }, [10, 12, 5, 14, 0]),
    ("`otp-hyper`, HTTP/2", HTTP2, [10, 12, 6, 16, 0]),
    ("hyper and rustls by hand, HTTP/1.1", BY_HAND, [usize::MAX; 5]),
    ("hyper, h2 and rustls by hand, HTTP/2", Run { http2: true, ..BY_HAND }, [usize::MAX; 5]),
    ("reqwest and `String`s, HTTP/1.1", REQWEST, [usize::MAX; 5]),
    ("reqwest and `String`s, HTTP/2", Run { http2: true, ..REQWEST }, [usize::MAX; 5]),
    ("`otp-hyper`, HTTP/1.1, wiping allocator", Run { wiping: true, ..HTTP1 }, [0; 5]),
    ("`otp-hyper`, HTTP/2, wiping allocator", Run { wiping: true, ..HTTP2 }, [0; 5]),
];

#[test]
fn no_code_of_this_project_leaves_a_copy_of_a_secret() {
    let programs = Programs { usual: Path::new(PROGRAMS.0), wiping: Path::new(PROGRAMS.1) };
    let found = RUNS.map(|(label, run, _)| (label, run, driver::run(run, programs).unwrap()));
    println!("{}", driver::table(&found));
    for at in [0, 1, 3, 5] {
        println!("{}:\n\n{}", found[at].0, driver::steps(&found[at].2));
    }

    for ((label, run, found), (_, _, bounds)) in found.iter().zip(RUNS) {
        let left = found.left.join("\n");
        for (kind, bound) in KINDS.into_iter().zip(bounds) {
            let copies = found.at_the_end(kind);
            assert!(
                copies <= bound,
                "{label}: {copies} copies of {kind}, more than {bound}:\n{left}"
            );
        }
        if run.subject == "otp-hyper" {
            // Other forms are made by this project alone: base64 for a proxy, all of them to find echoes.
            let others = found.left.iter().filter(|copy| !is_of_the_stack(copy)).count();
            assert_eq!(others, 0, "{label}:\n{left}");
        }
        the_search_finds_what_is_there(label, *run, found);
    }
    // The comparison shows that something can be left.
    assert!(found[8].2.at_the_end("otp") > 0, "secrets as `String`s left nothing");
}

/// As it goes over the wire.
fn is_of_the_stack(copy: &str) -> bool {
    matches!(copy.split(' ').nth(1), Some("raw" | "hpack"))
}

fn the_search_finds_what_is_there(label: &str, run: Run, found: &Found) {
    for kind in KINDS {
        assert_eq!(found.after("start", kind), 0, "{label}: {kind} is found before it is there");
    }
    if run.subject == "stack" {
        return;
    }
    assert!(found.after("built", "token") > 0, "{label}: the client's own token is not found");
    assert!(found.after("regenerate", "recovery-codes") >= 4, "{label}: held codes are not found");
    assert!(found.after("verify", "session-token") > 0, "{label}: a held token is not found");
    if run.proxy {
        assert!(found.after("built", "proxy-password") > 0, "{label}: the password is not found");
    }
    let steps = found.steps.len();
    assert!(steps >= 12, "{label}: only {steps} steps");
}

/// The figures move by one or two from run to run; the rows and columns do not.
#[test]
fn readme_shows_this_table() {
    let readme = include_str!("../../../README.md");
    let section = readme.split("\n## What stays in memory\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with('|')).collect();
    let expected = RUNS.map(|(label, run, _)| (label, run, Found::default()));
    let expected = driver::table(&expected);
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(rows[..2], expected[..2]);
    let label = |row: &&str| row.split('|').nth(1).unwrap().trim().to_owned();
    let labels = |rows: &[&str]| rows[2..].iter().map(label).collect::<Vec<_>>();
    assert_eq!(labels(&rows), labels(&expected));
    for (row, (_, _, bounds)) in rows[2..].iter().zip(RUNS) {
        let figures = row.split('|').skip(2).take(5).map(|figure| figure.trim().parse().unwrap());
        for (figure, bound) in figures.zip(bounds) {
            let figure: usize = figure;
            assert!(figure <= bound, "{row}");
        }
    }
}
