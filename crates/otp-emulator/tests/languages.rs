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

/// The program without TLS, with this token, and an open end for wrong OTPs: the URL of the service.
fn start_plain(arguments: &[&str]) -> (Program, String) {
    let mut program = Program::start(&[&["--plain", "--token", "k3y"], arguments].concat());
    let url = program.said("listening at");
    (program, url)
}

#[test]
#[ignore = "needs python3 and PyPI: .ci/run runs it"]
fn schemathesis_finds_no_failure_of_the_service_with_all_checks() {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    // Otherwise most verifications would meet the lockout; a second run is for that.
    for lockout in ["1000000/1", "5/900"] {
        let (_program, url) = start_plain(&["--wrong-otps", lockout]);
        let said = run(Command::new(format!("{FOLDER}/languages/schemathesis.sh"))
            .args(["schemathesis-service.toml", &format!("{FOLDER}/metal-otps.openapi.json")])
            .args(["--url", &url, "--header", "X-Auth-Token: k3y", "--continue-on-failure"])
            .args(["--max-examples", "300", "--no-color"]));
        assert!(said.contains("Tested: 4"), "{said}");
    }
}

#[test]
#[ignore = "needs curl: .ci/run runs it"]
fn curl_takes_the_answers_to_head_in_both_versions_of_http() {
    let (_program, [url, ca_file, token, _]) = start("head");
    for version in ["--http1.1", "--http2"] {
        for path in ["/user/otp/recovery-codes", "/nowhere"] {
            let said = run(Command::new("curl")
                .args(["--silent", "--show-error", "--head", version, "--cacert", &ca_file])
                .args(["-H", &format!("X-Auth-Token: {token}")])
                .arg(format!("{url}{path}")));
            let status = if path == "/nowhere" { " 404" } else { " 405" };
            assert!(said.contains(status) && said.contains("content-length: "), "{said}");
        }
    }
    std::fs::remove_file(&ca_file).unwrap();
}

#[test]
#[ignore = "needs curl: .ci/run runs it"]
fn curl_sees_why_a_large_body_is_refused_in_both_versions_of_http() {
    let (_program, [url, ca_file, ..]) = start("large");
    let large = format!("{ca_file}.large");
    for size in [70_000, 2_000_000] {
        std::fs::write(&large, vec![b'a'; size]).unwrap();
        for version in ["--http1.1", "--http2"] {
            let said = run(Command::new("curl")
                .args(["--silent", "--show-error", version, "--cacert", &ca_file])
                .args(["--data-binary", &format!("@{large}"), "-w", " %{http_code}"])
                .arg(format!("{url}/user/otp/sms/receive")));
            assert_eq!(said, r#"{"error":"The body is too large"} 413"#, "{version} {size}");
        }
    }
    std::fs::remove_file(&large).unwrap();
    std::fs::remove_file(&ca_file).unwrap();
}

#[test]
#[ignore = "needs node: .ci/run runs it"]
fn node_is_answered_by_both_versions_of_http() {
    let (_program, told) = start("node");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/languages/versions.mjs");
    let said = run(Command::new("node").arg(script).args(&told));
    assert_eq!(said.trim(), "all as it should be");
    std::fs::remove_file(&told[1]).unwrap();
}
