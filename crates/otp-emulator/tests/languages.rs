//! The emulator through clients that know nothing of this SDK.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::process::Command;

use support::Program;

/// The program over TLS: its URL, the file of its CA, its token and the URL of its admin port.
fn start(name: &str) -> (Program, [String; 4]) {
    let ca_file =
        std::env::temp_dir().join(format!("otp-emulator-{name}-{}.pem", std::process::id()));
    let mut program = Program::start(&["--ca-file", ca_file.to_str().unwrap()]);
    let told = ["listening at", "CA file", "token", "status page"].map(|what| program.said(what));
    (program, told)
}

/// What this command prints; it must succeed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}{complained}");
    said.into_owned()
}

#[test]
#[ignore = "needs python3: .ci/run runs it"]
fn python_logs_in_recovers_and_meets_a_lost_reply() {
    let (_program, told) = start("python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/languages/login.py");
    let said = run(Command::new("python3").arg(script).args(&told));
    assert_eq!(said.trim(), "all as it should be");
    std::fs::remove_file(&told[1]).unwrap();
}

#[test]
#[ignore = "needs curl: .ci/run runs it"]
fn curl_logs_in_by_both_versions_of_http_as_help_says() {
    let (_program, [url, ca_file, token, admin]) = start("curl");
    for version in ["--http1.1", "--http2"] {
        let call = |path: &str| {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--show-error", "--fail", version, "--cacert", &ca_file]);
            curl.args(["-X", "POST", "-H", &format!("X-Auth-Token: {token}")]);
            run(curl
                .args(["-o", "-", "-w", "%{http_code} %{http_version}"])
                .arg(format!("{url}{path}")))
        };
        let sent = call("/user/otp/sms/receive");
        assert!(sent.starts_with("204 "), "{sent}");
        assert_eq!(sent.ends_with('2'), version == "--http2", "{sent}");
        let sms = run(Command::new("curl")
            .args(["--silent", "--fail"])
            .arg(format!("{admin}/sms/next?wait=5")));
        let sms: serde_json::Value = serde_json::from_str(&sms).unwrap();
        let verified = call(&format!("/user/otp/verify/{}", sms["otp"].as_str().unwrap()));
        assert!(verified.starts_with("204 "), "{verified}");
    }
    std::fs::remove_file(&ca_file).unwrap();
}
