//! Explores.
#![cfg(target_os = "linux")]
use otp_example_memory::driver::{self, KINDS, Programs, Run};
use std::path::Path;
#[test]
fn explore() {
    let programs = Programs {
        usual: Path::new(env!("CARGO_BIN_EXE_subject")),
        wiping: Path::new(env!("CARGO_BIN_EXE_subject_wiping")),
    };
    let run = |subject, http2, tls, proxy, wiping| Run { subject, http2, tls, proxy, wiping };
    let mut rows = Vec::new();
    for (label, r) in [
        ("in memory", run("in-memory", false, true, false, false)),
        ("ours h1", run("otp-hyper", false, true, true, false)),
        ("ours h2", run("otp-hyper", true, true, true, false)),
        ("ours h1 noproxy", run("otp-hyper", false, true, false, false)),
        ("ours h2 noproxy", run("otp-hyper", true, true, false, false)),
        ("ours h1 plain", run("otp-hyper", false, false, false, false)),
        ("ours h2 plain", run("otp-hyper", true, false, false, false)),
        ("stack h1", run("stack", false, true, false, false)),
        ("stack h2", run("stack", true, true, false, false)),
        ("stack h1 plain", run("stack", false, false, false, false)),
        ("stack h2 plain", run("stack", true, false, false, false)),
        ("reqwest h1", run("reqwest", false, true, true, false)),
        ("reqwest h2", run("reqwest", true, true, true, false)),
        ("wiping h1", run("otp-hyper", false, true, true, true)),
        ("wiping h2", run("otp-hyper", true, true, true, true)),
        ("wiping reqwest h1", run("reqwest", false, true, true, true)),
    ] {
        let found = match driver::run(r, programs) {
            Ok(f) => f,
            Err(e) => {
                println!("{label}: {e}");
                continue;
            }
        };
        println!("== {label}");
        for (step, counts) in &found.steps {
            println!("  {step}: {counts:?}");
        }
        for left in &found.left {
            println!("    {left}");
        }
        rows.push((label, r, found));
    }
    println!("{}", driver::table(&rows));
    let _ = KINDS;
}
