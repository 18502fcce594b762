//! One story in the three flavours, over the service in memory: a token that expires is refreshed from its file, a
//! listing is read page by page within one deadline, and every request is traced and signed, with a recorder below.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use otp_core::http::{HeaderValue, StatusCode};
use otp_core::secrecy::{ExposeSecret, SecretSlice};
use otp_core::{AuthToken, ClientBuilder, Effect, ErrorKind, OtpsClient};
use otp_example_larger_sdk::edits::{signed, traced};
use otp_example_larger_sdk::operations::FindProjects;
use otp_example_larger_sdk::{MetalApi, add_routes, blocking, local, mounted, settings};
use otp_mock::{CustomFault, Event, FakeOtps, Recorder, Reply, ScriptedTransport};
use pollster::block_on;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// Of `GET/metal/v1/user` with the key `key`, by OpenSSL.
const SIGNATURE: &str = "263a0978601e8f641bbfe85bbaf4a53a532360a3a92c476197776f44385009a6";

/// The client of a program that uses the SDK.
fn set_up<C>(builder: ClientBuilder<C>) -> ClientBuilder<C> {
    settings(builder)
        .edit_requests(traced(|| Some(HeaderValue::from_static(TRACE))))
        .edit_requests(signed(SecretSlice::from(b"key".to_vec())))
}

fn two_a_page() -> FindProjects {
    FindProjects { per_page: 2.try_into().ok(), ..FindProjects::default() }
}

fn write_token(service: &FakeOtps, file: &Path) {
    fs::write(file, format!("{}\n", service.issue_token().expose_secret())).unwrap();
}

/// Calls `find_user`, lets the token expire, and reads all projects. Both are given the transport and the file.
fn story(
    find_user_then_expire_then_read: impl FnOnce(Recorder<FakeOtps>, &Path, &dyn Fn()) -> Vec<String>,
) {
    let service = FakeOtps::builder().token_lifetime(Duration::from_secs(3600)).build();
    add_routes(&service, ["alpha", "beta", "gamma", "delta", "epsilon"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    write_token(&service, &file);
    let expire = || {
        service.advance(Duration::from_secs(3600));
        write_token(&service, &file);
    };
    let recorder = Recorder::new(service.clone());
    let names = find_user_then_expire_then_read(recorder.clone(), &file, &expire);

    assert_eq!(names, ["alpha", "beta", "gamma", "delta", "epsilon"]);
    // Of the four requests that acted, the second was refused first.
    let refused = Event::Refused(StatusCode::UNAUTHORIZED);
    let acted = Event::Acted;
    assert_eq!(service.journal().events(), [acted, refused, acted, acted, acted]);
    // The recorder saw both headers on each request, and hides them with all the rest.
    let recording = recorder.recording().to_string();
    assert_eq!(recording.matches(r#""traceparent": "[redacted]""#).count(), 5, "{recording}");
    assert_eq!(recording.matches(r#""x-signature": "secret-"#).count(), 5, "{recording}");
    for hidden in [SIGNATURE, TRACE, "per_page", "alpha", "user-1"] {
        assert!(!recording.contains(hidden), "{hidden}: {recording}");
    }
}

#[test]
fn on_a_runtime() {
    story(|transport, file, expire| {
        let credentials = otp_core::Credentials::from_fn(mounted(file.into()));
        let client = set_up(OtpsClient::builder(transport, credentials)).build().unwrap();
        block_on(async {
            assert_eq!(MetalApi::find_user(&client).await.unwrap().id, "user-1");
            expire();
            let mut names = Vec::new();
            let mut pages = client.call(two_a_page()).pages();
            while let Some(page) = pages.next_page().await.unwrap() {
                names.extend(page.projects.into_iter().map(|project| project.name));
            }
            names
        })
    });
}

#[test]
fn on_one_thread() {
    story(|transport, file, expire| {
        let credentials = otp_core::local::Credentials::from_fn(mounted(file.into()));
        let builder = otp_core::local::OtpsClient::builder(transport, credentials);
        let client = set_up(builder).build().unwrap();
        block_on(async {
            assert_eq!(local::MetalApi::find_user(&client).await.unwrap().id, "user-1");
            expire();
            let mut names = Vec::new();
            let mut pages = client.call(two_a_page()).pages();
            while let Some(page) = pages.next_page().await.unwrap() {
                names.extend(page.projects.into_iter().map(|project| project.name));
            }
            names
        })
    });
}

#[test]
fn without_async() {
    story(|transport, file, expire| {
        let credentials = otp_core::blocking::Credentials::from_fn(mounted(file.into()));
        let builder = otp_core::blocking::OtpsClient::builder(transport, credentials);
        let client = set_up(builder).build().unwrap();
        assert_eq!(blocking::MetalApi::find_user(&client).unwrap().id, "user-1");
        expire();
        let mut names = Vec::new();
        let mut pages = client.call(two_a_page()).pages();
        while let Some(page) = pages.next_page().unwrap() {
            names.extend(page.projects.into_iter().map(|project| project.name));
        }
        names
    });
}

#[test]
fn a_token_that_is_not_there_is_an_error_of_its_own() {
    let credentials = otp_core::Credentials::from_fn(mounted("no/such/file".into()));
    let client = OtpsClient::new(ScriptedTransport::expect_no_request(), credentials);
    let failed = block_on(MetalApi::find_user(&client)).unwrap_err();
    assert_eq!(failed.error().kind(), ErrorKind::Credentials);
    assert_eq!(failed.error().effect(), Effect::NotApplied);
}

#[test]
fn all_pages_share_one_deadline() {
    let service = FakeOtps::new();
    add_routes(&service, ["alpha", "beta", "gamma", "delta", "epsilon"]);
    let slow = CustomFault::after_acting("slow", |reply| reply.after(Duration::from_secs(4)));
    service.arm_custom(slow);
    let builder = OtpsClient::builder(service.clone(), service.token().clone());
    let client = settings(builder).build().unwrap();
    let started = service.date();
    block_on(async {
        let one_a_page = FindProjects { per_page: 1.try_into().ok(), ..FindProjects::default() };
        let mut pages = client.call(one_a_page).pages();
        for _ in 0..3 {
            assert_eq!(pages.next_page().await.unwrap().unwrap().projects.len(), 1);
        }
        let late = pages.next_page().await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Timeout);
    });
    let took = service.date().duration_since(started).unwrap();
    assert_eq!(took, Duration::from_secs(15), "the timeout of this SDK, for all pages together");
}

#[test]
fn the_signature_is_the_gateway_s_and_no_output_shows_it() {
    let echo = format!("bad signature {SIGNATURE}");
    let script = ScriptedTransport::failing(Reply::error(403, &echo));
    let recorder = Recorder::new(script.clone());
    let token = AuthToken::new("canary-t0ken").unwrap();
    let client = set_up(OtpsClient::builder(recorder.clone(), token)).build().unwrap();
    let failed = block_on(MetalApi::find_user(&client)).unwrap_err();

    let request = &script.requests()[0];
    let headers = request.as_http().headers();
    assert_eq!(headers["x-signature"], SIGNATURE);
    assert_eq!(headers["traceparent"], TRACE);
    let recording = recorder.recording().to_string();
    let texts =
        [format!("{failed} {failed:?}"), recording, format!("{request:?} {headers:?} {client:?}")];
    for text in texts {
        assert!(!text.contains(SIGNATURE) && !text.contains("canary"), "{text}");
    }
    assert_eq!(failed.error().messages(), ["bad signature [redacted]"]);
}
