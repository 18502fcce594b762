//! The page, clicks and all: what it shows, and what the service received.

use std::time::Duration;

use otp_conformance::hostile::{Ending, Fault, Reply, Server, Wire};
use otp_core::AuthToken;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::Emulator;
use otp_example_browser::Site;

use crate::browser::eventually;
use crate::opened::Page;

const READ: &str = "GET /metal/v1/user/otp/recovery-codes";
const REGENERATE: &str = "POST /metal/v1/user/otp/recovery-codes";
const SMS: &str = "POST /metal/v1/user/otp/sms/receive";

/// What arrived at a server, without preflights.
fn received(server: &Server) -> Vec<String> {
    let received = server.received();
    received.iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

fn status(status: u16) -> Fault {
    Fault::Answer(Reply::status(status))
}

fn two_codes() -> Fault {
    Fault::Answer(Reply::json(200, r#"{"recovery_codes":["aaaaa-bbbbb","ccccc-ddddd"]}"#))
}

#[test]
#[ignore = "needs Chromium"]
fn the_whole_story_by_clicks() {
    let (page, emulator) = Page::with_emulator();

    page.click("sms");
    assert_eq!(page.success(), "An SMS is on its way.");
    assert_eq!(page.badge("status").as_deref(), Some("HTTP 204"));
    let sms = emulator.fake().last_sms().unwrap();

    page.verify(sms.otp.expose_secret());
    assert_eq!(page.success(), "Verified.");
    assert_eq!(page.browser.text("session"), "Session");

    page.click("read");
    assert_eq!(page.codes(), ["•••••-•••••"; 10]);
    page.browser.click("reveal");
    let codes = page.codes();
    assert!(codes.iter().all(|code| code.len() == 11 && code.is_ascii()), "{codes:?}");
    page.browser.click("reveal");
    assert_eq!(page.codes(), ["•••••-•••••"; 10]);

    // Not by one click alone.
    page.browser.click("regenerate");
    page.browser.click("keep");
    page.click("read");
    page.browser.click("reveal");
    assert_eq!(page.codes(), codes);

    page.regenerate();
    page.browser.click("reveal");
    assert_eq!(page.codes().len(), 10);
    assert!(page.codes().iter().all(|code| !codes.contains(code)), "these are the old ones");

    assert_eq!(emulator.fake().sms_outbox().len(), 1);
    assert_eq!(page.browser.complaints(), Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium"]
fn a_masked_code_is_not_in_the_document() {
    let (page, _server) = Page::with_faults([two_codes()]);
    let in_document = |text| {
        let html = page.browser.value("document.documentElement.outerHTML");
        html.as_str().unwrap().contains(text)
    };
    page.click("read");
    assert!(!in_document("aaaaa-bbbbb"));
    page.browser.click("reveal");
    assert!(in_document("aaaaa-bbbbb"));
    page.browser.click("reveal");
    assert!(!in_document("aaaaa-bbbbb"));
}

#[test]
#[ignore = "needs Chromium"]
fn a_wrong_code_is_refused() {
    let (page, _emulator) = Page::with_emulator();
    page.verify("000000");
    page.assert_failed("not applied", "bad_request", &["OTP is invalid", "ask for a new one"]);
    assert_eq!(page.badge("status").as_deref(), Some("HTTP 400"));
    assert_eq!(page.browser.text("session"), "API key");
}

#[test]
#[ignore = "needs Chromium"]
fn what_cannot_be_a_code_is_not_even_sent() {
    let (page, server) = Page::with_faults([status(204)]);
    page.verify("12/34");
    page.assert_failed("not applied", "invalid_input", &["letters"]);
    assert_eq!(server.requests(), 0);
}

#[test]
#[ignore = "needs Chromium"]
fn a_refused_token_is_named_and_the_next_one_works() {
    let (page, emulator) = Page::with_emulator();
    page.browser.type_into("token", "revoked");
    page.click("sms");
    page.assert_failed("not applied", "unauthorized", &["check the auth token"]);

    page.browser.type_into("token", emulator.token().expose_secret());
    page.click("sms");
    assert_eq!(page.success(), "An SMS is on its way.");
    assert_eq!(emulator.fake().sms_outbox().len(), 1);
}

#[test]
#[ignore = "needs Chromium"]
fn a_service_that_is_down_may_have_sent_the_sms_for_all_a_browser_tells() {
    let (page, _server) = Page::with_faults([Fault::Refused]);
    page.click("sms");
    page.assert_failed("unknown", "connection_lost", &["the browser does not tell", "phone"]);
    assert_eq!(page.badge("attempts").as_deref(), Some("1 attempt"));

    page.click("read");
    page.assert_failed("unknown", "connection_lost", &["after 3 attempts"]);
}

#[test]
#[ignore = "needs Chromium"]
fn reading_the_codes_outlives_a_service_that_is_briefly_unavailable() {
    let (page, server) = Page::with_faults([status(503), status(503), two_codes()]);
    page.click("read");
    assert_eq!(page.codes().len(), 2);
    assert_eq!(page.badge("attempts").as_deref(), Some("3 attempts"));
    assert_eq!(received(&server), [READ; 3]);
}

#[test]
#[ignore = "needs Chromium"]
fn new_codes_that_perhaps_exist_take_the_old_ones_off_the_page() {
    let (page, server) = Page::with_faults([two_codes(), status(503)]);
    page.click("read");
    assert_eq!(page.codes().len(), 2);
    page.regenerate();
    page.assert_failed("unknown", "server", &["HTTP 503", "read the codes"]);
    assert_eq!(page.codes().len(), 0);
    assert_eq!(received(&server), [READ, REGENERATE]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_lost_reply_to_regenerate_says_the_codes_changed_and_reading_shows_them() {
    let (page, server) = Page::with_faults([Fault::Cut(200, Ending::Close), two_codes()]);
    page.regenerate();
    page.assert_failed("applied", "connection_lost", &["find_recovery_codes"]);
    page.click("read");
    assert_eq!(page.codes().len(), 2);
    assert_eq!(received(&server), [REGENERATE, READ]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_slow_answer_ends_at_its_limit_and_the_browser_hangs_up() {
    let wire = Wire::http1().in_the_clear().with_cors();
    let server = Server::start(wire, Fault::Silence);
    let (token, limit) = (AuthToken::new("token").unwrap(), Some(Duration::from_millis(1500)));
    let page = Page::open_with(Site::bind(0).unwrap(), server.base_url(), token, limit);
    page.click("sms");
    page.assert_failed("unknown", "timeout", &["look at the phone"]);
    eventually(|| server.abandoned() == 1);
    assert_eq!(received(&server), [SMS]);
}

#[test]
#[ignore = "needs Chromium"]
fn who_gives_up_is_told_what_that_means_and_can_go_on() {
    let (page, server) = Page::with_faults([Fault::Silence, two_codes()]);
    page.browser.click("sms");
    page.browser.click("sms"); // an impatient second click is not a second SMS
    eventually(|| server.requests() == 1);
    page.click("cancel");
    assert!(page.error().contains("may have acted"), "{}", page.error());
    eventually(|| server.abandoned() == 1);
    page.click("read");
    assert_eq!(page.codes().len(), 2);
    assert_eq!(received(&server), [SMS, READ]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_captive_portal_never_reads_as_verified() {
    let portal = Reply::status(200).header("content-type", "text/html").body("<h1>Welcome</h1>");
    let (page, _server) = Page::with_faults([Fault::Answer(portal)]);
    page.verify("123456");
    page.assert_failed("unknown", "decode", &["base URL"]);
    assert_eq!(page.browser.text("session"), "API key");
}

#[test]
#[ignore = "needs Chromium"]
fn a_rate_limit_says_when_to_come_back() {
    let limited = Reply::status(429).header("retry-after", "7");
    let (page, server) = Page::with_faults([Fault::Answer(limited)]);
    page.click("sms");
    page.assert_failed("not applied", "rate_limited", &["repeat it after 7 s"]);
    assert_eq!(received(&server), [SMS]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_service_that_lets_no_page_in_is_not_called() {
    let emulator = Emulator::builder().plain().start().unwrap();
    let page = Page::open(Site::bind(0).unwrap(), emulator.base_url(), emulator.token());
    page.click("sms");
    page.assert_failed("unknown", "connection_lost", &["CORS"]);
    assert_eq!(emulator.fake().sms_outbox().len(), 0);
}

#[test]
#[ignore = "needs Chromium"]
fn a_redirect_is_not_followed() {
    let elsewhere = Reply::status(307).header("location", "/metal/v1/elsewhere");
    let (page, server) = Page::with_faults([Fault::Answer(elsewhere), status(204)]);
    page.click("sms");
    page.assert_failed("unknown", "transport", &["a redirect, which is not followed"]);
    assert_eq!(received(&server), [SMS]);
}

#[test]
#[ignore = "needs Chromium"]
fn an_answer_without_end_is_cut_off() {
    let (page, server) = Page::with_faults([Fault::Endless { announced: false }]);
    page.regenerate();
    page.assert_failed("applied", "response_too_large", &["limit"]);
    assert_eq!(server.requests(), 1);
}

#[test]
#[ignore = "writes README's pictures: build-and-test --screenshots"]
fn pictures_for_the_readme() {
    let session = Reply::status(204).header("x-auth-token", "session");
    let codes = format!(r#"{{"recovery_codes":[{}]}}"#, [r#""aaaaa-bbbbb""#; 10].join(","));
    let codes = Fault::Answer(Reply::json(200, codes));
    let faults = [status(204), Fault::Answer(session), codes, status(503)];
    let (page, _server) = Page::with_faults(faults);
    page.click("sms");
    page.verify("123456");
    page.click("read");
    page.click("sms");
    page.assert_failed("unknown", "server", &[]);
    for (colours, file) in [("light", "screenshot.png"), ("dark", "screenshot-dark.png")] {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + file;
        std::fs::write(file, page.browser.picture(colours, 800)).unwrap();
    }
}
