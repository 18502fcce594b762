//! The page's server, which needs no browser.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use otp_core::AuthToken;
use otp_example_browser::{Prefill, Server, Site};
use ureq::Agent;
use ureq::http::Response;

const NAMES: [&str; 6] =
    ["index.html", "style.css", "icon.svg", "start.js", "page.js", "page_bg.wasm"];

/// A folder with everything that the page needs, and something that is nobody's business.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for name in NAMES.into_iter().chain(["secret.txt"]) {
        std::fs::write(folder.join(name), name).unwrap();
    }
    folder
}

fn serve(name: &str) -> Server {
    let token = AuthToken::new("an-emulators-token").unwrap();
    let base_url = "http://127.0.0.1:1/metal/v1".to_owned();
    let prefill = Prefill { base_url, token, attempt_timeout_ms: None };
    Site::bind(0).unwrap().serve(folder(name), &prefill).unwrap()
}

fn get(server: &Server, path: &str, host: Option<&str>) -> Response<ureq::Body> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("{}{path}", server.url()));
    match host {
        Some(host) => request.header("host", host),
        None => request,
    }
    .call()
    .unwrap()
}

#[test]
fn the_page_runs_nothing_but_its_own_files() {
    let server = serve("policy");
    let response = get(&server, "", None);
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    let directives: Vec<_> = policy.split("; ").collect();
    for directive in [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(directives.contains(&directive), "no {directive} in {policy}");
    }
}

#[test]
fn nothing_else_in_the_folder_is_handed_out() {
    let server = serve("others");
    for path in ["secret.txt", "index.html", "../Cargo.toml", "%2e%2e/Cargo.toml"] {
        assert_eq!(get(&server, path, None).status(), 404, "{path}");
    }
    for name in NAMES.into_iter().skip(1) {
        assert_eq!(get(&server, name, None).body_mut().read_to_string().unwrap(), name);
    }
}

#[test]
fn the_token_is_for_the_page_only() {
    let server = serve("token");
    let config = get(&server, "config.json", None).body_mut().read_to_string().unwrap();
    assert!(config.contains("an-emulators-token"), "{config}");

    // A page elsewhere, whose name was made to mean this machine.
    let mut stolen = get(&server, "config.json", Some("evil.example"));
    assert_eq!(stolen.status(), 421);
    assert_eq!(stolen.body_mut().read_to_string().unwrap(), "");
    assert_eq!(stolen.headers()["cross-origin-resource-policy"], "same-origin");
}

#[test]
fn a_page_that_was_not_built_says_how_to_build_it() {
    let token = AuthToken::new("token").unwrap();
    let prefill = Prefill { base_url: String::new(), token, attempt_timeout_ms: None };
    let error = Site::bind(0).unwrap().serve("/nowhere".into(), &prefill).unwrap_err();
    assert!(error.to_string().contains("build-and-test --build"), "{error}");
}
