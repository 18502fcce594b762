//! The page in a real browser, clicks and all: what it shows, and what the service received.
//!
//! They need Chromium and its driver, and the page as WebAssembly; `examples/browser/build-and-test` has all
//! of it and runs them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::net::TcpListener;
use std::time::Duration;

use otp_core::AuthToken;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Cors, Emulator};
use otp_example_browser::Site;

use self::support::{Fault, Faulty, Page};

const READ: &str = "GET /user/otp/recovery-codes";
const REGENERATE: &str = "POST /user/otp/recovery-codes";
const SMS: &str = "POST /user/otp/sms/receive";

/// An emulator that this site's page may call.
fn emulator(site: &Site) -> Emulator {
    Emulator::builder().plain().cors(Cors::origin(&site.origin()).unwrap()).start().unwrap()
}

fn against(emulator: &Emulator, site: Site) -> Page {
    Page::open(site, emulator.base_url(), emulator.token())
}

/// An answer without a body of its own.
fn status(line: &str) -> Fault {
    Fault::Answer(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n"))
}

#[test]
#[ignore = "needs Chromium"]
fn the_whole_story_by_clicks() {
    let site = Site::bind(0).unwrap();
    let emulator = emulator(&site);
    let page = against(&emulator, site);

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
    let service = Faulty::start(|_| Fault::None);
    let page = Page::of(&service);
    page.click("read");
    page.browser.click("reveal");
    let code = page.codes().remove(0);
    let html = "document.documentElement.outerHTML";
    assert!(page.browser.value(html).as_str().unwrap().contains(&code));
    page.browser.click("reveal");
    assert!(!page.browser.value(html).as_str().unwrap().contains(&code));
}

#[test]
#[ignore = "needs Chromium"]
fn a_wrong_code_is_refused_and_a_typing_error_is_not_even_sent() {
    let service = Faulty::start(|_| Fault::None);
    let page = Page::of(&service);
    page.verify("000000");
    page.assert_failed("not applied", "bad_request", &["OTP is invalid", "ask for a new one"]);
    assert_eq!(page.badge("status").as_deref(), Some("HTTP 400"));

    page.verify("12/34");
    page.assert_failed("not applied", "invalid_input", &["letters"]);
    assert_eq!(service.received(), ["POST /user/otp/verify/000000"]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_refused_token_is_named_and_the_next_one_works() {
    let site = Site::bind(0).unwrap();
    let emulator = emulator(&site);
    let page = Page::open(site, emulator.base_url(), AuthToken::new("revoked").unwrap());
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
    // A port that nobody listens to.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base_url = format!("http://{address}/metal/v1");
    let page = Page::open(Site::bind(0).unwrap(), base_url, AuthToken::new("token").unwrap());
    page.click("sms");
    page.assert_failed("unknown", "connection_lost", &["the browser does not tell", "phone"]);
    assert_eq!(page.badge("attempts").as_deref(), Some("1 attempt"));

    page.click("read");
    page.assert_failed("unknown", "connection_lost", &["after 3 attempts"]);
}

#[test]
#[ignore = "needs Chromium"]
fn reading_the_codes_outlives_a_service_that_is_briefly_unavailable() {
    let service = Faulty::start(|number| match number {
        0 | 1 => status("503 Service Unavailable"),
        _ => Fault::None,
    });
    let page = Page::of(&service);
    page.click("read");
    assert_eq!(page.codes().len(), 10);
    assert_eq!(page.badge("attempts").as_deref(), Some("3 attempts"));
    assert_eq!(service.received(), [READ; 3]);
}

#[test]
#[ignore = "needs Chromium"]
fn new_codes_that_perhaps_exist_take_the_old_ones_off_the_page() {
    let service = Faulty::start(|number| match number {
        1 => status("503 Service Unavailable"),
        _ => Fault::None,
    });
    let page = Page::of(&service);
    page.click("read");
    assert_eq!(page.codes().len(), 10);
    page.regenerate();
    page.assert_failed("unknown", "server", &["HTTP 503", "read the codes"]);
    assert_eq!(page.codes().len(), 0);
    assert_eq!(service.received(), [READ, REGENERATE]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_lost_reply_to_regenerate_says_the_codes_changed_and_reading_shows_them() {
    let service = Faulty::start(|number| match number {
        0 => Fault::LoseBody,
        _ => Fault::None,
    });
    let page = Page::of(&service);
    page.regenerate();
    page.assert_failed("applied", "connection_lost", &["find_recovery_codes"]);
    page.click("read");
    assert_eq!(page.codes().len(), 10);
    assert_eq!(service.received(), [REGENERATE, READ]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_slow_answer_ends_at_its_limit_and_the_browser_hangs_up() {
    let service = Faulty::start(|_| Fault::Silence);
    let limit = Some(Duration::from_millis(300));
    let token = service.fake().token().clone();
    let page = Page::open_with(Site::bind(0).unwrap(), service.base_url(), token, limit);
    page.click("sms");
    page.assert_failed("unknown", "timeout", &["look at the phone"]);
    service.wait_for_hang_up();
    assert_eq!(service.received(), [SMS]);
}

#[test]
#[ignore = "needs Chromium"]
fn who_gives_up_is_told_what_that_means_and_can_go_on() {
    let service = Faulty::start(|number| match number {
        0 => Fault::Silence,
        _ => Fault::None,
    });
    let page = Page::of(&service);
    page.browser.click("sms");
    page.browser.click("sms"); // an impatient second click is not a second SMS
    page.click("cancel");
    assert!(page.error().contains("may have acted"), "{}", page.error());
    service.wait_for_hang_up();
    page.click("read");
    assert_eq!(page.codes().len(), 10);
    assert_eq!(service.received(), [SMS, READ]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_captive_portal_never_reads_as_verified() {
    let service = Faulty::start(|_| {
        let page = "<h1>Welcome to our Wi-Fi</h1>";
        let length = page.len();
        Fault::Answer(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{page}"
        ))
    });
    let page = Page::of(&service);
    page.verify("123456");
    page.assert_failed("unknown", "decode", &["base URL"]);
    assert_eq!(page.browser.text("session"), "API key");
}

#[test]
#[ignore = "needs Chromium"]
fn a_rate_limit_says_when_to_come_back() {
    let service = Faulty::start(|_| status("429 Too Many Requests\r\nRetry-After: 7"));
    let page = Page::of(&service);
    page.click("sms");
    page.assert_failed("not applied", "rate_limited", &["repeat it after 7 s"]);
    assert_eq!(service.received(), [SMS]);
}

#[test]
#[ignore = "needs Chromium"]
fn a_service_that_lets_no_page_in_is_not_called() {
    let emulator = Emulator::builder().plain().start().unwrap();
    let page = against(&emulator, Site::bind(0).unwrap());
    page.click("sms");
    page.assert_failed("unknown", "connection_lost", &["CORS"]);
    assert_eq!(emulator.fake().sms_outbox().len(), 0);
}

#[test]
#[ignore = "needs Chromium"]
fn a_redirect_is_not_followed() {
    let service = Faulty::start(|_| {
        status("307 Temporary Redirect\r\nLocation: /metal/v1/user/otp/recovery-codes")
    });
    let page = Page::of(&service);
    page.click("sms");
    page.assert_failed("unknown", "transport", &["a redirect, which is not followed"]);
    assert_eq!(service.received(), [SMS]);
}

#[test]
#[ignore = "needs Chromium"]
fn an_answer_without_end_is_cut_off() {
    let service = Faulty::start(|_| Fault::Endless);
    let page = Page::of(&service);
    page.regenerate();
    page.assert_failed("applied", "response_too_large", &["limit"]);
    service.wait_for_hang_up();
    assert_eq!(service.received(), [REGENERATE]);
}

#[test]
#[ignore = "writes README's pictures: build-and-test --screenshots"]
fn pictures_for_the_readme() {
    let service = Faulty::start(|number| match number {
        3 => status("503 Service Unavailable"),
        _ => Fault::None,
    });
    let page = Page::of(&service);
    page.click("sms");
    page.verify(service.fake().last_sms().unwrap().otp.expose_secret());
    page.click("read");
    page.click("sms");
    page.assert_failed("unknown", "server", &[]);
    for (colours, file) in [("light", "screenshot.png"), ("dark", "screenshot-dark.png")] {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + file;
        std::fs::write(file, page.browser.picture(colours)).unwrap();
    }
}
